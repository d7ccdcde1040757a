"""Two versions of a document compared in a process that is killed when it takes too much."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.protect.documents.test_texts import SHEET, package, word

from beamkeeper.protect.documents import comparing, text_difference, visible
from beamkeeper.protect.documents.comparing import HARMFUL, TextDifference
from beamkeeper.protect.documents.content import DOCX, PDF, RTF, TEXT, XLSX
from beamkeeper.protect.documents.difference import SHOWN_MAX, different_lines
from beamkeeper.rehearse.sim.documents import pdf

if TYPE_CHECKING:
    from pathlib import Path

BOOK = package(xl__workbook="<w/>", xl__worksheets__sheet1=SHEET.format('<c r="B1"><v>12.5</v></c>'))


def compared(
    tmp_path: Path, before: bytes, now: bytes, kinds: tuple[str, str], **more: float
) -> TextDifference:
    (tmp_path / "before").write_bytes(before)
    (tmp_path / "now").write_bytes(now)
    return text_difference(tmp_path / "before", kinds[0], tmp_path / "now", kinds[1], **more)


def test_two_versions_of_different_kinds_are_compared_by_what_they_say(tmp_path: Path) -> None:
    found = compared(tmp_path, b"Supine\nshift 10 mm\n", pdf(("Supine", "shift 20 mm", "new")), (TEXT, PDF))

    assert found.pairs == (("shift 10 mm", "shift 20 mm"), (None, "new"))
    assert found.line_counts == (2, 3)


def test_every_kind_is_read_where_nothing_can_be_loaded_any_more(tmp_path: Path) -> None:
    """Names of a package stand in code page 437, text in others: each is at hand before the fence is shut."""
    office = compared(tmp_path, word("Sübine"), BOOK, (DOCX, XLSX))
    old = compared(tmp_path, rb"{\rtf1 R\'fccken}", "Rücken\nprone".encode("cp1252"), (RTF, TEXT))

    assert office.pairs == (("Sübine", "sheet1 B1: 12.5"),)
    assert old.pairs == ((None, "prone"),)


def test_a_document_that_takes_too_much_memory_or_time_is_given_up(tmp_path: Path) -> None:
    rows = b"".join(b"%d\n" % (number % 7) for number in range(19_000))
    began = time.monotonic()
    slow = compared(tmp_path, rows, rows[::-1], (TEXT, TEXT), time_s_max=0.3)

    assert slow.not_read == HARMFUL
    assert time.monotonic() - began < comparing.READING_S_MAX


def test_what_the_process_says_is_not_believed_blindly() -> None:
    for answer in (b"", b"[]", b"{}", b'{"pairs": [[1, 2]], "more": 0, "lines": [1, 1]}', b"[" * 99_999):
        assert comparing._understood(answer).not_read == HARMFUL
    told = comparing._understood(b'{"pairs": [["a\\u001b[2Jb", "\\u202ec"]], "more": 1, "lines": [1, 1]}')
    assert told.pairs == (("a‹U+001B›[2Jb", "‹U+202E›c"),)


def test_a_change_of_hidden_signs_alone_is_seen() -> None:
    assert visible("10\u200b mm") == "10‹U+200B› mm"
    assert visible("letter\u202efdp.exe") == "letter‹U+202E›fdp.exe"
    assert visible(" soft\u00adhyphen\n and\ta\u3000blank ") == "softhyphen and a blank"
    assert visible("e\u0301" + "\u0300" * 300 + "f") == "e\u0301\u0300\u0300\u0300f"
    assert visible("名前 שלום ö") == "名前 שלום ö"


@given(st.text(max_size=50))
def test_whatever_a_text_says_it_is_one_line_that_prints(text: str) -> None:
    assert visible(text).isprintable()
    assert visible(visible(text)) == visible(text)


def test_the_process_has_nothing_of_ours(tmp_path: Path, monkeypatch) -> None:
    """It is started with an empty environment, in the root folder, and gets two open files."""
    (tmp_path / "program").write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\npwd >> {tmp_path}/seen\nexit 1\n")
    (tmp_path / "program").chmod(0o700)
    monkeypatch.setattr(comparing.sys, "executable", str(tmp_path / "program"))
    compared(tmp_path, b"a", b"b", (TEXT, TEXT))

    seen = (tmp_path / "seen").read_text().split()
    assert {line.partition("=")[0] for line in seen} <= {"PWD", "/", "_", "SHLVL", "OLDPWD"}


LINES = st.lists(st.text(max_size=300), max_size=30)


@given(LINES, LINES)
def test_a_difference_is_shown_exactly_where_there_is_one(before: list[str], now: list[str]) -> None:
    pairs, more = different_lines(before, now)

    assert bool(pairs) == (before != now)
    assert len(pairs) <= SHOWN_MAX
    assert more == 0 or len(pairs) == SHOWN_MAX
    assert all(old != new or old is None for old, new in pairs)


def test_a_long_line_is_shown_where_it_differs() -> None:
    long = "x" * 500
    ((old, new),), _ = different_lines([f"{long}10 mm{long}"], [f"{long}20 mm{long}"])

    assert "10 mm" in old
    assert "20 mm" in new
    assert old.startswith("…")
    assert old.endswith("…")
    assert len(old) < 200
