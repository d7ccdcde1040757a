"""The partner of a drill: a desk, an Orthanc, a machine, a network and numbers of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from pydicom import dcmread

from beamkeeper.rehearse.sim.patients import session_time, treatment_of
from beamkeeper.rehearse.sim.records import records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from beamkeeper.app.drill.house import House
    from beamkeeper.app.drill.truth import Truth
    from beamkeeper.protect.lists import Person
    from beamkeeper.rehearse.sim.records import Session

NAME: Final = "AZ Noord"
AE_TITLE: Final = "NOORD"
STOPPED: Final = 20
"""Exit status of a report in which something has to be settled first."""
BY: Final = ("--by", "partner")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A patient who was taken in.

    Attributes
    ----------
    known_as
        The number here.
    plan_uids
        Plans that were sent to be treated on.
    sessions
        (day, plan, fraction, whether only its rest) as the sender dated them; () where the sender does not
        know which plan is valid: then somebody phones.
    comes_at
        When each of them begins, in order.
    is_stopped
        Whether the import report has something that must be settled before treating.
    """

    bundle_id: str
    known_as: str
    plan_uids: frozenset[str]
    sessions: tuple[tuple[date, str, int, bool], ...]
    comes_at: tuple[datetime, ...]
    is_stopped: bool


class Partner:
    """The partner's house, once its process runs.

    Parameters
    ----------
    line
        File of the place by which bundles come and go: a folder of the disk.
    """

    def __init__(self, house: House, line: Path) -> None:
        self._house, self._line, self._desk = house, line, ("--desk", house.folder / "desk")
        self._exported = house.folder / "exported"
        self._systems = house.folder / "systems.toml"

    @property
    def card(self) -> Path:
        """The file to give to others."""
        return self._house.folder / "desk" / "card.json"

    def opens(self, at: datetime) -> str:
        """Start archive and OIS and make the desk; return the number to read aloud."""
        port = self._house.starts_archive(self._house.folder / "archive", AE_TITLE)
        self._systems.write_text(
            f'[[dicom]]\nname = "ois"\nkind = "dicom"\nae_title = "{AE_TITLE}"\nhost = "127.0.0.1"\n'
            f'port = {port}\n[[hl7]]\nname = "schedule"\nhost = "127.0.0.1"\n'
            f"port = {self._house.starts_ois()}\n",
            encoding="utf-8",
        )
        number: str = self._house.told("desk", "init", "--name", NAME, *self._desk, at=at)["number"]
        return number

    def trusts(self, card: Path, number: str, at: datetime) -> None:
        """Take the card of the other house, its number compared."""
        self._house.type("desk", "trust", card, "--number", number, *self._desk, at=at)

    def fetches(self, at: datetime) -> tuple[Path, ...]:
        """Take the bundles out of the place; return their folders."""
        found = self._house.told("desk", "fetch", "--place", self._line, *self._desk, at=at)
        return tuple(self._house.folder / "desk" / "in" / one for one in found["fetched"])

    def takes_in(self, bundle: Path, number: int, at: datetime) -> tuple[str, Guest]:
        """Receive, check and import one patient; return the sender's pseudonym and who it is here."""
        known_as = f"N-{20000 + number}"
        take_in = ("receive", bundle, "--known-as", known_as, "--json")
        judged, said = self._house.type(*take_in, *BY, *self._desk, at=at, ends=(0, STOPPED))
        manifest: dict[str, Any] = json.loads(said)["manifest"]
        bundle_id = manifest["bundle_id"]
        self._house.type("desk", "import", bundle_id, "--systems", self._systems, *BY, *self._desk, at=at)
        sent = {one["sop_instance_uid"] for one in manifest["packed"] if one["role"] == "dicom"}
        if self._house.held(known_as) != sent:
            raise LookupError(f"the partner's archive does not hold under {known_as} what was sent")
        return manifest["pseudonym"], Guest(
            bundle_id=bundle_id,
            known_as=known_as,
            plan_uids=frozenset(one["plan_uid"] for one in manifest["plans"]),
            sessions=tuple(map(_session, manifest["sessions"])),
            comes_at=tuple(
                datetime.fromisoformat(one["starts_at"]) for one in manifest["sessions"] if one["starts_at"]
            ),
            is_stopped=judged == STOPPED,
        )

    def booked_wrongly(self, guests: Iterable[Guest]) -> Iterator[str]:
        """Yield where the OIS does not hold exactly the sessions that were sent."""
        schedule = self._house.schedule()
        yield from schedule.refused
        stand: dict[str, list[datetime]] = {}
        for one in schedule.booked.values():
            stand.setdefault(one.patient_id, []).append(datetime.strptime(one.starts_at, "%Y%m%d%H%M%S%z"))
        for guest in guests:
            found = sorted(stand.pop(guest.known_as, []))
            if found != sorted(guest.comes_at) or len(found) != len(guest.sessions):
                yield f"{guest.known_as}: {len(found)} appointments for {len(guest.sessions)} sessions"
            if not schedule.documents.get(guest.known_as):
                yield f"{guest.known_as}: no letter in the OIS"
        yield from (f"{number}: appointments of nobody who came" for number in stand)
        comes: dict[str, set[str]] = {}
        for one in schedule.booked.values():  # two plans of one visit are two appointments of one patient
            comes.setdefault(f"{one.machine} {one.starts_at}", set()).add(one.patient_id)
        yield from (f"{where}: {len(who)} patients" for where, who in comes.items() if len(who) > 1)

    def treats(self, guest: Guest, truth: Truth, person: Person, session: Session) -> None:
        """Let the machine give a session: its records are in the archive then, under the number here."""
        patient = truth.patient(person)
        treated_at = session_time(patient, session, truth.month.zone)
        folder = self._house.folder / "machine" / guest.known_as
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for uid, data in records(patient, treatment_of(patient, session), session, treated_at):
            record = dcmread(BytesIO(data))
            record.PatientID = guest.known_as
            record.TreatmentMachineSequence[0].TreatmentMachineName = "NOORD1"
            record.TreatmentMachineSequence[0].InstitutionName = NAME
            paths.append(folder / f"{uid}.dcm")
            record.save_as(paths[-1])
        self._house.stores(paths)

    def collects(self, guest: Guest, at: datetime) -> int:
        """Fetch what the archive holds of a guest's treatment, in the evening; return how many are new."""
        found = self._house.told(
            *("desk", "records", guest.bundle_id, "--systems", self._systems),
            *("--out", self._exported / guest.known_as, *self._desk),
            at=at,
        )
        return len(found["records"])

    def returns(self, guest: Guest, at: datetime) -> str:
        """Make the last return bundle and put it into the place; return its identifier."""
        files = self._exported / guest.known_as
        files.mkdir(parents=True, exist_ok=True)
        said = ("--said", "all is in it" if any(files.iterdir()) else "never came")
        made = self._house.told(
            "desk", "return", guest.bundle_id, files, "--last", *said, *BY, *self._desk, at=at
        )
        bundle_id = PurePath(made["folder"]).name
        self._house.type("desk", "send", bundle_id, "--place", self._line, *self._desk, at=at)
        return bundle_id


def _session(said: Mapping[str, Any]) -> tuple[date, str, int, bool]:
    return date.fromisoformat(said["day"]), said["plan_uid"], said["fraction_number"], said["is_rest"]
