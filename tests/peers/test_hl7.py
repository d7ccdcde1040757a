"""Our MLLP client against another's receiver, with and without TLS, and against peers that misbehave."""

from __future__ import annotations

import asyncio
import base64
import random
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import hl7
import hl7.mllp
import pytest
from tests.papers import Papers

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.hl7 import (
    TEMPLATES,
    AckCode,
    Document,
    Envelope,
    Hl7Peer,
    Identifier,
    MessageFacts,
    Person,
    deliver,
    document_added,
    filled,
    read_acknowledgement,
)
from beamkeeper.wire.hl7.mllp import ANSWER_BYTES_MAX

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.peer
LINE_BYTES_MAX = 8 << 20
"""What this receiver takes; the library's own limit of 64 kB cuts every PDF."""
FACTS = MessageFacts(
    control_id="BK42",
    sent_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
    patient_id="4711",
    patient_name="Çelik^Zoë",
)
MESSAGE = filled(TEMPLATES["ADT^A23"], FACTS)


class Receiver:
    """The asyncio receiver of the `hl7` library in a thread of its own."""

    def __init__(self, code: str, tls: ssl.SSLContext | None = None) -> None:
        self.code, self.tls = code, tls
        self.messages: list[hl7.Message] = []
        self.port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await hl7.mllp.start_hl7_server(
            self._answer, host="127.0.0.1", port=0, encoding="utf-8", ssl=self.tls, limit=LINE_BYTES_MAX
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self._stop.wait()

    async def _answer(self, reader: hl7.mllp.HL7StreamReader, writer: hl7.mllp.HL7StreamWriter) -> None:
        try:
            while not writer.is_closing():
                message = await reader.readmessage()
                self.messages.append(message)
                writer.writemessage(message.create_ack(ack_code=self.code))
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()


@contextmanager
def raw_peer(behave: Callable[[socket.socket], None]) -> Iterator[Hl7Peer]:
    """Accept one connection and behave badly on it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            connection, _ = server.accept()
            with connection:
                behave(connection)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield Hl7Peer(host="127.0.0.1", port=server.getsockname()[1], answer_s=1.0)
        finally:
            thread.join()


@pytest.mark.parametrize("code", ["AA", "AE", "AR"])
def test_a_removal_reaches_another_librarys_receiver_and_its_word_comes_back(code: str) -> None:
    with Receiver(code) as receiver:
        answer = deliver(MESSAGE, Hl7Peer(host="127.0.0.1", port=receiver.port))
    acknowledgement = read_acknowledgement(answer, control_id="BK42")
    assert acknowledgement.code is AckCode(code)
    assert acknowledgement.is_accepted == (code == "AA")
    assert acknowledgement.is_worth_repeating == (code == "AR")
    (message,) = receiver.messages
    assert str(message.segment("PID")(5)) == "Çelik^Zoë"


def test_a_document_of_three_megabytes_reaches_another_librarys_receiver_whole() -> None:
    pdf = b"%PDF-1.7\n" + random.Random(3).randbytes(3 << 20) + b"\n%%EOF\n"
    moment = datetime(2026, 11, 22, 20, tzinfo=UTC)
    message = document_added(
        Envelope(control_id="BK42", sent_at=moment, zone=UTC),
        Person(identifiers=(Identifier(number="4711", authority="PARTNER"),), name="Çelik^Zoë"),
        Document(document_id="D1", title="Dossier", pdf=pdf, made_at=moment),
    )
    with Receiver("AA") as receiver:
        answer = deliver(message, Hl7Peer(host="127.0.0.1", port=receiver.port))
    (taken,) = receiver.messages

    assert read_acknowledgement(answer, control_id="BK42").is_accepted
    assert base64.b64decode(str(taken.segment("OBX")(5)[0][4]), validate=True) == pdf
    assert str(taken.segment("PID")(5)).startswith("Çelik^Zoë")


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    return Papers(tmp_path)


def test_over_tls_both_prove_themselves_and_a_stranger_is_refused(papers: Papers) -> None:
    with Receiver("AA", papers.server()) as receiver:
        peer = Hl7Peer(host="127.0.0.1", port=receiver.port, tls=papers.client())
        assert read_acknowledgement(deliver(MESSAGE, peer), control_id="BK42").is_accepted
        with pytest.raises(SourceUnavailable):
            deliver(MESSAGE, Hl7Peer(host="127.0.0.1", port=receiver.port, tls=papers.stranger()))
        with pytest.raises((SourceUnavailable, SourceAnswerInvalid)):
            deliver(MESSAGE, Hl7Peer(host="127.0.0.1", port=receiver.port, answer_s=2))
    assert len(receiver.messages) == 1


def test_a_receiver_that_says_nothing_is_given_up_in_time() -> None:
    def listen(connection: socket.socket) -> None:
        while connection.recv(1 << 20):
            pass

    with raw_peer(listen) as peer, pytest.raises(SourceUnavailable, match="no whole answer"):
        deliver(MESSAGE, peer)


def test_a_receiver_that_drips_its_answer_is_given_up_in_time() -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(1 << 20)
        stop = threading.Event()
        connection.sendall(b"\x0b")
        try:
            while not stop.wait(0.2):
                connection.sendall(b"M")
        except OSError:
            return

    with raw_peer(drip) as peer, pytest.raises(SourceUnavailable, match="no whole answer"):
        deliver(MESSAGE, peer)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", SourceAnswerInvalid),
        (b"\x0b" + b"A" * (ANSWER_BYTES_MAX + 1), SourceAnswerInvalid),
        (b"\x0bMSH|^~\\&|", SourceUnavailable),
        (b"", SourceUnavailable),
    ],
)
def test_what_is_no_framed_answer_is_named(answer: bytes, error: type[Exception]) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(1 << 20)
        connection.sendall(answer)

    with raw_peer(behave) as peer, pytest.raises(error):
        deliver(MESSAGE, peer)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"MSH|^~\\&|A|B\rMSA|XX|BK42\r",
        b"MSH|^~\\&|A|B\rMSA|AA|OTHER\r",
        b"MSH|^~\\&|A|B\rPID|1\r",
        b"\xff\xfe\x00",
        b"MSA|AA|BK42",
        b"MSH\rMSA|AA|BK42\r",
        b"MSH|^~\\&|A|B\rMSA^AA^BK42\r",
    ],
)
def test_an_answer_that_does_not_acknowledge_this_message_is_no_success(answer: bytes) -> None:
    with pytest.raises(SourceAnswerInvalid):
        read_acknowledgement(answer, control_id="BK42")
