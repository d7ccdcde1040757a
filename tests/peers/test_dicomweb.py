"""STOW, WADO and QIDO with a stock Orthanc, and services that answer what they should not."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import threading

import pytest
from outgoing_objects import outgoing_of, real_outgoing, whole, written
from query_archives import write_object
from tests.papers import Papers
from web_stores import Asked, Said, orthanc_web, service

from beamkeeper.errors import PatientMismatch, SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.dicom.outgoing import StoreVerdict
from beamkeeper.wire.dicomweb import DicomWeb, WebPeer, basic, bearer

pytestmark = pytest.mark.peer


def web(url: str, **more: object) -> DicomWeb:
    settings = {"connect_s": 5, "answer_s": 20, "transfer_s": 60} | more
    return DicomWeb(WebPeer(url=url, **settings))


@pytest.fixture(scope="module")
def archive(program, tmp_path_factory):
    with orthanc_web(program("Orthanc"), tmp_path_factory.mktemp("orthanc")) as running:
        yield running


def by_study(items):
    studies: dict[str, list] = {}
    for item in items:
        studies.setdefault(item.study_instance_uid, []).append(item)
    return studies.values()


def test_real_objects_are_stored_and_come_back_as_the_very_same_files(archive, real_data, tmp_path):
    items = real_outgoing(real_data)
    client = web(archive.url)
    for some in by_study(items):
        answers = client.store(some)

        assert {answer.verdict for answer in answers.values()} == {StoreVerdict.STORED}, answers
    back = {item.sop_instance_uid: client.retrieve(item, tmp_path / str(n)) for n, item in enumerate(items)}
    client.close()

    files = {item.sop_instance_uid: item.header + item.path.read_bytes() for item in items}
    assert back == {uid: hashlib.sha256(file).hexdigest() for uid, file in files.items()}


def test_what_a_service_does_not_have_is_none_and_no_error(archive, tmp_path):
    item = dataclasses.replace(written(tmp_path, whole(500)), sop_instance_uid="1.2.3.999")

    assert web(archive.url).retrieve(item, tmp_path / "x") is None


def test_the_objects_of_exactly_one_patient_are_listed_over_many_pages(archive, tmp_path):
    for number in range(230):
        patient = "WEB22" if number % 2 else "WEB21"
        write_object(
            tmp_path,
            patient_id=patient,
            study=f"1.9.{number % 2}",
            series=f"1.9.{number % 2}.1",
            uid=f"1.9.{number % 2}.1.{number}",
            kind="CT",
        )
    items = [outgoing_of(path) for path in sorted(tmp_path.glob("*.dcm"))]
    client = web(archive.url)
    for some in by_study(items):
        client.store(some)
    found = client.find_instances("WEB22")

    assert len(found) == 115
    assert {one.sop_instance_uid for one in found} == {f"1.9.1.1.{n}" for n in range(1, 230, 2)}
    assert {one.study_instance_uid for one in found} == {"1.9.1"}
    assert client.find_instances("WEB") == ()


def test_a_patient_id_that_would_match_others_is_not_searched_for(archive):
    for patient_id in ("WEB?1", "WEB2*", "*", ""):
        with pytest.raises(PatientMismatch):
            web(archive.url).find_instances(patient_id)


def test_orthanc_is_spoken_to_only_by_who_knows_its_password(program, tmp_path):
    settings = {"AuthenticationEnabled": True, "RegisteredUsers": {"us": "secret"}}
    item = written(tmp_path, whole(500))
    with orthanc_web(program("Orthanc"), tmp_path / "o", **settings) as archive:
        good = web(archive.url, authorization=lambda: basic("us", "secret"))
        wrong = web(archive.url, authorization=lambda: basic("us", "wrong"))

        assert good.find_instances("P1") == ()
        with pytest.raises(SourceAnswerInvalid, match="does not let us in"):
            wrong.store([item])
        for client in (good, wrong):
            client.close()


def test_a_service_over_tls_proves_itself_and_so_do_we(tmp_path):
    papers = Papers(tmp_path)
    with service(lambda _: Said(204), tls=papers.server()) as (url, asked):
        known, bare = web(url, tls=papers.client()), web(url)

        assert known.find_instances("P1") == ()
        with pytest.raises(SourceUnavailable, match="certificate is not trusted"):
            bare.find_instances("P1")
        for client in (known, bare):
            client.close()

    assert len(asked) == 1


PLAN_PART = b"Content-Type: application/dicom\r\n\r\nthe plan"


def related(*parts: bytes, end: bytes = b"--b--\r\n", start: bytes = b"") -> bytes:
    return start + b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end


RELATED = 'multipart/related; type="application/dicom"; boundary=b'


def retrieved(said: Said, tmp_path) -> bytes | None:
    item = written(tmp_path, whole(500))
    with service(lambda _: said) as (url, _):
        client = web(url)
        try:
            found = client.retrieve(item, tmp_path / "back")
        finally:
            client.close()
    return None if found is None else (tmp_path / "back").read_bytes()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (RELATED, related(PLAN_PART)),
        (RELATED, related(PLAN_PART, start=b"\r\n")),
        (RELATED.replace("boundary=b", 'boundary="b"'), related(PLAN_PART)),
        (RELATED, related(b"Content-Length: 8\r\n" + PLAN_PART)),
        (RELATED, related(PLAN_PART, end=b"--b--")),
        ("application/dicom", b"the plan"),
    ],
)
def test_an_object_is_read_however_the_standard_lets_it_be_sent(tmp_path, content_type, body):
    assert retrieved(Said(200, content_type, body), tmp_path) == b"the plan"


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        (RELATED, related(PLAN_PART, end=b""), "cut off"),
        (RELATED, related(PLAN_PART, end=b"--b!!"), "neither a part nor its end"),
        (RELATED, related(PLAN_PART, PLAN_PART), "more than 1 parts"),
        (RELATED, b"--b--\r\n", "has no part"),
        (RELATED, b"", "cut off"),
        (RELATED, b"something" + related(PLAN_PART), "stands before"),
        (RELATED, b"x" * 1000, "does not begin"),
        (RELATED, related(b"Content-Length: 7\r\n" + PLAN_PART), "states 7"),
        (RELATED, related(b"Content-Length: x\r\n" + PLAN_PART), "length that is none"),
        (RELATED, related(b"Content-Transfer-Encoding: base64\r\n" + PLAN_PART), "encoded"),
        (RELATED, related(b"X: " + b"x" * 20_000 + b"\r\n" + PLAN_PART), "no end of its header"),
        ("multipart/related", related(PLAN_PART), "boundary"),
        ("multipart/related; boundary=" + "b" * 71, related(PLAN_PART), "boundary"),
        ("multipart/mixed; boundary=b", related(PLAN_PART), "not of the type"),
        ("text/html", b"<html>", "not of the type"),
    ],
)
def test_an_answer_that_breaks_the_standard_is_refused(tmp_path, content_type, body, words):
    with pytest.raises(SourceAnswerInvalid, match=words):
        retrieved(Said(200, content_type, body), tmp_path)


def test_an_answer_that_ends_too_early_is_no_object(tmp_path):
    with pytest.raises(SourceUnavailable, match="gave no whole answer"):
        retrieved(Said(200, "application/dicom", b"the pl", stated_length=8), tmp_path)


def test_an_object_that_comes_back_far_longer_than_it_was_is_refused(tmp_path):
    item = written(tmp_path, whole(500))
    body = related(b"Content-Type: application/dicom\r\n\r\n" + b"x" * 100_000)
    with service(lambda _: Said(200, RELATED, body)) as (url, _):
        client = web(url)
        with pytest.raises(SourceAnswerInvalid, match="longer than 1000"):
            client.retrieve(item, tmp_path / "back", bytes_max=1000)
        client.close()


def test_a_compressed_answer_is_refused(tmp_path):
    said = Said(200, "application/dicom", b"xx", headers=(("Content-Encoding", "gzip"),))
    with pytest.raises(SourceAnswerInvalid, match="compresses"):
        retrieved(said, tmp_path)


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, SourceAnswerInvalid, "does not let us in"),
        (403, SourceAnswerInvalid, "does not let us in"),
        (302, SourceAnswerInvalid, "another address"),
        (429, SourceUnavailable, "busy"),
        (503, SourceUnavailable, "busy"),
        (418, SourceAnswerInvalid, "HTTP status 418"),
    ],
)
def test_what_says_nothing_about_objects_is_an_error(tmp_path, status, error, words):
    item = written(tmp_path, whole(500))
    with service(lambda _: Said(status, headers=(("Location", "http://127.0.0.1:1/"),))) as (url, _):
        for call in (lambda c: c.store([item]), lambda c: c.find_instances("P1")):
            client = web(url)
            with pytest.raises(error, match=words):
                call(client)
            client.close()


def element(tag: str, *values: object) -> dict[str, object]:
    return {tag: {"vr": "XX", "Value": list(values)}}


def stored(status: int, document: object, tmp_path) -> dict[str, object]:
    items = [written(tmp_path, whole(500, number)) for number in (1, 2)]
    said = Said(status, body=json.dumps(document).encode())
    with service(lambda _: said) as (url, asked):
        client = web(url)
        answers = client.store(items)
        client.close()

    assert asked[0].headers["Content-Length"] == str(len(asked[0].body))
    return {uid[-1]: answer for uid, answer in answers.items()}


def failed(uid: str, reason: int) -> dict[str, object]:
    return element("00081155", uid) | element("00081197", reason)


def test_what_is_said_of_each_object_is_told(tmp_path):
    document = element("00081199", element("00081155", "1.2.3.4.1") | element("00081196", 0xB000))
    document |= element("00081198", failed("1.2.3.4.2", 0xA700))
    answers = stored(202, document, tmp_path)

    assert answers["1"].verdict is StoreVerdict.WARNED
    assert answers["2"].verdict is StoreVerdict.FULL


@pytest.mark.parametrize(
    ("status", "document", "verdict"),
    [
        (409, element("00081198", failed("1.2.3.4.1", 45070)), StoreVerdict.HAS_ANOTHER),
        (409, {}, StoreVerdict.HAS_ANOTHER),
        (409, element("00081198", failed("1.2.3.4.1", 0x0122)), StoreVerdict.REFUSED),
        (400, {}, StoreVerdict.REFUSED),
        (413, {}, StoreVerdict.REFUSED),
        (200, {}, StoreVerdict.WARNED),
        (200, {"00081199": "nonsense", "00081198": {"Value": [1, [], {"00081155": 3}]}}, StoreVerdict.WARNED),
        (200, [], StoreVerdict.WARNED),
    ],
)
def test_an_object_nobody_speaks_of_goes_by_the_status(tmp_path, status, document, verdict):
    assert stored(status, document, tmp_path)["1"].verdict is verdict


def test_an_answer_that_is_no_dicom_json_is_refused(tmp_path):
    for document in (b"<xml>", b"[1]", b"[" * 100_000):
        with service(lambda _, body=document: Said(200, body=body)) as (url, _):
            client = web(url)
            with pytest.raises(SourceAnswerInvalid, match="JSON"):
                client.find_instances("P1")
            client.close()


def test_a_search_that_never_ends_is_ended(tmp_path):
    count = 0

    def answer(asked: Asked) -> Said:
        nonlocal count
        if "/instances" in asked.path:
            return Said(204)
        page = [element("0020000D", f"1.{count}.{n}") | element("00100020", "P1") for n in range(5000)]
        count += 1
        return Said(200, body=json.dumps(page).encode())

    with service(answer) as (url, _):
        client = web(url)
        with pytest.raises(SourceAnswerInvalid, match="more than 20000"):
            client.find_instances("P1")
        client.close()


def test_a_token_is_asked_for_every_time_and_no_patient_id_is_logged(tmp_path, caplog):
    tokens = iter(["first", "second", "third"])
    with caplog.at_level(logging.DEBUG), service(lambda _: Said(204)) as (url, asked):
        client = web(url, authorization=lambda: bearer(next(tokens)))
        client.find_instances("SECRET-ID")
        client.find_instances("SECRET-ID")
        client.close()

    assert [one.headers["Authorization"] for one in asked] == ["Bearer first", "Bearer second"]
    assert "SECRET-ID" in asked[0].path
    assert "SECRET-ID" not in caplog.text


def test_an_object_whose_uid_is_no_uid_is_never_put_into_an_address(tmp_path):
    item = dataclasses.replace(written(tmp_path, whole(500)), series_instance_uid="1.2/../../../x")
    with service(lambda _: Said(404)) as (url, asked):
        client = web(url)
        with pytest.raises(SourceAnswerInvalid, match="without valid UIDs"):
            client.retrieve(item, tmp_path / "x")
        client.close()

    assert not asked


def test_a_service_that_falls_silent_is_unavailable(tmp_path):
    release = threading.Event()

    def hang(_: Asked) -> Said:
        release.wait(30)
        return Said(200)

    item = written(tmp_path, whole(500))
    with service(hang) as (url, _):
        client = web(url, answer_s=0.5)
        with pytest.raises(SourceUnavailable, match="took too long"):
            client.store([item])
        release.set()
        client.close()
