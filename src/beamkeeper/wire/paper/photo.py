"""A photograph that came from anywhere, as one that can be printed.

The file is decoded by a process of its own that may be killed; only pixels come back, and the JPEG that is
printed is made of these here. Whatever else was in the file (place, camera, a second picture, an attack on a
reader of JPEG) is left behind. The same file gives the same bytes.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from PIL import Image

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.paper.photo_main import HEAD_BYTES, SIDE_MAX

DECODED_TYPES: Final = frozenset({"image/jpeg", "image/png"})
FILE_BYTES_MAX: Final = 32 << 20
DECODING_S_MAX: Final = 30.0
QUALITY: Final = 85


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A photograph to print: a plain JPEG of at most `SIDE_MAX` pixels a side."""

    jpeg: bytes
    width_px: int
    height_px: int


def photo_of(data: bytes, *, time_s_max: float = DECODING_S_MAX) -> Photo:
    """Return a JPEG or PNG file as a photograph to print.

    Raises
    ------
    ObjectUnreadable
        It is neither, is broken, or asks for more than a photograph may take.
    """
    if len(data) > FILE_BYTES_MAX:
        raise ObjectUnreadable(f"The photo has {len(data) >> 20} MiB, more than {FILE_BYTES_MAX >> 20}.")
    answer = _decoded(data, time_s_max)
    width, height = (int.from_bytes(answer[at : at + 4], "big") for at in (0, 4))
    pixels = answer[HEAD_BYTES:]
    if not (0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX and len(pixels) == 3 * width * height):
        raise ObjectUnreadable("The photo is no JPEG or PNG that can be read.")
    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), pixels).save(out, "JPEG", quality=QUALITY)
    return Photo(jpeg=out.getvalue(), width_px=width, height_px=height)


def _decoded(data: bytes, time_s_max: float) -> bytes:
    """Return what the other process says; b"" where it says nothing in time."""
    with subprocess.Popen(
        [sys.executable, "-I", "-m", "beamkeeper.wire.paper.photo_main"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    ) as process:
        try:
            answer, _ = process.communicate(data, timeout=time_s_max)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return b""
    return answer if process.returncode == 0 else b""
