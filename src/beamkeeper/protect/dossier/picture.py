"""One picture of a dossier: a drawing that stands alone, and the same in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PictureKind(StrEnum):
    """What a picture shows."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"
    BEAMS_EYE = "beams-eye"
    DVH = "dvh"
    PHOTO = "photo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture, without reference to anything outside itself.

    Attributes
    ----------
    title
        A few words, to stand above it.
    caption
        What is seen, in which plane and frame (mm, patient frame), which dose levels, and every reservation:
        where the DVH is from, what could not be shown.
    svg
        A whole SVG document, UTF-8; images inside it are embedded PNG. It opens in typst and browsers, has no
        script and no style sheet, and reads in black and white.
    alternative
        What the eye would see, in words: for screen readers and text without pictures, beside the caption.
    width_mm, height_mm
        The size it is drawn for on paper; its letters are legible at that size.
    """

    kind: PictureKind
    title: str
    caption: str
    svg: bytes
    alternative: str
    width_mm: float
    height_mm: float
