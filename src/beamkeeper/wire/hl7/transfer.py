"""Messages that make a patient known at another hospital: the person, each appointment, a document.

All are functions of plain values: the caller gives the numbers by which a receiver sees a repetition,
and the moments. What a receiver makes of them is its own: only its acknowledgement is proof.

References
----------
HL7 v2.5.1 chapter 3.3 (ADT A04, A28), 9.6.2 (MDM T02), 10.4 (SIU S12 to S15); IHE PAM [ITI-30], [ITI-31]
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import ConfigError, ObjectUnreadable
from beamkeeper.wire.hl7.writing import DELIMITERS, components, encoded, escaped, segment

if TYPE_CHECKING:
    from datetime import date, datetime, tzinfo

CONTROL_ID_CHARACTERS_MAX: Final = 20
"""MSH-10 in HL7 before 2.7."""
DOCUMENT_BYTES_MAX: Final = 64 << 20
MINUTES_MAX: Final = 24 * 60
_VERSION: Final = "2.5.1"
_MINUTES: Final = components("min", "minutes", "UCUM")


class AppointmentStatus(StrEnum):
    """How sure an appointment is: HL7 table 0278."""

    BOOKED = "Booked"
    CANCELLED = "Cancelled"
    PENDING = "Pending"
    """Asked for; the receiver has still to agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Who writes to whom, and how; one for each message.

    Attributes
    ----------
    control_id
        MSH-10: the same for every try of the same message, so that a receiver sees a repetition.
    sent_at
        Aware.
    zone
        Where the receiver's clocks are; every time in the message is shown there, with its offset.
    character_set
        MSH-18, a key of `writing.ENCODINGS`.
    """

    control_id: str
    sent_at: datetime
    zone: tzinfo
    sending_application: str = "BEAMKEEPER"
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    processing_id: str = "P"
    character_set: str = "UNICODE UTF-8"

    def __post_init__(self) -> None:
        """Refuse a number that a receiver may cut: two messages would then look like one."""
        if not 0 < len(self.control_id) <= CONTROL_ID_CHARACTERS_MAX or not (
            self.control_id.isascii() and self.control_id.isalnum()
        ):
            raise ValueError("a control id has 1 to 20 letters and digits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """One number of a patient, and who gave it.

    Attributes
    ----------
    authority
        Name of the assigning authority (CX-4, namespace); "" where the department has only one.
    authority_uid
        Its OID, where it has one.
    """

    number: str
    authority: str = ""
    authority_uid: str = ""

    def __post_init__(self) -> None:
        """Refuse a patient who cannot be told from another."""
        if not self.number.strip():
            raise ValueError("an identifier without a number tells nobody apart")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who it is about.

    Attributes
    ----------
    identifiers
        The receiver's own number first, where it gave one; then the sender's, each with its authority.
    name
        PN as DICOM writes it, `family^given^middle^prefix^suffix`; of several groups the first that
        says something is sent.
    sex
        "F", "M", "O" or "" (not known).
    """

    identifiers: tuple[Identifier, ...]
    name: str = ""
    birth_on: date | None = None
    sex: str = ""

    def __post_init__(self) -> None:
        """Refuse a person without any number, and one number given twice by one authority."""
        keys = {(one.number, one.authority, one.authority_uid) for one in self.identifiers}
        if not keys or len(keys) != len(self.identifiers):
            raise ValueError("a person has one number or several different ones")


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """One session.

    Attributes
    ----------
    appointment_id
        Unique with its sender, and the same for every try.
    starts_at
        Aware.
    fraction_number, fraction_count
        The k of n; None where the plan does not say.
    booked_by
        Who wrote it down, as one may phone for: a desk rather than a name.
    """

    appointment_id: str
    starts_at: datetime
    minutes: int
    machine: str
    plan_label: str
    fraction_number: int | None = None
    fraction_count: int | None = None
    status: AppointmentStatus = AppointmentStatus.PENDING
    booked_by: str = "Beamkeeper"

    def __post_init__(self) -> None:
        """Refuse a session that has no time."""
        if not 0 < self.minutes <= MINUTES_MAX or not self.appointment_id:
            raise ValueError(f"{self.minutes=}, {self.appointment_id=}")

    @property
    def text(self) -> str:
        """What stands on the list there: "Fraction 12 of 30, PROSTATE"."""
        of = "" if self.fraction_count is None else f" of {self.fraction_count}"
        said = "Session" if self.fraction_number is None else f"Fraction {self.fraction_number}{of}"
        return f"{said}, {self.plan_label}" if self.plan_label else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A PDF to keep with a patient's papers.

    Attributes
    ----------
    document_id
        Unique with its sender (TXA-12), and the same for every try.
    made_at
        Aware.
    document_type
        HL7 table 0270, or what the receiver calls it; "TS" is a transfer summary.
    """

    document_id: str
    title: str
    pdf: bytes
    made_at: datetime
    document_type: str = "TS"


def person_added(envelope: Envelope, person: Person) -> bytes:
    """Return ADT^A28: a person becomes known, without a visit ([ITI-30]).

    Raises
    ------
    ConfigError
        The character set is unknown, or cannot write what the message says; so for all of these.
    """
    segments = (
        _head(envelope, "ADT^A28^ADT_A05"),
        _event(envelope, "A28"),
        _person(person),
        segment("PV1", {2: "N"}),
    )
    return encoded(segments, envelope.character_set)


def patient_registered(envelope: Envelope, person: Person, *, comes_at: datetime) -> bytes:
    """Return ADT^A04: an outpatient is registered, who comes first at `comes_at` ([ITI-31])."""
    segments = (
        _head(envelope, "ADT^A04^ADT_A01"),
        _event(envelope, "A04"),
        _person(person),
        segment("PV1", {1: "1", 2: "O", 44: _at(comes_at, envelope)}),
    )
    return encoded(segments, envelope.character_set)


def appointment_made(envelope: Envelope, person: Person, appointment: Appointment) -> bytes:
    """Return SIU^S12: one appointment."""
    return _scheduled("S12", envelope, person, appointment)


def appointment_moved(envelope: Envelope, person: Person, appointment: Appointment) -> bytes:
    """Return SIU^S13: what was asked for under the same number has another time or machine."""
    return _scheduled("S13", envelope, person, appointment)


def appointment_changed(envelope: Envelope, person: Person, appointment: Appointment) -> bytes:
    """Return SIU^S14: time and machine are as they were, something else that is said of it is not."""
    return _scheduled("S14", envelope, person, appointment)


def appointment_cancelled(envelope: Envelope, person: Person, appointment: Appointment) -> bytes:
    """Return SIU^S15: an appointment that was asked for under the same number no longer stands."""
    gone = replace(appointment, status=AppointmentStatus.CANCELLED)
    return _scheduled("S15", envelope, person, gone)


def _scheduled(event: str, envelope: Envelope, person: Person, appointment: Appointment) -> bytes:
    start = _at(appointment.starts_at, envelope)
    end = _at(appointment.starts_at + timedelta(minutes=appointment.minutes), envelope)
    number = components(appointment.appointment_id, envelope.sending_application)
    minutes, status = str(appointment.minutes), escaped(appointment.status)
    what = components("RTTX", appointment.text, "L")
    by = components("", appointment.booked_by)
    segments = (
        _head(envelope, f"SIU^{event}^SIU_S12"),
        segment(
            "SCH",
            {
                1: number,
                2: number,
                6: what,
                7: components("ROUTINE", "Routine appointment"),
                # SCH-11 is withdrawn for TQ1 in 2.5, and still what most receivers read.
                9: minutes,
                10: _MINUTES,
                11: f"^^^{start}^{end}",
                16: by,
                20: by,
                25: status,
            },
        ),
        segment("NTE", {1: "1", 2: "P", 3: escaped(appointment.text)}),
        _person(person),
        segment("PV1", {1: "1", 2: "O"}),
        segment("RGS", {1: "1", 2: "A"}),
        segment("AIS", {1: "1", 2: "A", 3: what, 4: start, 7: minutes, 8: _MINUTES, 10: status}),
        segment(
            "AIL",
            {
                1: "1",
                2: "A",
                3: components(appointment.machine, "", "", envelope.receiving_facility),
                6: start,
                9: minutes,
                10: _MINUTES,
                12: status,
            },
        ),
    )
    return encoded(segments, envelope.character_set)


def document_added(envelope: Envelope, person: Person, document: Document) -> bytes:
    """Return MDM^T02 with the PDF inside; nobody has signed it there, and TXA-17 does not say so.

    Raises
    ------
    ObjectUnreadable
        The bytes are no whole PDF: a receiver would keep them, and somebody would open them too late.
    """
    pdf = document.pdf
    if not pdf.startswith(b"%PDF-") or b"%%EOF" not in pdf[-1024:]:
        raise ObjectUnreadable("These bytes are not a whole PDF; they were not put into a message.")
    if len(pdf) > DOCUMENT_BYTES_MAX:
        raise ConfigError(f"A PDF of {len(pdf):,} bytes is too large for a message.")
    made = _at(document.made_at, envelope)
    text = base64.b64encode(pdf).decode("ascii")
    segments = (
        _head(envelope, "MDM^T02^MDM_T02"),
        _event(envelope, "T02"),
        _person(person),
        segment("PV1", {1: "1", 2: "O"}),
        segment(
            "TXA",
            {
                1: "1",
                2: escaped(document.document_type),
                3: "AP",
                4: made,
                6: made,
                12: components(document.document_id, envelope.sending_application),
                17: "DO",
                19: "AV",
            },
        ),
        segment(
            "OBX",
            {
                1: "1",
                2: "ED",
                3: components("PDF", document.title, "L"),
                5: f"^application^pdf^Base64^{text}",
                11: "F",
                14: made,
            },
        ),
    )
    return encoded(segments, envelope.character_set)


def _head(envelope: Envelope, kind: str) -> str:
    return segment(
        "MSH",
        {
            2: DELIMITERS,
            3: escaped(envelope.sending_application),
            4: escaped(envelope.sending_facility),
            5: escaped(envelope.receiving_application),
            6: escaped(envelope.receiving_facility),
            7: _at(envelope.sent_at, envelope),
            9: kind,
            10: envelope.control_id,
            11: escaped(envelope.processing_id),
            12: _VERSION,
            18: escaped(envelope.character_set),
        },
    )


def _event(envelope: Envelope, event: str) -> str:
    return segment("EVN", {1: event, 2: _at(envelope.sent_at, envelope)})


def _person(person: Person) -> str:
    return segment(
        "PID",
        {
            1: "1",
            3: "~".join(map(_number, person.identifiers)),
            5: _name(person.name),
            7: f"{person.birth_on:%Y%m%d}" if person.birth_on else "",
            8: escaped(person.sex),
        },
    )


def _number(identifier: Identifier) -> str:
    """Return a CX: the authority's name and OID are subcomponents of one component."""
    authority = escaped(identifier.authority)
    if identifier.authority_uid:
        authority += f"&{escaped(identifier.authority_uid)}&ISO"
    return f"{escaped(identifier.number)}^^^{authority}^MR"


def _name(name: str) -> str:
    """Return an XPN. DICOM writes prefix before suffix, HL7 after it; "U" says that no name is known."""
    group = next((group for group in name.split("=") if group.strip(" ^")), "")
    family, given, middle, prefix, suffix, *_ = [*(part.strip() for part in group.split("^")), *[""] * 5]
    return components(family, given, middle, suffix, prefix, "", "L" if group else "U")


def _at(instant: datetime, envelope: Envelope) -> str:
    if instant.tzinfo is None:
        raise ValueError("an instant without its zone")
    return f"{instant.astimezone(envelope.zone):%Y%m%d%H%M%S%z}"
