"""Memory stays small: an object of 600 MB, and 400,000 known digests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from raw_sender import EXPLICIT, PLAN, RawSender, made_up, pdu, pdv, receiving

from beamkeeper.wire.dicom.known import write_known

OBJECT_BYTES = 600_000_000
PEAK_MB_MAX = 120


def memory_mb(pid: int, what: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


@pytest.mark.slow
def test_a_dose_of_600_mb_and_400000_known_objects_need_little_memory(tmp_path: Path) -> None:
    known = tmp_path / "known"
    write_known(known, (hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(400_000)))
    piece = bytes(range(256)) * 511  # 130,816 bytes
    count = OBJECT_BYTES // len(piece)
    with receiving(tmp_path, known_path=known) as here, RawSender(here.port) as sender:
        sender.associate([(1, PLAN, [EXPLICIT])])
        sender.send(sender.command_pdu(made_up()))
        fragment, last = pdu(4, pdv(1, 0, piece)), pdu(4, pdv(1, 2, piece))
        for _ in range(count - 1):
            sender.send(fragment)
        sender.send(last)
        assert sender.read_status() == 0
        (child,) = Path(f"/proc/{here.receiver.pid}/task/{here.receiver.pid}/children").read_text().split()
        peak_mb = memory_mb(int(child), "VmHWM")
        (kept,) = here.reader.poll()
        digest = hashlib.sha256()
        with here.reader.open(kept) as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)

        assert kept.size_bytes > count * len(piece)
        assert digest.hexdigest() == kept.sha256
        assert peak_mb < PEAK_MB_MAX
