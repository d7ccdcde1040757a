"""The dossier as one HTML file that needs nothing else: no script, no font, no request."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from beamkeeper.wire.paper.pages import environment, security_policy

if TYPE_CHECKING:
    from jinja2 import Template

    from beamkeeper.protect.dossier.sheet import Dossier

_STYLE = files(__package__).joinpath("dossier.css").read_text(encoding="utf-8")


@cache
def _template() -> Template:
    made = environment("beamkeeper.protect.dossier")
    made.globals.update(kind=lambda block: type(block).__name__, drawing=_drawing)
    return made.get_template("dossier.html.j2")


def render_html(dossier: Dossier) -> str:
    """Return the page; the same dossier gives the same text."""
    return _template().render(
        dossier=dossier, who=dossier.identity, style=_STYLE, policy=security_policy(_STYLE)
    )


def _drawing(svg: bytes) -> str:
    """Return a picture as a `data:` address: inside `img` no script of an SVG ever runs."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
