"""Documents made to do harm, each a few kilobytes: what a share may hold once somebody else writes to it."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WORD = '<w:document xmlns:w="urn:w"><w:body>{}</w:body></w:document>'
PARAGRAPH = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"
PAGES = 10_000
DEEP = 30_000


def hostile_documents() -> dict[str, bytes]:
    """Return every one by what it is."""
    return {
        "a bomb.docx": word_of("0" * (80 << 20)),
        "a bomb of parts.docx": package(
            {f"word/header{number}.xml": WORD.format("") for number in range(6_000)}
            | {"word/document.xml": WORD}
        ),
        "a lie about its size.docx": lying(
            package({"word/document.xml": WORD.format(PARAGRAPH.format("x"))})
        ),
        "laughs.docx": package({"word/document.xml": LAUGHS + WORD.format(PARAGRAPH.format("&c;"))}),
        "somebody else's file.docx": package({"word/document.xml": OUTSIDE + WORD.format("&a;")}),
        "deep.docx": package({"word/document.xml": "<w:p>" * DEEP + "</w:p>" * DEEP}),
        "another alphabet.docx": package(
            {"word/document.xml": '<?xml version="1.0" encoding="hz"?>' + WORD.format(PARAGRAPH.format("x"))}
        ),
        "a macro.docm": word_of("read me", {"word/vbaProject.bin": "\0" * 4_000}),
        "a path out.docx": word_of("read me", {"../../../../tmp/out": "x"}),
        "laughs.xlsx": package(
            {"xl/workbook.xml": "<w/>", "xl/worksheets/sheet1.xml": LAUGHS + "<c>&c;</c>"}
        ),
        "a cell of nothing.xlsx": package(
            {"xl/workbook.xml": "<w/>", "xl/worksheets/sheet1.xml": '<d><c t="s"><v>-1</v></c></d>'}
        ),
        "a script.pdf": pdf_of(
            {1: SCRIPTED, 2: ONE_PAGE, 3: "<< /Type /Page /Parent 2 0 R /AA << /O 1 0 R >> >>"}
        ),
        "a loop of pages.pdf": pdf_of({1: CATALOG, 2: "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"}),
        "a loop of references.pdf": pdf_of({1: CATALOG, 2: "3 0 R", 3: "2 0 R"}),
        "a loop of tables.pdf": looped(pdf_of({1: CATALOG, 2: "<< /Type /Pages /Kids [] /Count 0 >>"})),
        "ten thousand pages.pdf": pdf_of(
            {
                1: CATALOG,
                2: f"<< /Type /Pages /Kids [{'3 0 R ' * PAGES}] /Count {PAGES} >>",
                3: "<< /Type /Page /Parent 2 0 R >>",
            }
        ),
        "deep.pdf": pdf_of({1: CATALOG, 2: "[" * DEEP + "]" * DEEP}),
        "a bomb.pdf": pdf_of(
            {1: CATALOG, 2: ONE_PAGE, 3: DRAWN},
            stream=zlib.compress(b"BT /F 9 Tf (x) Tj ET\n" * (4 << 20)),
        ),
        "a bomb in a bomb.pdf": pdf_of(
            {1: CATALOG, 2: ONE_PAGE, 3: DRAWN},
            stream=zlib.compress(zlib.compress(bytes(200 << 20))),
            filters="[/FlateDecode /FlateDecode]",
        ),
        "a form that draws itself.pdf": pdf_of(
            {
                1: CATALOG,
                2: ONE_PAGE,
                3: "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /XObject << /F 4 0 R >> >> >>",
            },
            stream=zlib.compress(b"/F Do " * 40),
            more="/Subtype /Form /Resources << /XObject << /F 4 0 R >> >>",
        ),
        "nothing behind its name.pdf": b"%PDF-1.7\n",
        "cut.pdf": pdf_of({1: CATALOG, 2: ONE_PAGE})[:90],
        "deep.rtf": b"{\\rtf1 " + b"{" * 200_000 + b"x" + b"}" * 200_000,
        "an object.rtf": b"{\\rtf1 read me {\\object\\objemb{\\*\\objdata " + b"0105" * 40_000 + b"}}}",
        "a line without end.txt": b"x" * (30 << 20),
        "reordered.txt": "\u202eexe.fdp\u202c a\u200bb\u0301\u0301\u0301 \x1b[31mred\n".encode(),
    }


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
DRAWN = (
    "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources"
    " << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
)
ONE_PAGE = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
SCRIPTED = (
    "<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert(1)) >>"
    " /Names << /EmbeddedFiles << /Names [(x.exe) 9 0 R] >> >> /AA << /WC << /S /Launch /F (cmd.exe) >> >> >>"
)
CATALOG = "<< /Type /Catalog /Pages 2 0 R >>"


def word_of(text: str, more: Mapping[str, str] | None = None) -> bytes:
    """Return a Word file of one paragraph, with other parts beside it."""
    return package({"word/document.xml": WORD.format(PARAGRAPH.format(text)), **(more or {})})


def package(parts: Mapping[str, str]) -> bytes:
    """Return an Office package."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text)
    return held.getvalue()


def lying(data: bytes) -> bytes:
    """Return a package whose list says that a part has four gigabytes."""
    at = data.rindex(b"PK\x01\x02")
    return data[: at + 24] + b"\xfe\xff\xff\xff" + data[at + 28 :]


def pdf_of(
    objects: Mapping[int, str], *, stream: bytes = b"", filters: str = "/FlateDecode", more: str = ""
) -> bytes:
    """Return a PDF of these objects, its stream, if any, as object 4."""
    out, offsets = bytearray(b"%PDF-1.7\n"), {}
    bodies = {number: text.encode() for number, text in objects.items()}
    if stream:
        head = f"<< /Length {len(stream)} /Filter {filters} {more} >>\nstream\n".encode()
        bodies[4] = head + stream + b"\nendstream"
    for number, body in bodies.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, size = len(out), max(offsets) + 1
    out += b"xref\n0 %d\n" % size
    for number in range(size):
        out += b"%010d 00000 n \n" % offsets[number] if number in offsets else b"0000000000 65535 f \n"
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(out)


def looped(data: bytes) -> bytes:
    """Return a PDF whose cross-reference table says that the one before it is itself."""
    start = data.rindex(b"startxref\n") + len(b"startxref\n")
    at = data[start:].split(b"\n")[0]
    return data.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %s" % at)
