"""Photographs on a dossier: who it is, and how the patient was set up."""

from __future__ import annotations

import base64

from beamkeeper.protect.dossier.picture import Picture, PictureKind
from beamkeeper.wire.paper.photo import photo_of

PORTRAIT_MM = (26.0, 32.0)
SETUP_MM = (56.0, 56.0)
ASK = "A photo is no check: ask name and birth date."


def portrait(data: bytes, *, dated: str) -> Picture:
    """Return the photo of the patient for the first page.

    Parameters
    ----------
    dated
        When it is from, in words.

    Raises
    ------
    ObjectUnreadable
        The file is no JPEG or PNG that can be shown.
    """
    return _picture(data, PORTRAIT_MM, title="Photo", caption=f"Photo {dated}", alternative=f"Photo. {ASK}")


def setup_photo(data: bytes, *, name: str, dated: str) -> Picture:
    """Return a photo of how the patient was set up; raises as `portrait`."""
    return _picture(
        data,
        SETUP_MM,
        title=name,
        caption=f"Setup photo {dated}",
        alternative=f"A photo of the setup: {name}.",
    )


def _picture(
    data: bytes, box_mm: tuple[float, float], *, title: str, caption: str, alternative: str
) -> Picture:
    photo = photo_of(data)
    per_mm = max(photo.width_px / box_mm[0], photo.height_px / box_mm[1])
    width_mm, height_mm = round(photo.width_px / per_mm, 2), round(photo.height_px / per_mm, 2)
    jpeg = base64.b64encode(photo.jpeg).decode()
    size = f'width="{photo.width_px}" height="{photo.height_px}"'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_mm}mm" height="{height_mm}mm" '
        f'viewBox="0 0 {photo.width_px} {photo.height_px}">'
        f'<image {size} href="data:image/jpeg;base64,{jpeg}"/></svg>'
    )
    return Picture(
        kind=PictureKind.PHOTO,
        title=title,
        caption=caption,
        svg=svg.encode(),
        alternative=alternative,
        width_mm=width_mm,
        height_mm=height_mm,
    )
