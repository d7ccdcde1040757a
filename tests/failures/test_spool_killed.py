"""A writer killed at any moment: what a reader sees is whole, and nothing it saw is lost."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from beamkeeper.wire.dicom.spool import SpoolReader

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys, pathlib
from beamkeeper.wire.dicom.spool import ObjectIdentity, SpoolWriter
identity = ObjectIdentity(sop_class_uid="1.2", sop_instance_uid="1.2.3", transfer_syntax_uid="1.2",
                          calling_ae_title="OIS", solicited=True)
with SpoolWriter(pathlib.Path(sys.argv[1]), "one", group_commit_bytes=200_000) as writer:
    print("ready", flush=True)
    for number in range(1_000_000):
        incoming = writer.begin(b"", identity)
        for part in range(number % 7):
            incoming.feed(bytes((number % 256,)) * 9973)
            if part % 3 == 2:
                incoming.spill()
        incoming.finish()
"""


@pytest.mark.parametrize("seed", range(8))
def test_a_killed_writer_leaves_whole_objects_only(tmp_path: Path, seed: int) -> None:
    reader = SpoolReader(tmp_path)
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        until = time.monotonic() + 60
        while not SpoolReader(tmp_path).poll() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.05 + random.Random(seed).random() / 5)
        seen_alive = reader.poll()
        writer.kill()
    seen = seen_alive + reader.poll()

    assert seen
    assert SpoolReader(tmp_path).poll() == seen
    for number, spooled in enumerate(seen):
        assert reader.read(spooled) == bytes((number % 256,)) * (9973 * (number % 7))
    assert reader.remove("one.pack")
