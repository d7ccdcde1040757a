"""Parcels: sealed and opened again byte for byte, within bounds, or refused in words."""

from __future__ import annotations

import contextlib
import hashlib
import io
import secrets
import tarfile
import threading
from contextlib import closing
from datetime import UTC, date, datetime

import pyrage
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from beamkeeper.errors import IntegrityError, KeyUnavailable, SourceUnavailable, StorageFull
from beamkeeper.vault import Member, ParcelLimits, read_parcel, seal_parcel

IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT = str(IDENTITY.to_public())
KEY = str(IDENTITY)
NIGHT = date(2026, 3, 2)

segments = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)
names = st.lists(segments, min_size=1, max_size=4).map("/".join)
contents = st.dictionaries(names, st.binary(max_size=2000), max_size=8)


def member(name: str, data: bytes, sha256: str | None = None) -> Member:
    return Member(name=name, size_bytes=len(data), open=lambda: io.BytesIO(data), sha256=sha256)


def sealed(files: dict[str, bytes], *, threads: int = 0) -> bytes:
    sink = io.BytesIO()
    members = [member(name, data) for name, data in files.items()]
    made = seal_parcel(members, recipients=[RECIPIENT], sink=sink, night=NIGHT, threads=threads)
    assert (made.sha256, made.size_bytes) == (
        hashlib.sha256(sink.getvalue()).hexdigest(),
        len(sink.getvalue()),
    )
    return sink.getvalue()


def opened(data: bytes, limits: ParcelLimits | None = None) -> dict[str, bytes]:
    return {name: reader.read() for name, reader in read_parcel(io.BytesIO(data), [KEY], limits=limits)}


def crafted(tar: bytes) -> bytes:
    return pyrage.encrypt(zstandard.compress(tar), [IDENTITY.to_public()])


def crafted_tar(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for info, data in entries:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


@given(contents)
def test_what_was_sealed_opens_byte_for_byte(files: dict[str, bytes]) -> None:
    assert opened(sealed(files)) == files


@given(contents)
@settings(max_examples=20)
def test_the_tar_inside_is_the_same_for_the_same_files(files: dict[str, bytes]) -> None:
    def tar_of(threads: int) -> bytes:
        packed = pyrage.decrypt(sealed(files, threads=threads), [IDENTITY])
        return zstandard.ZstdDecompressor().decompressobj().decompress(packed)

    assert tar_of(0) == tar_of(2)


def test_the_stock_tar_module_reads_the_tar_inside() -> None:
    packed = pyrage.decrypt(sealed({"a/b.dcm": b"x" * 700}), [IDENTITY])
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(packed)

    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        (info,) = tar.getmembers()
        assert (info.name, info.size, info.uid, info.gid, info.uname, info.mode) == (
            "a/b.dcm",
            700,
            0,
            0,
            "",
            0o600,
        )
        assert datetime.fromtimestamp(info.mtime, UTC) == datetime(2026, 3, 2, tzinfo=UTC)


def test_plans_come_before_images_and_the_state_before_all() -> None:
    unordered = ("dicom/CT/1.dcm", "dicom/RTDOSE/1.dcm", "documents/a.pdf", "dicom/RTRECORD/1.dcm")
    more = ("dicom/RTSTRUCT/1.dcm", "facts.json", "dicom/REG/1.dcm", "dicom/RTPLAN/1.dcm", "state.json")

    assert list(opened(sealed(dict.fromkeys((*unordered, *more), b"")))) == [
        "state.json",
        "facts.json",
        "dicom/RTPLAN/1.dcm",
        "dicom/RTSTRUCT/1.dcm",
        "dicom/RTRECORD/1.dcm",
        "dicom/REG/1.dcm",
        "documents/a.pdf",
        "dicom/RTDOSE/1.dcm",
        "dicom/CT/1.dcm",
    ]


def test_any_recipient_opens_it_and_nobody_else() -> None:
    second, stranger = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    sink = io.BytesIO()
    recipients = [RECIPIENT, str(second.to_public())]
    seal_parcel([member("a", b"1")], recipients=recipients, sink=sink, night=NIGHT)

    for identity in (KEY, str(second)):
        assert [name for name, _ in read_parcel(io.BytesIO(sink.getvalue()), [identity])] == ["a"]
    with pytest.raises(KeyUnavailable, match="None of the keys"):
        list(read_parcel(io.BytesIO(sink.getvalue()), [str(stranger)]))


@given(st.data())
@settings(max_examples=200)
def test_a_flipped_bit_anywhere_is_refused(data: st.DataObject) -> None:
    parcel = bytearray(SMALL)
    place = data.draw(st.integers(0, len(parcel) - 1))
    parcel[place] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises((IntegrityError, KeyUnavailable)):
        opened(bytes(parcel))


SMALL = sealed({"dicom/CT/1.dcm": b"abc" * 300, "state.json": b"{}"})


@given(st.integers(0, len(SMALL) - 1))
def test_a_parcel_cut_short_anywhere_is_refused(length: int) -> None:
    with pytest.raises(IntegrityError):
        opened(SMALL[:length])


def test_a_compressed_stream_cut_short_inside_a_genuine_age_file_is_refused() -> None:
    tar = crafted_tar((tarfile.TarInfo("a"), b"x" * 100_000))
    packed = zstandard.compress(tar)

    with pytest.raises(IntegrityError):
        opened(pyrage.encrypt(packed[:-20], [IDENTITY.to_public()]))


@given(st.binary(max_size=3000))
def test_arbitrary_bytes_raise_nothing_but_our_own_errors(data: bytes) -> None:
    for hostile in (data, pyrage.encrypt(data, [IDENTITY.to_public()]), crafted(data)):
        with pytest.raises((IntegrityError, KeyUnavailable)):
            opened(hostile)


def hostile_members() -> list[tuple[str, tarfile.TarInfo, bytes]]:
    link, device, long = tarfile.TarInfo("a"), tarfile.TarInfo("a"), tarfile.TarInfo("x" * 300)
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device.type = tarfile.CHRTYPE
    folder = tarfile.TarInfo("a")
    folder.type = tarfile.DIRTYPE
    return [
        ("symbolic link", link, b""),
        ("device", device, b""),
        ("folder", folder, b""),
        ("absolute path", tarfile.TarInfo("/etc/passwd"), b"x"),
        ("parent folder", tarfile.TarInfo("a/../../b"), b"x"),
        ("hidden file", tarfile.TarInfo(".ssh/authorized_keys"), b"x"),
        ("long name", long, b"x"),
    ]


@pytest.mark.parametrize(
    ("info", "data"), [case[1:] for case in hostile_members()], ids=[c[0] for c in hostile_members()]
)
def test_a_tar_that_reaches_beyond_its_folder_is_refused(info: tarfile.TarInfo, data: bytes) -> None:
    with pytest.raises(IntegrityError, match="not one that Beamkeeper sealed"):
        opened(crafted(crafted_tar((info, data))))


def test_two_members_of_one_name_are_refused() -> None:
    with pytest.raises(IntegrityError):
        opened(crafted(crafted_tar((tarfile.TarInfo("a"), b"1"), (tarfile.TarInfo("a"), b"2"))))
    with pytest.raises(ValueError, match="same name"):
        seal_parcel(
            [member("a", b""), member("a", b"")], recipients=[RECIPIENT], sink=io.BytesIO(), night=NIGHT
        )


@pytest.mark.parametrize(
    "limits", [ParcelLimits(members=1), ParcelLimits(member_bytes=9), ParcelLimits(total_bytes=19)]
)
def test_a_parcel_beyond_a_limit_is_refused_and_one_at_the_limit_is_not(limits: ParcelLimits) -> None:
    files = {"a": b"x" * 10, "b": b"x" * 10}

    with pytest.raises(IntegrityError, match="more, or larger"):
        opened(sealed(files), limits)
    assert opened(sealed(files), ParcelLimits(members=2, member_bytes=10, total_bytes=20)) == files


def test_a_decompression_bomb_is_refused_before_it_unpacks() -> None:
    bomb = crafted_tar((tarfile.TarInfo("a"), bytes(64 << 20)))

    with pytest.raises(IntegrityError, match="more, or larger"):
        opened(crafted(bomb), ParcelLimits(total_bytes=1 << 20))


def test_a_bomb_behind_the_end_of_the_tar_is_refused() -> None:
    with pytest.raises(IntegrityError, match="follow its end"):
        opened(crafted(crafted_tar((tarfile.TarInfo("a"), b"1"))[:2048] + b"\0" * 512 + b"more"))


def test_a_window_larger_than_the_stock_tool_accepts_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=30, compression_level=1)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(crafted_tar((tarfile.TarInfo("a"), b"x"))) + packer.flush()

    with pytest.raises(IntegrityError, match="unpacked"):
        opened(pyrage.encrypt(packed, [IDENTITY.to_public()]))


def test_reading_may_stop_early_and_leaves_no_thread_behind() -> None:
    parcel = sealed({"dicom/RTPLAN/1.dcm": b"plan", "dicom/CT/1.dcm": bytes(range(256)) * 100_000})
    before = threading.active_count()

    with closing(read_parcel(io.BytesIO(parcel), [KEY])) as members:
        assert next(members)[1].read() == b"plan"
    assert threading.active_count() == before


def test_a_member_that_changed_since_it_was_received_is_not_sealed() -> None:
    digest = hashlib.sha256(b"received").hexdigest()

    with pytest.raises(IntegrityError, match="changed between its receipt"):
        seal_parcel(
            [member("a", b"replaced", digest)], recipients=[RECIPIENT], sink=io.BytesIO(), night=NIGHT
        )


@pytest.mark.parametrize("announced", [3, 5])
def test_a_member_of_another_size_is_not_sealed(announced: int) -> None:
    wrong = Member(name="a", size_bytes=announced, open=lambda: io.BytesIO(b"four"))

    with pytest.raises(IntegrityError, match="changed between its receipt"):
        seal_parcel([wrong], recipients=[RECIPIENT], sink=io.BytesIO(), night=NIGHT)


def test_a_file_that_cannot_be_read_is_said_in_words() -> None:
    class Failing(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(SourceUnavailable, match="could not be read"):
        seal_parcel(
            [Member(name="a", size_bytes=4, open=Failing)],
            recipients=[RECIPIENT],
            sink=io.BytesIO(),
            night=NIGHT,
        )


@pytest.mark.parametrize("size", [0, 100, 100_000, 1_000_000])
@pytest.mark.parametrize("fails_at", range(1, 20))
def test_a_full_sink_is_never_taken_for_success(size: int, fails_at: int) -> None:
    class Filling(io.BytesIO):
        writes = 0

        def write(self, *data: object) -> int:
            self.writes += 1
            if self.writes == fails_at:
                raise StorageFull("There is no room left.")
            return super().write(*data)

    sink = Filling()
    with contextlib.suppress(StorageFull):
        seal_parcel([member("a", secrets.token_bytes(size))], recipients=[RECIPIENT], sink=sink, night=NIGHT)

        assert sink.writes < fails_at


def test_a_full_sink_stays_a_full_sink() -> None:
    class Full(io.BytesIO):
        def write(self, *_: object) -> int:
            raise StorageFull("There is no room left.")

    with pytest.raises(StorageFull, match="no room left"):
        seal_parcel([member("a", bytes(100_000))], recipients=[RECIPIENT], sink=Full(), night=NIGHT)


def test_a_stream_that_stops_answering_stays_so() -> None:
    class Dead(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise SourceUnavailable("The share does not answer.")

    with pytest.raises(SourceUnavailable, match="does not answer"):
        list(read_parcel(Dead(), [KEY]))


@pytest.mark.parametrize("recipient", ["", "age1xyz", "AGE-SECRET-KEY-1"])
def test_a_wrong_recipient_is_said_in_words(recipient: str) -> None:
    with pytest.raises(KeyUnavailable, match="not an age recipient"):
        seal_parcel([], recipients=[recipient], sink=io.BytesIO(), night=NIGHT)


def test_sealing_to_nobody_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="to nobody"):
        seal_parcel([], recipients=[], sink=io.BytesIO(), night=NIGHT)


def test_a_wrong_identity_is_said_in_words() -> None:
    with pytest.raises(KeyUnavailable, match="not an age identity"):
        list(read_parcel(io.BytesIO(SMALL), ["AGE-SECRET-KEY-1XX"]))


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "..", "a/..", ".a", "a b", "é", "a\n", "x" * 101])
def test_a_name_that_could_leave_its_folder_makes_no_member(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a member"):
        member(name, b"")


def test_a_member_beyond_eight_gib_gets_a_pax_record_that_we_read_back() -> None:
    from beamkeeper.vault.tarstream import _header, _parse_header, _pax_size

    size = (8 << 30) + 1
    header = _header(Member(name="a", size_bytes=size, open=io.BytesIO), 0)
    _, record_size, kind = _parse_header(header[:512])

    assert kind == b"x"
    assert _pax_size(io.BytesIO(header[512:]), record_size) == size
    assert _parse_header(header[-512:])[0] == "a"
