"""A C-STORE sender that is never the bottleneck: data sets prepared before, one system call an object.

    python bench/fast_sender.py HOST PORT PATH... [--associations N] [--called AE] [--originator AE]

Files are sent as they are, in their own transfer syntax. With --originator the requests look like
sub-operations of a C-MOVE which that AE title asked for: that is what the objects of a night are.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path

IOV_MAX = 1024
CALLING = b"FASTSCU"


@dataclass(frozen=True)
class Instance:
    """A file's identity, and where its data set starts."""

    path: Path
    sop_class_uid: bytes
    sop_instance_uid: bytes
    transfer_syntax_uid: bytes
    offset: int


def read_meta(path: Path) -> Instance:
    """Read the File Meta Information (explicit VR little endian)."""
    with path.open("rb") as file:
        head = file.read(1024)
    assert head[128:132] == b"DICM", path
    end = 144 + struct.unpack_from("<I", head, 140)[0]
    position, values = 144, {}
    while position < end:
        element, vr, length = struct.unpack_from("<2xH2sH", head, position)
        position += 8
        if vr in (b"OB", b"UN"):
            (length,) = struct.unpack_from("<I", head, position)
            position += 4
        values[element] = head[position : position + length].rstrip(b"\0 ")
        position += length
    return Instance(path, values[2], values[3], values[0x10], end)


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value


def element(number: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", 0, number, len(value)) + value


def store_command(instance: Instance, message_id: int, originator: bytes) -> bytes:
    body = (
        element(2, instance.sop_class_uid)
        + element(0x100, b"\x01\0")
        + element(0x110, struct.pack("<H", message_id))
        + element(0x700, b"\0\0")
        + element(0x800, b"\0\0")
        + element(0x1000, instance.sop_instance_uid)
        + (element(0x1030, originator) + element(0x1031, b"\x01\0") if originator else b"")
    )
    return element(0, struct.pack("<I", len(body))) + body


def read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        connection.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1
        )  # Nagle's algorithm at the other end
        got = connection.recv(size - len(data))
        if not got:
            raise EOFError("the receiver closed")
        data += got
    return data


def read_pdu(connection: socket.socket) -> tuple[int, bytes]:
    kind, _, length = struct.unpack(">BBI", read(connection, 6))
    return kind, read(connection, length)


class Sender:
    """One association."""

    def __init__(self, host: str, port: int, called: bytes, originator: bytes) -> None:
        self.connection = socket.create_connection((host, port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.called = called
        self.originator = originator
        self.contexts: dict[tuple[bytes, bytes], int] = {}
        self.fragment_bytes = 0

    def associate(self, instances: list[Instance]) -> None:
        for one in instances:
            key = (one.sop_class_uid, one.transfer_syntax_uid)
            self.contexts.setdefault(key, 2 * len(self.contexts) + 1)
        proposed = b"".join(
            item(0x20, bytes((number, 0, 0, 0)) + item(0x30, sop) + item(0x40, syntax))
            for (sop, syntax), number in self.contexts.items()
        )
        body = (
            struct.pack(">HH16s16s32x", 1, 0, self.called.ljust(16), CALLING.ljust(16))
            + item(0x10, b"1.2.840.10008.3.1.1.1")
            + proposed
            + item(0x50, item(0x51, struct.pack(">I", 131072)) + item(0x52, b"1.2.3.4"))
        )
        self.connection.sendall(struct.pack(">BBI", 1, 0, len(body)) + body)
        kind, answer = read_pdu(self.connection)
        assert kind == 2, f"refused: {kind} {answer!r}"
        self.fragment_bytes = min(self._peer_max_pdu(answer) or 1 << 20, 1 << 20) - 6

    @staticmethod
    def _peer_max_pdu(answer: bytes) -> int:
        position = 68
        while position < len(answer):
            kind, length = struct.unpack_from(">BxH", answer, position)
            if kind == 0x50:
                return int(struct.unpack_from(">I", answer, position + 8)[0])
            position += 4 + length
        return 0

    def store(self, instance: Instance, message_id: int) -> int:
        """Send one file and return the status."""
        content = memoryview(instance.path.read_bytes())[instance.offset :]
        number = self.contexts[instance.sop_class_uid, instance.transfer_syntax_uid]
        command = store_command(instance, message_id, self.originator)
        buffers: list[bytes | memoryview] = [
            struct.pack(">BBIIBB", 4, 0, len(command) + 6, len(command) + 2, number, 3) + command
        ]
        for start in range(0, len(content), self.fragment_bytes):
            piece = content[start : start + self.fragment_bytes]
            last = 2 if start + len(piece) == len(content) else 0
            buffers += [struct.pack(">BBIIBB", 4, 0, len(piece) + 6, len(piece) + 2, number, last), piece]
        for first in range(0, len(buffers), IOV_MAX):
            batch = buffers[first : first + IOV_MAX]
            sent = self.connection.sendmsg(batch)
            if sent < sum(map(len, batch)):
                self.connection.sendall(b"".join(batch)[sent:])
        kind, answer = read_pdu(self.connection)
        assert kind == 4, f"PDU {kind} instead of an answer"
        position = answer.rindex(struct.pack("<HHI", 0, 0x900, 2)) + 8
        return int(struct.unpack_from("<H", answer, position)[0])

    def release(self) -> None:
        self.connection.sendall(b"\x05\0\0\0\0\x04\0\0\0\0")
        read_pdu(self.connection)
        self.connection.close()


def send(host: str, port: int, paths: list[Path], called: str, originator: str) -> tuple[int, int, int]:
    """Send files over one association; return how many went, how many bytes, how many failed."""
    instances = [read_meta(path) for path in paths]
    sender = Sender(host, port, called.encode(), originator.encode())
    sender.associate(instances)
    failed = sum(sender.store(one, n % 65535 + 1) != 0 for n, one in enumerate(instances))
    sender.release()
    return len(instances), sum(path.stat().st_size for path in paths), failed


def files_in(places: list[Path]) -> list[Path]:
    found = []
    for place in places:
        found += [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--associations", type=int, default=1)
    parser.add_argument("--called", default="ANY-SCP")
    parser.add_argument("--originator", default="")
    arguments = parser.parse_args()
    files = files_in(arguments.paths)
    started = time.perf_counter()
    shares = [files[n :: arguments.associations] for n in range(arguments.associations)]
    jobs = [
        (arguments.host, arguments.port, share, arguments.called, arguments.originator) for share in shares
    ]
    if len(jobs) == 1:
        results = [send(*jobs[0])]
    else:
        with multiprocessing.Pool(len(jobs)) as pool:
            results = pool.starmap(send, jobs)
    wall_s = time.perf_counter() - started
    objects, size, failed = (sum(column) for column in zip(*results, strict=True))
    print(
        json.dumps(
            {"objects": objects, "bytes": size, "failed": failed, "wall_s": wall_s, "pid": os.getpid()}
        )
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
