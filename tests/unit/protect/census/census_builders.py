"""Short ways to say who said what."""

from __future__ import annotations

from datetime import UTC, date, datetime

from beamkeeper.domain.census import Census, CensusEntry, CensusReason, Claim, SourceReport
from beamkeeper.domain.patient import Patient
from beamkeeper.protect.census import SourceAnswer

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def patient(
    patient_id: str = "P1", *, name: str = "Peeters^Jan", issuer: str = "", **facts: object
) -> Patient:
    return Patient(patient_id=patient_id, name=name, issuer_of_patient_id=issuer, **facts)  # type: ignore[arg-type]


def entry(
    who: Patient | str = "P1",
    *,
    source: str = "ois",
    reason: CensusReason = CensusReason.TREATED_RECENTLY,
    **more: object,
) -> CensusEntry:
    person = patient(who) if isinstance(who, str) else who
    claims = (Claim(source=source, reason=reason),)
    return CensusEntry(patient=person, claims=claims, **more)  # type: ignore[arg-type]


def answer(source: str, *entries: CensusEntry, **more: object) -> SourceAnswer:
    return SourceAnswer(source=source, entries=entries, **more)  # type: ignore[arg-type]


def silent(source: str) -> SourceAnswer:
    return SourceAnswer(source=source, error="The database gave no answer.")


def census(*entries: CensusEntry, **counts: int) -> Census:
    """Return a list; `counts` are how many patients each source named."""
    reports = tuple(
        SourceReport(source=source, answered=True, patient_count=count) for source, count in counts.items()
    )
    return Census(taken_at=NOW, entries=entries, sources=reports)


BORN = date(1960, 1, 2)
