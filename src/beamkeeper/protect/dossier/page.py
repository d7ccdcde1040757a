"""The dossier as one HTML file that needs nothing else: no script, no font, no request."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from beamkeeper.protect.dossier.sheet import Dossier

_STYLE = files(__package__).joinpath("dossier.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("beamkeeper.protect.dossier", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(kind=lambda block: type(block).__name__, drawing=_drawing)
    return environment


def content_security_policy() -> str:
    """Return the policy the page keeps to: its own style by digest, pictures inside it, nothing else."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def render_html(dossier: Dossier) -> str:
    """Return the page; the policy stands in it, so that a hostile name could do nothing even unescaped."""
    return (
        _environment()
        .get_template("dossier.html.j2")
        .render(dossier=dossier, who=dossier.identity, style=_STYLE, policy=content_security_policy())
    )


def _drawing(svg: bytes) -> str:
    """Return a picture as a `data:` address: inside `img` no script of an SVG ever runs."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
