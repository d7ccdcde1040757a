"""A folder of DICOM files as a source: everybody in it is on the list, every file is taken as it is."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.domain.census import CensusReason, Claim
from beamkeeper.errors import ConfigError, NotAStoredObject, ObjectUnreadable, SourceUnavailable
from beamkeeper.protect.collect.interfaces import FetchAnswer
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.reader import read_patient
from beamkeeper.wire.dicom.requester import ExpectedObject
from beamkeeper.wire.dicom.spool import ObjectIdentity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from beamkeeper.domain.objects import ObjectRef
    from beamkeeper.domain.patient import Patient
    from beamkeeper.wire.dicom.spool import SpoolWriter

_UTC = ZoneInfo("UTC")
FILES_MAX = 2_000_000
FILE_BYTES_MAX = 8 << 30
OBJECT_SUFFIXES = frozenset({".dcm", ".dicom", ".ima"})
"""A file of such a name that is no DICOM was one once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAnObject:
    """A file of the folder that is no DICOM object of a patient: named, left where it is.

    Attributes
    ----------
    is_loss
        True for what should have been an object: damaged, truncated, or without a Patient ID. False for
        other files that lie beside them (a licence text, a worklist message).
    """

    path: str
    reason: str
    is_loss: bool = True


class FolderSource:
    """Files below one folder, read once when first asked, grouped by the Patient ID in them.

    Parameters
    ----------
    spool_writer
        Opens a writer into the night's spool.
    """

    def __init__(self, name: str, folder: Path, *, spool_writer: Callable[[], SpoolWriter]) -> None:
        self._name = name
        self._folder = folder
        self._spool_writer = spool_writer
        self._reading = threading.Lock()
        self._is_read = False
        self._objects: dict[str, dict[str, list[tuple[ObjectRef, Path]]]] = defaultdict(
            lambda: defaultdict(list)
        )
        self._patients: dict[str, Patient] = {}
        self._not_objects: list[NotAnObject] = []

    @property
    def name(self) -> str:
        """The source's name in the site file."""
        return self._name

    def patients(self) -> tuple[tuple[Patient, Claim], ...]:
        """Return everybody the folder has objects of.

        Raises
        ------
        SourceUnavailable
            The folder, or a folder in it, cannot be read: says nothing about who is treated.
        """
        self._index()
        claim = Claim(source=self._name, reason=CensusReason.ASKED_FOR)
        return tuple((patient, claim) for _, patient in sorted(self._patients.items()))

    def not_objects(self) -> tuple[NotAnObject, ...]:
        """Return the files that could not be taken, each with its reason; () when nothing can be read."""
        with suppress(SourceUnavailable):  # whoever asked for the list was told so
            self._index()
        return tuple(self._not_objects)

    def list_objects(self, patient_id: str) -> tuple[ExpectedObject, ...]:
        """Return the objects whose files carry exactly this Patient ID."""
        by_uid = self._index().get(patient_id, {})
        refs = [entries[0][0] for entries in by_uid.values()]
        return tuple(
            ExpectedObject(
                sop_instance_uid=ref.sop_instance_uid,
                series_instance_uid=ref.series_instance_uid,
                study_instance_uid=ref.study_instance_uid,
                modality=ref.modality,
                sop_class_uid=ref.sop_class_uid,
                patient_id=ref.patient_id,
            )
            for ref in refs
        )

    def fetch(self, wanted: Sequence[ExpectedObject], *, deadline: datetime) -> FetchAnswer:  # noqa: ARG002
        """Copy the wanted files into the spool, byte for byte."""
        objects = self._index()
        refused: set[str] = set()
        writer = self._spool_writer()
        try:
            for item in wanted:
                for ref, path in objects.get(item.patient_id, {}).get(item.sop_instance_uid, ()):
                    if not _copy(writer, ref, path):
                        refused.add(item.sop_instance_uid)
        finally:
            writer.close()
        return FetchAnswer(
            refused=frozenset(refused),
            refused_count=len(refused),
            comment="files changed or vanished while they were read" if refused else "",
        )

    def _index(self) -> dict[str, dict[str, list[tuple[ObjectRef, Path]]]]:
        # A night taken up again asks for several patients at once: half an index would miss objects.
        with self._reading:
            if not self._is_read:
                for path in sorted(self._files()):
                    self._take(path)
                self._is_read = True
        return self._objects

    def _files(self) -> list[Path]:
        """Return every file below the folder: all of them, or an error, for a share may go at any time."""
        found: list[Path] = []
        for base, _, names in os.walk(self._folder, onerror=self._cannot_read):
            found += [path for name in names if (path := Path(base, name)).is_file()]
            if len(found) > FILES_MAX:
                raise ConfigError(f"The folder {self._folder} holds more than {FILES_MAX} files.")
        return found

    def _cannot_read(self, error: OSError) -> None:
        raise SourceUnavailable(
            f"The folder {error.filename} cannot be read: {error.strerror}.",
            do_next="Is the share mounted, and may the collector's user read it?",
        ) from error

    def _take(self, path: Path) -> None:
        try:
            data = _read_bounded(path)
            ref, patient = identify(data), read_patient(data, zone=_UTC)
        except (ObjectUnreadable, OSError) as error:
            name = str(path.relative_to(self._folder))
            foreign = isinstance(error, NotAStoredObject)
            named_so = path.suffix.lower() in OBJECT_SUFFIXES and "Not DICOM" in str(error)
            is_loss = named_so or not foreign
            self._not_objects.append(NotAnObject(path=name, reason=str(error), is_loss=is_loss))
            return
        if patient is None:
            reason = "It names no Patient ID: nobody can say whose it is."
            self._not_objects.append(NotAnObject(path=str(path.relative_to(self._folder)), reason=reason))
            return
        self._objects[ref.patient_id][ref.sop_instance_uid].append((ref, path))
        self._patients.setdefault(ref.patient_id, patient)


def _read_bounded(path: Path) -> bytes:
    if path.stat().st_size > FILE_BYTES_MAX:
        raise ObjectUnreadable(f"The file is larger than {FILE_BYTES_MAX >> 30} GiB.")
    return path.read_bytes()


def _copy(writer: SpoolWriter, ref: ObjectRef, path: Path) -> bool:
    try:
        data = path.read_bytes()
    except OSError:
        return False
    identity = ObjectIdentity(
        sop_class_uid=ref.sop_class_uid,
        sop_instance_uid=ref.sop_instance_uid,
        transfer_syntax_uid=ref.transfer_syntax_uid,
        calling_ae_title="",
        solicited=True,
    )
    writer.add(b"", (data,), identity)
    return True
