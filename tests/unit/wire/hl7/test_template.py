"""A removal message says who, to whom and nothing that a name could smuggle in."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import ConfigError
from beamkeeper.wire.hl7 import TEMPLATES, MessageFacts, Template, filled

SENT = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Brussels"))
FACTS = MessageFacts(
    control_id="BK000001",
    sent_at=SENT,
    patient_id="P000123",
    issuer_of_patient_id="SITE",
    patient_name="Van Hövel^Jürgen=別",
    birth_date=date(1970, 1, 1),
    sex="F",
    receiving_application="MIM",
)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_shipped_template_makes_a_message_that_a_parser_reads_as_meant(name: str) -> None:
    message = hl7.parse(filled(TEMPLATES[name], FACTS).decode())
    assert str(message.segment("MSH")(9)).startswith(name)
    assert str(message.segment("MSH")(10)) == "BK000001"
    assert str(message.segment("MSH")(7)) == "20261025023000+0100"
    assert str(message.segment("PID")(3)) == "P000123^^^SITE^MR"
    assert str(message.segment("PID")(5)) == "Van Hövel^Jürgen"
    assert str(message.segment("PID")(7)) == "19700101"
    assert [str(segment(0)) for segment in message] == ["MSH", "EVN", "PID", "PV1"]


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_name_or_id_ends_a_field_a_segment_or_the_message(name: str, patient_id: str) -> None:
    surrogates = any("\ud800" <= char <= "\udfff" for char in name + patient_id)
    if surrogates:
        return
    facts = MessageFacts(control_id="1", sent_at=SENT, patient_id=patient_id, patient_name=name)
    data = filled(TEMPLATES["ADT^A29"], facts)
    assert data.count(b"\r") == 4
    assert b"\x0b" not in data
    assert b"\x1c" not in data
    text = data.decode()
    pid = next(line for line in text.split("\r") if line.startswith("PID|"))
    assert pid.count("|") == 8
    assert len(pid.split("|")[3].split("^")) == 5


def test_a_name_that_the_receivers_character_set_lacks_is_said_and_not_mangled() -> None:
    facts = MessageFacts(
        control_id="1", sent_at=SENT, patient_id="1", patient_name="Łódź^Ł", character_set="8859/1"
    )
    with pytest.raises(ConfigError, match="cannot be written") as caught:
        filled(TEMPLATES["ADT^A23"], facts)
    assert "Łódź" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("PID|1||{patient_id}", "MSH"),
        ("MSH|^~\\&|A|{control_id}\nno segment", "MSH"),
        ("MSH|^~\\&|{control_id}\nPID|1||{patient_id}|{password}", "password"),
        ("MSH|^~\\&|{control_id}\nPID|1||", "lacks"),
    ],
)
def test_a_sites_template_that_is_no_message_is_refused_before_anything_is_sent(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Template(name="own", text=text)
