"""The part of the site file about the console: where its pages are, and how long a session lasts."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

NAMES_MAX = 16
_HostName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
    ),
]


class ConsoleSection(BaseModel):
    """The pages: off until somebody starts `beamkeeper console serve`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bind: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8443
    names: Annotated[tuple[_HostName, ...], Field(max_length=NAMES_MAX)] = ()
    idle_minutes: Annotated[int, Field(ge=1, le=120)] = 15
    session_hours: Annotated[int, Field(ge=1, le=24)] = 10
    invitation_hours: Annotated[int, Field(ge=1, le=24 * 14)] = 72

    @field_validator("bind")
    @classmethod
    def _an_address(cls, value: str) -> str:
        ipaddress.ip_address(value)
        return value

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every name and address the pages answer to, the first one for links."""
        bound = ipaddress.ip_address(self.bind)
        own = () if bound.is_unspecified else (str(bound),)
        return tuple(dict.fromkeys((*self.names, *own, "localhost", "127.0.0.1")))

    @property
    def address(self) -> str:
        """Where a person finds the pages."""
        host = self.hosts[0]
        shown = f"[{host}]" if ":" in host else host
        return f"https://{shown}:{self.port}/"
