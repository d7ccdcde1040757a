"""Peers that answer with bytes of their own choosing: understood, or refused in one sentence, in time."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import BeamkeeperError, SourceAnswerInvalid, SourceUnavailable, StorageFull
from beamkeeper.wire.dicom import requester_association, requester_link
from beamkeeper.wire.dicom.dimse import Element, command_set, uid_element, us_element
from beamkeeper.wire.dicom.pdu import (
    PDU_HEADER,
    AnsweredContext,
    ContextResult,
    encode_abort,
    encode_associate_ac,
    encode_pdu,
    parse_associate_rq,
)
from beamkeeper.wire.dicom.pdu_requestor import encode_message_pdus, encode_release_rq
from beamkeeper.wire.dicom.requester import STUDY_ROOT_FIND, Peer, Requester, Timeouts
from beamkeeper.wire.dicom.requester_query import query
from beamkeeper.wire.dicom.spool import ObjectIdentity, SpoolReader, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

IMPATIENT = Timeouts(connect_s=2, associate_s=2, answer_s=2, pending_s=2, query_s=4, transfer_s=4)
PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
FIND_RSP, MOVE_RSP, GET_RSP, STORE_RQ, ECHO_RSP = 0x8020, 0x8021, 0x8010, 0x0001, 0x8030
PENDING, SUCCESS, NO_DATA_SET = 0xFF00, 0x0000, 0x0101
FUZZ_ROUNDS = 60
NEXT = ObjectIdentity(
    sop_class_uid=PLAN,
    sop_instance_uid="1.2.2",
    transfer_syntax_uid="1.2.840.10008.1.2.1",
    calling_ae_title="PEER",
    solicited=True,
)


class Answering:
    """One connection as the scripts below see it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.contexts: dict[str, int] = {}
        self.message_id = 0

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def read_pdu(self) -> tuple[int, bytes]:
        header = self._exactly(PDU_HEADER.size)
        kind, length = PDU_HEADER.unpack(header)
        return kind, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._connection.recv(count - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def accept(self) -> None:
        _, body = self.read_pdu()
        request = parse_associate_rq(body)
        answered = [
            AnsweredContext(
                context_id=context.context_id,
                result=ContextResult.ACCEPTANCE,
                abstract_syntax_uid=context.abstract_syntax_uid,
                transfer_syntax_uid=context.transfer_syntax_uids[0],
            )
            for context in request.contexts
        ]
        self.contexts = {a.abstract_syntax_uid: a.context_id for a in answered}
        self.send(encode_associate_ac(request, answered, max_pdu_bytes=0))

    def read_question(self) -> None:
        """Read a command and its identifier; both come whole, because we said that we take any length."""
        _, command = self.read_pdu()
        self.message_id = struct.unpack_from("<H", command, command.index(b"\0\0\x10\x01\x02\0\0\0") + 8)[0]
        if command[-2:] != NO_DATA_SET.to_bytes(2, "little"):
            self.read_pdu()


@contextlib.contextmanager
def peer(script: Callable[[Answering], None], *, establish: bool = True) -> Iterator[int]:
    """Serve connections one after the other; `script` says what comes after acceptance and question."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(5)
                    answering = Answering(connection)
                    if establish:
                        answering.accept()
                        answering.read_question()
                    script(answering)
                    connection.recv(1 << 16)  # goodbye, or that we are broken off

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def asking(port: int) -> Requester:
    return Requester(
        own_ae_title="BEAMKEEPER",
        peer=Peer(ae_title="PEER", host="127.0.0.1", port=port),
        timeouts=IMPATIENT,
    )


def command(
    answering: Answering, field: int, status: int, *, has_data: bool = False, extra: bytes = b""
) -> bytes:
    group = uid_element(Element.AFFECTED_SOP_CLASS_UID, STUDY_ROOT_FIND)
    group += us_element(Element.COMMAND_FIELD, field)
    group += us_element(Element.MESSAGE_ID_RESPONDED_TO, answering.message_id)
    group += us_element(Element.COMMAND_DATA_SET_TYPE, 0 if has_data else NO_DATA_SET)
    return command_set(group + us_element(Element.STATUS, status) + extra)


def study(number: int) -> bytes:
    return query("STUDY", PatientID="P1", StudyInstanceUID=f"1.{number}").encoded(explicit=False)


def found(answering: Answering, *numbers: int, peer_max: int = 0) -> bytes:
    """Return studies and the end of the list, as P-DATA-TF PDUs."""
    context = answering.contexts[STUDY_ROOT_FIND]
    pending = command(answering, FIND_RSP, PENDING, has_data=True)
    return b"".join(
        encode_message_pdus(context, pending, study(number), peer_max_pdu_bytes=peer_max)
        for number in numbers
    ) + encode_message_pdus(context, command(answering, FIND_RSP, SUCCESS), b"", peer_max_pdu_bytes=peer_max)


def studies(requester: Requester) -> list[str]:
    deadline = requester_link.time.monotonic() + IMPATIENT.query_s
    answers = requester.ask(query("STUDY", PatientID="P1"), limit=100, deadline=deadline)
    return [answer.uid("StudyInstanceUID") for answer in answers]


@pytest.mark.parametrize("peer_max", [0, 7, 13, 64])
def test_answers_in_any_fragments_are_put_together(peer_max: int) -> None:
    with peer(lambda it: it.send(found(it, 1, 2, 3, peer_max=peer_max))) as port, asking(port) as requester:
        assert studies(requester) == ["1.1", "1.2", "1.3"]


def test_answers_that_come_byte_by_byte_are_put_together() -> None:
    def trickle(it: Answering) -> None:
        for byte in found(it, 1, 2):
            it.send(bytes([byte]))

    with peer(trickle) as port, asking(port) as requester:
        assert studies(requester) == ["1.1", "1.2"]


def test_several_messages_in_one_pdu_are_told_apart() -> None:
    def together(it: Answering) -> None:
        pdus, values = found(it, 1, 2), b""
        while pdus:
            length = PDU_HEADER.unpack_from(pdus)[1]
            values += pdus[PDU_HEADER.size : PDU_HEADER.size + length]
            pdus = pdus[PDU_HEADER.size + length :]
        it.send(encode_pdu(4, values))  # type: ignore[arg-type]

    with peer(together) as port, asking(port) as requester:
        assert studies(requester) == ["1.1", "1.2"]


def test_an_answer_longer_than_the_buffer_is_put_together() -> None:
    def long(it: Answering) -> None:
        context = it.contexts[STUDY_ROOT_FIND]
        uids = "\\".join(f"1.{number}" for number in range(100_000))
        data = query("STUDY", StudyInstanceUID="1.1", FailedSOPInstanceUIDList=uids).encoded(explicit=False)
        pending = command(it, FIND_RSP, PENDING, has_data=True)
        it.send(encode_message_pdus(context, pending, data, peer_max_pdu_bytes=131_072) + found(it))

    with peer(long) as port, asking(port) as requester:
        deadline = requester_link.time.monotonic() + IMPATIENT.query_s
        (answer,) = requester.ask(query("STUDY", PatientID="P1"), limit=9, deadline=deadline)

    assert len(answer.uids("FailedSOPInstanceUIDList")) == 100_000


BROKEN: dict[str, Callable[[Answering], bytes]] = {
    "a PDU longer than announced": lambda _: b"\x04\0\xff\xff\xff\xff",
    "a fragment longer than its PDU": lambda _: bytes.fromhex("0400 00000006 000000ff 01 03"),
    "a context nobody accepted": lambda it: encode_message_pdus(
        251, command(it, FIND_RSP, SUCCESS), b"", peer_max_pdu_bytes=0
    ),
    "a command in two contexts": lambda it: (
        encode_message_pdus(1, command(it, FIND_RSP, SUCCESS)[:20], b"", peer_max_pdu_bytes=0)[:11]
        + b"\x01"  # a command, and more to come
        + command(it, FIND_RSP, SUCCESS)[:20]
        + encode_message_pdus(3, command(it, FIND_RSP, SUCCESS)[20:], b"", peer_max_pdu_bytes=0)
    ),
    "a data set without command": lambda it: found(it, 1)[len(found(it)) :],
    "a command where a data set was due": lambda it: (
        2
        * encode_message_pdus(
            it.contexts[STUDY_ROOT_FIND],
            command(it, FIND_RSP, PENDING, has_data=True),
            b"",
            peer_max_pdu_bytes=0,
        )
    ),
    "a command without end": lambda _: encode_pdu(4, bytes.fromhex("0000fffe 01 01") + bytes(65532)),  # type: ignore[arg-type]
    "a request": lambda _: stored(1, "1.2", bytes(2)),
    "an answer to a transfer": lambda it: encode_message_pdus(
        it.contexts[STUDY_ROOT_FIND], command(it, MOVE_RSP, SUCCESS), b"", peer_max_pdu_bytes=0
    ),
    "an association answer in the middle": lambda _: encode_pdu(2, bytes(68)),  # type: ignore[arg-type]
    "an unknown PDU": lambda _: b"\x99\0\0\0\0\x04abcd",
    "an abort of three bytes": lambda _: b"\x07\0\0\0\0\x03abc",
    "an answer that is no data set": lambda it: encode_message_pdus(
        it.contexts[STUDY_ROOT_FIND],
        command(it, FIND_RSP, PENDING, has_data=True),
        b"\x08\0\x20\0\xff\xff\0\0",
        peer_max_pdu_bytes=0,
    ),
    "a pending answer without identifier": lambda it: encode_message_pdus(
        it.contexts[STUDY_ROOT_FIND], command(it, FIND_RSP, PENDING), b"", peer_max_pdu_bytes=0
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_the_protocol_is_an_invalid_answer(name: str) -> None:
    with (
        peer(lambda it: it.send(BROKEN[name](it))) as port,
        asking(port) as requester,
        pytest.raises(SourceAnswerInvalid),
    ):
        studies(requester)


@pytest.mark.parametrize("goodbye", [encode_abort(None), encode_release_rq(), b""])
def test_a_peer_that_leaves_in_the_middle_is_unavailable(goodbye: bytes) -> None:
    def leaves(it: Answering) -> None:
        it.send(found(it, 1)[: -len(found(it))] + goodbye)
        if not goodbye:
            it._connection.shutdown(socket.SHUT_RDWR)

    with (
        peer(leaves) as port,
        asking(port) as requester,
        pytest.raises(SourceUnavailable, match="closed the association"),
    ):
        studies(requester)


def test_a_peer_that_falls_silent_within_an_answer_is_given_up() -> None:
    with (
        peer(lambda it: it.send(found(it, 1)[:40])) as port,
        asking(port) as requester,
        pytest.raises(SourceUnavailable, match="stopped answering during C-FIND at STUDY level"),
    ):
        studies(requester)


def test_a_peer_that_leaves_between_two_questions_is_asked_anew() -> None:
    with (
        peer(lambda it: it.send(found(it, 1) + encode_release_rq())) as port,
        asking(port) as requester,
    ):
        assert studies(requester) == ["1.1"]
        assert studies(requester) == ["1.1"]


def test_an_association_nobody_used_for_long_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(lambda it: it.send(found(it, 1))) as port, asking(port) as requester:
        assert studies(requester) == ["1.1"]
        first = requester._link._association
        monkeypatch.setattr(requester_link, "IDLE_S", 0.0)

        assert studies(requester) == ["1.1"]
        assert requester._link._association is not first


def test_an_identifier_without_end_stops_at_the_named_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requester_association, "IDENTIFIER_BYTES_MAX", 1000)

    def endless(it: Answering) -> None:
        context = it.contexts[STUDY_ROOT_FIND]
        pending = command(it, FIND_RSP, PENDING, has_data=True)
        it.send(encode_message_pdus(context, pending, bytes(2000), peer_max_pdu_bytes=100))

    with (
        peer(endless) as port,
        asking(port) as requester,
        pytest.raises(SourceAnswerInvalid, match="identifier is longer than 1000 bytes"),
    ):
        studies(requester)


def test_reports_without_end_stop_at_the_named_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requester_link, "ANSWERS_MAX", 50)

    def endless(it: Answering) -> None:
        report = command(it, MOVE_RSP, PENDING)
        context = next(number for uid, number in it.contexts.items() if uid.endswith(".2.2.2"))
        it.send(encode_message_pdus(context, report, b"", peer_max_pdu_bytes=0) * 60)

    with (
        peer(endless) as port,
        asking(port) as requester,
        pytest.raises(SourceAnswerInvalid, match="more than 50 answers"),
    ):
        requester.move(study_instance_uid="1.2", destination_ae_title="BEAMKEEPER")


def test_answers_that_are_too_much_together_stop_at_the_named_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requester_link, "ANSWERS_BYTES_MAX", len(study(1)) * 5)

    with (
        peer(lambda it: it.send(found(it, *range(1, 9)))) as port,
        asking(port) as requester,
        pytest.raises(SourceAnswerInvalid, match=f"or {len(study(1)) * 5} bytes"),
    ):
        studies(requester)


def test_an_association_answer_beyond_its_limit_is_not_read() -> None:
    def huge(it: Answering) -> None:
        it.read_pdu()
        it.send(PDU_HEADER.pack(2, requester_association.ASSOCIATE_ANSWER_BYTES_MAX + 1))

    with (
        peer(huge, establish=False) as port,
        asking(port) as requester,
        pytest.raises(SourceUnavailable, match="agrees to no association"),
    ):
        requester.echo()


@pytest.mark.parametrize("seed", range(FUZZ_ROUNDS))
def test_answers_with_bytes_changed_lost_or_added_end_in_a_list_or_one_error(seed: int) -> None:
    chance = random.Random(seed)

    def damaged(it: Answering) -> None:
        data = bytearray(found(it, *range(5), peer_max=chance.choice([0, 50])))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            kind = chance.randrange(3)
            data[at : at + (kind < 2)] = bytes([chance.randrange(256)]) if kind else b""
        it.send(bytes(data))
        it._connection.shutdown(socket.SHUT_WR)

    with peer(damaged) as port, asking(port) as requester, contextlib.suppress(BeamkeeperError):
        assert set(studies(requester)) <= {f"1.{number}" for number in range(256)} | {"1"}


def stored(context: int, uid: str, data_set: bytes) -> bytes:
    group = uid_element(Element.AFFECTED_SOP_CLASS_UID, PLAN)
    group += us_element(Element.COMMAND_FIELD, STORE_RQ) + us_element(Element.MESSAGE_ID, 1)
    group += us_element(Element.COMMAND_DATA_SET_TYPE, 0)
    asked = command_set(group + uid_element(Element.AFFECTED_SOP_INSTANCE_UID, uid))
    return encode_message_pdus(context, asked, data_set, peer_max_pdu_bytes=1000)


def gets(*objects: tuple[str, bytes]) -> Callable[[Answering], None]:
    def script(it: Answering) -> None:
        for uid, data_set in objects:
            it.send(stored(it.contexts[PLAN], uid, data_set))
            it.read_pdu()
        context = next(number for uid, number in it.contexts.items() if uid.endswith(".2.2.3"))
        it.send(encode_message_pdus(context, command(it, GET_RSP, SUCCESS), b"", peer_max_pdu_bytes=0))

    return script


def test_objects_that_come_over_our_association_are_kept_byte_for_byte(tmp_path: Path) -> None:
    data_sets = {f"1.2.{size}": random.Random(size).randbytes(size) for size in (2, 5000, 9 << 20)}
    with (
        peer(gets(*data_sets.items())) as port,
        asking(port) as requester,
        SpoolWriter(tmp_path, "get") as writer,
    ):
        requester.get(study_instance_uid="1.2", writer=writer)
    reader = SpoolReader(tmp_path)
    kept = {item.sop_instance_uid: item for item in reader.poll()}

    assert set(kept) == set(data_sets)
    for uid, item in kept.items():
        with reader.open(item) as file:
            assert file.read(item.size_bytes).endswith(data_sets[uid])


def test_a_full_spool_ends_the_transfer_and_keeps_what_was_committed(tmp_path: Path) -> None:
    with peer(gets(("1.2.1", b"12345678"))) as port, asking(port) as requester:
        writer = SpoolWriter(tmp_path, "get")
        writer.close()
        with pytest.raises(StorageFull):
            requester.get(study_instance_uid="1.2", writer=writer)


def test_an_object_cut_off_leaves_nothing_in_the_spool_but_room_for_the_next(tmp_path: Path) -> None:
    def cut(it: Answering) -> None:
        it.send(stored(it.contexts[PLAN], "1.2.1", bytes(5000))[:-100])
        it._connection.shutdown(socket.SHUT_WR)

    with peer(cut) as port, asking(port) as requester, SpoolWriter(tmp_path, "get") as writer:
        with pytest.raises(SourceUnavailable):
            requester.get(study_instance_uid="1.2", writer=writer)
        assert writer.waiting_count == 0
        writer.add(b"", [b"whole"], NEXT)

    assert [item.sop_instance_uid for item in SpoolReader(tmp_path).poll()] == ["1.2.2"]
