"""The text of documents, and what is refused of hostile ones. Here without the process that reads them."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamkeeper.protect.documents import media_type_of, texts
from beamkeeper.protect.documents.texts import NotReadError, lines_of
from beamkeeper.rehearse.sim.documents import pdf

WORD = '<w:document xmlns:w="urn:w"><w:body>{}</w:body></w:document>'
SHEET = "<worksheet><sheetData><row>{}</row></sheetData></worksheet>"


def package(**parts: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name.replace("__", "/") + ".xml", text)
    return held.getvalue()


def word(*paragraphs: str, declared: str = "") -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{one}</w:t></w:r></w:p>" for one in paragraphs)
    return package(word__document=declared + WORD.format(body))


def read(data: bytes) -> list[str]:
    return lines_of(data, media_type_of(data))


def test_every_kind_says_its_lines() -> None:
    assert read(b"Supine\r\n\r\n  knee   rest ") == ["Supine", "knee rest"]
    assert read("Rücken".encode("cp1252")) == ["Rücken"]
    assert read("Rücken".encode("utf-16")) == ["Rücken"]
    assert read(pdf(("Supine", "shift 10 mm"))) == ["Supine", "shift 10 mm"]
    assert read(word("Supine", "knee &lt;rest&gt;")) == ["Supine", "knee <rest>"]


def test_a_cell_is_named_with_what_stands_in_it() -> None:
    inline = '<c r="C1" t="inlineStr"><is><t>x</t></is></c>'
    cells = f'<c r="A1" t="s"><v>1</v></c><c r="B1"><v>12.5</v></c>{inline}'
    shared = "<sst><si><t>a</t></si><si><r><t>Dose </t></r><r><t>Gy</t></r></si></sst>"
    book = package(xl__workbook="<w/>", xl__sharedStrings=shared, xl__worksheets__sheet1=SHEET.format(cells))

    assert read(book) == ["sheet1 A1: Dose Gy", "sheet1 B1: 12.5", "sheet1 C1: x"]


@pytest.mark.parametrize(
    ("rtf", "lines"),
    [
        (rb"{\rtf1{\fonttbl{\f0 Arial;}}Supine\par knee\tab rest}", ["Supine", "knee rest"]),
        (rb"{\rtf1 R\'fccken \u8364?5 \u-10179?\u-8704?}", ["Rücken €5 😀"]),
        (rb"{\rtf1\uc2 \u233xxa {\*\generator Word;}b {\pict 0102ff}c}", ["éa b c"]),
        (rb"{\rtf1 a\{b\}\\ }}}}", ["a{b}\\"]),
    ],
)
def test_rtf_says_what_stands_on_the_page(rtf: bytes, lines: list[str]) -> None:
    assert read(rtf) == lines


def test_entities_are_refused_before_one_is_unfolded() -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'

    for declared in (laughs, outside):
        with pytest.raises(NotReadError, match="document type"):
            read(word("&a;", declared=declared))


def test_no_more_is_unpacked_than_the_limit_whatever_a_package_says_of_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(texts, "UNPACKED_BYTES_MAX", 100_000)
    bomb = word("0" * 90_000, "0" * 90_000)
    assert len(bomb) < 2_000

    with pytest.raises(NotReadError, match="unpacks to more"):
        read(bomb)
    shrunk = bomb.replace((180_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(NotReadError):
        read(shrunk)


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.4 nothing else",
        pdf(("a",))[:200],
        pdf(("a",)).replace(b"<< /Length", b"<< /Filter /Nope /Length"),
        word("a")[:-30] + b"word/document.xml",
        package(word__document="<w:document><unclosed>"),
        package(xl__workbook="<w/>", xl__worksheets__sheet1=SHEET.format('<c r="A1" t="s"><v>9</v></c>')),
        b"line\n" * 30_000,
    ],
)
def test_a_damaged_or_boundless_document_is_not_read(data: bytes) -> None:
    with pytest.raises(NotReadError):
        read(data)


SEEDS = (pdf(("a", "b")), word("a", "b"), rb"{\rtf1 a\par\u233? {\b c}}")


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 900), st.binary(min_size=1, max_size=4)), max_size=6),
    st.integers(20, 2_000),
)
@settings(max_examples=120, deadline=None)
def test_whatever_is_done_to_a_document_it_is_read_or_refused(
    seed: bytes, patches: list[tuple[int, bytes]], length: int
) -> None:
    data = bytearray(seed[:length])
    for at, patch in patches:
        data[at : at + len(patch)] = patch
    for kind in (media_type_of(seed),):
        try:
            lines = lines_of(bytes(data), kind)
        except NotReadError:
            continue
        assert all(isinstance(line, str) for line in lines)
