"""The people of an incident: who may sign on its pages, each with a passphrase of their own.

They stand in a file of the incident's folder; a line of the journal carries the digest of each entry. An
entry that the journal does not know, or that was exchanged since, counts for nobody. Whoever may write to the
folder can admit people: it stands in the journal, where everybody sees it.

References
----------
RFC 9106 (Argon2), second recommended option.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.incident_folder import FORMAT
from beamkeeper.domain.codec import NotThisShapeError, canonical, from_json, to_json
from beamkeeper.errors import ConfigError, IntegrityError
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow

PEOPLE: Final = "people.json"
PEOPLE_MAX: Final = 500
FILE_BYTES_MAX: Final = 1 << 20
LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")
NAME_CHARACTERS_MAX: Final = 80
PASSPHRASE_CHARACTERS_MIN: Final = 12
PASSPHRASE_CHARACTERS_MAX: Final = 256
"""Longer ones only make hashing slow."""
DIFFERENT_CHARACTERS_MIN: Final = 5
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Duty(StrEnum):
    """What somebody does in the incident."""

    PHYSICIAN = "physician"
    PHYSICIST = "physicist"
    THERAPIST = "therapist"
    COORDINATOR = "coordinator"
    IT = "it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One person of an incident.

    Attributes
    ----------
    passphrase
        Argon2id of it, in the encoding of the reference implementation.
    """

    login: str
    name: str
    duty: Duty
    passphrase: str
    admitted_at: datetime

    @property
    def words(self) -> str:
        """How the journal names this person: name and duty."""
        return f"{self.name}, {self.duty.value}"


_hasher: Final = PasswordHasher()
_file_lock: Final = threading.Lock()


@cache
def _nobody() -> str:
    """Return what is checked for a login that is not there: the answer takes as long."""
    return _hasher.hash("nobody")


def admit(
    folder: IncidentFolder,
    login: str,
    *,
    name: str,
    duty: str,
    passphrase: str,
    by: str,
    at: datetime,
    signed: str = "",
) -> Member:
    """Let somebody sign from now on; the same login once more gives a new passphrase.

    Raises
    ------
    ConfigError
        No such duty, no name, a login or a passphrase that will not do, or too many people.
    """
    verify_passphrase(passphrase, login, name)
    if not LOGIN.fullmatch(login):
        raise ConfigError(f"{login!r} is no login.", do_next="Take 1 to 30 of a to z, 0 to 9, -.")
    if not name.strip() or len(name) > NAME_CHARACTERS_MAX or _CONTROLS.search(name):
        raise ConfigError(f"A name has 1 to {NAME_CHARACTERS_MAX} characters on one line.")
    if duty not in set(Duty):
        raise ConfigError(f"No duty is called {duty!r}.", do_next=f"There are {', '.join(Duty)}.")
    member = Member(
        login=login,
        name=name.strip(),
        duty=Duty(duty),
        passphrase=_hasher.hash(passphrase),
        admitted_at=at,
    )
    with _file_lock:
        others = [one for one in _kept(folder) if one.login != login]
        if len(others) >= PEOPLE_MAX:
            raise ConfigError(f"An incident has at most {PEOPLE_MAX} people.")
        # The journal first: an entry it does not know counts for nobody.
        write(
            folder,
            Deed.ADMITTED,
            by=by,
            at=at,
            about=login,
            said=member.words,
            sha256_of=_digest(member),
            signed=signed,
        )
        folder.keep_value(PEOPLE, (*others, member))
    return member


def dismiss(folder: IncidentFolder, login: str, *, by: str, at: datetime) -> None:
    """Let somebody sign no more; what they signed stays.

    Raises
    ------
    ConfigError
        Nobody has that login.
    """
    with _file_lock:
        everybody = _kept(folder)
        if login not in {one.login for one in everybody}:
            raise ConfigError(
                f"Nobody of the incident has the login {login!r}.", do_next="`beamkeeper incident people`."
            )
        write(folder, Deed.DISMISSED, by=by, at=at, about=login)
        folder.keep_value(PEOPLE, tuple(one for one in everybody if one.login != login))


def members(folder: IncidentFolder, rows: Sequence[AuditRow]) -> tuple[Member, ...]:
    """Return who may sign, by name: those whose entry is the one that the journal speaks of."""
    said = _said(rows)
    found = (one for one in _kept(folder) if said.get(one.login) == _digest(one))
    return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.login)))


def exchanged(folder: IncidentFolder, rows: Sequence[AuditRow]) -> tuple[str, ...]:
    """Return the logins whose entry is not the one that the journal speaks of: somebody changed the file."""
    said = _said(rows)
    return tuple(one.login for one in _kept(folder) if said.get(one.login) != _digest(one))


def proved(folder: IncidentFolder, rows: Sequence[AuditRow], login: str, passphrase: str) -> Member | None:
    """Return the person whose login and passphrase these are; None where they are nobody's."""
    member = next((one for one in members(folder, rows) if one.login == login), None)
    if len(passphrase) > PASSPHRASE_CHARACTERS_MAX:
        return None
    try:
        _hasher.verify(member.passphrase if member else _nobody(), passphrase)
    except (Argon2Error, InvalidHashError):
        return None
    return member


def verify_passphrase(passphrase: str, login: str, name: str) -> None:
    """Refuse what is guessed too easily.

    Raises
    ------
    ConfigError
        It will not do; the message says why, and never what it was.
    """
    if not PASSPHRASE_CHARACTERS_MIN <= len(passphrase) <= PASSPHRASE_CHARACTERS_MAX:
        raise ConfigError(
            f"A passphrase has {PASSPHRASE_CHARACTERS_MIN} to {PASSPHRASE_CHARACTERS_MAX} characters.",
            do_next="A short sentence is good.",
        )
    plain = passphrase.casefold()
    if len(set(plain)) < DIFFERENT_CHARACTERS_MIN or plain in {login.casefold(), name.casefold()}:
        raise ConfigError("That passphrase is guessed at once.", do_next="Take a short sentence.")


def _said(rows: Sequence[AuditRow]) -> dict[str, str]:
    """Return by login the digest of the entry that counts."""
    said: dict[str, str] = {}
    for row in rows:
        login = str(row.details.get("about", ""))
        if row.action == Deed.ADMITTED:
            said[login] = str(row.details.get("sha256_of", ""))
        elif row.action == Deed.DISMISSED:
            said.pop(login, None)
    return said


def _digest(member: Member) -> str:
    return hashlib.sha256(canonical(to_json(member)).encode()).hexdigest()


def _kept(folder: IncidentFolder) -> tuple[Member, ...]:
    path = folder.path / PEOPLE
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(FILE_BYTES_MAX))
        if document["format"] != FORMAT:
            raise NotThisShapeError(f"format {document['format']!r}")
        return from_json(tuple[Member, ...], document["value"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError(
            f"{PEOPLE} of the incident is not what was written.",
            do_next="Keep it as evidence under another name, and admit people anew: the journal goes on.",
        ) from error
