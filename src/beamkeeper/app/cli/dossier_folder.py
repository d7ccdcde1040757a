"""Dossiers of a folder of DICOM files: no site file, no vault, nothing that could be missing on the day."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from beamkeeper.app.cli.describe import list_files, read_file
from beamkeeper.domain.census import CensusEntry
from beamkeeper.domain.chain import resolve_chain
from beamkeeper.domain.counting import course_position
from beamkeeper.domain.names import same_name
from beamkeeper.domain.namesakes import namesakes
from beamkeeper.domain.patient import Patient, shown_name
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.readiness import readiness
from beamkeeper.domain.record import TreatmentRecord, TreatmentSummary
from beamkeeper.domain.words import plural
from beamkeeper.errors import ConfigError, NotAStoredObject, ObjectUnreadable, SourceUnavailable
from beamkeeper.protect.dossier import DossierSource, Provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.objects import ObjectRef

NAMED_FILES_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusableFile:
    """A file that no dossier could use, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderReading:
    """What a folder holds, person by person.

    Attributes
    ----------
    sources
        In the order of the Patient IDs.
    broken
        What should have been a DICOM object and is not whole.
    foreign
        What never was one: texts, messages.
    nameless_count
        Objects that name no Patient ID.
    paths
        Where each object lies, by the SHA-256 of its file.
    """

    sources: tuple[DossierSource, ...]
    file_count: int
    broken: tuple[UnusableFile, ...]
    foreign: tuple[UnusableFile, ...]
    nameless_count: int
    paths: Mapping[str, Path]

    def fetch(self, ref: ObjectRef) -> bytes:
        """Return the bytes of an object that was read from here.

        Raises
        ------
        SourceUnavailable
            The file is not there any more, or cannot be read.
        """
        try:
            return self.paths[ref.sha256].read_bytes()
        except OSError as error:
            raise SourceUnavailable("A file of the folder cannot be read any more.") from error


@dataclass(slots=True)
class _Person:
    """What is found under one Patient ID; each SOP Instance UID once, under its first file."""

    objects: dict[str, ClinicalObject] = field(default_factory=dict)
    stated: list[Patient] = field(default_factory=list)
    differing: set[str] = field(default_factory=set)

    def add(self, item: ClinicalObject, patient: Patient) -> None:
        kept = self.objects.setdefault(item.ref.sop_instance_uid, item)
        if kept.ref.sha256 != item.ref.sha256:
            self.differing.add(item.label)
        if patient not in self.stated:
            self.stated.append(patient)


def read_folder(
    path: Path, *, zone: ZoneInfo, as_of: datetime, track: Callable[[list[Path]], Iterable[Path]]
) -> FolderReading:
    """Return what a folder, or one file, holds of whom; a file that cannot be used stops no other.

    Raises
    ------
    ConfigError
        There is nothing at `path`.
    """
    files = list_files(path)
    root = path if path.is_dir() else path.parent
    people: dict[str, _Person] = {}
    broken, foreign, nameless = [], [], 0
    paths: dict[str, Path] = {}
    for file in track(files):
        name = str(file.relative_to(root))
        try:
            item, patient = read_file(file, zone)
        except NotAStoredObject as error:
            foreign.append(UnusableFile(path=name, reason=error.message))
        except ObjectUnreadable as error:
            broken.append(UnusableFile(path=name, reason=error.message))
        else:
            if patient is None:
                nameless += 1
            else:
                people.setdefault(patient.patient_id, _Person()).add(item, patient)
                paths[item.ref.sha256] = file
    general = tuple(_general(broken, nameless))
    found = [
        _source(person, root.resolve().name, zone, as_of, general) for _, person in sorted(people.items())
    ]
    alike = namesakes([source.entry for source in found], as_of)
    return FolderReading(
        sources=tuple(replace(source, namesakes=others) for source, others in zip(found, alike, strict=True)),
        file_count=len(files),
        broken=tuple(broken),
        foreign=tuple(foreign),
        nameless_count=nameless,
        paths=paths,
    )


def _general(broken: list[UnusableFile], nameless: int) -> Iterable[str]:
    """Say what may concern anybody of the folder: a broken file names nobody."""
    if broken:
        yield f"{plural(len(broken), 'file')} of the folder could not be read, and may be of this patient."
    if nameless:
        verb = "names" if nameless == 1 else "name"
        yield f"{plural(nameless, 'object')} of the folder {verb} no patient, and may be of this one."


def _source(
    person: _Person, folder: str, zone: ZoneInfo, as_of: datetime, general: tuple[str, ...]
) -> DossierSource:
    objects = tuple(person.objects.values())
    patient = _best_stated(person.stated)
    plans = tuple(item.content for item in objects if isinstance(item.content, Plan))
    records = tuple(item.content for item in objects if isinstance(item.content, TreatmentRecord))
    summaries = tuple(item.content for item in objects if isinstance(item.content, TreatmentSummary))
    position = (
        course_position(plans, records, patient_id=patient.patient_id, summaries=summaries)
        if plans or records
        else None
    )
    chain = resolve_chain(objects)
    return DossierSource(
        site_name=f"Folder {folder}",
        zone=zone,
        entry=CensusEntry(patient=patient, claims=(), disagreements=tuple(_differences(person))),
        position=position,
        plans=plans,
        records=records,
        readiness=tuple(readiness(plan, chain, position) for plan in plans),
        provenance=Provenance(),
        as_of=as_of,
        objects=objects,
        problems=general,
    )


def _best_stated(stated: Sequence[Patient]) -> Patient:
    """Return who it is, a date or a sex that the first file leaves out taken from the next that states it."""
    birth_on = next((one.birth_on for one in stated if one.birth_on is not None), None)
    return replace(stated[0], birth_on=birth_on, sex=next((one.sex for one in stated if one.sex), ""))


def _differences(person: _Person) -> Iterable[str]:
    """Say what the files do not agree on about who this is, and which objects lie there in two versions."""
    first, *others = person.stated
    for other in others:
        if not same_name(first.name, other.name):
            named = f"“{shown_name(first.name)}” and “{shown_name(other.name)}”"
            yield f"Under this Patient ID the files name {named}: is that one person?"
    dates = sorted({str(one.birth_on) for one in person.stated if one.birth_on is not None})
    if len(dates) > 1:
        yield f"The files state several birth dates: {', '.join(dates)}."
    for label in sorted(person.differing):
        yield f"Two different files are the same object ({label}); the first is shown."


def refuse_empty(reading: FolderReading, path: Path) -> None:
    """Say plainly why nothing could be made of a folder.

    Raises
    ------
    ConfigError
        It holds no DICOM object that names a patient.
    """
    if reading.sources:
        return
    unusable = (*reading.broken, *reading.foreign)
    named = "; ".join(f"{item.path}: {item.reason}" for item in unusable[:NAMED_FILES_MAX])
    more = len(unusable) - NAMED_FILES_MAX
    raise ConfigError(
        f"No DICOM object with a Patient ID lies in {path}: {reading.file_count} files, "
        f"{len(reading.broken)} broken, {len(reading.foreign)} no DICOM objects, "
        f"{reading.nameless_count} without Patient ID."
        + (f" {named}" if named else "")
        + (f"; and {more} more" if more > 0 else ""),
        do_next="`beamkeeper read` says of each file what it is.",
    )
