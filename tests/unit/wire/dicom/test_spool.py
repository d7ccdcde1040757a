"""The spool: whole objects or nothing, whatever interrupts the writer."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import IntegrityError
from beamkeeper.wire.dicom.spool import ObjectIdentity, SpooledObject, SpoolReader, SpoolWriter

if TYPE_CHECKING:
    from pathlib import Path


def identity(number: int = 1, *, solicited: bool = True) -> ObjectIdentity:
    return ObjectIdentity(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.481.5",
        sop_instance_uid=f"1.2.3.{number}",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        calling_ae_title="OIS",
        solicited=solicited,
    )


def spool(folder: Path, *contents: bytes, name: str = "one") -> None:
    with SpoolWriter(folder, name) as writer:
        for number, content in enumerate(contents):
            writer.add(b"", [content], identity(number))


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path, "one") as writer:
        added = writer.add(b"header", [b"first ", memoryview(b"second")], identity())

    (spooled,) = SpoolReader(tmp_path).poll()

    assert spooled == added
    assert SpoolReader(tmp_path).read(spooled) == b"headerfirst second"
    assert spooled.sha256 == hashlib.sha256(b"headerfirst second").hexdigest()


def test_an_object_is_not_seen_before_the_commit(tmp_path: Path) -> None:
    reader = SpoolReader(tmp_path)
    with SpoolWriter(tmp_path, "one") as writer:
        writer.add(b"", [b"content"], identity())
        before = reader.poll()
        writer.commit()

        assert before == ()
        assert len(reader.poll()) == 1


def test_a_poll_returns_each_object_once(tmp_path: Path) -> None:
    reader = SpoolReader(tmp_path)
    spool(tmp_path, b"a", b"b")

    assert [len(reader.poll()), len(reader.poll())] == [2, 0]


def test_a_group_commits_by_itself_when_it_is_large_enough(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path, "one", group_commit_bytes=10) as writer:
        writer.add(b"", [b"12345"], identity(1))
        first = SpoolReader(tmp_path).poll()
        writer.add(b"", [b"67890"], identity(2))

        assert (len(first), len(SpoolReader(tmp_path).poll())) == (0, 2)


def test_a_known_object_is_journaled_and_not_kept(tmp_path: Path) -> None:
    known = {hashlib.sha256(b"old" * 100).digest()}
    with SpoolWriter(tmp_path, "one", known=known) as writer:
        old = writer.add(b"", [b"old" * 100], identity(1))
        new = writer.add(b"", [b"new"], identity(2))

    assert (old.known, old.pack, new.known) == (True, "", False)
    assert (tmp_path / new.pack).read_bytes() == b"new"
    with pytest.raises(IntegrityError, match="the vault had it already"):
        SpoolReader(tmp_path).read(old)


def test_a_large_known_object_that_was_spilled_leaves_no_bytes(tmp_path: Path) -> None:
    content = b"x" * 1000
    with SpoolWriter(tmp_path, "one", known={hashlib.sha256(content).digest()}) as writer:
        incoming = writer.begin(b"", identity(1))
        for start in range(0, 1000, 100):
            incoming.feed(content[start : start + 100])
            incoming.spill()
        incoming.finish()
        kept = writer.add(b"", [b"new"], identity(2))

    assert (tmp_path / kept.pack).read_bytes() == b"new"


def test_a_discarded_object_leaves_no_trace(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path, "one") as writer:
        incoming = writer.begin(b"header", identity(1))
        incoming.feed(b"half of it")
        incoming.spill()
        incoming.discard()
        writer.add(b"", [b"whole"], identity(2))

    (spooled,) = SpoolReader(tmp_path).poll()

    assert spooled.sop_instance_uid == "1.2.3.2"
    assert (tmp_path / spooled.pack).read_bytes() == b"whole"


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=8), st.data())
def test_a_spool_cut_anywhere_shows_only_whole_objects(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool(folder, *contents)
    journal = folder / "one.journal"
    cut = data.draw(st.integers(0, journal.stat().st_size))
    tail = data.draw(st.binary(max_size=40))
    journal.write_bytes(journal.read_bytes()[:cut] + tail)

    reader = SpoolReader(folder)
    seen = reader.poll()

    assert [reader.read(spooled) for spooled in seen] == contents[: len(seen)]


def test_an_interrupted_journal_is_named(tmp_path: Path) -> None:
    spool(tmp_path, b"a", b"b")
    journal = tmp_path / "one.journal"
    journal.write_bytes(journal.read_bytes()[:-5])
    reader = SpoolReader(tmp_path)

    assert len(reader.poll()) == 1
    assert reader.torn_journals == {"one.journal"}


def test_a_journal_line_with_one_wrong_digit_is_not_believed(tmp_path: Path) -> None:
    spool(tmp_path, b"first", b"second", b"third")
    journal = tmp_path / "one.journal"
    journal.write_bytes(journal.read_bytes().replace(b'"offset":5', b'"offset":4'))
    reader = SpoolReader(tmp_path)

    assert [reader.read(spooled) for spooled in reader.poll()] == [b"first"]
    assert reader.torn_journals == {"one.journal"}


def test_files_that_are_there_are_never_overwritten(tmp_path: Path) -> None:
    spool(tmp_path, b"first")
    (tmp_path / "one-2.pack").write_bytes(b"a leftover whose journal is gone")
    spool(tmp_path, b"second")

    contents = {SpoolReader(tmp_path).read(spooled) for spooled in SpoolReader(tmp_path).poll()}
    assert contents == {b"first", b"second"}
    assert (tmp_path / "one-2.pack").read_bytes() == b"a leftover whose journal is gone"


def test_one_flipped_bit_is_found_when_read(tmp_path: Path) -> None:
    spool(tmp_path, b"content")
    (spooled,) = SpoolReader(tmp_path).poll()
    (tmp_path / spooled.pack).write_bytes(b"contenu")

    with pytest.raises(IntegrityError, match="SHA-256"):
        SpoolReader(tmp_path).read(spooled)


def test_a_pack_that_is_short_or_gone_is_an_integrity_error(tmp_path: Path) -> None:
    spool(tmp_path, b"content")
    (spooled,) = SpoolReader(tmp_path).poll()
    os.truncate(tmp_path / spooled.pack, 3)

    with pytest.raises(IntegrityError, match="ends before it does"):
        SpoolReader(tmp_path).open(spooled)
    (tmp_path / spooled.pack).unlink()
    with pytest.raises(IntegrityError, match="gone"):
        SpoolReader(tmp_path).open(spooled)


def test_a_journal_of_another_version_is_refused(tmp_path: Path) -> None:
    spool(tmp_path, b"content")
    journal = tmp_path / "one.journal"
    import zlib

    text = journal.read_bytes().split(b"\n")[0][9:].replace(b'"version":1', b'"version":2')
    journal.write_bytes(b"%08x %s\n" % (zlib.crc32(text), text))

    with pytest.raises(IntegrityError, match="version"):
        SpoolReader(tmp_path).poll()


def test_only_the_owner_may_read_the_spool(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool(folder, b"content")

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_name_that_is_a_path_is_refused(tmp_path: Path) -> None:
    for name in ("../x", "/etc/x", "", ".hidden", "a/b"):
        with pytest.raises(ValueError, match="spool name"):
            SpoolWriter(tmp_path, name)


def test_a_pack_name_that_is_a_path_is_refused(tmp_path: Path) -> None:
    spooled = SpooledObject(
        sha256="0" * 64,
        size_bytes=1,
        sop_class_uid="1.2",
        sop_instance_uid="1.2",
        transfer_syntax_uid="1.2",
        calling_ae_title="OIS",
        solicited=True,
        known=False,
        pack="../../etc/passwd",
        offset=0,
        received_at="2026-11-22T03:00:00+00:00",
    )

    with pytest.raises(IntegrityError, match="not the name of a pack"):
        SpoolReader(tmp_path).open(spooled)


def test_a_pack_is_removed_only_when_its_writer_is_done(tmp_path: Path) -> None:
    reader = SpoolReader(tmp_path)
    with SpoolWriter(tmp_path, "one") as writer:
        pack = writer.add(b"", [b"content"], identity()).pack
        writer.commit()
        while_writing = reader.remove(pack)
    after = reader.remove(pack)

    assert (while_writing, after, list(tmp_path.iterdir())) == (False, True, [])


def test_an_open_object_can_be_sought_in(tmp_path: Path) -> None:
    spool(tmp_path, b"before", b"0123456789", b"after")
    spooled = SpoolReader(tmp_path).poll()[1]

    with SpoolReader(tmp_path).open(spooled) as file:
        file.seek(-4, os.SEEK_END)

        assert file.read() == b"6789"
        assert (file.seek(2), file.read(3)) == (2, b"234")


def test_an_association_without_objects_leaves_no_files(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path / "spool", "one"):
        pass

    assert not (tmp_path / "spool").exists()
