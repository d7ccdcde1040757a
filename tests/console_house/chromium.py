"""A real browser on a served house: Debian's Chromium, which trusts the console's key and nothing else."""

from __future__ import annotations

import base64
import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from tests.console_house.house import House

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TABS_MAX = 120


@contextmanager
def chromium(executable: str, house: House) -> Iterator[Browser]:
    """Start a browser that accepts exactly this house's server key."""
    data = (house.site.data_dir / "console" / "server.pem").read_bytes()
    key = x509.load_pem_x509_certificate(data).public_key()
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(spki).digest()).decode()
    with chromium_with(executable, f"--ignore-certificate-errors-spki-list={pin}") as browser:
        yield browser


@contextmanager
def chromium_with(executable: str, *arguments: str) -> Iterator[Browser]:
    """Start a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", *arguments])
        yield browser
        browser.close()


def complaints(page: Page) -> list[str]:
    """Return what axe finds wrong with a page: the rule, and the elements."""
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
    )
    return [
        f"{item['id']}: {[node['target'] for node in item['nodes']]}: {item['nodes'][0]['failureSummary']}"
        for item in found["violations"]
    ]


def tab_to(page: Page, words: str) -> None:
    """Press Tab until what is focused says `words`, as somebody without a mouse does."""
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const e = document.activeElement;"
            " return (e.labels && e.labels[0] ? e.labels[0].innerText : '') + e.innerText; }"
        )
        if words in focused:
            assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    raise AssertionError(f"nobody without a mouse reaches {words!r}")
