"""What a night's report gives people to confirm, and the digest of exactly that."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from beamkeeper.domain.ballot import THE_NIGHT, NightFacts
from beamkeeper.domain.codec import to_json
from beamkeeper.domain.night import NightOutcome

if TYPE_CHECKING:
    from beamkeeper.domain.night import NightReport, PatientNight


def facts_of(report: NightReport, *, people_needed: int) -> NightFacts:
    """Return what has to be confirmed of a reported night.

    A patient is an item when a change needs eyes, something of them is not kept, or there is a doubt about
    who it is. The night itself is one when anything went wrong that no listed patient stands for: an alarm,
    a loss, a source without an answer, nobody on the list, or no night before it to compare with.
    """
    patients = sorted(patient.pseudonym for patient in report.patients if patient.needs_a_word)
    items = [*([THE_NIGHT] if _has_itself_to_answer(report, patients) else []), *patients]
    return NightFacts(
        night=report.run_on,
        digest=list_digest(report),
        items=tuple(items),
        reported_at=report.finished_at,
        people_needed=people_needed,
    )


def _has_itself_to_answer(report: NightReport, named: list[str]) -> bool:
    if report.outcome is NightOutcome.STOPPED or report.alarm or not report.patients:
        return True
    if report.stale_census or report.compared_with is None:
        return True
    if any(not source.answered for source in report.sources):
        return True
    return report.outcome is not NightOutcome.COMPLETE and not named


def list_digest(report: NightReport) -> str:
    """Return the SHA-256, hexadecimal, of everything people are asked to judge.

    Not of the times and sizes of the try that found it: a second try that finds the same is the same list.
    """
    told = {
        "night": report.run_on.isoformat(),
        "outcome": report.outcome.value,
        "alarm": report.alarm,
        "stale_census": report.stale_census,
        "first": report.compared_with is None,
        "warnings": sorted(report.warnings),
        "sources": sorted((source.source, source.answered) for source in report.sources),
        "patients": sorted(
            (_told(patient) for patient in report.patients), key=lambda told: str(told["who"])
        ),
    }
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _told(patient: PatientNight) -> dict[str, object]:
    eyes = sorted((to_json(item) for item in patient.eyes), key=lambda item: json.dumps(item, sort_keys=True))
    return {
        "who": patient.pseudonym,
        "eyes": eyes,
        "not_kept": sorted((item.sop_instance_uid, item.shown, item.reason) for item in patient.not_kept),
        "error": patient.error,
        "whole": patient.is_whole,
        **({"identity": sorted(patient.identity)} if patient.identity else {}),
    }
