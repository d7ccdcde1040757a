"""The part of the site file that says who confirms the nights, and until when."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Login = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
MailAddress = Annotated[str, Field(max_length=254, pattern=r"^[^@\s<>,;:\"()\[\]\\]+@[A-Za-z0-9.-]+$")]


def _mailbox(address: str) -> str:
    """Return which mailbox an address means: "an+votes@x" is that of "an@x"."""
    name, _, host = address.casefold().partition("@")
    return f"{name.partition('+')[0]}@{host}"


class PersonSection(BaseModel):
    """Somebody of the department."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    login: Login
    name: Annotated[str, Field(min_length=1, max_length=80)]
    role: Literal["physicist", "physician", "therapist", "it", "auditor"]
    mail: MailAddress | Literal[""] = ""
    language: Literal["nl", "fr", "de", "en"] = "en"
    signing_key: Annotated[str, Field(pattern=r"^(|ssh-ed25519 [A-Za-z0-9+/=]{68}( .*)?)$")] = ""
    age_recipient: Annotated[str, Field(pattern=r"^(|age1[a-z0-9]{58})$")] = ""


class QuorumSection(BaseModel):
    """How many people confirm a night, until when, and who is called when they do not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    people_needed: Annotated[int, Field(ge=1, le=9)] = 2
    deadline: time = time(10, 0)
    remind_minutes: Annotated[int, Field(ge=1, le=240)] = 10
    escalate_minutes: Annotated[int, Field(ge=0, le=1440)] = 60
    recipients: tuple[Login, ...] = ()
    escalate_to: tuple[Login, ...] = ()
    ballot_folder: Path | None = None
    people: Annotated[tuple[PersonSection, ...], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _people_exist_once(self) -> QuorumSection:
        logins = [person.login for person in self.people]
        for what, values in (
            ("login", logins),
            ("mail address", [_mailbox(person.mail) for person in self.people if person.mail]),
            ("signing key", [key for person in self.people if (key := person.signing_key[:81])]),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"two people have the same {what}: one person never counts twice")
        if unknown := sorted({*self.recipients, *self.escalate_to} - set(logins)):
            raise ValueError(f"{', '.join(unknown)}: nobody of that login is among the people")
        voters = sum(person.role in {"physicist", "physician"} for person in self.people)
        if voters < self.people_needed:
            raise ValueError(f"{self.people_needed} people must confirm, and {voters} of these may vote")
        return self
