"""The photo stands on the first page of paper and screen; those of the setup, dated, in the details."""

from __future__ import annotations

import io
from dataclasses import replace

import pypdf
import pytest
from dossier_facts import source
from PIL import Image

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.dossier import (
    Dossier,
    make_dossier,
    portrait,
    render_html,
    render_pdf,
    render_text,
    setup_photo,
)


def taken(width: int = 90, height: int = 120) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    photos = tuple(setup_photo(taken(120 + n, 90), name=f"Arm {n}", dated="2026-10-20") for n in (1, 2))
    made = source(photo=portrait(taken(), dated="2026-10-19"), setup_photos=photos)
    return make_dossier(made)


def test_the_photo_stands_on_the_first_page_and_those_of_the_setup_after_the_second(dossier: Dossier) -> None:
    pages = pypdf.PdfReader(io.BytesIO(render_pdf(dossier))).pages

    assert [len(page.images) for page in pages][:2] == [1, 0]
    assert sum(len(page.images) for page in pages) == 3
    assert "Photo 2026-10-19" in pages[0].extract_text()
    assert "Setup photo 2026-10-20" in " ".join(page.extract_text() for page in pages[2:])
    assert b"<pdfaid:part>2</pdfaid:part>" in render_pdf(dossier)


def test_the_page_has_the_photo_and_the_text_has_none(dossier: Dossier) -> None:
    assert render_html(dossier).count('src="data:image/svg+xml;base64,') == 3
    assert "A photo is no check: ask name and birth date." in render_html(dossier)
    assert "Photo 2026-10-19" not in render_text(dossier)
    assert render_pdf(dossier) == render_pdf(dossier)


def test_without_a_photo_the_page_has_no_place_for_one() -> None:
    plain = make_dossier(source())

    assert not pypdf.PdfReader(io.BytesIO(render_pdf(plain))).pages[0].images
    assert "Photo" not in render_html(plain).replace("photo", "")
    assert replace(plain, identity=replace(plain.identity, photo=None)) == plain


def test_a_wide_photo_and_a_tall_one_keep_to_their_box() -> None:
    tall, wide = portrait(taken(50, 500), dated="today"), portrait(taken(500, 50), dated="today")

    assert (tall.height_mm, wide.width_mm) == (32.0, 26.0)
    assert tall.width_mm < 4 > wide.height_mm


def test_what_is_no_photo_is_refused() -> None:
    with pytest.raises(ObjectUnreadable):
        portrait(b"%PDF-1.7", dated="today")
