"""A PACS told by HL7 to let a patient go: what it answers, and what an archive says afterwards."""

from __future__ import annotations

import json
import socket
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "dicom_peers"))

from query_archives import Archive, orthanc, send, write_object
from tests.peers.test_hl7 import Receiver, raw_peer
from web_stores import Said, service

from beamkeeper.app.checkup_removals import check_removals
from beamkeeper.app.jobs.removal_hl7 import REFUSALS_MAX, Hl7Place
from beamkeeper.app.site import Site, parse_site
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import ConfigError
from beamkeeper.protect.retain import Going, Order, PlaceAnswer, PlaceState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.papers import Papers

pytestmark = pytest.mark.peer

NOW = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
WHO = "abcdefghijklmnopqrstuvwxyz"
PATIENT = Patient(
    patient_id="4711|x", name="Çelik^Zoë", issuer_of_patient_id="UZA", birth_on=date(1960, 1, 2), sex="F"
)
SITE = """
format = 1
[site]
name = "Test"
time_zone = "Europe/Brussels"
data_dir = "data"
[vault]
directory = "vault"
keys_dir = "keys"
[[sources]]
kind = "folder"
name = "folder"
path = "source"
[[removals]]
name = "mim"
host = "127.0.0.1"
port = {port}
sending_facility = "RT"
answer_seconds = 2
{more}
"""


def site_with(port: int, more: str = 'template = "ADT^A23"', *, base: Path = Path("/nowhere")) -> Site:
    return parse_site(SITE.format(port=port, more=more), base=base)


def going(patient: Patient | None = PATIENT, *, before: PlaceAnswer | None = None, **more: bool) -> Going:
    """Return who goes; `before` is what the last try came to."""
    order = before.order if before is not None and before.order is not None else Order()
    return Going(pseudonym=WHO, patient=patient, removed_on=date(2026, 5, 1), order=order, **more)


def tell(site: Site, about: Going | None = None) -> PlaceAnswer:
    return Hl7Place(site, site.removals[0]).remove(about or going(), NOW)


def test_what_was_taken_and_cannot_be_asked_is_not_proved() -> None:
    with Receiver("AA") as receiver:
        answer = tell(site_with(receiver.port))

    assert answer.state is PlaceState.UNPROVED
    assert answer.order is not None
    assert answer.order.is_taken
    (message,) = receiver.messages
    pid = message.segment("PID")
    assert str(message.segment("MSH")(9)) == "ADT^A23^ADT_A21"
    assert str(message.segment("MSH")(7)) == "20260501113000+0200"
    assert str(pid(3)).startswith("4711\\F\\x^^^UZA")
    assert "4711" not in answer.said


@pytest.mark.parametrize("code", ["AE", "AR"])
def test_a_refusal_waits_and_is_sent_again_under_the_same_number_until_a_person_must_look(code: str) -> None:
    answer = None
    said = []
    with Receiver(code) as receiver:
        site = site_with(receiver.port)
        for _ in range(REFUSALS_MAX + 2):
            answer = tell(site, going(before=answer))
            said.append(answer)
        by_hand = tell(site, going(before=answer, by_hand=True))

    states = [PlaceState.WAITING] * (REFUSALS_MAX - 1) + [PlaceState.HELD] * 3
    assert [one.state for one in said] == states
    assert f"with {code}" in said[0].said
    assert "which event it takes" in said[-1].do_next
    assert by_hand.state is PlaceState.HELD
    numbers = [str(message.segment("MSH")(10)) for message in receiver.messages]
    assert len(numbers) == REFUSALS_MAX + 1  # the last because a person asked
    assert len(set(numbers)) == 1
    assert len(numbers[0]) <= 20


@pytest.mark.parametrize("code", ["AE", "AA"])
def test_another_message_is_sent_whatever_became_of_the_one_before(code: str) -> None:
    with Receiver(code) as receiver:
        answer = None
        for _ in range(REFUSALS_MAX + 1):
            answer = tell(site_with(receiver.port), going(before=answer))
        tell(site_with(receiver.port, 'template = "ADT^A29"'), going(before=answer))

    first, *_, last = receiver.messages
    assert str(last.segment("MSH")(9)) == "ADT^A29^ADT_A21"
    assert str(first.segment("MSH")(10)) != str(last.segment("MSH")(10))
    assert len(receiver.messages) == (2 if code == "AA" else REFUSALS_MAX + 1)


def test_a_dead_receiver_is_waited_for_once_and_not_for_every_patient() -> None:
    with raw_peer(lambda connection: connection.recv(1 << 20) and None) as peer:
        site = site_with(peer.port)
        place = Hl7Place(site, site.removals[0])
        answers = [place.remove(going(), NOW) for _ in range(2)]  # the peer takes one connection only

    assert [answer.state for answer in answers] == [PlaceState.WAITING] * 2
    assert answers[0].said == answers[1].said


def test_a_receiver_that_gives_no_answer_waits() -> None:
    with raw_peer(lambda connection: connection.recv(1 << 20) and None) as peer:
        answer = tell(site_with(peer.port))

    assert answer.state is PlaceState.WAITING
    assert answer.order is None


def test_who_it_was_is_not_guessed_after_the_ledger_was_lost() -> None:
    assert tell(site_with(1), going(None)).state is PlaceState.HELD


def test_a_template_of_the_sites_own_over_tls(tmp_path: Path, papers: Papers) -> None:
    (tmp_path / "gone.hl7").write_text(
        "MSH|^~\\&|{sending_application}|{sending_facility}|MIM|RT|{sent_at}||ORU^R01|{control_id}|P|2.3.1\n"
        "PID|1||{patient_id}\n",
        encoding="utf-8",
    )
    more = f"""template_file = "gone.hl7"
tls_ca = "{papers.client().ca_file}"
tls_certificate = "{papers.client().certificate_file}"
tls_key = "{papers.client().key_file}"
"""
    with Receiver("AA", papers.server()) as receiver:
        answer = tell(site_with(receiver.port, more, base=tmp_path))
        unsecured = tell(site_with(receiver.port))

    assert answer.state is PlaceState.UNPROVED
    assert unsecured.state is PlaceState.WAITING
    assert str(receiver.messages[0].segment("MSH")(9)) == "ORU^R01"
    assert len(receiver.messages) == 1


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    from tests.papers import Papers

    return Papers(tmp_path)


@pytest.fixture
def archive(program, tmp_path: Path) -> Iterator[Archive]:
    """Orthanc with one object of the patient 4712 and one of another whose ID begins the same."""
    folder, objects = tmp_path / "orthanc", tmp_path / "objects"
    folder.mkdir()
    objects.mkdir()
    for number, patient_id in enumerate(("4712", "47123"), start=1):
        study = f"1.{number}"
        uids = {"study": study, "series": f"{study}.1", "uid": f"{study}.1.1"}
        write_object(objects, patient_id=patient_id, kind="RTPLAN", **uids)
    with orthanc(program("Orthanc"), folder) as running:
        assert send(program("storescu"), running, objects) == ""
        yield running


@pytest.mark.parametrize(("listed", "state"), [("4712", PlaceState.WAITING), ("9", PlaceState.GONE)])
def test_a_store_of_plain_copies_over_the_web_can_be_asked_instead(listed: str, state: PlaceState) -> None:
    values = {"00100020": listed, "0020000D": "1.2", "0020000E": "1.3", "00080018": "1.4"}
    page = json.dumps([{tag: {"Value": [one]} for tag, one in values.items()}]).encode()
    more = """template = "ADT^A23"
ask_copies = "cloud"
[[copies]]
name = "cloud"
kind = "dicomweb"
url = "{}"
"""
    with service(lambda _: Said(200, body=page)) as (url, questions), Receiver("AA") as receiver:
        answer = tell(site_with(receiver.port, more.format(url)), going(Patient(patient_id="4712", name="X")))

    assert answer.state is state
    assert [one.method for one in questions] == ["GET"] * len(questions)
    assert questions[0].path.startswith("/dicom-web/studies?PatientID=4712&")


def test_doctor_says_of_a_receiver_what_would_go_wrong_and_sends_it_nothing(tmp_path: Path) -> None:
    (tmp_path / "gone.hl7").write_text("MSH|^~\\&|{sending_aplication}\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (reached,) = check_removals(site_with(port))
        (misspelt,) = check_removals(site_with(port, 'template_file = "gone.hl7"', base=tmp_path))
        connection, _ = server.accept()
        with connection:
            said = connection.recv(1)
    (dead,) = check_removals(site_with(port))

    assert said == b""
    assert (reached.verdict, misspelt.verdict, dead.verdict) == ("warning", "bad", "bad")
    assert "nobody is named who could be asked" in reached.text
    assert "{sending_aplication}" in misspelt.text
    assert "gave no whole answer" in dead.text


def test_doctor_asks_the_archive_that_is_to_prove_it(archive: Archive) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (good,) = check_removals(asked(port, archive))
        (bad,) = check_removals(asked(port, Archive(archive.ae_title, 1, 1)))

    assert (good.verdict, bad.verdict) == ("warning", "bad")
    assert "without TLS" in good.text


def test_who_shall_be_asked_must_be_named() -> None:
    with pytest.raises(ConfigError, match="no \\[\\[copies\\]\\] 'cloud' that can be asked"):
        site_with(1, 'template = "ADT^A23"\nask_copies = "cloud"')


def asked(port: int, archive: Archive) -> Site:
    more = f"""template = "ADT^A29"
[removals.ask]
ae_title = "{archive.ae_title}"
host = "127.0.0.1"
port = {archive.port}
"""
    return site_with(port, more)


def test_a_patient_whom_the_archive_still_lists_waits_and_is_not_ordered_twice(archive: Archive) -> None:
    patient = Patient(patient_id="4712", name="Doe^Jane")
    with Receiver("AA") as receiver:
        site = asked(receiver.port, archive)
        first = tell(site, going(patient))
        second = tell(site, going(patient, before=first))

    assert first.state is PlaceState.WAITING
    assert first.order is not None
    assert first.order.is_taken
    assert "still lists 1 " in first.said
    assert second.state is PlaceState.WAITING
    assert len(receiver.messages) == 1


def test_a_patient_whom_the_archive_lists_no_more_is_gone(archive: Archive) -> None:
    with Receiver("AA") as receiver:
        answer = tell(asked(receiver.port, archive), going(Patient(patient_id="471", name="Roe^Jim")))

    assert answer.state is PlaceState.GONE


@pytest.mark.parametrize(("patient_id", "state"), [("471", PlaceState.GONE), ("4712", PlaceState.WAITING)])
def test_who_is_refused_because_nobody_is_there_is_gone(
    archive: Archive, patient_id: str, state: PlaceState
) -> None:
    with Receiver("AE") as receiver:
        answer = tell(asked(receiver.port, archive), going(Patient(patient_id=patient_id, name="Roe^Jim")))

    assert answer.state is state
    assert "with AE" in answer.said


def test_an_archive_that_does_not_answer_proves_nothing(archive: Archive) -> None:
    dead = Archive(archive.ae_title, 1, 1)
    with Receiver("AA") as receiver:
        answer = tell(asked(receiver.port, dead))

    assert answer.state is PlaceState.WAITING
    assert answer.order is not None
    assert answer.order.is_taken
    assert "could not be asked" in answer.said
