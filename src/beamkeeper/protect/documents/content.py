"""What a document is, by its first bytes: a name's ending is somebody's word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing_extensions import Buffer

EMPTY: Final = "application/x-empty"
UNKNOWN: Final = "application/octet-stream"
PDF: Final = "application/pdf"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RTF: Final = "application/rtf"
TEXT: Final = "text/plain"
_ZIP: Final = "application/zip"
_OLE: Final = "application/x-ole-storage"
_HEAD_BYTES: Final = 4_096
_LISTED_BYTES: Final = 1 << 18
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")
PLAIN_SHARE_MIN: Final = 0.8
"""Share of plain letters from which on bytes in an old code page count as text."""
_PDF_HEAD_BYTES: Final = 1_024
"""Within so many bytes readers look for a PDF's mark (ISO 32000-1, annex H.3)."""

_BEGINS: Final = (
    (b"{\\rtf", RTF),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_SUFFIXES: Final = {
    PDF: "pdf",
    DOCX: "docx",
    XLSX: "xlsx",
    RTF: "rtf",
    TEXT: "txt",
    "text/html": "html",
    "message/rfc822": "mht",
    _ZIP: "zip",
    _OLE: "doc",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "application/dicom": "dcm",
}
DENSE: Final = frozenset(_SUFFIXES) - {RTF, TEXT, "text/html", "message/rfc822", _OLE}
"""Kinds whose bytes are compressed, so that they look like noise in good health."""


def media_type_of(data: Buffer) -> str:
    """Return what some bytes are; `EMPTY` for none, `UNKNOWN` for what is none of the kinds known here."""
    view = memoryview(data).cast("B")
    if not len(view):
        return EMPTY
    head = bytes(view[:_HEAD_BYTES])
    for begin, kind in _BEGINS:
        if head.startswith(begin):
            return kind
    if b"%PDF-" in head[:_PDF_HEAD_BYTES]:
        return PDF
    if head[128:132] == b"DICM":
        return "application/dicom"
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(view)
    return _kind_of_text(head)


def suffix_of(media_type: str) -> str:
    """Return the ending under which a document of a kind is kept."""
    return _SUFFIXES.get(media_type, "bin")


def _kind_of_zip(view: memoryview) -> str:
    # Names stand in clear, the list of all at the end: nothing is unpacked to tell.
    names = bytes(view[:_LISTED_BYTES]) + bytes(view[-_LISTED_BYTES:])
    if b"word/document.xml" in names:
        return DOCX
    if b"xl/workbook.xml" in names:
        return XLSX
    return _ZIP


def _kind_of_text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return TEXT
    if _CONTROL.search(head):
        return UNKNOWN
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    if b"mime-version:" in start:
        return "message/rfc822"
    return TEXT if _reads(head) else UNKNOWN


def _reads(head: bytes) -> bool:
    """Return whether bytes are text: UTF-8, but for a character cut at the end, or mostly plain letters."""
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if error.start >= len(head) - 3 and len(head) == _HEAD_BYTES:
            return True
        plain = len(head) - len(_BEYOND_ASCII.findall(head))
        return plain >= len(head) * PLAIN_SHARE_MIN
    return True
