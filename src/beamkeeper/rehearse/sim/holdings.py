"""What an archive holds: files as they are, and the few attributes it answers queries from."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom import dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID, ImplicitVRLittleEndian

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

PATIENT_KEYS = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
)
STUDY_KEYS = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyDescription",
    "StudyInstanceUID",
    "StudyID",
)
SERIES_KEYS = (
    "Modality",
    "SeriesDate",
    "SeriesTime",
    "SeriesDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "Manufacturer",
    "FrameOfReferenceUID",
)
IMAGE_KEYS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "InstanceCreationDate",
    "InstanceCreationTime",
    "ContentDate",
    "ContentTime",
    "InstanceNumber",
    "RTPlanLabel",
    "RTPlanDate",
    "StructureSetLabel",
    "TreatmentDate",
    "TreatmentTime",
)
_READ = [
    tag
    for keyword in ("SpecificCharacterSet", *PATIENT_KEYS, *STUDY_KEYS, *SERIES_KEYS, *IMAGE_KEYS)
    if (tag := tag_for_keyword(keyword)) is not None
]
OBJECT_COUNT_MAX = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One object of the archive.

    Attributes
    ----------
    data_set_offset
        Where the data set begins in the file: after preamble and file meta group, 0 without them.
    keys
        The attributes queries are answered from.
    """

    path: Path
    data_set_offset: int
    transfer_syntax_uid: UID
    keys: Dataset

    @property
    def sop_class_uid(self) -> UID:
        """SOP Class UID (0008,0016)."""
        return UID(self.keys.SOPClassUID)

    @property
    def sop_instance_uid(self) -> str:
        """SOP Instance UID (0008,0018)."""
        return str(self.keys.SOPInstanceUID)

    def data_set_bytes(self) -> bytes:
        """Return the data set exactly as the file holds it."""
        return self.path.read_bytes()[self.data_set_offset :]


def read_stored(path: Path) -> Stored:
    """Read what the archive must know of one file; files without preamble are implicit VR little endian."""
    with path.open("rb") as file:
        head = file.read(148)
    keys = dcmread(path, force=True, specific_tags=_READ, stop_before_pixels=True)
    offset, syntax = 0, ImplicitVRLittleEndian
    if head[128:132] == b"DICM":
        # File Meta Information Group Length (0002,0000) is the first element: UL at byte 140.
        offset = 144 + int.from_bytes(head[140:144], "little")
        syntax = UID(keys.file_meta.TransferSyntaxUID)
    if "SOPInstanceUID" not in keys:
        raise InvalidDicomError(f"the archive was given a file without SOP Instance UID: {path.name}")
    return Stored(path=path, data_set_offset=offset, transfer_syntax_uid=syntax, keys=keys)


class Holdings:
    """The objects in a folder, by SOP Instance UID; safe to use from several threads. Empty until `rescan`.

    Parameters
    ----------
    folder
        Every file with suffix `.dcm` below it is an object.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._by_path: dict[Path, tuple[tuple[int, int, int], Stored]] = {}
        self._by_uid: dict[str, Stored] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def rescan(self) -> int:
        """Look at the folder again; return how many objects there are. Unchanged files are not read again."""
        with self._lock:
            known, self._by_path = self._by_path, {}
            for path in sorted(self._folder.rglob("*.dcm"))[:OBJECT_COUNT_MAX]:
                status = path.stat()
                mark = (status.st_ino, status.st_mtime_ns, status.st_size)
                before = known.get(path)
                stored = before[1] if before is not None and before[0] == mark else read_stored(path)
                self._by_path[path] = (mark, stored)
            self._by_uid = {stored.sop_instance_uid: stored for _, stored in self._by_path.values()}
            return len(self._by_uid)

    def all(self) -> list[Stored]:
        """Return every object, in a fixed order."""
        with self._lock:
            return list(self._by_uid.values())

    def find(self, sop_instance_uid: str) -> Stored | None:
        """Return one object; None when it is not held."""
        with self._lock:
            return self._by_uid.get(sop_instance_uid)

    def uids_of(self, patient_id: str) -> tuple[str, ...]:
        """Return the SOP Instance UIDs of everything held for one Patient ID, outer blanks ignored."""
        wanted = patient_id.strip()
        return tuple(
            o.sop_instance_uid for o in self.all() if str(o.keys.get("PatientID", "")).strip() == wanted
        )

    def put(self, data: bytes) -> str:
        """Add or replace one object, whole or not at all; return its SOP Instance UID."""
        arriving = self._folder / f"arriving-{os.getpid()}-{threading.get_ident()}.part"
        arriving.write_bytes(data)
        uid = read_stored(arriving).sop_instance_uid
        held = self.find(uid)
        target = held.path if held else self._folder / f"{hashlib.sha256(uid.encode()).hexdigest()[:32]}.dcm"
        arriving.replace(target)
        self.rescan()
        return uid

    def remove(self, sop_instance_uid: str) -> None:
        """Forget one object and its file."""
        held = self.find(sop_instance_uid)
        if held is None:
            raise LookupError(f"the archive holds no {sop_instance_uid}")
        held.path.unlink()
        self.rescan()
