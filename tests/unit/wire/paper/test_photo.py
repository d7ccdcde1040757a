"""A photo is decoded elsewhere, comes back as pixels, and a hostile one is refused in words."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.paper.photo import FILE_BYTES_MAX, photo_of
from beamkeeper.wire.paper.photo_main import SIDE_MAX


def picture(width: int, height: int, *, kind: str = "JPEG", mode: str = "RGB", **more: object) -> bytes:
    """A picture that is red above and blue below."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (0, height // 2, width, height))
    out = io.BytesIO()
    image.convert(mode).save(out, kind, **more)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """A PNG of a few bytes that says it is of 100,000 times 100,000 pixels."""
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100))


def shown(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg), formats=("JPEG",))


@pytest.mark.parametrize("given", [("JPEG", "RGB"), ("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "RGBA")])
def test_a_photo_of_any_kind_comes_back_small_and_plain(given: tuple[str, str]) -> None:
    made = photo_of(picture(2_000, 1_000, kind=given[0], mode=given[1]))

    assert (made.width_px, made.height_px) == (SIDE_MAX, SIDE_MAX // 2) == shown(made.jpeg).size
    assert shown(made.jpeg).mode == "RGB"


def test_where_and_with_what_it_was_taken_is_left_behind_and_which_way_up_is_kept() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a maker"  # turned by a quarter; the camera
    made = photo_of(picture(800, 400, exif=exif))

    assert b"a maker" not in made.jpeg
    assert (made.width_px, made.height_px) == (SIDE_MAX // 2, SIDE_MAX)
    assert not shown(made.jpeg).getexif()


def test_the_same_file_gives_the_same_bytes() -> None:
    assert photo_of(picture(300, 200)) == photo_of(picture(300, 200))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff\xe0 no picture",
        bomb(),
        picture(300, 200)[:200],
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        picture(40, 40, kind="GIF", mode="P"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file",
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 4_096,
    ],
    ids=["nothing", "a mark only", "bomb", "cut", "svg", "gif", "postscript", "noise"],
)
def test_what_is_no_photo_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(ObjectUnreadable, match="no JPEG or PNG that can be read"):
        photo_of(data)


def test_a_file_larger_than_a_photo_may_be_is_not_even_decoded() -> None:
    with pytest.raises(ObjectUnreadable, match="more than 32"):
        photo_of(bytes(FILE_BYTES_MAX + 1))


def test_a_decoder_that_takes_too_long_is_stopped() -> None:
    with pytest.raises(ObjectUnreadable):
        photo_of(picture(300, 200), time_s_max=0.0)
