"""SVG in mm of paper: lines, letters, one image inside; nothing from elsewhere, no style sheet, no script.

Letters are set in the face typst carries within itself, so that a picture has the same bytes and the same
look on every computer; a browser takes its own fixed-width face. Lines over an image have a light edge
around them and differ in their dashes, so that they are told apart without colour.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.wire.paper.glyphs import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from beamkeeper.domain.imaging import Points

FONT: Final = "DejaVu Sans Mono, Menlo, Consolas, monospace"
LETTER_WIDTH: Final = 0.602
"""Of its height, each letter of a fixed-width face."""
TEXT_MM: Final = 2.3
"""Height of the letters, 6.5 points: the smallest that is read on paper without effort."""
BLACK: Final = "#000000"
_SAME_MM: Final = 1e-3
"""Ends of a line that are no further apart are one point."""
_UNSEEN: Final = re.compile(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Paper:
    """A drawing that grows.

    Parameters
    ----------
    width_mm, height_mm
        Its size on paper.
    """

    def __init__(self, width_mm: float, height_mm: float) -> None:
        self.width_mm, self.height_mm = width_mm, height_mm
        self._parts: list[str] = []
        self._clips = 0

    def svg(self, title: str) -> bytes:
        """Return the whole document."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width_mm:g}mm"'
            f' height="{self.height_mm:g}mm" viewBox="0 0 {self.width_mm:g} {self.height_mm:g}" role="img">'
            f"<title>{_clean(title)}</title>"
        )
        return "\n".join([head, *self._parts, "</svg>\n"]).encode()

    def box(
        self, x: float, y: float, width: float, height: float, *, fill: str = "none", line: float = 0.0
    ) -> None:
        """Draw a rectangle."""
        stroke = f' stroke="{BLACK}" stroke-width="{line:g}"' if line else ""
        self._parts.append(
            f'<rect x="{x:.3f}" y="{y:.3f}" width="{width:.3f}" height="{height:.3f}" fill="{fill}"{stroke}/>'
        )

    def begin_clip(self, x: float, y: float, width: float, height: float) -> None:
        """Let what follows, until `end_clip`, be seen inside that rectangle only."""
        self._clips += 1
        self._parts.append(
            f'<clipPath id="c{self._clips}"><rect x="{x:.3f}" y="{y:.3f}" width="{width:.3f}"'
            f' height="{height:.3f}"/></clipPath><g clip-path="url(#c{self._clips})">'
        )

    def end_clip(self) -> None:
        """End what `begin_clip` began."""
        self._parts.append("</g>")

    def image(self, pixels: NDArray[np.uint8], x: float, y: float, width: float, height: float) -> None:
        """Draw grey pixels, (row, column), over a rectangle."""
        data = base64.b64encode(png(pixels)).decode("ascii")
        self._parts.append(
            f'<image x="{x:.3f}" y="{y:.3f}" width="{width:.3f}" height="{height:.3f}"'
            f' preserveAspectRatio="none" href="data:image/png;base64,{data}"/>'
        )

    def lines(
        self,
        runs: Iterable[Points],
        *,
        colour: str = BLACK,
        width: float = 0.3,
        dash: str = "",
        edge: str = "",
        fill: str = "none",
    ) -> None:
        """Draw lines, each (point, 2), as one path; with `edge`, over a wider line of that colour."""
        path = " ".join(_path(run) for run in runs if len(run) > 1)
        if not path:
            return
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        if edge:
            self._parts.append(
                f'<path d="{path}" fill="none" stroke="{edge}" stroke-width="{width * 2.4:.3f}"'
                ' stroke-opacity="0.75" stroke-linejoin="round"/>'
            )
        self._parts.append(
            f'<path d="{path}" fill="{fill}" fill-rule="evenodd" stroke="{colour}" stroke-width="{width:g}"'
            f'{dashes} stroke-linejoin="round"/>'
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = TEXT_MM,
        anchor: str = "start",
        bold: bool = False,
        edge: bool = False,
        colour: str = BLACK,
    ) -> None:
        """Write one line of text, `y` at its foot; with `edge`, on a white ground."""
        weight = ' font-weight="bold"' if bold else ""
        if edge:
            width = len(text) * size * LETTER_WIDTH
            left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
            self._parts.append(
                f'<rect x="{left - 0.3:.3f}" y="{y - size * 0.85:.3f}" width="{width + 0.6:.3f}"'
                f' height="{size * 1.1:.3f}" rx="0.4" fill="#ffffff" fill-opacity="0.85"/>'
            )
        self._parts.append(
            f'<text x="{x:.3f}" y="{y:.3f}" font-family="{FONT}" font-size="{size:g}" text-anchor="{anchor}"'
            f'{weight} fill="{colour}">{_clean(text)}</text>'
        )

    def turned_text(self, x: float, y: float, text: str) -> None:
        """Write one line of text upwards, its middle at that place."""
        self._parts.append(
            f'<text transform="translate({x:.3f} {y:.3f}) rotate(-90)" font-family="{FONT}"'
            f' font-size="{TEXT_MM:g}" text-anchor="middle" fill="{BLACK}">{_clean(text)}</text>'
        )


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return grey pixels, (row, column), as a PNG."""
    rows, columns = pixels.shape
    lines = np.zeros((rows, columns + 1), dtype=np.uint8)
    lines[:, 0] = 1  # filter "Sub": each pixel less the one before
    lines[:, 1] = pixels[:, 0]
    lines[:, 2:] = pixels[:, 1:] - pixels[:, :-1]
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)),
            _chunk(b"IEND", b""),
        ]
    )


def shortened(text: str, letters: int) -> str:
    """Return a text of at most so many letters."""
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _path(run: Points) -> str:
    points = run.tolist()
    closed = len(points) > 2 and all(  # noqa: PLR2004 - fewer enclose nothing
        abs(a - b) <= _SAME_MM for a, b in zip(points[0], points[-1], strict=True)
    )
    if closed:
        points.pop()
    return "M" + "L".join([f"{x:.2f} {y:.2f}" for x, y in points]) + ("Z" if closed else "")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _clean(text: str) -> str:
    """Return text as XML may hold it, what the built-in fonts lack as code points."""
    return escape(printable(_UNSEEN.sub("?", text)))
