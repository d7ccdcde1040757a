"""What a file or folder of DICOM objects says, gathered by patient: the value behind `beamkeeper read`.

The dataclasses here are the JSON of `beamkeeper read --json`; docs/formats/read-json.md documents it.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.counting import course_position
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.position import CoursePosition
from beamkeeper.domain.record import TreatmentRecord, TreatmentSummary
from beamkeeper.domain.volume import Dose, Image, Registration, StructureSet
from beamkeeper.errors import ConfigError, ObjectUnreadable
from beamkeeper.wire.dicom.reader import read_object_and_patient

FORMAT, VERSION = "beamkeeper-read", 1
FILES_MAX = 1_000_000
"""Files looked at in one run; a department's whole archive is read folder by folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableFile:
    """A file that is no whole stored object, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSeries:
    """The images of one series.

    Attributes
    ----------
    kind
        "image" or "RT image".
    """

    series_instance_uid: str
    modality: str
    kind: str
    description: str
    image_count: int
    rows: int
    columns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingTarget:
    """What one object refers to that is not among the files.

    Attributes
    ----------
    sop_instance_uids
        All of them; the text form counts them.
    """

    label: str
    sop_instance_uid: str
    role: str
    sop_instance_uids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherObjects:
    """Objects kept untouched, by name."""

    label: str
    object_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """What was odd about objects that could be read."""

    text: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientReading:
    """Everything read under one Patient ID; "" where objects name nobody.

    Attributes
    ----------
    position
        Where the course stands by these records alone; None without plans and records.
    references_resolved
        How many references lead to an object among the files.
    """

    patient_id: str
    name: str
    birth_on: date | None
    plans: tuple[Plan, ...]
    records: tuple[TreatmentRecord, ...]
    summaries: tuple[TreatmentSummary, ...]
    structure_sets: tuple[StructureSet, ...]
    doses: tuple[Dose, ...]
    image_series: tuple[ImageSeries, ...]
    registrations: tuple[Registration, ...]
    others: tuple[OtherObjects, ...]
    position: CoursePosition | None
    references_resolved: int
    references_missing: tuple[MissingTarget, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStudy:
    """One study under several Patient IDs: shown, never merged."""

    study_instance_uid: str
    patient_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """One SOP Instance UID in several files.

    Attributes
    ----------
    identical
        Whether all of them are the same bytes.
    """

    sop_instance_uid: str
    paths: tuple[str, ...]
    identical: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one run of `beamkeeper read` found."""

    format: str = FORMAT
    version: int = VERSION
    path: str
    file_count: int
    object_count: int
    patients: tuple[PatientReading, ...]
    studies_with_several_patients: tuple[SharedStudy, ...]
    repeated: tuple[Repeated, ...]
    warnings: tuple[Warned, ...]
    unreadable: tuple[UnreadableFile, ...]


@dataclass(slots=True)
class _Found:
    """What is known so far; each SOP Instance UID is read once, under its first file."""

    objects: dict[str, ClinicalObject] = field(default_factory=dict)
    people: dict[str, Patient] = field(default_factory=dict)
    paths: dict[str, list[str]] = field(default_factory=dict)
    digests: dict[str, set[str]] = field(default_factory=dict)
    unreadable: list[UnreadableFile] = field(default_factory=list)
    warned: dict[str, list[str]] = field(default_factory=dict)

    def add(self, path: str, item: ClinicalObject, patient: Patient | None) -> None:
        uid = item.ref.sop_instance_uid
        self.objects.setdefault(uid, item)
        self.paths.setdefault(uid, []).append(path)
        self.digests.setdefault(uid, set()).add(item.ref.sha256)
        if patient is not None:
            self.people.setdefault(patient.patient_id, patient)
        for text in item.warnings:
            self.warned.setdefault(text, []).append(path)


def list_files(path: Path) -> list[Path]:
    """Return the file, or every regular file below a folder, in a steady order; links are not followed.

    Raises
    ------
    ConfigError
        There is nothing at `path`, or more than `FILES_MAX` files.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ConfigError(f"There is no file or folder {path}.", do_next="Check the path.")
    found: list[Path] = []
    for folder, folders, names in os.walk(path):
        folders.sort()
        found.extend(Path(folder, name) for name in sorted(names))
        if len(found) > FILES_MAX:
            raise ConfigError(f"More than {FILES_MAX} files lie below {path}.", do_next="Read it in parts.")
    return [file for file in found if file.is_file() and not file.is_symlink()]


def describe(path: Path, *, zone: ZoneInfo, track: Callable[[list[Path]], Iterable[Path]]) -> Reading:
    """Read every file and return what they say.

    Parameters
    ----------
    track
        Passes the files on and shows how far it is.
    """
    files = list_files(path)
    root = path if path.is_dir() else path.parent
    found = _Found()
    for file in track(files):
        name = str(file.relative_to(root))
        try:
            item, patient = read_file(file, zone)
        except ObjectUnreadable as error:
            found.unreadable.append(UnreadableFile(path=name, reason=error.message))
        else:
            found.add(name, item, patient)
    return Reading(
        path=str(path),
        file_count=len(files),
        object_count=len(found.objects),
        patients=tuple(_patients(found)),
        studies_with_several_patients=tuple(_shared_studies(found.objects.values())),
        repeated=tuple(
            Repeated(sop_instance_uid=uid, paths=tuple(paths), identical=len(found.digests[uid]) == 1)
            for uid, paths in found.paths.items()
            if len(paths) > 1
        ),
        warnings=tuple(Warned(text=text, paths=tuple(paths)) for text, paths in found.warned.items()),
        unreadable=tuple(found.unreadable),
    )


def read_file(file: Path, zone: ZoneInfo) -> tuple[ClinicalObject, Patient | None]:
    """Return what one file says, and whom it names.

    Raises
    ------
    ObjectUnreadable
        It cannot be opened, or is no whole DICOM object.
    """
    try:
        with file.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            data = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except OSError as error:
        raise ObjectUnreadable(f"The file cannot be read: {error.strerror}.") from error
    return read_object_and_patient(data, zone=zone)


def _patients(found: _Found) -> Iterator[PatientReading]:
    by_patient: dict[str, list[ClinicalObject]] = {}
    for item in found.objects.values():
        by_patient.setdefault(item.ref.patient_id, []).append(item)
    for patient_id, items in sorted(by_patient.items()):
        plans = tuple(item.content for item in items if isinstance(item.content, Plan))
        records = tuple(item.content for item in items if isinstance(item.content, TreatmentRecord))
        summaries = tuple(item.content for item in items if isinstance(item.content, TreatmentSummary))
        person = found.people.get(patient_id)
        resolved, missing = _references(items, found.objects)
        yield PatientReading(
            patient_id=patient_id,
            name=person.name if person else "",
            birth_on=person.birth_on if person else None,
            plans=plans,
            records=tuple(sorted(records, key=_when)),
            summaries=summaries,
            structure_sets=tuple(i.content for i in items if isinstance(i.content, StructureSet)),
            doses=tuple(i.content for i in items if isinstance(i.content, Dose)),
            image_series=tuple(_image_series(items)),
            registrations=tuple(i.content for i in items if isinstance(i.content, Registration)),
            others=tuple(_others(items)),
            position=course_position(plans, records, patient_id=patient_id, summaries=summaries)
            if plans or records
            else None,
            references_resolved=resolved,
            references_missing=missing,
        )


def _when(record: TreatmentRecord) -> tuple[bool, datetime | None, str]:
    return (record.treated_at is not None, record.treated_at, record.sop_instance_uid)


def _image_series(items: Iterable[ClinicalObject]) -> Iterator[ImageSeries]:
    series: dict[tuple[str, str], list[Image]] = {}
    kinds: dict[tuple[str, str], ObjectKind] = {}
    for item in items:
        if isinstance(item.content, Image):
            key = (item.ref.series_instance_uid, item.ref.modality)
            series.setdefault(key, []).append(item.content)
            kinds.setdefault(key, item.kind)
    for (uid, modality), images in series.items():
        descriptions = {image.description for image in images}
        yield ImageSeries(
            series_instance_uid=uid,
            modality=modality,
            kind=kinds[uid, modality].value,
            description=descriptions.pop() if len(descriptions) == 1 else "",
            image_count=len(images),
            rows=images[0].rows,
            columns=images[0].columns,
        )


def _others(items: Iterable[ClinicalObject]) -> Iterator[OtherObjects]:
    counts: dict[str, int] = {}
    for item in items:
        if item.content is None:
            counts[item.label] = counts.get(item.label, 0) + 1
    for label, count in counts.items():
        yield OtherObjects(label=label, object_count=count)


def _references(
    items: Iterable[ClinicalObject], known: Mapping[str, ClinicalObject]
) -> tuple[int, tuple[MissingTarget, ...]]:
    resolved = 0
    missing: list[MissingTarget] = []
    for item in items:
        absent: dict[str, list[str]] = {}
        for reference in item.references:
            if reference.sop_instance_uid in known:
                resolved += 1
            else:
                absent.setdefault(reference.role.value, []).append(reference.sop_instance_uid)
        missing.extend(
            MissingTarget(
                label=item.label,
                sop_instance_uid=item.ref.sop_instance_uid,
                role=role,
                sop_instance_uids=tuple(uids),
            )
            for role, uids in absent.items()
        )
    return resolved, tuple(missing)


def _shared_studies(items: Iterable[ClinicalObject]) -> Iterator[SharedStudy]:
    studies: dict[str, dict[str, None]] = {}
    for item in items:
        if item.ref.study_instance_uid:
            studies.setdefault(item.ref.study_instance_uid, {})[item.ref.patient_id] = None
    for uid, patient_ids in studies.items():
        if len(patient_ids) > 1:
            yield SharedStudy(study_instance_uid=uid, patient_ids=tuple(patient_ids))
