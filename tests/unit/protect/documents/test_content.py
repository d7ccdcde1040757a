"""What a document is by its content, whatever it is called."""

from __future__ import annotations

import io
import zipfile

import pytest

from beamkeeper.protect.documents import EMPTY, UNKNOWN, media_type_of, suffix_of
from beamkeeper.rehearse.sim.documents import pdf


def zipped(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return held.getvalue()


@pytest.mark.parametrize(
    ("data", "suffix"),
    [
        (pdf(("a",)), "pdf"),
        (b"\r\n%PDF-1.4", "pdf"),
        (zipped("[Content_Types].xml", "word/document.xml"), "docx"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "xlsx"),
        (zipped("a.txt"), "zip"),
        (b"{\\rtf1 supine}", "rtf"),
        (b"Setup: supine\r\n", "txt"),
        ("Rücken".encode(), "txt"),
        ("Rücken, Knierolle".encode("cp1252"), "txt"),
        ("supine".encode("utf-16"), "txt"),
        (b"<html><body>a</body></html>", "html"),
        (b"From: ARIA\r\nMIME-Version: 1.0\r\n\r\n", "mht"),
        (b"\xff\xd8\xff\xe0", "jpg"),
        (b"II*\x00rest", "tif"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc"),
        (bytes(128) + b"DICM", "dcm"),
    ],
)
def test_a_kind_is_told_by_content(data: bytes, suffix: str) -> None:
    assert suffix_of(media_type_of(data)) == suffix


def test_nothing_and_noise_are_no_documents() -> None:
    assert media_type_of(b"") == EMPTY
    assert media_type_of(bytes(range(256)) * 9) == UNKNOWN
    assert media_type_of(b"MZ\x90\x00\x03") == UNKNOWN


def test_text_cut_in_the_middle_of_a_letter_is_text() -> None:
    assert suffix_of(media_type_of(("x" + "é" * 4000).encode())) == "txt"
