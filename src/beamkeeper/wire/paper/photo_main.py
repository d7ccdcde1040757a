"""The process that decodes one photograph and says its size and its pixels, nothing else.

Started by `photo` for one file, which it reads from its standard input; it has no path, no environment and
no key. It loads what decoding takes, shuts the `fence` behind it, then reads.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Final

PIXELS_MAX: Final = 60_000_000
"""A telephone of today takes 50 million."""
SIDE_MAX: Final = 720
"""Pixels a side: 300 an inch on a picture of 6 cm."""
HEAD_BYTES: Final = 8
"""Width and height, four bytes each, before the pixels: red, green, blue, row by row."""


def main() -> None:
    """Decode what comes on the standard input; whatever goes wrong ends the process without an answer."""
    # Nothing can be loaded behind the fence: the two readers, and what they fall back on, come first.
    from PIL import (  # noqa: PLC0415 - whoever only wants the names above needs no decoder
        Image,
        ImageOps,
        JpegImagePlugin,
        MpoImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
    )

    from beamkeeper.wire.fence import shut  # noqa: PLC0415

    del JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin
    Image.preinit()
    shut()
    image: Image.Image = Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=("JPEG", "PNG"))
    if image.width * image.height > PIXELS_MAX:
        os._exit(1)
    image.draft("RGB", (2 * SIDE_MAX, 2 * SIDE_MAX))
    image.thumbnail((2 * SIDE_MAX, 2 * SIDE_MAX))
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    image = image.convert("RGB")
    image.thumbnail((SIDE_MAX, SIDE_MAX))
    head = b"".join(side.to_bytes(4, "big") for side in image.size)
    sys.stdout.buffer.write(head + image.tobytes())
    sys.stdout.buffer.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
