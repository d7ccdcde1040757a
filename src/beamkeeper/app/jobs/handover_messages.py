"""HL7 messages that make a handed-over patient known at the other house: person, visit, sessions, letter."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.wire.hl7 import (
    Appointment,
    Document,
    Envelope,
    Identifier,
    Person,
    appointment_cancelled,
    appointment_made,
    document_added,
    patient_registered,
    person_added,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from beamkeeper.domain.patient import Patient
    from beamkeeper.respond.handover import Manifest, Session

MINUTES: Final = 20
"""Of a session, where nobody agreed another length."""
CONTROL_CHARACTERS: Final = 18
NAMESPACE_CHARACTERS: Final = 20


def messages(
    manifest: Manifest,
    letter: bytes,
    *,
    there: Patient | None,
    sent_at: datetime,
    addressed: Mapping[str, str],
) -> Iterator[tuple[str, bytes]]:
    """Yield (kind, message): ADT^A28, ADT^A04, SIU^S15 and SIU^S12 for sessions with a time, MDM^T02.

    Every try of a message has the same control id, so that a receiver sees the repetition.

    Parameters
    ----------
    letter
        The letter as PDF.
    there
        The patient by the receiver's number, which then stands first; None while it gave none.
    addressed
        Fields of the envelope: facilities, applications, character set.
    """
    person = _person(manifest.patient, there, manifest.sender)
    number = 0

    def envelope(kind: str) -> Envelope:
        nonlocal number
        number += 1
        text = f"{manifest.bundle_id}/{number}/{kind}/{person.identifiers[0].number}"
        digest = hashlib.sha256(text.encode()).hexdigest()[: CONTROL_CHARACTERS - 2].upper()
        return Envelope(
            control_id=f"BK{digest}",
            sent_at=sent_at,
            zone=ZoneInfo(manifest.time_zone),
            sending_facility=_short(manifest.sender),
            receiving_facility=_short(manifest.recipient),
            **addressed,
        )

    comes = [one for one in manifest.sessions if one.starts_at is not None]
    yield "adt-a28", person_added(envelope("A28"), person)
    if comes and comes[0].starts_at is not None:
        first = min(one.starts_at for one in comes if one.starts_at is not None)
        yield "adt-a04", patient_registered(envelope("A04"), person, comes_at=first)
    for session in manifest.cancelled:
        yield "siu-s15", appointment_cancelled(envelope("S15"), person, _appointment(manifest, session))
    for session in comes:
        yield (
            "siu-s12",
            appointment_made(envelope("S12"), person, _appointment(manifest, session)),
        )
    document = Document(
        document_id=f"{manifest.bundle_id}-letter",
        title=f"Transfer letter of {manifest.sender}",
        pdf=letter,
        made_at=manifest.made_at,
    )
    yield "mdm-t02", document_added(envelope("T02"), person, document)


def _short(name: str) -> str:
    """Return a house's name as HL7 2.5 has room for it (HD-1, 20 characters)."""
    return name[:NAMESPACE_CHARACTERS].strip()


def _person(home: Patient, there: Patient | None, sender: str) -> Person:
    ours = Identifier(number=home.patient_id, authority=home.issuer_of_patient_id or _short(sender))
    theirs = (
        () if there is None else (Identifier(number=there.patient_id, authority=there.issuer_of_patient_id),)
    )
    return Person(identifiers=(*theirs, ours), name=home.name, birth_on=home.birth_on, sex=home.sex)


def _appointment(manifest: Manifest, session: Session) -> Appointment:
    assert session.starts_at is not None, "only sessions with a time are asked for"  # noqa: S101
    positions = manifest.position.plans if manifest.position else ()
    planned = next((at.fractions_planned for at in positions if at.plan_uid == session.plan_uid), None)
    which = f"{manifest.pseudonym}/{session.plan_uid}/{session.fraction_number}/{session.is_rest}"
    return Appointment(
        appointment_id=hashlib.sha256(which.encode()).hexdigest()[:16],  # the same in a later bundle
        starts_at=session.starts_at,
        minutes=MINUTES,
        machine=session.machine,
        plan_label=f"{session.rt_plan_label}, the rest" if session.is_rest else session.rt_plan_label,
        fraction_number=session.fraction_number,
        fraction_count=planned,
    )
