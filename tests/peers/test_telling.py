"""Appointments in the book of another library's receiver: one for each session, whatever breaks off."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.peers.test_hl7 import Receiver

from beamkeeper.app.jobs import telling
from beamkeeper.app.jobs.desk_journal import journal
from beamkeeper.app.jobs.handover_papers import LETTER
from beamkeeper.app.jobs.telling import Told, tell
from beamkeeper.app.site_desk import ReceiverSection
from beamkeeper.domain.patient import Patient
from beamkeeper.respond.handover import BundleKind, Desk, Manifest, Packed, Role, Session, new_bundle_id

if TYPE_CHECKING:
    from pathlib import Path

    import hl7
    import hl7.mllp

pytestmark = pytest.mark.peer
PDF = b"%PDF-1.7\n%%EOF\n"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
THERE = Patient(patient_id="N-1", name="")


class Book(Receiver):
    """A receiver that keeps appointments strictly by number, and sees a repetition by its control id."""

    def __init__(self) -> None:
        super().__init__("AA")
        self.appointments: dict[str, tuple[str, str, str]] = {}
        self.heard: dict[str, str] = {}
        self.events: list[str] = []
        self.silent_after: int | None = None

    async def _answer(self, reader: hl7.mllp.HL7StreamReader, writer: hl7.mllp.HL7StreamWriter) -> None:
        message = await reader.readmessage()
        number = str(message.segment("MSH")(10))
        if number not in self.heard:
            self.heard[number] = self._kept(message)
        if self.silent_after is not None and len(self.heard) > self.silent_after:
            self.silent_after = None
            writer.close()  # it took the message, and the line breaks before it says so
            return
        writer.writemessage(message.create_ack(ack_code=self.heard[number]))
        await writer.drain()
        writer.close()

    def _kept(self, message: hl7.Message) -> str:
        kind, event = (str(message.segment("MSH")(9)).split("^"))[:2]
        self.events.append(event)
        if kind != "SIU":
            return "AA"
        number = str(message.segment("SCH")(1))
        if (number in self.appointments) is (event == "S12"):
            return "AE"
        if event == "S15":
            del self.appointments[number]
        else:
            whose = str(message.segment("PID")(3)).split("^", 1)[0]
            at, machine = str(message.segment("AIS")(4)), str(message.segment("AIL")(3)).split("^", 1)[0]
            self.appointments[number] = (whose, at, machine)
        return "AA"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.create(tmp_path / "desk", "AZ Noord")


def session(fraction: int, day: int, machine: str = "TB1") -> Session:
    at = datetime(2026, 11, 24, 8, tzinfo=UTC) + timedelta(days=day)
    return Session(
        plan_uid="1.2.3",
        rt_plan_label="PROST",
        fraction_number=fraction,
        day=at.date(),
        machine=machine,
        starts_at=at,
    )


def received(desk: Desk, *sessions: Session, cancelled: tuple[Session, ...] = ()) -> Manifest:
    """Return the manifest of a bundle whose letter lies at the desk."""
    letter = Packed(
        name=LETTER, role=Role.LETTER, size_bytes=len(PDF), sha256=hashlib.sha256(PDF).hexdigest()
    )
    manifest = Manifest(
        bundle_id=new_bundle_id(),
        kind=BundleKind.HANDOVER,
        number=1,
        incident_id="2026-03-03-kqzt",
        sender="UZ Zuid",
        recipient="AZ Noord",
        made_at=NOW,
        made_by="A",
        time_zone="Europe/Brussels",
        night=date(2026, 11, 22),
        trust="",
        pseudonym="p",
        patient=Patient(patient_id="1", name="A^B"),
        position=None,
        sessions=sessions,
        cancelled=cancelled,
        packed=(letter,),
    )
    folder = desk.path / "received" / manifest.bundle_id
    folder.mkdir(parents=True)
    (folder / LETTER).write_bytes(PDF)
    return manifest


def told(desk: Desk, book: Receiver, manifest: Manifest, there: Patient = THERE, **more: object) -> Told:
    section = ReceiverSection(name="ois", host="127.0.0.1", port=book.port, **more)  # type: ignore[arg-type]
    return tell(desk, section, manifest, there, by="C. Willems", now=NOW)


def places(book: Book) -> list[tuple[str, str, str]]:
    return sorted(book.appointments.values())


def test_a_later_bundle_moves_cancels_and_leaves_what_is_there(desk: Desk) -> None:
    first = received(desk, session(5, 0), session(6, 1), session(7, 2))
    second = received(desk, session(5, 0), session(6, 3, "TB2"), cancelled=(session(7, 2),))
    with Book() as book:
        for manifest in (first, first, second, second):
            assert told(desk, book, manifest).problems == ()

    assert places(book) == [
        ("N-1", "20261124090000+0100", "TB1"),
        ("N-1", "20261127090000+0100", "TB2"),
    ]
    assert [event for event in book.events if event[0] == "S"] == ["S12", "S12", "S12", "S15", "S13"]


def test_an_answer_that_was_lost_makes_no_second_appointment_in_a_newer_bundle(desk: Desk) -> None:
    with Book() as book:
        book.silent_after = 3  # A28, A04, the first S12; the second is taken, and its answer is lost
        broken = told(desk, book, received(desk, session(5, 0), session(6, 1), session(7, 2)))
        whole = told(desk, book, received(desk, session(5, 0), session(6, 4), session(7, 5)))

    assert (broken.done, len(broken.problems), whole.problems) == (3, 1, ())
    assert [at for _, at, _ in places(book)] == [f"202611{day}090000+0100" for day in (24, 28, 29)]


def test_a_process_killed_among_its_messages_makes_no_second_appointment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = received(desk, session(5, 0), session(6, 1)), received(desk, session(5, 3), session(6, 4))
    send = telling.deliver

    def killed(data: bytes, *arguments: object) -> bytes:
        answer = send(data, *arguments)  # type: ignore[arg-type]
        if b"SIU^S12" in data:
            raise KeyboardInterrupt
        return answer

    with Book() as book:
        monkeypatch.setattr(telling, "deliver", killed)
        with pytest.raises(KeyboardInterrupt):
            told(desk, book, first)
        monkeypatch.setattr(telling, "deliver", send)
        assert told(desk, book, second).problems == ()

    assert [at for _, at, _ in places(book)] == [f"202611{day}090000+0100" for day in (27, 28)]


def test_a_corrected_number_takes_the_appointments_out_of_the_other_chart(desk: Desk) -> None:
    manifest = received(desk, session(5, 0))
    with Book() as book:
        for number in ("N-1", "N-2", "N-1", "N-2"):
            assert told(desk, book, manifest, replace(THERE, patient_id=number)).problems == ()

    assert [whose for whose, _, _ in places(book)] == ["N-2"]


def test_a_receiver_that_takes_no_moves_keeps_its_appointment_and_people_are_told(desk: Desk) -> None:
    takes = ("ADT^A28", "SIU^S12", "MDM^T02")
    with Book() as book:
        told(desk, book, received(desk, session(5, 0)), takes=takes)
        moved = [told(desk, book, each, takes=takes) for each in [received(desk, session(5, 3))] * 2]

    assert [at for _, at, _ in places(book)] == ["20261124090000+0100"]
    assert [len(one.problems) for one in moved] == [1, 1], "until it is done, it is said each time"
    assert "takes no SIU^S13: put them right by hand" in moved[0].problems[0]


def test_what_was_refused_is_asked_anew_and_not_moved(desk: Desk) -> None:
    with Receiver("AE") as closed:
        refused = told(desk, closed, received(desk, session(5, 0)), takes=("SIU^S12", "SIU^S13"))
    with Book() as book:
        taken = told(desk, book, received(desk, session(5, 3)))

    assert "refused with AE" in refused.problems[0]
    assert (taken.problems, len(book.appointments)) == ((), 1)


def test_a_name_that_one_receivers_character_set_lacks_is_named_and_nothing_was_begun(desk: Desk) -> None:
    manifest = replace(received(desk, session(5, 0)), patient=Patient(patient_id="1", name="Łódź^Ł"))
    with Book() as book:
        narrow = told(desk, book, manifest, character_set="8859/1")
        assert not journal(desk).rows()
        wide = told(desk, book, manifest)

    assert "cannot be written in the character set" in narrow.problems[0]
    assert "Łódź" not in narrow.problems[0]
    assert (wide.problems, len(book.appointments)) == ((), 1)
