"""A page as HTML: one file that loads nothing and runs nothing."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

if TYPE_CHECKING:
    from beamkeeper.protect.lists.page import Page

_ENVIRONMENT = Environment(
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATE = _ENVIRONMENT.from_string(files(__package__).joinpath("list.html.j2").read_text(encoding="utf-8"))


def page_html(page: Page) -> str:
    """Return the page as one HTML file; the same page gives the same text."""
    total = sum(column.width for column in page.columns)
    return _TEMPLATE.render(page=page, widths=[100 * column.width / total for column in page.columns])
