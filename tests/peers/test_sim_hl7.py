"""The simulated OIS takes what our client sends, keeps one appointment a session, and refuses a second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from beamkeeper.rehearse.sim.hl7_receiver import Hl7Receiver
from beamkeeper.wire.hl7 import (
    AckCode,
    Appointment,
    Envelope,
    Hl7Peer,
    Identifier,
    Person,
    appointment_cancelled,
    appointment_made,
    deliver,
    person_added,
    read_acknowledgement,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.peer
AT = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
ANNA = Person(identifiers=(Identifier(number="N-1"),), name="Çelik^Zoë", sex="F")


@pytest.fixture
def ois() -> Iterator[Hl7Receiver]:
    with Hl7Receiver() as receiver:
        yield receiver


def appointment(starts_at: datetime = AT) -> Appointment:
    return Appointment(
        appointment_id="a1",
        starts_at=starts_at,
        minutes=15,
        machine="TB1",
        plan_label="BORST",
        fraction_number=3,
        fraction_count=15,
    )


def answered(ois: Hl7Receiver, control_id: str, message: Callable[[Envelope], bytes]) -> AckCode:
    envelope = Envelope(control_id=control_id, sent_at=AT, zone=ZoneInfo("Europe/Brussels"))
    answer = deliver(message(envelope), Hl7Peer(host="127.0.0.1", port=ois.port))
    return read_acknowledgement(answer, control_id=control_id).code


def test_one_appointment_a_session_stands_whatever_is_sent_twice(ois: Hl7Receiver) -> None:
    codes = [
        answered(ois, "1", lambda to: person_added(to, ANNA)),
        answered(ois, "2", lambda to: appointment_made(to, ANNA, appointment())),
        answered(ois, "2", lambda to: appointment_made(to, ANNA, appointment())),  # the same message again
        answered(ois, "3", lambda to: appointment_made(to, ANNA, appointment(AT + timedelta(hours=1)))),
    ]

    assert codes == [AckCode.AA, AckCode.AA, AckCode.AA, AckCode.AE]
    (stands,) = ois.schedule.booked.values()
    assert (stands.patient_id, stands.machine) == ("N-1", "TB1")
    assert datetime.strptime(stands.starts_at, "%Y%m%d%H%M%S%z") == AT
    assert ois.schedule.persons["N-1"].startswith("Çelik^Zoë^")
    assert ois.schedule.refused == ["S12: the appointment exists"]


def test_a_cancelled_appointment_is_gone_and_cannot_be_cancelled_again(ois: Hl7Receiver) -> None:
    answered(ois, "1", lambda to: person_added(to, ANNA))
    answered(ois, "2", lambda to: appointment_made(to, ANNA, appointment()))

    codes = [answered(ois, one, lambda to: appointment_cancelled(to, ANNA, appointment())) for one in "34"]

    assert codes == [AckCode.AA, AckCode.AE]
    assert not ois.schedule.booked


def test_nothing_is_booked_for_somebody_who_was_never_added(ois: Hl7Receiver) -> None:
    code = answered(ois, "1", lambda to: appointment_made(to, ANNA, appointment()))

    assert code is AckCode.AE
    assert not ois.schedule.booked
