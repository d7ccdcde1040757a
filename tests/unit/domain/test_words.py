"""Words for paper: nothing hidden, nothing cut without a word, no line wider than a terminal."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.words import NOTE_CHARACTERS_MAX, columns_of, language, line, note, said_cut, wrapped


def test_what_hides_or_reorders_is_named() -> None:
    assert line("Jan\u202egnp") == "Jan‹U+202E›gnp"
    assert line("a\x00b") == "a‹U+0000›b"
    assert line("two\nlines\t here") == "two lines here"
    assert note("two\r\nlines ") == "two\nlines"


def test_a_long_note_is_cut_at_what_is_said() -> None:
    assert note("x" * 3_000).startswith("x" * NOTE_CHARACTERS_MAX + "… (cut: 3,000 characters")


def test_a_language_is_said_by_its_name_and_what_is_no_code_as_written() -> None:
    assert [language(code) for code in ("nl", " FR ", "Dutch", "")] == ["Dutch", "French", "Dutch", ""]


@given(text=st.text(max_size=300), width=st.integers(12, 100), indent=st.integers(0, 8))
def test_no_wrapped_line_is_wider_and_no_letter_is_lost(text: str, width: int, indent: int) -> None:
    lines = list(wrapped(text, width, rest=" " * indent))

    assert all(columns_of(one) <= width for one in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_wide_sign_takes_two_columns_and_a_mark_none() -> None:
    assert columns_of("王a") == 3
    assert columns_of(unicodedata.normalize("NFD", "é")) == 1


def test_a_text_that_was_cut_before_still_says_how_long_all_of_it_is() -> None:
    before = said_cut("x" * 4_096, 10_485_760)

    assert note(before).endswith("… (cut: 10,485,760 characters in all)")
    assert line("short … (cut: 99 characters in all)") == "short … (cut: 99 characters in all)"
    assert note("y" * 9_000 + "… (cut: 12x characters in all)").endswith("(cut: 9,030 characters in all)")
