"""The element scanner: every form of the same object is found alike."""

from __future__ import annotations

import random
import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from pydicom import Dataset, dcmread
from tests.unit.protect.compare.re_encoding import BIG, DEFLATED, EXPLICIT, IMPLICIT, encoded, whole
from tests.unit.protect.compare.synthetic_objects import OBJECTS, ct_slice, dose
from tests.unit.protect.compare.synthetic_plans import item, vmat_plan

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom import elements, elements_level
from beamkeeper.wire.dicom.elements import REPEATED, PrivateTag, flatten, open_object

if TYPE_CHECKING:
    from pathlib import Path

SYNTAXES = [IMPLICIT, EXPLICIT, BIG, DEFLATED]


def paths(data: bytes) -> list[tuple]:
    return [path for path, _, _ in flatten(open_object(data).dataset)]


@pytest.mark.parametrize("name", sorted(OBJECTS))
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_form_of_an_object_shows_the_same_paths(name: str, syntax: str) -> None:
    plain = paths(whole(OBJECTS[name]()))

    for seed in range(3):
        assert paths(encoded(OBJECTS[name](), syntax=syntax, rng=random.Random(seed))) == plain


def test_every_value_is_where_pydicom_finds_it() -> None:
    plan = vmat_plan(points=3, pairs=2)

    found = {path: value for path, vr, value in flatten(open_object(whole(plan)).dataset) if vr == "DS"}
    angle = found[0x300A00B0, 1, 0x300A0111, 2, 0x300A011E]

    assert angle.strip().decode() == str(plan.BeamSequence[1].ControlPointSequence[2].GantryAngle)


def test_a_data_set_without_preamble_and_file_meta_information_is_read() -> None:
    bare = encoded(vmat_plan(), syntax=IMPLICIT, bare=True)

    assert paths(bare) == paths(whole(vmat_plan()))


def test_a_file_whose_transfer_syntax_is_wrong_is_read_as_it_is_written() -> None:
    mislabelled = whole(ct_slice())[:0] + encoded(ct_slice(), syntax=EXPLICIT).replace(
        EXPLICIT.encode(), IMPLICIT.encode() + b"\0\0"
    )

    assert paths(mislabelled) == paths(whole(ct_slice()))


def test_group_lengths_and_trailing_padding_carry_no_meaning() -> None:
    padding = struct.pack("<HH2s2xI", 0xFFFC, 0xFFFC, b"OB", 4) + b"\0" * 4

    assert paths(whole(ct_slice()) + padding + b"\0" * 6) == paths(whole(ct_slice()))


def test_private_elements_are_named_by_creator_not_by_block() -> None:
    def with_private(block: int) -> Dataset:
        image = ct_slice()
        image.add_new(0x32530000 | block, "LO", "VENDOR")
        image.add_new(0x32530000 | block << 8 | 0x07, "LO", "x")
        return image

    first, second = paths(whole(with_private(0x10))), paths(whole(with_private(0x42)))

    assert (PrivateTag(0x3253, "VENDOR", 7),) in first
    assert first == second


def test_a_private_sequence_hidden_in_unknown_vr_is_entered() -> None:
    inner = item(PatientID="inside")
    image = ct_slice()
    block = image.private_block(0x3253, "VENDOR", create=True)
    block.add_new(0x01, "UN", b"")
    hidden = encoded(inner, syntax=IMPLICIT, bare=True)
    block[0x01].value = struct.pack("<HHI", 0xFFFE, 0xE000, len(hidden)) + hidden

    assert (PrivateTag(0x3253, "VENDOR", 1), 0, 0x00100020) in paths(whole(image))


def test_an_item_inherits_the_character_set_and_may_state_its_own() -> None:
    plan = vmat_plan(points=2, pairs=1)
    plan.BeamSequence[1].SpecificCharacterSet = "ISO_IR 192"

    for seed in range(4):
        beams = open_object(encoded(plan, rng=random.Random(seed))).dataset.items(0x300A00B0)
        assert [beam.charset for beam in beams] == [b"ISO_IR 100", b"ISO_IR 192"]


def test_encapsulated_pixels_are_one_value() -> None:
    image = ct_slice()
    del image.PixelData
    body = encoded(image, bare=True)
    fragments = struct.pack("<HHI", 0xFFFE, 0xE000, 0) + struct.pack("<HHI", 0xFFFE, 0xE000, 4) + b"jpeg"
    body += struct.pack("<HH2s2xI", 0x7FE0, 0x10, b"OB", 0xFFFFFFFF) + fragments
    body += struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)

    found = {path: value for path, _, value in flatten(open_object(body).dataset)}

    assert found[0x7FE00010,] == fragments


@pytest.mark.parametrize("keep", [0, 1, 7, 100, 131, 140, 300, -1, -9])
def test_a_truncated_object_is_named_unreadable(keep: int) -> None:
    data = whole(vmat_plan())

    with pytest.raises(ObjectUnreadable):
        paths(data[:keep])


def test_a_text_file_is_named_not_dicom() -> None:
    with pytest.raises(ObjectUnreadable, match="not DICOM"):
        open_object(b"This folder holds the plans of a phantom.\n" * 20)


def test_line_ends_changed_by_a_transfer_are_noticed() -> None:
    data = whole(dose()).replace(b"\n", b"\r\n")
    assert data != whole(dose())

    with pytest.raises(ObjectUnreadable):
        paths(data)


def test_a_file_of_zeros_is_no_object() -> None:
    with pytest.raises(ObjectUnreadable):
        open_object(bytes(4096))


def test_a_repeated_element_is_kept_beside_the_first() -> None:
    twice = encoded(ct_slice(), bare=True) + struct.pack("<HH2sH", 0x0028, 0x1053, b"DS", 2) + b"7 "

    found = [
        value for path, _, value in flatten(open_object(twice).dataset) if path[0] % REPEATED == 0x00281053
    ]

    assert found == [b"1 ", b"7 "]


def test_many_repeated_elements_are_each_kept() -> None:
    repeated = encoded(ct_slice(), bare=True) + struct.pack("<HH2sH", 0x0029, 0x1010, b"LO", 0) * 200_000

    assert len(open_object(repeated).dataset.keyed()) > 200_000


def nested(depth: int) -> Dataset:
    level = item(PatientID="x")
    for _ in range(depth):
        level = item(RequestAttributesSequence=[level])
    image = ct_slice()
    image.RequestAttributesSequence = [level]
    return image


@pytest.mark.parametrize("seed", range(4))
def test_sequences_are_followed_to_the_depth_limit_and_no_further(seed: int) -> None:
    limit = elements.DEPTH_MAX
    assert paths(encoded(nested(limit - 1), rng=random.Random(seed)))

    with pytest.raises(ObjectUnreadable, match="nested"):
        paths(encoded(nested(limit), rng=random.Random(seed)))


def test_more_elements_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = whole(vmat_plan())
    count = len(paths(data))
    monkeypatch.setattr(elements_level, "ELEMENTS_MAX", count // 2)

    with pytest.raises(ObjectUnreadable, match="elements"):
        paths(data)


def test_a_zip_bomb_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "INFLATED_BYTES_MAX", 100_000)
    head = whole(ct_slice(), DEFLATED)
    start = 132 + head[132:].index(DEFLATED.encode()) + len(DEFLATED)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = head[: start + start % 2] + deflater.compress(b"\0" * 10_000_000) + deflater.flush()

    with pytest.raises(ObjectUnreadable, match="inflated"):
        open_object(bomb)


@pytest.mark.slow
def test_every_real_object_shows_what_pydicom_shows(real_data: Path) -> None:
    seen = 0
    for path in sorted(real_data.rglob("*.dcm"))[::9]:
        data = path.read_bytes()
        dataset = dcmread(path, force=True)
        mine = open_object(data).dataset.elements
        theirs = {int(tag) for tag in dataset.keys() if tag.group > 2}  # noqa: SIM118 - keys stay undecoded
        assert set(mine) == theirs, path.name
        seen += 1

    assert seen > 20
