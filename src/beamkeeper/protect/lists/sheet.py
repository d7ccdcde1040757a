"""The lists as tables for programs: one line a plan, a contact, or an appointment; plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.protect.lists.contacts import contact_in_words
from beamkeeper.protect.lists.page import name_of
from beamkeeper.protect.lists.row import Section

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.protect.lists.row import ListHead, ListRow, PlanLine


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table; every value is text, so that an ID keeps its zeros.

    Attributes
    ----------
    about
        What stands above it where there is room: (what, value).
    """

    name: str
    about: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def triage_sheet(head: ListHead, rows: Sequence[ListRow], *, decides: str, summary: str) -> Sheet:
    """Return the triage list: one line for each patient and plan."""
    made = [{**_person(row, head), **_plan(line, head.zone)} for row in rows for line in row.plans]
    return _sheet("Triage list", head, _TRIAGE, made, decides=decides, summary=summary)


def contact_sheet(head: ListHead, rows: Sequence[ListRow], *, decides: str, summary: str) -> Sheet:
    """Return the contact list: one line for each patient, by name."""
    ordered = sorted(rows, key=lambda row: (name_of(row.patient).casefold(), row.rank))
    made = [_contact(row, head) for row in ordered]
    return _sheet("Contact list", head, _CONTACT, made, decides=decides, summary=summary)


def schedule_sheet(head: ListHead, rows: Sequence[ListRow], *, decides: str, summary: str) -> Sheet:
    """Return the day schedule: one line for each appointment to come."""
    booked = sorted(
        ((item, row) for row in rows for item in row.appointments),
        key=lambda pair: (
            pair[0].starts_at.astimezone(head.zone).date(),
            pair[0].machine,
            pair[0].starts_at,
            pair[1].rank,
        ),
    )
    made = [
        {
            **_person(row, head),
            "date": str(item.starts_at.astimezone(head.zone).date()),
            "time": item.starts_at.astimezone(head.zone).strftime("%H:%M"),
            "machine": item.machine,
            "activity": item.activity,
            "plans": "; ".join(
                f"{line.label}: {line.given}, next {line.next_fraction}"
                for line in row.plans
                if line.section is not Section.FINISHED
            ),
        }
        for item, row in booked
    ]
    return _sheet("Day schedule", head, _SCHEDULE, made, decides=decides, summary=summary)


def _sheet(
    name: str,
    head: ListHead,
    columns: dict[str, str],
    made: Sequence[dict[str, str]],
    *,
    decides: str,
    summary: str,
) -> Sheet:
    about = (
        ("list", name),
        ("site", head.site_name),
        ("night", f"{head.night}. {head.trust}"),
        ("made", _at(head.made_at, head.zone)),
        ("patients", summary),
        *(("warning", text) for text in (*head.warnings, *(f"NOT LISTED: {one}" for one in head.not_read))),
        *((("capacity", head.shares),) if head.shares else ()),
        ("note", f"{decides} Not a medical device."),
    )
    rows = tuple(tuple(item[key] for key in columns) for item in made)
    return Sheet(name=name, about=about, columns=tuple(columns.values()), rows=rows)


_WHO = {
    "rank": "no.",
    "name": "name",
    "id": "Patient ID",
    "issuer": "issuer of Patient ID",
    "born": "birth date",
    "sex": "sex",
    "language": "language",
}
_TRIAGE = {
    **_WHO,
    "section": "where in the list",
    "call_first": "call first",
    "plan": "plan",
    "plan_where": "plan stands",
    "given": "given",
    "next": "next fraction",
    "next_said": "next in words",
    "dose": "dose so far",
    "intent": "intent",
    "last": "last fraction",
    "days": "days since",
    "code": "triage code",
    "code_reason": "triage reason",
    "category": "RCR category, suggested",
    "category_reason": "category from",
    "plan_machine": "machine",
    "needs": "machine must have",
    "physician": "physician",
    "appointment": "next appointment",
    "ready": "ready",
    "missing": "missing",
    "warnings": "look at first",
    "remarks": "remarks",
    "because": "why here",
    "night": "night",
    "plan_uid": "plan UID",
}
_CONTACT = {
    **_WHO,
    "call_first": "call first",
    "own": "own numbers",
    "others": "others",
    "physician": "physicians",
    "section": "where in the list",
    "warnings": "look at first",
}
_SCHEDULE = {
    "date": "date",
    "time": "time",
    "machine": "machine",
    "activity": "activity",
    **_WHO,
    "call_first": "call first",
    "plans": "plans",
    "code": "triage code",
    "warnings": "look at first",
}


def _person(row: ListRow, head: ListHead) -> dict[str, str]:
    patient, first, booked = row.patient, row.first_call, row.next_appointment
    physicians = (" ".join(filter(None, (item.name, item.phone))) for item in row.physicians)
    return {
        "rank": str(row.rank),
        "name": name_of(patient),
        "id": patient.patient_id,
        "issuer": patient.issuer_of_patient_id,
        "born": str(patient.birth_on or ""),
        "sex": patient.sex,
        "language": patient.language,
        "section": row.section.value,
        "call_first": "" if first is None else first.phone,
        "code": row.triage.code if row.triage else "",
        "code_reason": row.triage.reason if row.triage else "",
        "category": row.category.word,
        "category_reason": row.category.reason,
        "physician": "; ".join(physicians),
        "appointment": ""
        if booked is None
        else f"{_at(booked.starts_at, head.zone)} {booked.machine}".strip(),
        "warnings": " ".join(row.warnings),
        "remarks": " ".join(row.remarks),
        "because": row.because,
        "night": str(head.night),
    }


def _contact(row: ListRow, head: ListHead) -> dict[str, str]:
    return {
        **_person(row, head),
        "own": "; ".join(item.phone for item in row.own_phones),
        "others": "; ".join(
            contact_in_words(item.relation, item.name, item.phone) for item in row.other_contacts
        ),
    }


def _plan(line: PlanLine, zone: ZoneInfo) -> dict[str, str]:
    return {
        "plan": line.label,
        "plan_where": line.section.value,
        "given": line.given,
        "next": line.next_fraction,
        "next_said": line.next_said,
        "dose": line.dose,
        "intent": line.intent,
        "last": _at(line.last_treated_at, zone),
        "days": "" if line.days_since is None else str(line.days_since),
        "plan_machine": line.machine,
        "needs": line.needs,
        "ready": "yes" if line.is_ready else "no",
        "missing": " ".join(dict.fromkeys((*line.conflicts, *line.missing))),
        "plan_uid": line.plan_uid,
    }


def _at(instant: datetime | None, zone: ZoneInfo) -> str:
    return "" if instant is None else instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")
