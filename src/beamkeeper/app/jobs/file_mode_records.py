"""What the journal of an incident says of File Mode: machines activated, drops released, what came back."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.errors import AlreadyRunning, IntegrityError
from beamkeeper.respond.filemode import Drop, Returned, ReturnedKind
from beamkeeper.respond.filemode.returned import OTHER_PATIENT, given_in
from beamkeeper.respond.incident import Deed
from beamkeeper.wire.dicom.reader import read_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow

FOLDER: Final = "filemode"
DROP_NAME: Final = "drop.json"
RETURNED: Final = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineShare:
    """Where one machine's files go and come from.

    Attributes
    ----------
    path
        The machine's folder on its share, as it is mounted here.
    treatment, logs
        Folders below it in which records and logs arrive; "" for none.
    """

    machine_id: str
    path: str
    treatment: str = "Treatment"
    logs: str = ""
    is_simulator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropState:
    """A drop and what became of it.

    Attributes
    ----------
    laid
        Whether it was seen whole on the share.
    withdrawn
        Whether its plan is off the share again.
    returned
        Everything that came back, each file once.
    """

    drop: Drop
    share: MachineShare
    laid: bool
    withdrawn: bool
    returned: tuple[Returned, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether its plan may still lie on the share."""
        return not self.withdrawn


def activations(rows: Sequence[AuditRow]) -> Mapping[str, MachineShare]:
    """Return the real machines that people activated, by the identifier of the machine file."""
    found: dict[str, MachineShare] = {}
    for row in rows:
        if row.action != Deed.ACTIVATED:
            continue
        said = row.details
        machine_id = str(said["about"])
        if said.get("revoked"):
            found.pop(machine_id, None)
        else:
            found[machine_id] = MachineShare(
                machine_id=machine_id,
                path=str(said["share"]),
                treatment=str(said.get("treatment", "")),
                logs=str(said.get("logs", "")),
            )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedDrop:
    """A drop of which a file is gone, or is not what was written: its patient cannot be counted.

    Attributes
    ----------
    withdrawn
        Whether its plan is off the share again.
    why
        What is damaged, in words without the patient's name.
    """

    drop_id: str
    pseudonym: str
    withdrawn: bool
    why: str

    @property
    def error(self) -> IntegrityError:
        """What is said to who asks for this patient or this drop."""
        return IntegrityError(
            f"Drop {self.drop_id} cannot be read, so what was given from it cannot be counted: {self.why}",
            do_next="Give nothing by a count until a physicist knows from slip, console and logs whether it "
            "was released and what was given. Put back from a copy of the folder, it counts again.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drops:
    """Every drop that was released, in order: what can be read, and what cannot."""

    states: tuple[DropState, ...]
    damaged: tuple[DamagedDrop, ...] = ()


def drops(folder: IncidentFolder, rows: Sequence[AuditRow]) -> Drops:
    """Return every drop that was released; one whose files are damaged stops no other."""
    states: list[DropState] = []
    damaged: list[DamagedDrop] = []
    for row in _released(rows):
        try:
            state = _state(folder, row, rows)
            for name, item in _record_files(state.drop.drop_id, state.returned):
                folder.kept_bytes(name, item.sha256)
        except IntegrityError as error:
            damaged.append(_damaged(row, rows, error))
        else:
            states.append(state)
    return Drops(states=tuple(states), damaged=tuple(damaged))


def next_drop_id(rows: Sequence[AuditRow]) -> str:
    """Return the name of the next drop: none that the journal knows, whatever became of its files."""
    taken = {str(row.details["about"]) for row in _released(rows)}
    number = len(taken) + 1
    while f"d{number}" in taken:
        number += 1
    return f"d{number}"


def _released(rows: Sequence[AuditRow]) -> Iterator[AuditRow]:
    return (row for row in rows if row.action == Deed.RELEASED and row.outcome == "ok")


def _of_drop(rows: Sequence[AuditRow], drop_id: str) -> list[AuditRow]:
    return [row for row in rows if row.details.get("about") == drop_id and row.outcome == "ok"]


def _damaged(released: AuditRow, rows: Sequence[AuditRow], error: IntegrityError) -> DamagedDrop:
    drop_id = str(released.details["about"])
    return DamagedDrop(
        drop_id=drop_id,
        pseudonym=released.patient_pseudonym or "",
        withdrawn=any(row.action == Deed.WITHDRAWN for row in _of_drop(rows, drop_id)),
        why=error.message,
    )


def _state(folder: IncidentFolder, released: AuditRow, rows: Sequence[AuditRow]) -> DropState:
    drop_id = str(released.details["about"])
    name = f"{FOLDER}/{drop_id}/{DROP_NAME}"
    drop = folder.kept_value(name, Drop, _digests(released)[name])
    own = _of_drop(rows, drop_id)
    returned: dict[str, Returned] = {}
    for row in own:
        if row.action == Deed.COLLECTED:
            for path, digest in _digests(row).items():
                for item in folder.kept_value(path, tuple[Returned, ...], digest):
                    returned.setdefault(item.sha256, item)
    return DropState(
        drop=drop,
        share=MachineShare(
            machine_id=drop.machine_id,
            path=drop.share,
            treatment=str(released.details.get("treatment", "")),
            logs=str(released.details.get("logs", "")),
            is_simulator=drop.is_simulator,
        ),
        laid=any(row.action == Deed.LAID for row in own),
        withdrawn=any(row.action == Deed.WITHDRAWN for row in own),
        returned=tuple(returned.values()),
    )


def _digests(row: AuditRow) -> dict[str, str]:
    said = row.details.get("sha256_of")
    return {str(name): str(digest) for name, digest in said.items()} if isinstance(said, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What File Mode brought home of one patient.

    Attributes
    ----------
    records
        As people assigned them.
    doubts
        What came back with another patient's drop and cannot be read: a record of this one may be in it.
    """

    records: tuple[TreatmentRecord, ...] = ()
    doubts: tuple[str, ...] = ()


def collected_records(
    folder: IncidentFolder, rows: Sequence[AuditRow], pseudonym: str, patient_id: str
) -> Collected:
    """Return the records that came back for a Patient ID, from whichever drop.

    Whatever names the patient is evidence of dose: whether it fits the drop is a matter of doubt, not of
    counting. What is damaged of another patient's drop takes nothing of this one but what was in it.

    Raises
    ------
    IntegrityError
        A drop of this patient cannot be read.
    """
    zone = ZoneInfo(folder.incident().time_zone)
    known = drops(folder, rows)
    for one in known.damaged:
        if one.pseudonym == pseudonym:
            raise one.error
    released = [state.drop for state in known.states]
    found: dict[str, TreatmentRecord] = {}
    doubts: list[str] = []
    for row in _released(rows):
        for data in _came_with(folder, row, rows, pseudonym, doubts):
            record = read_object(data, zone=zone).content
            if not isinstance(record, TreatmentRecord) or record.patient_id.strip() != patient_id.strip():
                continue
            own = given_in(released, record)
            fraction = None if own is None else assigned(rows, own.drop_id)
            found[record.sop_instance_uid] = record if fraction is None else _numbered(record, fraction)
    return Collected(records=tuple(found.values()), doubts=tuple(dict.fromkeys(doubts)))


def collected_files(
    folder: IncidentFolder, rows: Sequence[AuditRow], pseudonym: str, patient_id: str
) -> Iterator[tuple[bytes, TreatmentRecord]]:
    """Yield the files of the records that came back for a Patient ID, byte for byte, each once.

    What cannot be read of another patient's drop is left out: `collected_records` has it in doubt.
    """
    zone = ZoneInfo(folder.incident().time_zone)
    files = (data for row in _released(rows) for data in _came_with(folder, row, rows, pseudonym, []))
    for data in dict.fromkeys(files):
        content = read_object(data, zone=zone).content
        if isinstance(content, TreatmentRecord) and content.patient_id.strip() == patient_id.strip():
            yield data, content


def assigned(rows: Sequence[AuditRow], drop_id: str) -> int | None:
    """Return the fraction that people say a drop's records are of; None where nobody had to."""
    said = [
        int(str(row.details["fraction"]))
        for row in rows
        if row.action == Deed.ASSIGNED and row.details.get("about") == drop_id
    ]
    return said[-1] if said else None


def _came_with(
    folder: IncidentFolder, released: AuditRow, rows: Sequence[AuditRow], pseudonym: str, doubts: list[str]
) -> Iterator[bytes]:
    """Yield the files of the records that came with a drop; what cannot be read becomes a doubt.

    A late record comes with another patient's drop. So a list that is gone is in doubt of whoever had a drop
    before it was collected, a record that is gone only where it was of another patient than the drop.
    """
    drop_id = str(released.details["about"])
    for row in _of_drop(rows, drop_id):
        if row.action != Deed.COLLECTED:
            continue
        may_be_here = any(
            one.patient_pseudonym == pseudonym and one.sequence < row.sequence for one in _released(rows)
        )
        for path, digest in _digests(row).items():
            try:
                items = folder.kept_value(path, tuple[Returned, ...], digest)
            except IntegrityError as error:
                doubts += [_may_be_lost(drop_id, error)] * may_be_here
                continue
            for name, item in _record_files(drop_id, items):
                try:
                    yield folder.kept_bytes(name, item.sha256)
                except IntegrityError as error:
                    doubts += [_may_be_lost(drop_id, error)] * (
                        may_be_here and OTHER_PATIENT in item.problems
                    )


def _record_files(drop_id: str, items: Iterable[Returned]) -> Iterator[tuple[str, Returned]]:
    return (
        (f"{FOLDER}/{drop_id}/{RETURNED}/{item.sha256}", item)
        for item in items
        if item.kind is ReturnedKind.RECORD
    )


def _may_be_lost(drop_id: str, error: IntegrityError) -> str:
    return (
        f"What came back with drop {drop_id}, of another patient, cannot be read; a late record of this one "
        f"may be in it: {error.message}"
    )


def _numbered(record: TreatmentRecord, fraction: int) -> TreatmentRecord:
    """Return a record as people say it is to be read; its bytes stay as they came."""
    deliveries = tuple(replace(one, current_fraction_number=fraction) for one in record.deliveries)
    return replace(record, deliveries=deliveries)


@contextmanager
def one_at_a_time(folder: IncidentFolder) -> Iterator[None]:
    """Hold the incident's File Mode alone.

    Raises
    ------
    AlreadyRunning
        Somebody else does.
    """
    (folder.path / FOLDER).mkdir(mode=0o700, exist_ok=True)
    with (folder.path / FOLDER / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(
                "Somebody drops or collects a plan in this incident at this moment.",
                do_next="Wait until they are done: one plan at a time.",
            ) from error
        yield
