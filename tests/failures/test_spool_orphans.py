"""What a crash leaves in the spool: swept when its night is over, and never together with what is kept."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.pushed import remove_packs_but, remove_what_we_asked_for
from beamkeeper.wire.dicom.spool import ObjectIdentity, SpooledObject, SpoolReader, SpoolWriter

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """
import os, pathlib, signal, sys
from beamkeeper.wire.dicom.spool import ObjectIdentity, SpoolWriter
identity = ObjectIdentity(sop_class_uid="1.2", sop_instance_uid="1.2.3", transfer_syntax_uid="1.2",
                          calling_ae_title="OIS", solicited=True)
writer = SpoolWriter(pathlib.Path(sys.argv[1]), "killed")
writer.add(b"", [bytes(100_000)], identity)
incoming = writer.begin(b"", identity)
incoming.feed(bytes(100_000))
incoming.spill()
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave_orphans(spool: Path) -> None:
    """Kill a writer before its first commit, and lose the journal of another pack."""
    subprocess.run([sys.executable, "-c", KILLED, str(spool)], check=False)
    (spool / "alone.pack").write_bytes(b"a pack whose journal was removed before the power went")


def keep_one(spool: Path, *, solicited: bool) -> SpooledObject:
    identity = ObjectIdentity(
        sop_class_uid="1.2",
        sop_instance_uid="1.2.9",
        transfer_syntax_uid="1.2",
        calling_ae_title="LINAC",
        solicited=solicited,
    )
    with SpoolWriter(spool, "kept") as writer:
        return writer.add(b"", [b"sent unasked"], identity)


def test_packs_that_a_crash_left_go_with_the_night_and_what_is_kept_stays(tmp_path: Path) -> None:
    kept = keep_one(tmp_path, solicited=False)
    leave_orphans(tmp_path)
    orphans = {path.name for path in tmp_path.glob("*.pack")} - {kept.pack}

    remove_packs_but(tmp_path, frozenset({kept.pack}))

    assert orphans == {"killed.pack", "alone.pack"}
    assert {path.name for path in tmp_path.iterdir()} == {"kept.pack", "kept.journal"}
    assert SpoolReader(tmp_path).read(kept) == b"sent unasked"


def test_a_night_that_never_ended_leaves_no_orphans_when_it_is_tidied(tmp_path: Path) -> None:
    keep_one(tmp_path, solicited=True)
    leave_orphans(tmp_path)

    assert remove_what_we_asked_for(tmp_path) is False
    assert list(tmp_path.iterdir()) == []


def test_a_pack_whose_writer_is_alive_is_not_swept(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path, "alive") as writer:
        identity = ObjectIdentity(
            sop_class_uid="1.2",
            sop_instance_uid="1.2.3",
            transfer_syntax_uid="1.2",
            calling_ae_title="OIS",
            solicited=True,
        )
        writer.add(b"", [b"on its way"], identity)

        remove_packs_but(tmp_path, frozenset())
        writer.commit()

        (spooled,) = SpoolReader(tmp_path).poll()
        assert SpoolReader(tmp_path).read(spooled) == b"on its way"
