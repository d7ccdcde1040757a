"""`[[sources]]` of the site file that are OIS databases: where they are, and what is asked of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from beamkeeper.app.site_values import Name
from beamkeeper.protect.ois_settings import AriaSettings, MosaiqSettings, RayCareSettings


class OisSection(BaseModel):
    """One OIS database to read the list from, whatever product keeps it.

    Attributes
    ----------
    unsafe_writable_login
        Accept a login that may write. The session is read-only all the same, and every report says so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    url: str
    secret: str = ""
    timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 60
    unsafe_writable_login: bool = False

    @field_validator("url")
    @classmethod
    def _an_address_without_password(cls, value: str) -> str:
        if "://" not in value:
            raise ValueError("write the database's address like postgresql://reader@host/ois")
        if urlsplit(value).password is not None:
            raise ValueError("take the password out, and name it as the source's `secret`")
        return value


class SqlSourceSection(OisSection):
    """A database that the site's own mapping explains."""

    kind: Literal["sql"]
    mapping: Path


class AriaSourceSection(AriaSettings, OisSection):
    """A Varian ARIA database: the mapping is shipped, the department's settings stand here."""

    kind: Literal["aria"]


class MosaiqSourceSection(MosaiqSettings, OisSection):
    """An Elekta MOSAIQ database: the mapping is shipped, the department's settings stand here."""

    kind: Literal["mosaiq"]


class RayCareSourceSection(RayCareSettings, OisSection):
    """Views or CSV reports of a RayCare department, with columns that are named for it."""

    kind: Literal["raycare"]
