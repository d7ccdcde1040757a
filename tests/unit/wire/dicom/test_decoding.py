"""Compressed pixels: what DCMTK compresses comes back bit for bit; what is damaged or hostile is refused."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from tests.unit.protect.dossier.phantoms import Ball, encoded

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.decoding import JPEG_LOSSLESS, RLE, decoded
from beamkeeper.wire.dicom.reader_pixels import read_dose_grid, read_slice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

JPEG = "1.2.840.10008.1.2.4.70"
WAYS = {
    "dcmcrle": ["dcmcrle"],
    "dcmcjpeg first order": ["dcmcjpeg", "+e1"],
    "dcmcjpeg, optimal tables": ["dcmcjpeg", "+e1", "+ot"],
}
NOISE = np.random.default_rng(1)


def image_of(stored: NDArray[Any], *, bits: int = 16, signed: bool = False) -> bytes:
    """Return a slice with these pixels."""
    data = dcmread(DicomBytesIO(next(Ball(slice_mm=30.0, pixel_mm=(12.0, 10.0)).slices())))
    data.Rows, data.Columns = stored.shape
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, bits, bits - 1
    data.PixelRepresentation = int(signed)
    data.PixelData = stored.tobytes()
    return encoded(data)


def compressed(way: str, data: bytes, folder: Path, program: Callable[[str], str]) -> bytes:
    name, *options = WAYS[way]
    plain, packed = folder / "plain.dcm", folder / "packed.dcm"
    plain.write_bytes(data)
    subprocess.run([program(name), *options, str(plain), str(packed)], check=True, capture_output=True)
    return packed.read_bytes()


IMAGES = {
    "flat": np.full((7, 9), 1024, "<u2"),
    "noise of 16 bits": NOISE.integers(0, 65536, (33, 21)).astype("<u2"),
    "a ramp": np.add.outer(np.arange(40), 3 * np.arange(50)).astype("<u2"),
    "the ends of the scale": np.where(NOISE.random((16, 16)) < 0.5, 0, 65535).astype("<u2"),
}


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("what", sorted(IMAGES))
def test_what_dcmtk_compresses_comes_back_bit_for_bit(
    way: str, what: str, tmp_path: Path, program: Callable[[str], str]
) -> None:
    image = read_slice(compressed(way, image_of(IMAGES[what]), tmp_path, program))

    assert np.array_equal(image.stored, IMAGES[what])


@pytest.mark.parametrize("way", sorted(WAYS))
def test_signed_pixels_of_fewer_bits_keep_their_sign(
    way: str, tmp_path: Path, program: Callable[[str], str]
) -> None:
    stored = NOISE.integers(-2048, 2048, (12, 13)).astype("<i2")
    image = read_slice(compressed(way, image_of(stored, bits=12, signed=True), tmp_path, program))

    assert np.array_equal(image.stored, stored)


@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_dose_of_several_frames_is_unpacked_frame_by_frame(
    way: str, tmp_path: Path, program: Callable[[str], str]
) -> None:
    data = dcmread(DicomBytesIO(Ball(slice_mm=6.0, pixel_mm=(6.0, 6.0), half_mm=48.0).dose()))
    stored = (read_dose_grid(encoded(data)).stored >> 16).astype("<u2")
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelData = stored.tobytes()
    unpacked = read_dose_grid(compressed(way, encoded(data), tmp_path, program)).stored

    assert len(np.unique(stored)) > 10
    assert np.array_equal(unpacked, stored)


@pytest.mark.parametrize(("way", "syntax"), [("dcmcrle", RLE), ("dcmcjpeg first order", JPEG)])
def test_any_damage_is_an_image_or_refused_in_words(
    way: str, syntax: str, tmp_path: Path, program: Callable[[str], str]
) -> None:
    packed = dcmread(DicomBytesIO(compressed(way, image_of(IMAGES["a ramp"]), tmp_path, program)))
    whole = bytes(packed.PixelData)
    fragment = whole[whole.index(b"\xfe\xff\x00\xe0", 8) + 8 : -8]
    for trial in range(300):
        damaged = bytearray(fragment)
        for place in NOISE.integers(0, len(damaged), 1 + trial % 4):
            damaged[place] = NOISE.integers(0, 256)
        cut = bytes(damaged[: len(damaged) - trial % 7 * 40])
        try:
            image = decoded([memoryview(cut)], syntax, (40, 50), 16)
        except ObjectUnreadable:
            continue

        assert image.shape == (40, 50)


@pytest.mark.parametrize(
    ("syntax", "words"),
    [("1.2.840.10008.1.2.4.90", "JPEG 2000"), ("1.2.840.10008.1.2.4.80", "JPEG-LS"), ("1.2.3", "not known")],
)
def test_another_compression_is_named_and_the_pixels_are_kept(syntax: str, words: str) -> None:
    with pytest.raises(ObjectUnreadable, match=f"compressed .*{words}.*kept whole"):
        decoded([memoryview(b"")], syntax, (4, 4), 16)


@pytest.mark.parametrize("syntax", [RLE, *sorted(JPEG_LOSSLESS)])
def test_a_small_file_does_not_fill_the_memory(syntax: str) -> None:
    with pytest.raises(ObjectUnreadable, match="too large"):
        decoded([memoryview(b"")], syntax, (60_000, 60_000), 16)
    with pytest.raises(ObjectUnreadable, match="larger than plain"):
        decoded([memoryview(bytes(10_000))], syntax, (4, 4), 16)
