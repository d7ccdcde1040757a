"""The key of an incident: the recovery identity in its folder, encrypted to a passphrase.

Whoever goes on after `declare` types the passphrase, and not three cards with each command. It is kept only
if somebody asks for it, and goes when the incident is closed; see `0100-the-key-of-an-incident.md`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.incident_folder import FORMAT
from beamkeeper.app.jobs.incident_people import verify_passphrase
from beamkeeper.domain.codec import to_json
from beamkeeper.errors import ConfigError, IntegrityError, StorageFull
from beamkeeper.respond.incident import Deed
from beamkeeper.vault import RecoveryKeys, age

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.domain.audit import AuditRow

KEY: Final = "key.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKey:
    """What lies in the folder.

    Attributes
    ----------
    copy
        Folder of the copy of the vault that it opened when it was kept.
    sealed
        The recovery identity as an age file that a passphrase opens, in base64.
    """

    copy: str
    sealed: str


def verify_is_of(folder: IncidentFolder, opened: OpenedVault) -> None:
    """Refuse a copy that does not hold what the inventory was made of.

    Raises
    ------
    ConfigError
        It is another house's, or older than the one the incident was declared with.
    """
    persons = folder.inventory().persons
    entries = ((one.night, opened.vault.latest(one.pseudonym, night=one.night)) for one in persons)
    lost = sum(entry is None or entry.night != night for night, entry in entries)
    if lost:
        raise ConfigError(
            f"This copy lacks what the incident knows of {lost} of its {len(persons)} patients.",
            do_next="Take the copy of the vault that the incident was declared with.",
        )


def keep(
    folder: IncidentFolder, recovery: RecoveryKeys, copy: Path, passphrase: str, *, by: str, at: datetime
) -> AuditRow:
    """Keep the key, encrypted to a passphrase; one that was kept before is replaced.

    Raises
    ------
    ConfigError
        The passphrase is guessed too easily.
    StorageFull
        The folder cannot be written.
    """
    verify_passphrase(passphrase, "", by)
    sealed = age.seal_by_passphrase(recovery.identity.encode(), passphrase)
    value = KeptKey(copy=str(copy.absolute()), sealed=base64.b64encode(sealed).decode())
    data = json.dumps({"format": FORMAT, "value": to_json(value)}, ensure_ascii=False).encode()
    # The journal first: a file that it does not know counts for nothing.
    digest = hashlib.sha256(data).hexdigest()
    row = write(folder, Deed.KEY_KEPT, by=by, at=at, about=value.copy, sha256_of=digest)
    folder.keep(KEY, data)
    return row


def kept_key(folder: IncidentFolder) -> KeptKey | None:
    """Return what is kept; None where nothing is.

    Raises
    ------
    IntegrityError
        It is not what the journal speaks of.
    """
    if not (folder.path / KEY).exists():
        return None
    line = line_of(folder.journal.rows())
    try:
        return folder.kept_value(KEY, KeptKey, str(line.details["sha256_of"]) if line else "")
    except IntegrityError as error:
        raise IntegrityError(
            f"{KEY} of the incident is not the key that the journal speaks of.",
            do_next="Type the cards: --vault DIR --words. `beamkeeper incident key --forget` removes it.",
        ) from error


def line_of(rows: Sequence[AuditRow]) -> AuditRow | None:
    """Return the line by which a key is kept; None where none was, or it was removed."""
    lines = [row for row in rows if row.action in {Deed.KEY_KEPT, Deed.KEY_REMOVED}]
    return lines[-1] if lines and lines[-1].action == Deed.KEY_KEPT else None


def said_of_key(folder: IncidentFolder, rows: Sequence[AuditRow]) -> str:
    """Return in a sentence that a key is kept, also one that nobody can use; "" where none is."""
    if not (folder.path / KEY).exists():
        return ""
    line = line_of(rows)
    return (
        f"The key to the vault is kept in this folder, by {line.actor if line else 'nobody whom we know'}: "
        "whoever has it and the passphrase reads everything. `beamkeeper incident key --forget` removes it."
    )


def recovery_of(key: KeptKey, passphrase: str) -> RecoveryKeys:
    """Return the recovery keys.

    Raises
    ------
    KeyUnavailable
        Another passphrase.
    """
    identity = age.open_by_passphrase(base64.b64decode(key.sealed), passphrase)
    return RecoveryKeys.from_identity(identity.decode())


def remove(folder: IncidentFolder, *, by: str, at: datetime) -> bool:
    """Remove the key, also one that nobody can use; return whether there was one.

    Raises
    ------
    StorageFull
        The folder cannot be written.
    """
    try:
        (folder.path / KEY).unlink()
        handle = os.open(folder.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageFull(
            f"{KEY} cannot be removed from {folder.path}: {error.strerror}.",
            do_next="Remove it as the user that the folder belongs to.",
        ) from error
    write(folder, Deed.KEY_REMOVED, by=by, at=at)
    return True
