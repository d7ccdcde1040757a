"""What stands around every page, whoever serves it: headers for browsers, and names that read as written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.http import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

    Answer = Callable[[HttpRequest], HttpResponseBase]

CONTENT_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""No script at all, no inline style; the only data: picture is the code for a second factor."""
PAGE: Final = "text/html"
TURNS: Final = dict.fromkeys(
    map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"), "\ufffd"
)
"""Marks of the direction of writing (Unicode, UAX 9); nothing of ours has one."""
FEATURES_OFF: Final = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def headers(get_response: Answer) -> Answer:
    """Say to browsers what a page may load (nothing but our own), and that nothing is kept."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        response.headers.setdefault("Permissions-Policy", FEATURES_OFF)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "DENY")
        if not request.path_info.startswith("/static/"):
            response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def plain_direction(get_response: Answer) -> Answer:
    """Show marks that turn the writing round: a name with one could be read as somebody else's."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if isinstance(response, HttpResponse) and response.headers.get("Content-Type", "").startswith(PAGE):
            response.content = response.content.decode().translate(TURNS).encode()
        return response

    return middleware
