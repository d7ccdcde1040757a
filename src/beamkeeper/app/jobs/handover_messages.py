"""HL7 messages that make a handed-over patient known at the other house: person, visit, sessions, letter."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.respond.handover.appointments import Asked, Said
from beamkeeper.wire.hl7 import (
    Appointment,
    Document,
    Envelope,
    Identifier,
    Person,
    appointment_cancelled,
    appointment_changed,
    appointment_made,
    appointment_moved,
    document_added,
    patient_registered,
    person_added,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from beamkeeper.domain.patient import Patient
    from beamkeeper.respond.handover import Manifest

MINUTES: Final = 20
"""Of a session, where nobody agreed another length."""
CONTROL_DIGITS: Final = 16
NAMESPACE_CHARACTERS: Final = 20


_MAKE: Final = {
    Said.MADE: appointment_made,
    Said.MOVED: appointment_moved,
    Said.CHANGED: appointment_changed,
    Said.CANCELLED: appointment_cancelled,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, ready to be sent.

    Attributes
    ----------
    event
        Message and trigger: "ADT^A28".
    control_id
        By which the answer names it; the same in every try, so that a receiver sees the repetition.
    asked
        The appointment it is about; None where it is about none.
    """

    event: str
    control_id: str
    data: bytes
    asked: Asked | None = None


def messages(
    manifest: Manifest,
    letter: bytes,
    asked: Iterable[Asked],
    *,
    there: Patient | None,
    sent_at: datetime,
    addressed: Mapping[str, str],
) -> Iterator[Message]:
    """Yield ADT^A28, ADT^A04 where a session has a time, a SIU for each appointment, MDM^T02.

    Parameters
    ----------
    letter
        The letter as PDF.
    asked
        What is to be said of appointments (`respond.handover.appointments`).
    there
        The patient by the receiver's number, which then stands first; None while it gave none.
    addressed
        Fields of the envelope: facilities, applications, character set.
    """
    person = _person(manifest.patient, there, manifest.sender)
    number = 0

    def envelope(control_id: str) -> Envelope:
        return Envelope(
            control_id=control_id,
            sent_at=sent_at,
            zone=ZoneInfo(manifest.time_zone),
            sending_facility=_short(manifest.sender),
            receiving_facility=_short(manifest.recipient),
            **addressed,
        )

    def once(event: str) -> Envelope:
        nonlocal number
        number += 1
        text = f"{manifest.bundle_id}/{number}/{event}/{person.identifiers[0].number}"
        return envelope(f"BK{hashlib.sha256(text.encode()).hexdigest()[:CONTROL_DIGITS].upper()}")

    head = once("A28")
    yield Message(event="ADT^A28", control_id=head.control_id, data=person_added(head, person))
    comes = [one.starts_at for one in manifest.sessions if one.starts_at is not None]
    if comes:
        head, first = once("A04"), min(comes)
        data = patient_registered(head, person, comes_at=first)
        yield Message(event="ADT^A04", control_id=head.control_id, data=data)
    for one in asked:
        who = person if there is None else _person(manifest.patient, _known_as(there, one), manifest.sender)
        data = _MAKE[one.said](envelope(one.control_id), who, _appointment(one))
        yield Message(event=one.event, control_id=one.control_id, data=data, asked=one)
    document = Document(
        document_id=f"{manifest.bundle_id}-letter",
        title=f"Transfer letter of {manifest.sender}",
        pdf=letter,
        made_at=manifest.made_at,
    )
    head = once("T02")
    yield Message(event="MDM^T02", control_id=head.control_id, data=document_added(head, person, document))


def _known_as(there: Patient, asked: Asked) -> Patient:
    """Return the patient by the number under which a receiver has an appointment."""
    return replace(there, patient_id=asked.patient_id)


def _short(name: str) -> str:
    """Return a house's name as HL7 2.5 has room for it (HD-1, 20 characters)."""
    return name[:NAMESPACE_CHARACTERS].strip()


def _person(home: Patient, there: Patient | None, sender: str) -> Person:
    ours = Identifier(number=home.patient_id, authority=home.issuer_of_patient_id or _short(sender))
    theirs = (
        () if there is None else (Identifier(number=there.patient_id, authority=there.issuer_of_patient_id),)
    )
    return Person(identifiers=(*theirs, ours), name=home.name, birth_on=home.birth_on, sex=home.sex)


def _appointment(asked: Asked) -> Appointment:
    session = asked.session
    assert session.starts_at is not None, "only sessions with a time are asked for"  # noqa: S101
    return Appointment(
        appointment_id=asked.appointment_id,
        starts_at=session.starts_at,
        minutes=MINUTES,
        machine=session.machine,
        plan_label=f"{session.rt_plan_label}, the rest" if session.is_rest else session.rt_plan_label,
        fraction_number=session.fraction_number,
        fraction_count=asked.fraction_count,
    )
