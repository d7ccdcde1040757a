"""A patient who goes to another hospital is told there: whole, strictly in form, and nothing smuggled in."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import hl7
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import ConfigError, ObjectUnreadable
from beamkeeper.wire.hl7 import (
    Appointment,
    AppointmentStatus,
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
    from collections.abc import Callable

BRUSSELS = ZoneInfo("Europe/Brussels")
ENVELOPE = Envelope(
    control_id="BK000001",
    sent_at=datetime(2026, 10, 24, 22, 30, tzinfo=UTC),
    zone=BRUSSELS,
    sending_facility="HOME",
    receiving_application="OIS",
    receiving_facility="PARTNER",
)
PERSON = Person(
    identifiers=(
        Identifier(number="P-77", authority="PARTNER"),
        Identifier(number="4711", authority="HOME", authority_uid="2.16.56.1"),
    ),
    name="Van Hövel^Jürgen^José^Dr.^Jr.=別^名",
    birth_on=date(1970, 1, 31),
    sex="M",
)
SESSION = Appointment(
    appointment_id="A1",
    starts_at=datetime(2026, 10, 25, 0, 50, tzinfo=UTC),
    minutes=20,
    machine="TB2",
    plan_label="PROST",
    fraction_number=12,
    fraction_count=30,
)
PDF = b"%PDF-1.7\n" + bytes(range(256)) + b"\n%%EOF\n"
PAPER = Document(document_id="D1", title="Dossier", pdf=PDF, made_at=datetime(2026, 10, 24, 8, tzinfo=UTC))
MAKE: dict[str, Callable[[Envelope, Person], bytes]] = {
    "ADT^A28^ADT_A05": person_added,
    "ADT^A04^ADT_A01": lambda envelope, person: patient_registered(
        envelope, person, comes_at=SESSION.starts_at
    ),
    "SIU^S12^SIU_S12": lambda envelope, person: appointment_made(envelope, person, SESSION),
    "SIU^S13^SIU_S12": lambda envelope, person: appointment_moved(envelope, person, SESSION),
    "SIU^S14^SIU_S12": lambda envelope, person: appointment_changed(envelope, person, SESSION),
    "MDM^T02^MDM_T02": lambda envelope, person: document_added(envelope, person, PAPER),
}
NASTY = st.text(
    st.sampled_from("|^~\\&\r\n\x0b\x1c éß別\x00") | st.characters(exclude_categories=("Cs",)), max_size=20
)


def said(data: bytes) -> hl7.Message:
    return hl7.parse(data.decode())


@pytest.mark.parametrize("kind", MAKE)
def test_every_message_is_strictly_of_its_structure(kind: str) -> None:
    # The library takes ED-5 for a text of 199 characters; the standard says TX.
    short = base64.b64encode(b"%PDF-1.7\n%%EOF")
    text = MAKE[kind](ENVELOPE, PERSON).replace(base64.b64encode(PDF), short).decode()
    message = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True)

    assert message.validate()
    assert message.msh.msh_9.to_er7() == kind


@pytest.mark.parametrize("kind", MAKE)
def test_the_receivers_number_stands_first_and_the_senders_with_its_authority(kind: str) -> None:
    pid = said(MAKE[kind](ENVELOPE, PERSON)).segment("PID")

    assert str(pid(3)) == "P-77^^^PARTNER^MR~4711^^^HOME&2.16.56.1&ISO^MR"
    assert str(pid(5)) == "Van Hövel^Jürgen^José^Jr.^Dr.^^L"
    assert (str(pid(7)), str(pid(8))) == ("19700131", "M")


def test_a_session_in_the_hour_that_comes_twice_says_which_of_them_it_means() -> None:
    message = said(appointment_made(ENVELOPE, PERSON, SESSION))

    assert str(message.segment("SCH")(11)) == "^^^20261025025000+0200^20261025021000+0100"
    assert str(message.segment("AIS")(4)) == "20261025025000+0200"
    assert str(message.segment("MSH")(7)) == "20261025003000+0200"


def test_an_appointment_says_machine_minutes_fraction_and_how_sure_it_is() -> None:
    message = said(appointment_made(ENVELOPE, PERSON, SESSION))

    assert str(message.segment("SCH")(1)) == str(message.segment("SCH")(2)) == "A1^BEAMKEEPER"
    assert str(message.segment("SCH")(6)) == "RTTX^Fraction 12 of 30, PROST^L"
    assert str(message.segment("SCH")(9)) == str(message.segment("AIS")(7)) == "20"
    assert str(message.segment("SCH")(25)) == "Pending"
    assert str(message.segment("AIL")(3)) == "TB2^^^PARTNER"
    assert str(message.segment("NTE")(3)) == "Fraction 12 of 30, PROST"


@pytest.mark.parametrize(
    ("number", "count", "label", "text"),
    [
        (12, None, "P", "Fraction 12, P"),
        (None, 30, "P", "Session, P"),
        (None, None, "", "Session"),
        (1, 1, "", "Fraction 1 of 1"),
    ],
)
def test_a_session_claims_no_fraction_that_nobody_knows(
    number: int | None, count: int | None, label: str, text: str
) -> None:
    asked = replace(SESSION, fraction_number=number, fraction_count=count, plan_label=label)

    assert asked.text == text


def test_a_booked_session_is_told_from_one_that_is_asked_for() -> None:
    booked = appointment_made(ENVELOPE, PERSON, replace(SESSION, status=AppointmentStatus.BOOKED))

    assert str(said(booked).segment("SCH")(25)) == "Booked"


def test_the_document_comes_out_byte_for_byte_and_is_signed_by_nobody() -> None:
    message = said(document_added(ENVELOPE, PERSON, PAPER))
    value = message.segment("OBX")(5)[0]

    assert str(message.segment("OBX")(2)) == "ED"
    assert [str(part) for part in value[:4]] == ["", "application", "pdf", "Base64"]
    assert base64.b64decode(str(value[4]), validate=True) == PDF
    assert str(message.segment("TXA")(12)) == "D1^BEAMKEEPER"
    assert str(message.segment("TXA")(17)) == "DO"


@pytest.mark.parametrize("pdf", [b"", b"<html>", b"%PDF-1.7\n cut short"])
def test_what_is_no_whole_pdf_is_not_sent(pdf: bytes) -> None:
    with pytest.raises(ObjectUnreadable, match="whole PDF"):
        document_added(ENVELOPE, PERSON, replace(PAPER, pdf=pdf))


@given(*[NASTY] * 5)
def test_no_value_ends_a_field_a_segment_or_the_message(
    name: str, number: str, machine: str, label: str, title: str
) -> None:
    person = Person(identifiers=(Identifier(number=f"1{number}", authority=name),), name=name)
    envelope = replace(ENVELOPE, sending_facility=machine, receiving_facility=label)
    session = replace(SESSION, machine=machine, plan_label=label, booked_by=name, appointment_id=f"1{title}")
    paper = replace(PAPER, document_id=f"1{label}", title=title, document_type=f"T{machine}")
    for data, plain in (
        (person_added(envelope, person), person_added(ENVELOPE, PERSON)),
        (appointment_made(envelope, person, session), appointment_made(ENVELOPE, PERSON, SESSION)),
        (document_added(envelope, person, paper), document_added(ENVELOPE, PERSON, PAPER)),
    ):
        assert b"\x0b" not in data
        assert b"\x1c" not in data
        shapes = [[(line[:4], line.count("|")) for line in one.decode().split("\r")] for one in (data, plain)]
        assert shapes[0] == shapes[1]


def test_a_name_says_itself_again_once_it_is_unescaped() -> None:
    person = replace(PERSON, name="O^N|a\\b&c~d^")
    pid = next(s for s in said(person_added(ENVELOPE, person)) if str(s[0]) == "PID")
    raw = str(pid[5]).split("^")

    assert said(person_added(ENVELOPE, person)).unescape(raw[1]) == "N|a\\b&c~d"


def test_half_a_character_in_a_name_keeps_nobody_from_being_told() -> None:
    assert b"Zo\\X3F\\" in person_added(ENVELOPE, replace(PERSON, name="Zo\ud83d"))


@pytest.mark.parametrize(
    ("character_set", "name", "stored"),
    [
        ("UNICODE UTF-8", "Łódź^Zoë", "Łódź^Zoë".encode()),
        ("8859/1", "Çelik^Zoë", "Çelik^Zoë".encode("latin-1")),
        ("8859/2", "Łódź^Ł", "Łódź^Ł".encode("iso-8859-2")),
        ("", "Müller^A", "Müller^A".encode("latin-1")),
    ],
)
def test_names_are_written_in_the_receivers_character_set(
    character_set: str, name: str, stored: bytes
) -> None:
    data = person_added(replace(ENVELOPE, character_set=character_set), replace(PERSON, name=name))

    assert stored in data
    assert data.split(b"\r")[0].split(b"|")[17] == character_set.encode()


def test_a_cancelled_appointment_bears_the_number_under_which_it_was_asked_for() -> None:
    asked, gone = (
        said(make(ENVELOPE, PERSON, SESSION)) for make in (appointment_made, appointment_cancelled)
    )

    assert str(gone.segment("MSH")(9)) == "SIU^S15^SIU_S12"
    assert str(gone.segment("SCH")(1)) == str(asked.segment("SCH")(1))
    assert str(gone.segment("SCH")(25)) == "Cancelled"


def test_a_name_that_the_receivers_character_set_lacks_is_said_and_not_mangled() -> None:
    with pytest.raises(ConfigError, match="cannot be written") as caught:
        person_added(replace(ENVELOPE, character_set="8859/1"), replace(PERSON, name="Łódź^Ł"))

    assert "Łódź" not in caught.value.message


@pytest.mark.parametrize("name", ["", "^^", " ^ = ^"])
def test_a_person_without_a_name_is_said_to_have_none(name: str) -> None:
    assert str(said(person_added(ENVELOPE, replace(PERSON, name=name))).segment("PID")(5)) == "^^^^^^U"


def test_a_name_in_one_script_only_is_sent_in_that_one() -> None:
    assert str(said(person_added(ENVELOPE, replace(PERSON, name="=山田^太郎"))).segment("PID")(5)) == (
        "山田^太郎^^^^^L"
    )


@pytest.mark.parametrize(
    "broken",
    [
        lambda: replace(ENVELOPE, control_id=""),
        lambda: replace(ENVELOPE, control_id="A" * 21),
        lambda: replace(ENVELOPE, control_id="A|B"),
        lambda: replace(PERSON, identifiers=()),
        lambda: replace(PERSON, identifiers=(PERSON.identifiers[0],) * 2),
        lambda: Identifier(number=" "),
        lambda: replace(SESSION, minutes=0),
        lambda: replace(SESSION, appointment_id=""),
        lambda: person_added(replace(ENVELOPE, sent_at=datetime(2026, 1, 1)), PERSON),  # noqa: DTZ001
    ],
)
def test_what_nobody_could_tell_apart_is_no_message(broken: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        broken()
