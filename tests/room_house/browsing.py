"""A visitor's session in a real browser, which notes what it is asked for and what it complains of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from tests.room_house.visitor import Visitor

WIDE, PROJECTOR, NARROW, NARROWEST = 1280, 1920, 390, 320


def seen_by(browser: Browser, visitor: Visitor, width: int = WIDE, **more: object) -> tuple[Page, list[str]]:
    """Return a page with somebody's session, and what the browser asked of others or complained of."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **more)  # type: ignore[arg-type]
    base = visitor.served.where.address
    context.add_cookies(
        [{"name": name, "value": value, "url": base} for name, value in visitor.cookies.items()]
    )
    page = context.new_page()
    odd: list[str] = []
    page.on("request", lambda asked: None if asked.url.startswith((base, "data:")) else odd.append(asked.url))
    page.on("console", lambda said: odd.append(said.text) if "404" not in said.text else None)
    return page, odd
