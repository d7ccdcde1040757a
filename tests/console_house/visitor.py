"""A visitor without a browser: TLS by the console's own authority, cookies, forms, a telephone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import re
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.console_house.house import House

PASSWORD = "een lange zin over de regen"
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
PERIOD_S = 30
NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL: the house's clock is not the machine's."""


def totp(secret: str, *, at: float | None = None) -> str:
    """Return what an authenticator app shows (RFC 6238)."""
    counter = int((time.time() if at is None else at) // PERIOD_S)
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", counter), hashlib.sha1).digest()
    at_byte = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at_byte : at_byte + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


@cache
def _trusting(authority: Path, _as_of: int) -> ssl.SSLContext:
    """Return what trusts one authority, whatever the machine's own clock says."""
    context = ssl.create_default_context(cafile=authority)
    context.verify_flags |= NO_CHECK_TIME
    return context


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    text: str
    path: str

    @property
    def title(self) -> str:
        found = re.search(r"<title>([^<]*)</title>", self.text)
        return unescape(found[1]).split(" · ")[0] if found else ""

    @property
    def token(self) -> str:
        found = _TOKEN.search(self.text)
        assert found, f"{self.path}: no form"
        return found[1]


@dataclass
class Visitor:
    """One browser's session."""

    house: House
    cookies: dict[str, str] = field(default_factory=dict)
    secret: str = ""
    language: str = "en"
    used: set[str] = field(default_factory=set)
    address: str = "127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, without following where it leads."""
        site = self.house.site
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            site.console.port,
            context=self._trusting(),
            timeout=60,
            source_address=(self.address, 0),
        )
        origin = f"https://127.0.0.1:{site.console.port}"
        sent = {"Referer": origin + path, "Origin": origin, "Accept-Language": self.language}
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if fields is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        body = None if fields is None else urlencode(fields)
        try:
            connection.request(method, path, body=body, headers=sent | self.headers | dict(headers or {}))
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        for cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, rest = cookie.strip().partition("=")
            self.cookies[name] = rest.split(";")[0]
        return Answer(response.status, response.headers, text, path)

    def connected(self) -> ssl.SSLSocket:
        """Return a connection that says nothing yet."""
        plain = socket.create_connection(("127.0.0.1", self.house.site.console.port), timeout=60)
        return self._trusting().wrap_socket(plain, server_hostname="127.0.0.1")

    def _trusting(self) -> ssl.SSLContext:
        authority = self.house.site.data_dir / "console" / "authority.pem"
        return _trusting(authority, authority.stat().st_mtime_ns)

    def get(self, path: str) -> Answer:
        """Follow a link."""
        answer = self.ask("GET", path)
        for _ in range(5):
            if answer.status not in {301, 302}:
                return answer
            parts = urlsplit(urljoin(answer.path, answer.headers["Location"]))
            answer = self.ask("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        return answer

    def post(self, path: str, fields: Mapping[str, str], *, page: str | None = None) -> Answer:
        """Load a page, send its form, and follow where it leads."""
        token = self.get(page or path).token
        answer = self.ask("POST", path, {**fields, "csrfmiddlewaretoken": token})
        if answer.status in {301, 302}:
            return self.get(urljoin(path, answer.headers["Location"]))
        return answer

    def accept(self, link: str, *, password: str = PASSWORD) -> Answer:
        """Use an invitation."""
        return self.post(urlsplit(link).path, {"password": password, "again": password})

    def log_in(self, login: str, *, password: str = PASSWORD, code: str | None = None) -> Answer:
        """Log in; with the second factor where one is set up."""
        answer = self.post("/login/", {"login": login, "password": password})
        if answer.path.startswith("/login/code/"):
            answer = self.post("/login/code/", {"code": code or self.fresh_code()})
        return answer

    def fresh_code(self) -> str:
        """Return a code that was not used yet: each counts once, and a clock may be one period off."""
        while True:
            for periods in (0, 1, -1):
                code = totp(self.secret, at=time.time() + periods * PERIOD_S)
                if code not in self.used:
                    self.used.add(code)
                    return code
            time.sleep(1)

    def set_up_factor(self) -> Answer:
        """Scan the key, type what the telephone shows."""
        page = self.get("/account/factor/")
        found = re.search(r"<figcaption><code>([A-Z2-7]+)</code>", page.text)
        assert found, page.text
        self.secret = found[1]
        answer = self.ask(
            "POST", "/account/factor/", {"code": self.fresh_code(), "csrfmiddlewaretoken": page.token}
        )
        return self.get(answer.headers["Location"]) if answer.status == 302 else answer
