"""Photographs go to the other house whole, are seen in its report, and a bad one stops nobody."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from beamkeeper.app.jobs.handover_papers import Basket
from beamkeeper.app.jobs.import_reporting import check_received
from beamkeeper.app.jobs.receiving import Received, receive
from beamkeeper.domain.patient import Patient
from beamkeeper.respond.handover import BundleKind, Desk, Manifest, Role, new_bundle_id, seal_bundle

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECRET = "Janssens Maria, 50.9N 4.7E"


def photo(side: int = 400) -> bytes:
    """A JPEG as a camera writes one: noise, whose it is, and where it was taken."""
    exif = Image.Exif()
    exif[0x010E], exif[0x8825] = SECRET, {1: "N", 2: (50.0, 52.0, 44.0)}
    pixels = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", exif=exif, quality=60)
    return out.getvalue()


def with_archive(jpeg: bytes) -> bytes:
    """A file that is a photograph and a ZIP archive with a page that runs."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.html", "<script>alert(1)</script>")
    return jpeg + out.getvalue()


GOOD = {"setup photo.jpg": photo(), "photo both.jpg": with_archive(photo(90)), "photo of scan.pdf": photo(80)}
BAD = {
    "photo cut.jpg": photo()[:5_000],
    "photo page.jpg": b"<html><script>alert(1)</script></html>",
    "photo bomb.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\xff" * 8 + b"\x08\x02\x00\x00\x00",
}


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Received:
    """A patient with photographs of every kind, after the bundle came and was judged."""
    root = tmp_path_factory.mktemp("photos")
    home, there = (Desk.create(root / name, name) for name in ("UZ Zuid", "AZ Noord"))
    there.trust(home.card, home.card.number)
    basket = Basket(root / "files")
    for number, (name, data) in enumerate((GOOD | BAD).items()):
        basket.put(f"documents/{number}.bin", data, Role.DOCUMENT, title=name)
    manifest = Manifest(
        bundle_id=new_bundle_id(),
        kind=BundleKind.HANDOVER,
        number=1,
        incident_id="2026-03-03-kqzt",
        sender="UZ Zuid",
        recipient="AZ Noord",
        made_at=NOW,
        made_by="A",
        time_zone="Europe/Brussels",
        night=date(2026, 11, 22),
        trust="",
        pseudonym="p",
        patient=Patient(patient_id="1", name="A"),
        position=None,
        packed=tuple(basket.packed),
    )
    bundle = root / manifest.bundle_id
    seal_bundle(manifest, basket.folder, keys=home.keys(), to=there.card, folder=bundle)
    found = receive(there, bundle, by="C. Willems", now=NOW)
    check_received(there, manifest.bundle_id, by="C. Willems", now=NOW)
    return found


def report(received: Received) -> Path:
    return received.folder.parents[1] / "reports" / received.manifest.bundle_id


def test_every_photograph_arrives_byte_for_byte_also_a_bad_one(received: Received) -> None:
    here = (received.folder / "documents").iterdir()

    assert {sha256(path.read_bytes()).digest() for path in here} == {
        sha256(data).digest() for data in (GOOD | BAD).values()
    }


def test_what_is_a_photograph_is_seen_in_the_report_and_says_nothing_but_its_pixels(
    received: Received,
) -> None:
    page = (report(received) / "import-report.html").read_text()
    pages = PdfReader(report(received) / "import-report.pdf").pages
    images = [image.data for one in pages for image in one.images]

    assert page.count("<img ") == len(images) == len(GOOD)
    assert "script>" not in page
    assert all(SECRET.encode() not in path.read_bytes() for path in report(received).iterdir())
    assert all(SECRET.encode() not in data and b"Exif" not in data for data in images)


def test_each_bad_photograph_is_named_and_stops_nothing(received: Received) -> None:
    found = json.loads((report(received) / "import-report.json").read_text())["findings"]
    named = {one["what"]: one["grade"] for one in found if one["what"].startswith("Document ")}

    assert named == {f"Document {name}": "look" for name in BAD}
    assert ("Photographs", "ok") in {(one["what"], one["grade"]) for one in found}
