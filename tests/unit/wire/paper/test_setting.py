"""A paper is PDF/A with the same bytes anywhere; what cannot be printed is named and stops nothing."""

from __future__ import annotations

import io

import pypdf
import typst

from beamkeeper.wire.paper.glyphs import _SURELY, PDF_STANDARD, fonts, is_shown, printable
from beamkeeper.wire.paper.setting import set_pdf

ONE = b"""#let facts = json(bytes(sys.inputs.facts))
#show: frame.with(title: "A paper", above: ([who],), decides: [somebody decides])
#lines(facts.said)
#if sys.inputs.pictures == "yes" { for one in facts.pictures { image(bytes(one.svg), format: "svg") } }"""
A_2B = b"<pdfaid:part>2</pdfaid:part>"


def paper(said: str, *svg: str, has_pictures: bool = False) -> bytes:
    facts = {"said": said, "pictures": [{"svg": one} for one in svg]}
    return set_pdf(ONE, facts, made_at=0, has_pictures=has_pictures)


def test_every_sign_taken_for_granted_is_in_the_fonts() -> None:
    typst.compile(
        b"#set document(date: datetime(year: 2026, month: 1, day: 1))\n"
        b'#set text(font: ("Libertinus Serif", "DejaVu Sans Mono"))\n'
        b"#for sign in sys.inputs.signs.codepoints() [#sign #h(1pt)]",
        sys_inputs={"signs": "".join(sorted(_SURELY))},
        font_paths=fonts(),
        pdf_standards=PDF_STANDARD,
        timestamp=0,
    )


def test_what_no_font_has_stands_as_its_code_point() -> None:
    assert is_shown("é")
    assert not is_shown("王")
    assert printable("Wang 王") == "Wang ‹U+738B›"


def test_what_would_hide_or_reorder_is_called_by_its_code_point_on_every_paper() -> None:
    assert printable("Jan\u202egnp\u200b") == "Jan‹U+202E›gnp‹U+200B›"
    assert printable("two\nlines") == "two\nlines"


def test_the_same_facts_give_the_same_bytes_and_are_made_for_the_archive() -> None:
    assert paper("Zoë 王 😀 \u0645 #panic()") == paper("Zoë 王 😀 \u0645 #panic()")
    assert A_2B in paper("Zoë 王 😀 \u0645 #panic()")


def test_a_picture_that_cannot_be_set_leaves_a_paper_without_it() -> None:
    assert A_2B in paper("words", "<svg", has_pictures=True)


def every_dictionary(pdf: bytes) -> list[dict]:
    """All dictionaries of a file, as a library reads them that did not write it."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    assert not reader.is_encrypted
    objects = (reader.get_object(pypdf.generic.IndirectObject(n, 0, reader)) for n in reader.xref[0])
    return [item for item in objects if isinstance(item, dict)]


def test_what_breaks_an_archive_is_not_in_a_paper() -> None:
    """ISO 19005-2: fonts embedded (6.2.11.4), an output intent (6.2.3), no script or action (6.5)."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9mm" height="9mm"><rect width="9" height="9"/></svg>'
    )
    found = every_dictionary(paper("Zoë 王 \u0645\u062d ▲ ☐ ✓", svg))
    fonts_of = [item for item in found if item.get("/Type") == "/FontDescriptor"]
    roots = [item for item in found if item.get("/Type") == "/Catalog"]
    keys = {key for item in found for key in item}

    assert len(fonts_of) >= 2
    assert all({"/FontFile2", "/FontFile3"} & item.keys() for item in fonts_of)
    assert [intent.get_object()["/S"] for root in roots for intent in root["/OutputIntents"]] == [
        "/GTS_PDFA1"
    ]
    assert not keys & {"/JavaScript", "/JS", "/AA", "/OpenAction", "/Launch", "/EmbeddedFiles", "/URI", "/F"}
