"""The folder of an incident: what was declared, the inventory, the journal, what people printed.

It names patients: keep it as a chart is kept. Every file but the journal is written once and read strictly.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar, cast

from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.domain.codec import NotThisShapeError, from_json, to_json
from beamkeeper.errors import ConfigError, IntegrityError, StorageFull
from beamkeeper.respond.incident.checklist import Step, steps
from beamkeeper.respond.incident.incident import Deed, Incident
from beamkeeper.respond.incident.inventory import Inventory, Overview
from beamkeeper.respond.incident.journal import Journal
from beamkeeper.respond.incident.lines import understood

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from beamkeeper.domain.audit import AuditRow

FORMAT: Final = 1
INCIDENT, JOURNAL, CHECKLIST = "incident.json", "journal.jsonl", "checklist.toml"
INVENTORY, OVERVIEW = "inventory.json", "overview.json"
_BYTES_MAX: Final = 1 << 30

T = TypeVar("T")


class IncidentFolder:
    """One incident on a disk.

    Parameters
    ----------
    path
        The folder.
    """

    _parsed_before: ClassVar[dict[str, tuple[str, object]]] = {}
    """The last of each list that was read, by its digest: a command asks several times, and it takes long."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = Journal(path / JOURNAL, understood)

    @staticmethod
    def create(path: Path) -> IncidentFolder:
        """Return the folder, made for its owner alone.

        Raises
        ------
        ConfigError
            There is an incident in it already. One whose lists were never finished is gone on with.
        StorageFull
            It cannot be made.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageFull(
                f"The folder {path} cannot be made: {error.strerror}.", do_next="Name another one."
            ) from error
        folder = IncidentFolder(path)
        if folder.listed() is not None:
            raise ConfigError(
                f"{path} holds an incident already.",
                do_next="Go on with it: `beamkeeper incident show`; or name another folder.",
            )
        return folder

    @staticmethod
    def open(path: Path) -> IncidentFolder:
        """Return the folder of an incident that was declared.

        Raises
        ------
        ConfigError
            There is none in it.
        """
        if not (path / INCIDENT).is_file():
            raise ConfigError(
                f"{path} holds no incident.",
                do_next="Name the folder that `beamkeeper declare` made, or declare.",
            )
        return IncidentFolder(path)

    def keep(self, name: str, data: bytes) -> None:
        """Write a file of the folder, whole or not at all.

        Raises
        ------
        StorageFull
            No room, or no right to write.
        """
        write_whole(self.path.joinpath(*name.split("/")), data)

    def keep_value(self, name: str, value: object) -> bytes:
        """Write a domain value as JSON; return the bytes."""
        data = json.dumps({"format": FORMAT, "value": to_json(value)}, ensure_ascii=False).encode()
        self.keep(name, data)
        return data

    def kept_value(self, name: str, kind: type[T], sha256: str) -> T:
        """Return a value that `keep_value` wrote, if it is the one that the journal speaks of.

        Raises
        ------
        IntegrityError
            It is not, or cannot be read.
        """
        return self._parsed(name, self.kept_bytes(name, sha256), kind)

    def kept_bytes(self, name: str, sha256: str) -> bytes:
        """Return a file of the folder, if its digest is that one; raises as `kept_value`."""
        data = self._read(name)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise _not_as_written(name)
        return data

    def incident(self) -> Incident:
        """Return what was declared."""
        return self._parsed(INCIDENT, self._read(INCIDENT), Incident)

    def listed(self) -> dict[str, str] | None:
        """Return the digests of inventory and overview by the journal; None while the lists are not made."""
        return listed(self.journal.rows())

    def overview(self) -> Overview:
        """Return what is asked of the inventory every minute; raises as `inventory` does."""
        return self._listed(OVERVIEW, Overview)

    def inventory(self) -> Inventory:
        """Return who is on treatment, by the copy that was chosen.

        Raises
        ------
        ConfigError
            The lists were never finished.
        IntegrityError
            It is not the inventory that the journal speaks of.
        """
        return self._listed(INVENTORY, Inventory)

    def _listed(self, name: str, kind: type[T]) -> T:
        digests = self.listed()
        if digests is None:
            raise ConfigError(
                f"The lists of the incident in {self.path} were not finished.",
                do_next="Run `beamkeeper declare` again with the same --out: the journal goes on.",
            )
        data = self._read(name)
        digest = hashlib.sha256(data).hexdigest()
        if digest != digests.get(name):
            raise _not_as_written(name)
        before = self._parsed_before.get(name)
        if before is None or before[0] != digest:
            before = self._parsed_before[name] = digest, self._parsed(name, data, kind)
        return cast("T", before[1])

    def steps(self) -> tuple[Step, ...]:
        """Return the checklist that was chosen."""
        return steps(self._read(CHECKLIST).decode())

    @staticmethod
    def _parsed(name: str, data: bytes, kind: type[T]) -> T:
        try:
            document = json.loads(data)
            if document["format"] != FORMAT:
                raise NotThisShapeError(f"format {document['format']!r}")
            return from_json(kind, document["value"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _not_as_written(name) from error

    def _read(self, name: str) -> bytes:
        try:
            with (self.path / name).open("rb") as file:
                return file.read(_BYTES_MAX)
        except OSError as error:
            raise IntegrityError(
                f"{name} of the incident cannot be read: {error.strerror}.",
                do_next="Look at the disk; a copy of the folder will do.",
            ) from error
        except ValueError as error:  # a name with a zero in it: no file has one
            raise _not_as_written(repr(name)) from error


def listed(rows: Sequence[AuditRow]) -> dict[str, str] | None:
    """Return the digests of inventory and overview by a journal; None while the lists are not made."""
    said = [row.details.get("sha256_of") for row in rows if row.action == Deed.LISTED]
    return dict(said[-1]) if said and isinstance(said[-1], dict) else None


def _not_as_written(name: str) -> IntegrityError:
    return IntegrityError(
        f"{name} of the incident is not what was written.",
        do_next="Keep it as evidence; declare again in a new folder, and write down why.",
    )
