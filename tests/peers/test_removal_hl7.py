"""A PACS told by HL7 to let a patient go: what it answers, and what an archive says afterwards."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "dicom_peers"))

from query_archives import Archive, orthanc, send, write_object
from tests.peers.test_hl7 import Receiver, raw_peer

from beamkeeper.app.jobs.removal_hl7 import Hl7Place
from beamkeeper.app.jobs.removal_places import order_id
from beamkeeper.app.site import Site, parse_site
from beamkeeper.domain.patient import Patient
from beamkeeper.protect.retain import Going, PlaceAnswer, PlaceState

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


def going(patient: Patient | None = PATIENT, *, taken: bool = False) -> Going:
    return Going(
        pseudonym=WHO,
        patient=patient,
        removed_on=date(2026, 5, 1),
        order_id=order_id(WHO, date(2026, 5, 1), "hl7 mim"),
        orders_taken=taken,
    )


def tell(site: Site, about: Going | None = None) -> PlaceAnswer:
    return Hl7Place(site, site.removals[0]).remove(about or going(), NOW)


def test_what_was_taken_and_cannot_be_asked_is_not_proved() -> None:
    with Receiver("AA") as receiver:
        answer = tell(site_with(receiver.port))

    assert answer.state is PlaceState.UNPROVED
    assert answer.order_taken
    (message,) = receiver.messages
    pid = message.segment("PID")
    assert str(message.segment("MSH")(9)) == "ADT^A23^ADT_A21"
    assert str(message.segment("MSH")(7)) == "20260501113000+0200"
    assert str(pid(3)).startswith("4711\\F\\x^^^UZA")
    assert "4711" not in answer.said


@pytest.mark.parametrize("code", ["AE", "AR"])
def test_a_refusal_waits_and_is_sent_again_under_the_same_number(code: str) -> None:
    with Receiver(code) as receiver:
        answers = [tell(site_with(receiver.port)) for _ in range(2)]

    assert [answer.state for answer in answers] == [PlaceState.WAITING] * 2
    assert not any(answer.order_taken for answer in answers)
    assert f"with {code}" in answers[0].said
    numbers = [str(message.segment("MSH")(10)) for message in receiver.messages]
    assert numbers == [going().order_id] * 2
    assert len(numbers[0]) <= 20


def test_a_receiver_that_gives_no_answer_waits() -> None:
    with raw_peer(lambda connection: connection.recv(1 << 20) and None) as peer:
        answer = tell(site_with(peer.port))

    assert answer.state is PlaceState.WAITING
    assert not answer.order_taken


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
        second = tell(site, going(patient, taken=True))

    assert (first.state, first.order_taken) == (PlaceState.WAITING, True)
    assert "still lists 1 studies" in first.said
    assert second.state is PlaceState.WAITING
    assert len(receiver.messages) == 1


def test_a_patient_whom_the_archive_lists_no_more_is_gone(archive: Archive) -> None:
    with Receiver("AA") as receiver:
        answer = tell(asked(receiver.port, archive), going(Patient(patient_id="471", name="Roe^Jim")))

    assert answer.state is PlaceState.GONE


def test_an_archive_that_does_not_answer_proves_nothing(archive: Archive) -> None:
    dead = Archive(archive.ae_title, 1, 1)
    with Receiver("AA") as receiver:
        answer = tell(asked(receiver.port, dead))

    assert (answer.state, answer.order_taken) == (PlaceState.WAITING, True)
    assert "could not be asked" in answer.said
