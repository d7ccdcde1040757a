"""The HL7 side of an OIS on loopback: it takes messages over MLLP and keeps persons, appointments, documents.

It is stricter than most: an appointment that exists is not made again, one that does not is not moved and
not cancelled, and nothing is kept of a person who was never added. A repetition, by its control id, is
answered as before and changes nothing (HL7 v2.5.1 chapter 2.10).
"""

from __future__ import annotations

import socketserver
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    import socket

_BEGIN, _END = b"\x0b", b"\x1c\r"
_MESSAGE_BYTES_MAX: Final = 64 << 20
_MAKES, _CHANGES, _CANCELS = "S12", frozenset({"S13", "S14"}), "S15"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """An appointment that stands.

    Attributes
    ----------
    patient_id
        The patient's number in this house: the first of PID-3.
    starts_at
        As the message writes it: wall time with its offset.
    machine
        Where: the point of care of AIL-3.
    """

    patient_id: str
    starts_at: str
    machine: str


@dataclass(slots=True)
class Schedule:
    """What the OIS knows from messages.

    Attributes
    ----------
    persons
        Names by number.
    booked
        Appointments that stand, by their number.
    documents
        How many documents came for each number.
    refused
        Messages that were answered with AE, and why.
    """

    persons: dict[str, str] = field(default_factory=dict)
    booked: dict[str, Booked] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def take(self, message: str) -> str:
        """Take one message; return why it is refused, "" where it is not."""
        segments: dict[str, list[str]] = {}
        for line in message.split("\r"):
            fields = line.split("|")
            segments.setdefault(fields[0], fields)
        event = segments["MSH"][8].split("^")[1]
        person = segments["PID"][3].split("~")[0].split("^")[0]
        if event == "A28":
            self.persons[person] = segments["PID"][5]
            return ""
        if person not in self.persons:
            return f"{event}: nobody has the number of this message"
        if event == "T02":
            self.documents[person] = self.documents.get(person, 0) + 1
        return self._schedule(event, person, segments) if event.startswith("S") else ""

    def _schedule(self, event: str, person: str, segments: dict[str, list[str]]) -> str:
        said = segments["SCH"]
        number = said[1].split("^")[0]
        had = self.booked.get(number)
        if event == _MAKES and had is not None:
            return f"{event}: the appointment exists"
        if event != _MAKES and (had is None or had.patient_id != person):
            return f"{event}: this person has no such appointment"
        if event == _CANCELS:
            del self.booked[number]
        elif event == _MAKES or event in _CHANGES:
            self.booked[number] = Booked(
                patient_id=person,
                starts_at=said[11].split("^")[3],
                machine=segments["AIL"][3].split("^")[0],
            )
        return ""


class Hl7Receiver:
    """A receiver on loopback; a context manager.

    Attributes
    ----------
    port
        Known once it was started.
    schedule
        What it knows by now.
    """

    def __init__(self) -> None:
        self.schedule, self.port = Schedule(), 0
        self._answers: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._server: socketserver.ThreadingTCPServer | None = None

    def start(self) -> None:
        """Listen on a free port."""
        receiver = self

        class _Connection(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                receiver._attend(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Connection)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _attend(self, connection: socket.socket) -> None:
        held = b""
        while (more := connection.recv(1 << 16)) and len(held) < _MESSAGE_BYTES_MAX:
            held += more
            while _END in held:
                framed, held = held.split(_END, 1)
                connection.sendall(_BEGIN + self._answer(framed.removeprefix(_BEGIN).decode()) + _END)

    def _answer(self, message: str) -> bytes:
        head = message.split("\r", 1)[0].split("|")
        control = head[9]
        with self._lock:
            if control not in self._answers:
                why = self.schedule.take(message)
                if why:
                    self.schedule.refused.append(why)
                self._answers[control] = (
                    f"MSH|^~\\&|{head[4]}|{head[5]}|{head[2]}|{head[3]}|{head[6]}||ACK|A{control}|P|2.5.1\r"
                    f"MSA|{'AE' if why else 'AA'}|{control}|{why}\r"
                ).encode()
            return self._answers[control]
