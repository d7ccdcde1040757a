"""A web hook: one POST to a gateway that turns it into a text message, a page or a call.

References
----------
RFC 9110 (HTTP semantics)
"""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass, field
from string import Template
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from beamkeeper.errors import ConfigError, SourceUnavailable
from beamkeeper.wire.alerting.channel import SEND_S_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from beamkeeper.wire.alerting.channel import Alert

ANSWER_BYTES_MAX: Final = 64 << 10
_TAKEN: Final = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookChannel:
    """One gateway.

    Attributes
    ----------
    url
        https://…; http:// only where the site file says so by its own name.
    fields
        What the gateway wants, by its names for it; "$text", "$kind", "$night", "$site", "$at" are
        filled in.
    as_form
        Send the fields as a form instead of JSON.
    secret_header, secret
        Name of the header that proves who we are, and its value; "" for none.
    """

    name: str
    url: str
    fields: Mapping[str, str]
    as_form: bool = False
    secret_header: str = ""
    secret: str = field(default="", repr=False)
    ca_file: Path | None = None
    answer_s_max: float = SEND_S_MAX

    def send(self, alert: Alert) -> None:
        """POST the alert; any 2xx is "taken", everything else is not. Redirects are not followed.

        Raises
        ------
        SourceUnavailable
            No connection, certificate not trusted, no answer in time, or another answer than 2xx.
        """
        body, kind = self._body(alert)
        headers = {"Content-Type": kind, "User-Agent": "beamkeeper"}
        if self.secret_header:
            headers[self.secret_header] = self.secret
        parts = urlsplit(self.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = self._connection()
        try:
            connection.request("POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read(ANSWER_BYTES_MAX)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._failed(_why(error)) from error
        finally:
            connection.close()
        if answer.status not in _TAKEN:
            raise self._failed(f"it answered {answer.status}")

    def reach(self) -> None:
        """Connect, with TLS where the address says so, and ask for nothing.

        Raises
        ------
        SourceUnavailable
            No connection, or the certificate is not trusted.
        """
        connection = self._connection()
        try:
            connection.connect()
        except (OSError, ValueError) as error:
            raise self._failed(_why(error)) from error
        finally:
            connection.close()

    def _body(self, alert: Alert) -> tuple[bytes, str]:
        known = {
            "text": alert.text,
            "kind": alert.kind,
            "night": alert.night,
            "site": alert.site,
            "at": alert.at.isoformat(timespec="seconds"),
        }
        filled = {name: Template(value).safe_substitute(known) for name, value in self.fields.items()}
        if self.as_form:
            return urlencode(filled).encode(), "application/x-www-form-urlencoded"
        return json.dumps(filled, ensure_ascii=False).encode(), "application/json; charset=utf-8"

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, parts.port, timeout=self.answer_s_max)
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"The certificate authority of the alert channel {self.name} is missing or not valid PEM.",
                do_next="Check its ca_file in the site file.",
            ) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return http.client.HTTPSConnection(host, parts.port, timeout=self.answer_s_max, context=context)

    def _failed(self, why: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"The alert channel {self.name} did not take it: {why}.",
            do_next="Try `beamkeeper alert test`; ask who runs the gateway.",
        )


def _why(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"the gateway's certificate is not trusted ({error.verify_message})"
        case TimeoutError():
            return "the gateway did not answer in time"
        case OSError() if error.strerror:
            return error.strerror
    return f"the gateway broke off ({type(error).__name__})"
