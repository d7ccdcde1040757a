"""What the steps of a night hand to one another: kept as notes between them, sealed or dropped after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from beamkeeper.app.jobs.document_notes import PatientDocuments
from beamkeeper.domain.census import Census, CensusEntry, OisCount
from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.namesakes import Namesake
from beamkeeper.domain.night import PatientNight
from beamkeeper.domain.objects import ObjectRef
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import Course
from beamkeeper.protect.compare import EntropySample


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPatient:
    """One patient of tonight's list, with the folder they have in the vault.

    Attributes
    ----------
    namesakes
        Whom else of the list they may be taken for; None when nobody looked.
    """

    pseudonym: str
    entry: CensusEntry
    namesakes: tuple[Namesake, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TonightList:
    """The list of one night.

    Attributes
    ----------
    warnings
        What is odd about the list or the sources, in plain sentences.
    unlisted
        Persons whom no list names: their objects came under the Patient ID of somebody on the list.
    namesakes
        Of each entry of the census, in its order: whom else of it they may be taken for; () in the notes of
        a night that began before anybody looked.
    """

    census: Census
    pseudonyms: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    unlisted: tuple[ListedPatient, ...] = ()
    namesakes: tuple[tuple[Namesake, ...], ...] = ()

    def patients(self) -> tuple[ListedPatient, ...]:
        """Return everybody of tonight with their pseudonym, those on the list first."""
        alike = self.namesakes or (None,) * len(self.pseudonyms)
        listed = (
            ListedPatient(pseudonym=pseudonym, entry=entry, namesakes=others)
            for pseudonym, entry, others in zip(self.pseudonyms, self.census.entries, alike, strict=True)
        )
        return (*listed, *self.unlisted)

    @property
    def everybody(self) -> tuple[str, ...]:
        """The pseudonyms of everybody of tonight, those on the list first."""
        return (*self.pseudonyms, *(item.pseudonym for item in self.unlisted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived(ObjectRef):
    """One object that came tonight with bytes the vault does not have yet.

    Attributes
    ----------
    readable
        False when the bytes are no whole DICOM object: sealed all the same, under quarantine.
    pack, offset
        Where the spool holds it.
    """

    pack: str
    offset: int
    readable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientFacts:
    """What is remembered of a patient between nights, and sealed with them as `facts.json`.

    Attributes
    ----------
    entry
        What the list said of the patient.
    objects
        What the RT objects say, control points in outline; images are counted, not described.
    pushed
        SOP Instance UIDs that were sent to us and that no source ever listed: their absence from a
        list says nothing.
    known_as
        Every way in which issuer, name and birth date of this person were stated so far.
    prescribed, counted
        Courses and fraction counts as an OIS last named them, to hold the next night against.
    as_of
        When the hour last added records; None when these are a night's facts.
    since_night
        SOP Instance UIDs of the records that the hour added: no count of the OIS knows them.
    namesakes
        Whom else of that night's list the patient may be taken for; None when nobody looked.
    night_phone
        Of the department, as the site file had it that night: a copy alone knows whom to call.
    """

    pseudonym: str
    entry: CensusEntry
    objects: tuple[ClinicalObject, ...] = ()
    pushed: tuple[str, ...] = ()
    known_as: tuple[Patient, ...] = ()
    as_of: datetime | None = None
    prescribed: tuple[Course, ...] = ()
    counted: tuple[OisCount, ...] = ()
    namesakes: tuple[Namesake, ...] | None = None
    since_night: tuple[str, ...] = ()
    night_phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Everything that looking at one patient found.

    Attributes
    ----------
    night
        As the report will show it, not yet stored.
    arrived
        New bytes, to be sealed.
    seen
        (SOP Instance UID, SHA-256) of everything the sources hold tonight, known or new.
    gone
        SOP Instance UIDs the sources no longer list.
    samples
        How dense changed objects were before and are now.
    unreadable_before
        How many of the unreadable objects of `night` lie in quarantine with the same bytes already:
        named every night, and no news that could stop one.
    documents
        What was found of the patient's documents; None where none are asked for.
    """

    night: PatientNight
    facts: PatientFacts
    arrived: tuple[Arrived, ...] = ()
    seen: tuple[tuple[str, str], ...] = ()
    gone: tuple[str, ...] = ()
    samples: tuple[EntropySample, ...] = ()
    unreadable_before: int = 0
    documents: PatientDocuments | None = None


def with_documents(looked: Looked, documents: PatientDocuments | None) -> Looked:
    """Return what was found of a patient, with what was found of the documents."""
    if documents is None:
        return looked
    night = looked.night
    night = replace(
        night,
        document_count=len(documents.found),
        not_kept=(*night.not_kept, *documents.not_kept),
        comparisons=(*night.comparisons, *documents.comparisons),
        disagreements=(*night.disagreements, *documents.remarks),
    )
    return replace(looked, night=night, documents=documents)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedNote:
    """The parcel one patient got tonight; empty strings when nothing new had to be sealed.

    Attributes
    ----------
    dossier_error
        Why there is no dossier in it; "" when there is one, or none is wanted.
    """

    path: str = ""
    sha256: str = ""
    size_bytes: int = 0
    error: str = ""
    dossier_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmNote:
    """What `judge` found.

    Attributes
    ----------
    alarm
        Why the night is implausible; "" when it is plausible.
    despite
        Why a person decided to seal all the same; "" when nobody did.
    """

    alarm: str = ""
    despite: str = ""

    @property
    def stops(self) -> bool:
        """Whether nothing may be sealed."""
        return bool(self.alarm) and not self.despite
