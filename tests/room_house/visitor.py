"""A visitor of the room without a browser: cookies and forms over plain HTTP on loopback."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

from tests.room_house.incident import PASSPHRASE
from tests.room_house.server import TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.room_house.server import Served

_FORM = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    text: str
    path: str

    @property
    def words(self) -> str:
        """The page as it is read, without its tags."""
        body = self.text.partition("<main")[2]
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


@dataclass
class Visitor:
    """One browser's session."""

    served: Served
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, without following where it leads."""
        connection = http.client.HTTPConnection("127.0.0.1", self.served.where.port, timeout=60)
        sent = {"Origin": f"http://127.0.0.1:{self.served.where.port}"}
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if fields is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        body = None if fields is None else urlencode(fields)
        try:
            connection.request(method, path, body=body, headers=sent | dict(headers or {}))
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, rest = cookie.strip().partition("=")
            self.cookies[name] = rest.split(";")[0]
        return Answer(response.status, response.headers, text, path)

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
        found = _FORM.search(self.get(page or path).text)
        assert found, f"{page or path}: no form"
        answer = self.ask("POST", path, {**fields, "csrfmiddlewaretoken": found[1]})
        if answer.status in {301, 302}:
            return self.get(urljoin(path, answer.headers["Location"]))
        return answer

    def open(self) -> Answer:
        """Use the printed address."""
        return self.post(f"/open/{TOKEN}/", {})

    def sign_in(self, login: str, passphrase: str = PASSPHRASE) -> Answer:
        """Come in, or act, with a passphrase."""
        return self.post("/door/", {"login": login, "passphrase": passphrase})
