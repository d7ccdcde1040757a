"""A storage sender that writes every byte itself, so that tests can send what no library would.

It shares no code with the receiver: a mistake in one is not made again in the other.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from beamkeeper.wire.dicom.receiver import Receiver, ReceiverConfig
from beamkeeper.wire.dicom.spool import SpoolReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
VERIFICATION = "1.2.840.10008.1.1"


@dataclass(frozen=True)
class Instance:
    """A data set to send, with what its command says of it."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    data_set: bytes


def read_instance(path: Path) -> Instance | None:
    """Return the data set of a file as it lies there; None for what is not an instance in the clear."""
    content = path.read_bytes()
    if content[128:132] != b"DICM":
        return None
    position, meta = 132, {}
    while position + 8 <= len(content) and content[position : position + 2] == b"\x02\0":
        element, vr, length = struct.unpack_from("<2xH2sH", content, position)
        position += 8
        if vr in (b"OB", b"UN"):
            (length,) = struct.unpack_from("<I", content, position)
            position += 4
        meta[element] = content[position : position + length].rstrip(b"\0 ").decode("latin-1")
        position += length
    if not (meta.get(2) and meta.get(3) and meta.get(0x10)):
        return None
    return Instance(meta[2], meta[3], meta[0x10], content[position:])


def real_instances(real_data: Path) -> list[Instance]:
    """Return every instance of the real sets; some share a UID and differ."""
    found = (read_instance(path) for path in sorted(real_data.rglob("*")) if path.is_file())
    return [instance for instance in found if instance]


def made_up(size: int = 1000, number: int = 1, syntax: str = EXPLICIT) -> Instance:
    """Return an instance whose bytes repeat with a period that is no power of two."""
    pattern = bytes((index * 7 + number) % 251 for index in range(251))
    return Instance(PLAN, f"1.2.3.4.{number}", syntax, (pattern * (size // 251 + 1))[:size])


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value


def pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBI", kind, 0, len(body)) + body


def pdv(context_id: int, control: int, data: bytes) -> bytes:
    return struct.pack(">IBB", len(data) + 2, context_id, control) + data


def element(number: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", 0, number, len(value)) + value


def command_set(*elements: bytes) -> bytes:
    body = b"".join(elements)
    return element(0, struct.pack("<I", len(body))) + body


def store_command(instance: Instance, message_id: int = 1, originator: str = "") -> bytes:
    moved = element(0x1030, originator.encode()) if originator else b""
    return command_set(
        element(0x0002, instance.sop_class_uid.encode()),
        element(0x0100, b"\x01\0"),
        element(0x0110, struct.pack("<H", message_id)),
        element(0x0700, b"\0\0"),
        element(0x0800, b"\0\0"),
        element(0x1000, instance.sop_instance_uid.encode()),
        moved,
    )


def associate_rq(
    contexts: Sequence[tuple[int, str, Sequence[str]]],
    *,
    called: str = "BEAMKEEPER",
    calling: str = "TESTER",
    version: int = 1,
    application_context: str = "1.2.840.10008.3.1.1.1",
    max_pdu: int = 16384,
    more_user_items: bytes = b"",
) -> bytes:
    proposed = b"".join(
        item(
            0x20,
            bytes((number, 0, 0, 0))
            + item(0x30, abstract.encode())
            + b"".join(item(0x40, syntax.encode()) for syntax in syntaxes),
        )
        for number, abstract, syntaxes in contexts
    )
    user = item(0x51, struct.pack(">I", max_pdu)) + item(0x52, b"1.2.3.4") + more_user_items
    fixed = struct.pack(">HH16s16s32x", version, 0, called.encode().ljust(16), calling.encode().ljust(16))
    return pdu(1, fixed + item(0x10, application_context.encode()) + proposed + item(0x50, user))


class RawSender:
    """A connection to a receiver; every answer is returned as it came."""

    def __init__(self, port: int, *, source: str = "127.0.0.1", timeout_s: float = 20.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer_max_pdu = 0
        self.message_id = 0
        self.syntaxes: dict[int, str] = {}
        self.results: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            got = self.socket.recv(size - len(data))
            if not got:
                raise EOFError(f"closed after {len(data)} of {size} bytes")
            data += got
        return data

    def read_pdu(self) -> tuple[int, bytes]:
        kind, _, length = struct.unpack(">BBI", self.read(6))
        return kind, self.read(length)

    def is_closed_by_peer(self) -> bool:
        """Wait for the end; anything that comes before it is thrown away."""
        with contextlib.suppress(ConnectionResetError):
            while self.socket.recv(4096):
                pass
        return True

    def associate(self, contexts: Sequence[tuple[int, str, Sequence[str]]], **more: object) -> bytes | None:
        """Return None when accepted, else the body of the A-ASSOCIATE-RJ."""
        self.send(associate_rq(contexts, **more))  # type: ignore[arg-type]
        kind, body = self.read_pdu()
        if kind == 3:
            return body
        assert kind == 2
        position = 68
        while position < len(body):
            what, _, length = struct.unpack_from(">BBH", body, position)
            value = body[position + 4 : position + 4 + length]
            if what == 0x21:
                self.results[value[0]] = value[2]
                self.syntaxes[value[0]] = value[8:].decode()
            elif what == 0x50:
                (self.peer_max_pdu,) = struct.unpack_from(">I", value, 4)
            position += 4 + length
        return None

    def store(
        self, instance: Instance, *, context_id: int = 1, fragment: int = 0, originator: str = ""
    ) -> int:
        """Send one instance in fragments of that size, one a PDU, and return the status."""
        self.message_id = self.message_id % 65535 + 1
        self.send(self.command_pdu(instance, context_id, originator))
        step = fragment or self.peer_max_pdu - 6
        for start in range(0, len(instance.data_set) or 1, step):
            piece = instance.data_set[start : start + step]
            last = 2 if start + step >= len(instance.data_set) else 0
            self.send(pdu(4, pdv(context_id, last, piece)))
        return self.read_status()

    def command_pdu(self, instance: Instance, context_id: int = 1, originator: str = "") -> bytes:
        return pdu(4, pdv(context_id, 3, store_command(instance, self.message_id, originator)))

    def read_status(self) -> int:
        kind, body = self.read_pdu()
        assert kind == 4, (kind, body)
        position = body.rindex(element(0x0900, b"\0\0")[:8])
        return int(struct.unpack_from("<H", body, position + 8)[0])

    def release(self) -> None:
        """Leave properly: what was stored is durable when this returns."""
        self.send(pdu(5, bytes(4)))
        assert self.read_pdu() == (6, bytes(4))
        self.socket.close()


def config(**more: object) -> ReceiverConfig:
    """Return a configuration for tests."""
    settings: dict[str, object] = {
        "ae_title": "BEAMKEEPER",
        "allowed_calling_ae_titles": frozenset({"TESTER"}),
        "own_move_originators": frozenset({"BEAMKEEPER"}),
    }
    return ReceiverConfig(**(settings | more))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Receiving:
    """A running receiver and the reader of its spool."""

    receiver: Receiver
    reader: SpoolReader
    log_path: Path

    @property
    def port(self) -> int:
        return self.receiver.port

    def log(self) -> str:
        return self.log_path.read_text()


@contextlib.contextmanager
def receiving(folder: Path, *, known_path: Path | None = None, **more: object) -> Iterator[Receiving]:
    """Run a receiver whose spool is `folder/spool`."""
    folder.mkdir(exist_ok=True)
    with (
        (folder / "receiver.log").open("wb") as log,
        Receiver(config(**more), spool_dir=folder / "spool", known_path=known_path, log=log) as receiver,
    ):
        yield Receiving(receiver, SpoolReader(folder / "spool"), folder / "receiver.log")
