"""Placements in the folder of an incident: numbered drafts and versions, and what the journal says of them.

Nothing is overwritten: each draft and each version has a folder of its own, and a line of the journal with
the digests of its files. What people decided, announced and saw begin stands in the journal alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.incident_folder import FORMAT
from beamkeeper.app.jobs.placing_plans import KnownPlans
from beamkeeper.app.jobs.plans_that_hold import replaced_since
from beamkeeper.clock import local_date
from beamkeeper.domain.codec import NotThisShapeError, from_json
from beamkeeper.domain.words import plural
from beamkeeper.errors import BeamkeeperError, ConfigError, IntegrityError, StorageFull
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.placement import Instance, read_instance
from beamkeeper.respond.placement.drafting import Draft
from beamkeeper.respond.placement.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.demand import PlanDemand

PLACEMENT: Final = "placement"
PLANS: Final = f"{PLACEMENT}/plans.json"
PARTNERS, DRAFT, INSTANCE, VERSION = "partners.toml", "draft.json", "instance.json", "version.json"
MADE_BY: Final = (Deed.PLACED, Deed.PLACE_SET, Deed.PLACE_UNDONE)
STANDS_BY: Final = frozenset(
    {Deed.DRAFTED, *MADE_BY, Deed.ANNOUNCED, Deed.BEGUN, Deed.PACKED, Deed.SENT, Deed.RETURNED}
)
"""Lines on which the board of a placement depends (`standing`, `placing_since.away`); no other does."""
_BYTES_MAX: Final = 256 << 20
_NAMED_MAX: Final = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person put a patient somewhere."""

    machine: str
    first_on: date | None
    by: str
    reason: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A patient has begun somewhere, and had so many fractions there by the last word."""

    machine: str
    given: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where placements of an incident stand, by its journal.

    Attributes
    ----------
    drafts, versions
        By number: the digests of the files.
    decisions, begun
        By pseudonym.
    announced
        By pseudonym: the version of which a person was told.
    """

    drafts: dict[int, dict[str, str]] = field(default_factory=dict)
    versions: dict[int, dict[str, str]] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    announced: dict[str, int] = field(default_factory=dict)
    begun: dict[str, Begun] = field(default_factory=dict)
    plans_sha256: str = ""

    @property
    def draft(self) -> int:
        """The last draft.

        Raises
        ------
        ConfigError
            There is none yet.
        """
        if not self.drafts:
            raise ConfigError(
                "Nothing is drafted yet.", do_next="Begin with `beamkeeper placement draft --partners FILE`."
            )
        return max(self.drafts)

    @property
    def version(self) -> int:
        """The version that counts: the last one.

        Raises
        ------
        ConfigError
            There is none yet.
        """
        if not self.versions:
            raise ConfigError("Nobody is placed yet.", do_next="Run `beamkeeper placement solve`.")
        return max(self.versions)


def standing(rows: Iterable[AuditRow]) -> Standing:
    """Return where the placements of an incident stand."""
    found, plans = Standing(), ""
    for row in rows:
        said, patient = row.details, row.patient_pseudonym or ""
        if row.action == Deed.DRAFTED:
            found.drafts[_number(row, "draft")] = _digests(row)
            plans = _digests(row).get(PLANS, plans)
        if row.action in MADE_BY:
            found.versions[_number(row, "version")] = _digests(row)
        if row.action == Deed.PLACE_SET:
            found.decisions[patient] = Decision(
                machine=str(said.get("machine", "")),
                first_on=date.fromisoformat(str(said["from"])) if "from" in said else None,
                by=row.actor,
                reason=str(said.get("reason", "")),
                version=_number(row, "version"),
            )
        elif row.action == Deed.PLACE_UNDONE:
            found.decisions.pop(patient, None)
        elif row.action == Deed.ANNOUNCED:
            patients = said.get("patients")
            for one in patients if isinstance(patients, list) else []:
                found.announced[str(one)] = _number(row, "version")
        elif row.action == Deed.BEGUN:
            found.begun[patient] = Begun(machine=str(said["machine"]), given=int(str(said.get("given", 0))))
        elif row.action == Deed.RETURNED and said.get("is_last"):  # not treated there any more
            found.begun.pop(patient, None)
            found.announced.pop(patient, None)
    return Standing(
        drafts=found.drafts,
        versions=found.versions,
        decisions=found.decisions,
        announced=found.announced,
        begun=found.begun,
        plans_sha256=plans,
    )


def _number(row: AuditRow, what: str) -> int:
    return int(str(row.details[what]))


def _digests(row: AuditRow) -> dict[str, str]:
    said = row.details.get("sha256_of")
    return {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}


class PlacementFolder:
    """The placements of one incident on a disk.

    Parameters
    ----------
    incident
        Its folder.
    """

    def __init__(self, incident: IncidentFolder) -> None:
        self.incident = incident

    def standing(self) -> Standing:
        """Return where they stand; the whole journal is checked."""
        return standing(self.incident.journal.rows())

    def today(self, now: datetime) -> date:
        """Return the day it is where the incident is: nobody gets a place on one before it."""
        return local_date(now, ZoneInfo(self.incident.incident().time_zone))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nobody else make a version meanwhile: two people may work on one laptop.

        Raises
        ------
        StorageFull
            The folder cannot be written.
        """
        root = self.incident.path / PLACEMENT
        try:
            root.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise _no_folder(root, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def new(self, kind: str) -> tuple[int, str]:
        """Return the next number of a kind, "draft" or "version", and its folder, which is made now.

        Raises
        ------
        StorageFull
            It cannot be made.
        """
        root = self.incident.path / PLACEMENT
        try:
            root.mkdir(mode=0o700, exist_ok=True)
            while True:
                named = (path.name.rpartition("-")[2] for path in root.glob(f"{kind}-*"))
                number = max((int(name) for name in named if name.isdecimal()), default=0) + 1
                try:
                    (root / f"{kind}-{number}").mkdir(mode=0o700)
                except FileExistsError:  # somebody else was quicker: the next number
                    continue
                return number, f"{PLACEMENT}/{kind}-{number}"
        except OSError as error:
            raise _no_folder(root, error) from error

    def draft(self, stand: Standing, number: int) -> tuple[Draft, Instance]:
        """Return a draft and its instance, as they were written.

        Raises
        ------
        ConfigError
            There is no such draft.
        IntegrityError
            It is not what was written.
        """
        name = f"{PLACEMENT}/draft-{number}/{INSTANCE}"
        return self.drafted(stand, number), self._instance(name, stand.drafts[number])

    def drafted(self, stand: Standing, number: int) -> Draft:
        """Return a draft without its instance, which takes longest to read; raises as `draft`."""
        self._verify_known("draft", stand.drafts, number)
        return self._value(f"{PLACEMENT}/draft-{number}/{DRAFT}", stand.drafts[number], Draft)

    def placed(self, stand: Standing, number: int) -> Version:
        """Return a version without what it was made from; raises as `draft`."""
        self._verify_known("version", stand.versions, number)
        return self._value(f"{PLACEMENT}/version-{number}/{VERSION}", stand.versions[number], Version)

    def version(self, stand: Standing, number: int) -> tuple[Version, Instance]:
        """Return a version and what it was made from, decisions included; raises as `draft`."""
        name = f"{PLACEMENT}/version-{number}/{INSTANCE}"
        return self.placed(stand, number), self._instance(name, stand.versions[number])

    @staticmethod
    def _verify_known(kind: str, known: Mapping[int, object], number: int) -> None:
        if number not in known:
            raise ConfigError(
                f"There is no {kind} {number}.", do_next="`beamkeeper placement show` names all."
            )

    def outdated(self, draft: int) -> frozenset[str]:
        """Return of whom other plans hold than when a draft was made: it says nothing of them any more."""
        rows = self.incident.journal.rows()
        made = [row for row in rows if row.action == Deed.DRAFTED and _number(row, "draft") == draft]
        return replaced_since(rows, made[-1].sequence) if made else frozenset()

    def verify_drafted(self, draft: int, patients: Iterable[str] | None = None) -> None:
        """Refuse what would be done by a draft from before people said which plan of somebody holds.

        Parameters
        ----------
        patients
            Whom it would be done to; None for everybody of the draft.

        Raises
        ------
        ConfigError
            Another plan of one of them holds now.
        """
        found = self.outdated(draft)
        if named := sorted(found if patients is None else found & set(patients)):
            raise drafted_before(draft, named)

    def partners_text(self, stand: Standing, number: int) -> str:
        """Return the partners' file of a draft; raises as `draft`."""
        name = f"{PLACEMENT}/draft-{number}/{PARTNERS}"
        return self._verified(name, stand.drafts[number]).decode()

    def keep_instance(self, name: str, instance: Instance) -> bytes:
        """Write an instance; return the bytes."""
        data = instance.model_dump_json(by_alias=True, exclude_defaults=True).encode()
        self.incident.keep(name, data)
        return data

    def known_plans(self, stand: Standing) -> dict[str, PlanDemand]:
        """Return what is known of plans already; nothing where the file is not what was written."""
        try:
            known = self._value(PLANS, {PLANS: stand.plans_sha256}, KnownPlans)
        except IntegrityError:
            return {}
        return dict(known.demands)

    def _instance(self, name: str, digests: dict[str, str]) -> Instance:
        data = self._verified(name, digests)
        try:
            return read_instance(data, is_json=True)
        except ConfigError as error:
            raise _changed(name) from error

    def _value(self, name: str, digests: dict[str, str], kind: type[T]) -> T:
        try:
            document = json.loads(self._verified(name, digests))
            if document["format"] != FORMAT:
                raise NotThisShapeError(f"format {document['format']!r}")
            return from_json(kind, document["value"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _changed(name) from error

    def _verified(self, name: str, digests: dict[str, str]) -> bytes:
        try:
            with (self.incident.path / name).open("rb") as file:
                data = file.read(_BYTES_MAX)
        except OSError as error:
            raise IntegrityError(
                f"{name} of the incident cannot be read: {error.strerror}.",
                do_next="Look at the disk; a copy of the folder will do.",
            ) from error
        if hashlib.sha256(data).hexdigest() != digests.get(name):
            raise _changed(name)
        return data


def drafted_before(draft: int, patients: Sequence[str]) -> ConfigError:
    """Return what is said of patients whose draft is of the plan before."""
    more = f" and {len(patients) - _NAMED_MAX} more" if len(patients) > _NAMED_MAX else ""
    named, whom = ", ".join(one[:10] for one in patients[:_NAMED_MAX]), plural(len(patients), "patient")
    return ConfigError(
        f"Which plan holds was said of {whom} ({named}{more}) after draft {draft} was made: machines, "
        "fractions and days there are of the plan before.",
        do_next="Draft again, then solve: `beamkeeper placement draft`, `placement solve`. Announced places "
        "are kept.",
    )


def _no_folder(root: Path, error: OSError) -> StorageFull:
    return StorageFull(
        f"The folder {root} cannot be written: {error.strerror}.",
        do_next="Make room, or take a copy of the incident's folder where there is.",
    )


def _changed(name: str) -> BeamkeeperError:
    return IntegrityError(
        f"{name} of the incident is not what was written.",
        do_next="Keep it as evidence, and draft and solve again: the earlier versions stay.",
    )
