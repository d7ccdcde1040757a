"""The simulated department: archive, database and document share, on loopback, resumable."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from beamkeeper.clock import Clock, SystemClock, local_date, zone
from beamkeeper.errors import ConfigError
from beamkeeper.rehearse.sim.alterations import MovedLeaf
from beamkeeper.rehearse.sim.archive import Archive
from beamkeeper.rehearse.sim.archive_process import ArchiveProcess
from beamkeeper.rehearse.sim.day import DayEvent, DayEventKind, next_day, play
from beamkeeper.rehearse.sim.documents import write_document
from beamkeeper.rehearse.sim.ois import mapping_text
from beamkeeper.rehearse.sim.ois_kind import OisKind
from beamkeeper.rehearse.sim.ois_writing import write_ois
from beamkeeper.rehearse.sim.patients import planning_objects, session_objects
from beamkeeper.rehearse.sim.realcases import SETS, load_case
from beamkeeper.rehearse.sim.state import (
    DepartmentState,
    at_first,
    from_json,
    patient_of,
    to_json,
    write_whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentPatient:
    """One patient of the department, as a demonstration shows them.

    Attributes
    ----------
    treatment
        "prostate, VMAT1" or the name of the published case.
    is_real
        Whether it is a published case rather than an invented patient.
    """

    patient_id: str
    name: str
    treatment: str
    is_real: bool
    is_finished: bool


class Department:
    """A department to practise on; a context manager.

    Parameters
    ----------
    root
        Everything lives here. A folder that holds a department already goes on where it was.
    seed
        The same seed makes the same patients, byte for byte; ignored where a department exists.
    synthetic_patients
        How many invented patients there are before the first night, at least 2.
    clock
        Tells the day of the first night and the earliest day `play_day_between` plays.
    real_cases
        Which published cases the archive holds as well (see `realcases.SETS`).
    own_process
        Run the archive in a process of its own (True), or in threads of this one.
    ois
        In which product's tables the database is written; ignored where a department exists.
    """

    def __init__(
        self,
        root: Path,
        *,
        seed: int = 1,
        synthetic_patients: int = 8,
        clock: Clock | None = None,
        zone_name: str = "Europe/Brussels",
        real_cases: tuple[str, ...] = SETS,
        archive_ae: str = "SIMARCHIVE",
        archive_port: int = 0,
        own_process: bool = True,
        ois: OisKind = OisKind.SMALL,
    ) -> None:
        if synthetic_patients < 2:  # noqa: PLR2004 - one finishes, one stays
            raise ConfigError("A simulated department needs at least 2 patients.")
        self._root = root
        self._seed, self._count, self._ois = seed, synthetic_patients, ois
        self._clock = clock or SystemClock()
        self._zone = zone(zone_name)
        self._real = tuple(load_case(name) for name in real_cases)
        self._state: DepartmentState | None = None
        self.documents_dir = root / "documents"
        kind = ArchiveProcess if own_process else Archive
        (root / "archive").mkdir(parents=True, exist_ok=True)
        self.archive: Archive | ArchiveProcess = kind(
            root / "archive", ae_title=archive_ae, port=archive_port
        )

    @property
    def archive_ae(self) -> str:
        """AE title of the archive."""
        return self.archive.ae_title

    @property
    def host(self) -> str:
        """Address of the archive."""
        return self.archive.host

    @property
    def port(self) -> int:
        """Port of the archive, known after `start`."""
        return self.archive.port

    @property
    def ois_url(self) -> str:
        """SQLAlchemy URL of the database; the census opens it for reading only."""
        return f"sqlite:///{self._root.resolve() / 'ois.sqlite'}"

    @property
    def ois_mapping_path(self) -> Path:
        """The mapping file with which the census reads the small database; a product's is shipped."""
        return self._root / "ois_mapping.toml"

    @property
    def days_played(self) -> int:
        """How many days `play_day_between` has played in this folder."""
        return self._now().days_played

    @property
    def state(self) -> DepartmentState:
        """What was truly given to whom, as it stands now."""
        return self._now()

    @property
    def patients(self) -> tuple[DepartmentPatient, ...]:
        """Everyone the department knows, published cases last."""
        state = self._now()
        invented = []
        for member in state.patients:
            patient = patient_of(state, member)
            labels = ", ".join(treatment.label for treatment in patient.treatments)
            invented.append(
                DepartmentPatient(
                    patient_id=patient.patient_id,
                    name=patient.person.name,
                    treatment=f"{patient.site}, {labels}",
                    is_real=False,
                    is_finished=member.finished_on is not None,
                )
            )
        real = [
            DepartmentPatient(
                patient_id=case.patient_id,
                name=case.patient_name,
                treatment=case.name,
                is_real=True,
                is_finished=False,
            )
            for case in self._real
        ]
        return (*invented, *real)

    def start(self) -> None:
        """Make the department, or go on with the one that is here, and start the archive."""
        state_path = self._root / "state.json"
        if state_path.exists():
            self._state = from_json(state_path.read_text(encoding="utf-8"))
            if self._journal.exists():
                self._finish_day()
        else:
            self._make()
        self.archive.start()

    def stop(self) -> None:
        """Stop the archive; files stay."""
        self.archive.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add_destination(self, ae_title: str, host: str, port: int) -> None:
        """Tell the archive where a C-MOVE to that AE title goes."""
        self.archive.add_destination(ae_title, host, port)

    def source_file(self, sop_instance_uid: str) -> bytes:
        """Return the whole file the archive holds for that UID.

        Raises
        ------
        LookupError
            It holds none.
        """
        stored = self.archive.stored(sop_instance_uid)
        if stored is None:
            raise LookupError(f"the archive holds no {sop_instance_uid}")
        return stored.path.read_bytes()

    def source_dataset(self, sop_instance_uid: str) -> bytes:
        """Return the data set bytes the archive holds, without preamble and file meta group.

        This is what travels in a C-STORE and what a restore must equal; preamble and file meta group
        are made anew by every receiver (DICOM PS3.10 7.1). Raises LookupError as `source_file` does.
        """
        stored = self.archive.stored(sop_instance_uid)
        if stored is None:
            raise LookupError(f"the archive holds no {sop_instance_uid}")
        return stored.data_set_bytes()

    def sop_instance_uids(self, patient_id: str) -> tuple[str, ...]:
        """Return the UIDs of everything the archive holds for one Patient ID."""
        return self.archive.uids_of(patient_id)

    def play_day_between(self) -> tuple[DayEvent, ...]:
        """Play the next day: the nine things of `day`, in archive, database and share.

        The day is today by the department's clock, or the day after the last one played. Killed half
        way it either never happened or is completed by the next `start`.
        """
        state = self._now()
        day = next_day(state, local_date(self._clock.now(), self._zone))
        work = play(state, day, self._zone, self._held)
        staging = self._root / "staging"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        put = {}
        for uid, data in work.put.items():
            name = self._file_name(uid)
            (staging / name).write_bytes(data)
            put[name] = uid
        journal = {
            "state": to_json(work.state),
            "put": sorted(put),
            "remove": [self._file_name(uid) for uid in work.removed],
            "events": [asdict(event) for event in work.events],
        }
        write_whole(self._journal, json.dumps(journal))
        self._finish_day()
        self.archive.rescan()
        return tuple(work.events)

    def events_of(self, day_number: int) -> tuple[DayEvent, ...]:
        """Return what happened on the day number `day_number`, counted from 1.

        Raises
        ------
        LookupError
            That day was not played.
        """
        path = self._root / f"day-{day_number}.json"
        if not path.exists():
            raise LookupError(f"day {day_number} was not played here")
        return tuple(_event(raw) for raw in json.loads(path.read_text(encoding="utf-8")))

    @property
    def _journal(self) -> Path:
        return self._root / "day.json"

    def _now(self) -> DepartmentState:
        if self._state is None:
            raise LookupError("the department has not been started")
        return self._state

    def _held(self, uid: str) -> bytes | None:
        stored = self.archive.stored(uid)
        return stored.path.read_bytes() if stored is not None else None

    @staticmethod
    def _file_name(uid: str) -> str:
        return f"{hashlib.sha256(uid.encode()).hexdigest()[:32]}.dcm"

    def _make(self) -> None:
        """Make everything from the seed; the state is written last, so half a department is made again."""
        first_day = local_date(self._clock.now(), self._zone)
        last_day = first_day - timedelta(days=1)
        state = at_first(self._seed, self._count, first_day, last_day, ois=self._ois)
        folder = self._root / "archive"
        for leftover in folder.glob("*.dcm"):
            leftover.unlink()
        for member in state.patients:
            patient = patient_of(state, member)
            self._keep(folder, planning_objects(patient, self._zone))
            for session in member.sessions:
                self._keep(folder, session_objects(patient, session, self._zone))
        for case in self._real:
            for name, data in case.files:
                (folder / f"{case.name}-{name}").write_bytes(data)
        self._write_ois(state)
        write_whole(self._root / "state.json", to_json(state))
        self._state = state

    def _keep(self, folder: Path, objects: Iterable[tuple[str, bytes]]) -> None:
        for uid, data in objects:
            (folder / self._file_name(uid)).write_bytes(data)

    def _write_ois(self, state: DepartmentState) -> None:
        database = self._root / "ois.sqlite"
        for document in write_ois(state.ois, database, state, self._real, self._zone):
            write_document(self.documents_dir, document)
        if state.ois is OisKind.SMALL:
            write_whole(self.ois_mapping_path, mapping_text())

    def _finish_day(self) -> None:
        """Carry out a day whose journal is complete; safe to repeat from any point."""
        journal = json.loads(self._journal.read_text(encoding="utf-8"))
        state = from_json(journal["state"])
        for name in journal["put"]:
            staged = self._root / "staging" / name
            if staged.exists():
                staged.replace(self._root / "archive" / name)
        for name in journal["remove"]:
            (self._root / "archive" / name).unlink(missing_ok=True)
        self._write_ois(state)
        write_whole(self._root / f"day-{state.days_played}.json", json.dumps(journal["events"]))
        write_whole(self._root / "state.json", journal["state"])
        self._journal.unlink()
        self._state = state


def _event(raw: dict[str, Any]) -> DayEvent:
    leaf = raw["leaf"]
    return DayEvent(
        kind=DayEventKind(raw["kind"]),
        patient_id=raw["patient_id"],
        text=raw["text"],
        sop_instance_uids=tuple(raw["sop_instance_uids"]),
        leaf=MovedLeaf(**leaf) if leaf else None,
        document=raw["document"],
    )
