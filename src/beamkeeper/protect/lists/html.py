"""A page as HTML: one file that loads nothing and runs nothing."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from beamkeeper.wire.paper.pages import environment, security_policy

if TYPE_CHECKING:
    from jinja2 import Template

    from beamkeeper.protect.lists.page import Page

_STYLE = files(__package__).joinpath("list.css").read_text(encoding="utf-8")


@cache
def _template() -> Template:
    return environment("beamkeeper.protect.lists").get_template("list.html.j2")


def page_html(page: Page) -> str:
    """Return the page as one HTML file; the same page gives the same text."""
    style = _STYLE + "".join(_widths(page))
    return _template().render(page=page, style=style, policy=security_policy(style))


def _widths(page: Page) -> list[str]:
    """Return how wide each column is: rules of the style, because attributes may bring none."""
    total = sum(column.width for column in page.columns)
    shares = (100 * column.width / total for column in page.columns)
    return [f"col:nth-child({place}) {{ width: {share:.2f}%; }}\n" for place, share in enumerate(shares, 1)]
