"""What the journal of an incident says of File Mode: machines activated, drops released, what came back."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.errors import AlreadyRunning
from beamkeeper.respond.filemode import Drop, Returned, ReturnedKind
from beamkeeper.respond.filemode.returned import given_in
from beamkeeper.respond.incident import Deed
from beamkeeper.wire.dicom.reader import read_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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


def drops(folder: IncidentFolder, rows: Sequence[AuditRow]) -> tuple[DropState, ...]:
    """Return every drop that was released, in order.

    Raises
    ------
    IntegrityError
        A file of the incident's folder is not what the journal speaks of.
    """
    return tuple(
        _state(folder, row, rows) for row in rows if row.action == Deed.RELEASED and row.outcome == "ok"
    )


def _state(folder: IncidentFolder, released: AuditRow, rows: Sequence[AuditRow]) -> DropState:
    drop_id = str(released.details["about"])
    name = f"{FOLDER}/{drop_id}/{DROP_NAME}"
    drop = folder.kept_value(name, Drop, _digests(released)[name])
    own = [row for row in rows if row.details.get("about") == drop_id and row.outcome == "ok"]
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


def collected_records(
    folder: IncidentFolder, rows: Sequence[AuditRow], patient_id: str
) -> tuple[TreatmentRecord, ...]:
    """Return the records that came back for a Patient ID, from whichever drop, as people assigned them.

    Whatever names the patient is evidence of dose: whether it fits the drop is a matter of doubt, not of
    counting.
    """
    zone = ZoneInfo(folder.incident().time_zone)
    found: dict[str, TreatmentRecord] = {}
    states = drops(folder, rows)
    released = [state.drop for state in states]
    for state in states:
        for record in _records(folder, state, zone):
            if record.patient_id.strip() != patient_id.strip():
                continue
            own = given_in(released, record)
            fraction = None if own is None else assigned(rows, own.drop_id)
            found[record.sop_instance_uid] = record if fraction is None else _numbered(record, fraction)
    return tuple(found.values())


def collected_files(
    folder: IncidentFolder, rows: Sequence[AuditRow], patient_id: str
) -> Iterator[tuple[bytes, TreatmentRecord]]:
    """Yield the files of the records that came back for a Patient ID, byte for byte, each once."""
    zone = ZoneInfo(folder.incident().time_zone)
    seen: set[str] = set()
    for state in drops(folder, rows):
        for item in state.returned:
            if item.kind is not ReturnedKind.RECORD or item.sha256 in seen:
                continue
            seen.add(item.sha256)
            name = f"{FOLDER}/{state.drop.drop_id}/{RETURNED}/{item.sha256}"
            data = folder.kept_bytes(name, item.sha256)
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


def _records(folder: IncidentFolder, state: DropState, zone: ZoneInfo) -> Iterator[TreatmentRecord]:
    for item in state.returned:
        if item.kind is ReturnedKind.RECORD:
            name = f"{FOLDER}/{state.drop.drop_id}/{RETURNED}/{item.sha256}"
            content = read_object(folder.kept_bytes(name, item.sha256), zone=zone).content
            if isinstance(content, TreatmentRecord):
                yield content


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
