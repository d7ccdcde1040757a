"""The department that will be attacked: archive, database, nights, hours, people who confirm, a disk.

What people and the clock do there is typed as commands, by the clock of the month.
"""

from __future__ import annotations

import json
import socket
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beamkeeper.app.drill.keyboard import typed
from beamkeeper.app.setup import make_site
from beamkeeper.app.site_template import SiteAnswers
from beamkeeper.clock import MovableClock, local_instant
from beamkeeper.errors import IntegrityError
from beamkeeper.rehearse.attack.moment import NIGHT_AT
from beamkeeper.rehearse.sim import Archive
from beamkeeper.rehearse.sim.ois import mapping_text
from beamkeeper.rehearse.sim.ois_kind import OisKind
from beamkeeper.rehearse.sim.ois_writing import write_ois
from beamkeeper.rehearse.sim.orthanc import OrthancArchive
from beamkeeper.rehearse.sim.patients import plan_objects, planning_objects, session_time, treatment_of
from beamkeeper.rehearse.sim.records import records
from beamkeeper.rehearse.sim.state import patient_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from beamkeeper.rehearse.attack import Month
    from beamkeeper.rehearse.sim.patients import SimObject
    from beamkeeper.rehearse.sim.state import DepartmentState, PatientState

HOME, DISK = "home", "usb/vault"
CONFIRMED_AFTER: Final = timedelta(hours=6)
"""So long after the night began two people have confirmed it."""
PEOPLE: Final = ("an", "bo")
STORING_AT_ONCE: Final = 4
"""Machines that export to the archive at the same time."""
NOT_ALL: Final = 3
"""Exit status of what did its work and names what is left."""
SETTINGS: Final = """
[quorum]
escalate_to = ["head"]
recipients = ["an", "bo"]
[[quorum.people]]
login = "an"
name = "An Peeters"
role = "physicist"
mail = "an@hospital.example"
[[quorum.people]]
login = "bo"
name = "Bo Claes"
role = "physicist"
mail = "bo@hospital.example"
[[quorum.people]]
login = "head"
name = "Di Wouters"
role = "therapist"
mail = "head@hospital.example"

[[mirrors]]
name = "usb"
kind = "directory"
path = {usb}
unsafe_same_disk = true
"""


class Home:
    """A department and its Beamkeeper; a context manager that runs the archive.

    Parameters
    ----------
    root
        Everything lies here: `HOME`, which the attack destroys, and `DISK`, which it does not reach.
    with_orthanc
        Whether the archive is a real Orthanc, or our own.

    Attributes
    ----------
    cards
        The five recovery cards, known once the site is made.
    """

    def __init__(self, root: Path, month: Month, *, with_orthanc: bool) -> None:
        self.folder, self.disk, self.month = root / HOME, root / DISK, month
        self.folder.mkdir(parents=True, exist_ok=True)
        self.disk.mkdir(parents=True, exist_ok=True)
        self.cards: tuple[tuple[str, ...], ...] = ()
        kind = OrthancArchive if with_orthanc else Archive
        (self.folder / "archive").mkdir()
        self.archive: Archive | OrthancArchive = kind(self.folder / "archive")
        self._sent: set[tuple[object, ...]] = set()

    def __enter__(self) -> Home:  # noqa: PYI034
        self.archive.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.archive.stop()

    @property
    def site_file(self) -> Path:
        """The site file."""
        return self.folder / "beamkeeper.toml"

    def make_site(self, now: datetime) -> None:
        """Make keys, an empty vault and a site file."""
        port = _free_port()
        mapping = self.folder / "mapping.toml"
        mapping.write_text(mapping_text(), encoding="utf-8")
        answers = SiteAnswers(
            name="Drilled department",
            time_zone=self.month.zone.key,
            data_dir=Path("data"),
            vault_dir=Path("vault"),
            keys_dir=Path("keys"),
            receiver_port=port,
            archive=(self.archive.ae_title, self.archive.host, self.archive.port),
            ois_url=f"sqlite:///{(self.folder / 'ois.sqlite').resolve()}",
            ois_mapping=mapping.resolve(),
            more=SETTINGS.format(usb=json.dumps(str(self.disk.resolve()))),
        )
        self.cards = make_site(self.site_file, answers, MovableClock(now)).cards
        text = self.site_file.read_text(encoding="utf-8")
        # What is drilled is the inventory; papers of every night would take most of the time.
        text = text.replace("# dossiers = false", "dossiers = false\nlists = false")
        self.site_file.write_text(text, encoding="utf-8")
        self.archive.add_destination("BEAMKEEPER", "127.0.0.1", port)

    def night(self, day: date) -> None:
        """Run the night of a date; two people confirm it in the morning."""
        began_at = local_instant(day, NIGHT_AT, self.month.zone)
        state = self._export(began_at)
        write_ois(OisKind.SMALL, self.folder / "ois.sqlite", state, (), self.month.zone)
        self._type("night", "--on", day, "--no-mirrors", at=began_at, ends=(0, NOT_ALL))
        morning = began_at + CONFIRMED_AFTER
        nights = json.loads(self._type("quorum", "--all", "--json", at=morning, ends=(0, NOT_ALL)))["nights"]
        facts = next(one["facts"] for one in nights if one["night"] == day.isoformat())
        for person in PEOPLE if facts["items"] else ():
            self._type("vote", "confirm", "--night", day, at=morning, account=person)

    def hour(self, at: datetime) -> None:
        """Fetch the records of the day once."""
        self._export(at)
        self._type("hour", at=at, ends=(0, NOT_ALL))

    def plug_in(self, at: datetime) -> None:
        """Write the disk."""
        self._type("mirrors", "run", at=at)

    def _type(self, *words: object, at: datetime, account: str = "", ends: Sequence[int] = (0,)) -> str:
        """Type a command about this site; return what it printed."""
        done = typed((*map(str, words), "--site", str(self.site_file)), at=at, account=account)
        if done.status not in ends:
            raise IntegrityError(f"{words[0]} at {at} ended with {done.status}: {done.out}{done.err}")
        return done.out

    def _export(self, at: datetime) -> DepartmentState:
        """Let the archive hold what it would hold at an instant; return the department as of then."""
        state = self.month.state_at(at)
        with ThreadPoolExecutor(STORING_AT_ONCE) as storing:
            for member in state.patients:
                deque(storing.map(self._store, self._new_objects(state, member)), maxlen=0)
        self.archive.rescan()
        return state

    def _store(self, made: SimObject) -> None:
        uid, data = made
        if isinstance(self.archive, OrthancArchive):
            self.archive.store(data)
        else:
            (self.folder / "archive" / f"{uid}.dcm").write_bytes(data)

    def _new_objects(self, state: DepartmentState, member: PatientState) -> Iterator[SimObject]:
        """Yield what the archive does not hold yet of a patient."""
        patient, zone = patient_of(state, member), self.month.zone
        if self._is_new(member.index):
            first = tuple(one for one in patient.treatments if one.version == 1)
            yield from planning_objects(replace(patient, treatments=first), zone)
        for treatment in patient.treatments:
            if treatment.version > 1 and self._is_new(member.index, treatment.key, treatment.version):
                yield from plan_objects(patient, (treatment,), zone)
        for session in member.sessions:
            if self._is_new(member.index, session):
                given_at = session_time(patient, session, zone)
                yield from records(patient, treatment_of(patient, session), session, given_at)

    def _is_new(self, *name: object) -> bool:
        is_new = name not in self._sent
        self._sent.add(name)
        return is_new


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
