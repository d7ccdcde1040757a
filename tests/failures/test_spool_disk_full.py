"""A full disk: the sender hears A700, nothing journaled is lost, and space that comes back is used."""

from __future__ import annotations

import resource
import subprocess
from typing import TYPE_CHECKING

import pytest
from raw_sender import EXPLICIT, PLAN, RawSender, made_up, receiving

from beamkeeper.errors import StorageFull
from beamkeeper.wire.dicom.known import KnownDigests, write_known
from beamkeeper.wire.dicom.spool import ObjectIdentity, SpoolReader, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAN_CONTEXT = [(1, PLAN, [EXPLICIT])]
MEGABYTE = 1 << 20
IDENTITY = ObjectIdentity(
    sop_class_uid=PLAN,
    sop_instance_uid="1.2.3",
    transfer_syntax_uid=EXPLICIT,
    calling_ae_title="OIS",
    solicited=True,
)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB, where this machine lets us make one."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a tiny disk; the file size limit below stands in for it")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def file_size_limit() -> Iterator[int]:
    """No file of this process may grow beyond 1 MB (as good as a full disk, and anybody may ask for it)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MEGABYTE, before[1]))
    try:
        yield MEGABYTE
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("originator", ["", "BEAMKEEPER"])
def test_a_sender_hears_out_of_resources_and_may_send_again(tiny_disk: Path, originator: str) -> None:
    ballast = tiny_disk / "ballast"
    with receiving(tiny_disk) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        first = sender.store(made_up(MEGABYTE, number=1), originator=originator)
        too_large = sender.store(made_up(20 * MEGABYTE, number=2), originator=originator)
        ballast.write_bytes(bytes(2 * MEGABYTE))
        no_room = sender.store(made_up(2 * MEGABYTE, number=3), originator=originator)
        ballast.unlink()
        again = sender.store(made_up(2 * MEGABYTE, number=3), originator=originator)
        sender.release()
        spooled = here.reader.poll()

        assert (first, too_large, no_room, again) == (0, 0xA700, 0xA700, 0)
        assert [kept.sop_instance_uid for kept in spooled] == ["1.2.3.4.1", "1.2.3.4.3"]
        assert all(here.reader.read(kept) for kept in spooled)


def test_a_spool_that_cannot_even_be_opened_refuses_every_object(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        (tmp_path / "spool").write_text("a file where the folder should be")
        sender.associate(PLAN_CONTEXT)

        assert [sender.store(made_up(number=n)) for n in (1, 2)] == [0xA700, 0xA700]
        sender.release()


def test_a_writer_that_meets_the_end_of_the_disk_keeps_what_it_had(
    tmp_path: Path, file_size_limit: int
) -> None:
    with SpoolWriter(tmp_path, "one") as writer:
        kept = writer.add(b"", [bytes(1000)], IDENTITY)
        with pytest.raises(StorageFull, match="File too large"):
            writer.add(b"", [bytes(file_size_limit)], IDENTITY)
        also = writer.add(b"", [b"small"], IDENTITY)

    assert SpoolReader(tmp_path).poll() == (kept, also)
    assert (tmp_path / kept.pack).stat().st_size == 1005


def test_a_journal_that_cannot_grow_breaks_the_writer_and_loses_nothing_journaled(
    tmp_path: Path, file_size_limit: int
) -> None:
    writer = SpoolWriter(tmp_path, "one")
    first = writer.add(b"", [b"first"], IDENTITY)
    writer.commit()
    room = file_size_limit // 500
    for _ in range(2 * room):
        writer.add(b"", [b"x"], IDENTITY)
    with pytest.raises(StorageFull, match="journaled"):
        writer.commit()
    with pytest.raises(StorageFull, match="no more"):
        writer.add(b"", [b"after"], IDENTITY)
    writer.close()

    reader = SpoolReader(tmp_path)
    seen = reader.poll()
    assert seen[0] == first
    assert all(reader.read(spooled) for spooled in seen)


def test_a_folder_without_the_right_to_write_is_storage_full(tmp_path: Path) -> None:
    place = tmp_path / "spool"
    place.write_text("a file")
    writer = SpoolWriter(place, "one")

    with pytest.raises(StorageFull, match="opened"):
        writer.add(b"", [b"content"], IDENTITY)


def test_a_list_of_known_digests_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, file_size_limit: int
) -> None:
    path = tmp_path / "known"
    write_known(path, [bytes(32)])
    with pytest.raises(StorageFull):
        write_known(path, (n.to_bytes(32, "big") for n in range(file_size_limit // 32 + 1)))

    with KnownDigests(path) as known:
        assert (len(known), bytes(32) in known) == (1, True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["known"]
