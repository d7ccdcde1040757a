"""What was to be expected, and what is too much at once: facts gathered for the rules of `compare`."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from beamkeeper.clock import local_date
from beamkeeper.domain.change import DOCUMENT, AnnouncedScope, Grade
from beamkeeper.domain.counting import course_position
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.protect.compare import (
    Announcement,
    CourseFacts,
    EntropySample,
    MassFacts,
    byte_entropy,
    mass_change_alarm,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.looked import Looked, PatientFacts
    from beamkeeper.domain.meterset import MetersetTolerance
    from beamkeeper.ledger import AnnouncementRow

_UNCOMPRESSED = frozenset(
    {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", ""}
)  # implicit, explicit little endian, explicit big endian
EVERY_PATIENT = ""


def announcements_for(rows: Iterable[AnnouncementRow], pseudonym: str) -> tuple[Announcement, ...]:
    """Return what was announced for one patient, or for all, in the form the rule takes."""
    return tuple(
        Announcement(
            patient_key=pseudonym,
            scope=AnnouncedScope(row.scope),
            reason=row.reason,
            announced_by=row.announced_by,
            announced_at=row.valid_from,
            expires_at=row.valid_until,
        )
        for row in rows
        if row.pseudonym in {pseudonym, EVERY_PATIENT}
    )


def course_facts(
    pseudonym: str,
    before: PatientFacts | None,
    tonight: PatientFacts,
    *,
    zone: ZoneInfo,
    tolerance: MetersetTolerance,
) -> CourseFacts:
    """Return where the patient stood before tonight, and on which days there was treatment."""
    known = [item.content for item in before.objects] if before else []
    position = course_position(
        [content for content in known if isinstance(content, Plan)],
        [content for content in known if isinstance(content, TreatmentRecord)],
        patient_id=tonight.entry.patient.patient_id,
        tolerance=tolerance,
    )
    allowed: dict[str, frozenset[int] | None] = {
        plan.plan_uid: frozenset()
        if plan.next_fraction_number is None
        else frozenset({plan.next_fraction_number})
        for plan in position.plans
    }
    contents = [item.content for item in tonight.objects]
    for content in contents:
        if isinstance(content, Plan):
            # A plan that came tonight is shown by itself; its first fraction follows from it.
            allowed.setdefault(content.sop_instance_uid, frozenset({1}))
    return CourseFacts(
        patient_key=pseudonym,
        next_fractions=allowed,
        treatment_days=frozenset(_days(contents, zone)),
    )


def _days(contents: Iterable[object], zone: ZoneInfo) -> Iterable[date]:
    for content in contents:
        if isinstance(content, TreatmentRecord) and content.treated_at is not None:
            yield local_date(content.treated_at, zone)


def entropy_sample(before: memoryview | None, now: memoryview, transfer_syntax_uid: str) -> EntropySample:
    """Return how dense an object that came with other bytes was, and is."""
    return EntropySample(
        before_bits=None if before is None else byte_entropy(before),
        now_bits=byte_entropy(now),
        compressed=is_compressed(transfer_syntax_uid),
    )


def is_compressed(transfer_syntax_uid: str) -> bool:
    """Return whether a transfer syntax compresses pixels, so that bytes may look like noise."""
    return transfer_syntax_uid not in _UNCOMPRESSED


def shared_studies(studies: Mapping[str, Collection[str]]) -> dict[str, tuple[str, ...]]:
    """Return, by pseudonym, the sentences about studies that bear more than one patient of tonight.

    Two Patient IDs in one study may be one person or a mix-up: shown, never merged.
    """
    holders: dict[str, list[str]] = defaultdict(list)
    for pseudonym, held in studies.items():
        for study in held:
            holders[study].append(pseudonym)
    said: dict[str, list[str]] = defaultdict(list)
    for study, pseudonyms in sorted(holders.items()):
        if study and len(pseudonyms) > 1:
            for pseudonym in pseudonyms:
                others = ", ".join(other[:10] for other in sorted(pseudonyms) if other != pseudonym)
                said[pseudonym].append(
                    f"Study {study} has objects of another patient too (patient {others}): "
                    "kept apart, a person must say whose they are."
                )
    return {pseudonym: tuple(lines) for pseudonym, lines in said.items()}


def night_alarm(every: Iterable[Looked]) -> str:
    """Return why the night must stop, in one sentence; "" when it is plausible.

    What could not be read before and lies in quarantine with the same bytes is no reason to stop: a source
    that holds much of it would stop every night.
    """
    known = changed = missing = unreadable = arrived = 0
    samples: list[EntropySample] = []
    for looked in every:
        night = looked.night
        objects = [item for item in night.comparisons if item.kind != DOCUMENT]
        grades = [item.grade for item in objects]
        new = grades.count(Grade.NEW)
        changed += sum(
            item.grade is Grade.CLINICAL and not item.expected and item.kind != ObjectKind.OTHER.value
            for item in objects
        )
        missing += sum(item.grade is Grade.MISSING and not item.expected for item in objects)
        unreadable += grades.count(Grade.UNREADABLE) - looked.unreadable_before
        known += night.identical_count + len(grades) - new
        arrived += night.identical_count + len(grades) - grades.count(Grade.MISSING)
        samples += looked.samples
    alarm = mass_change_alarm(
        MassFacts(
            known=known,
            changed=changed,
            missing=missing,
            unreadable=unreadable,
            arrived=arrived,
            samples=tuple(samples),
        )
    )
    return "" if alarm is None else alarm.text


def documents_alarm(every: Iterable[Looked]) -> str:
    """Return why the night must stop for its documents, by the same rule; "" when they are plausible.

    A share that gave no answer says nothing about what it holds, and its documents are not among these.
    """
    known = changed = missing = unreadable = arrived = 0
    samples: list[EntropySample] = []
    for documents in filter(None, (looked.documents for looked in every)):
        grades = [item.grade for item in documents.comparisons]
        here = len(documents.found)
        gone = grades.count(Grade.MISSING)
        emptied = grades.count(Grade.UNREADABLE) - sum(item.is_damaged for item in documents.found)
        changed += sum(
            item.grade in {Grade.CLINICAL, Grade.ADMINISTRATIVE} and not item.expected
            for item in documents.comparisons
        )
        missing += gone
        unreadable += grades.count(Grade.UNREADABLE)
        known += here - grades.count(Grade.NEW) + gone + emptied
        arrived += here
        samples += documents.samples
    facts = MassFacts(
        known=known,
        changed=changed,
        missing=missing,
        unreadable=unreadable,
        arrived=arrived,
        samples=tuple(samples),
    )
    alarm = mass_change_alarm(facts, what="documents")
    return "" if alarm is None else alarm.text
