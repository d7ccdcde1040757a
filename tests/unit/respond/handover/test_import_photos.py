"""How many photographs of a bundle are looked at, and how large they may be."""

from __future__ import annotations

import io

from PIL import Image

from beamkeeper.errors import IntegrityError
from beamkeeper.respond.handover import Packed, Role
from beamkeeper.respond.handover.import_photos import SHOWN_MAX, photographs
from beamkeeper.wire.paper.photo import FILE_BYTES_MAX


def packed(name: str, *, size_bytes: int = 100, role: Role = Role.DOCUMENT) -> Packed:
    return Packed(name=f"documents/{name}", role=role, size_bytes=size_bytes, sha256="0" * 64, title=name)


def changed(item: Packed) -> bytes:
    raise IntegrityError(f"{item.name} is not what was taken in.")


def never(item: Packed) -> bytes:
    raise AssertionError(item.name)


def test_a_large_document_is_not_read_and_a_large_photograph_is_named() -> None:
    large = [packed(name, size_bytes=FILE_BYTES_MAX + 1) for name in ("scan.pdf", "a.jpg")]
    found = photographs(large, never)

    assert [one.what for one in found.findings] == ["Document a.jpg"]
    assert "larger than a photo may be" in found.findings[0].found


def test_more_photographs_than_are_looked_at_are_counted() -> None:
    found = photographs([packed(f"{number}.jpg") for number in range(SHOWN_MAX + 3)], changed)

    assert len(found.findings) == SHOWN_MAX + 1
    assert found.findings[-1].found.startswith("3 photographs more, not looked at")


def test_a_document_that_changed_since_it_came_is_named() -> None:
    (one,) = photographs([packed("scan.pdf")], changed).findings

    assert "not what was taken in" in one.found


def test_a_photograph_under_another_name_is_shown_and_what_is_no_document_is_not_opened() -> None:
    out = io.BytesIO()
    Image.new("RGB", (9, 9)).save(out, "PNG")
    found = photographs([packed("scan.pdf"), packed("x.jpg", role=Role.DICOM)], lambda _: out.getvalue())

    assert [one.caption for one in found.pictures] == ["scan.pdf"]
    assert [one.what for one in found.findings] == ["Photographs"]
