"""Notes are RTF; what people read in them must come out whole, whatever else stands in them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beamkeeper.domain.rich_text import RICH_TEXT_CHARACTERS_MAX, plain_text
from beamkeeper.rehearse.sim.mosaiq.clinic import rich_text

READABLE = st.text(
    st.characters(codec="utf-16", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn")), max_size=200
)


@given(READABLE)
@example("😀 5 mm \\ {arm} up")
def test_any_text_written_as_rtf_is_read_back(text: str) -> None:
    assert plain_text(rich_text(text)) == text.strip()


@pytest.mark.parametrize(
    ("note", "read"),
    [
        ("Pacemaker, left", "Pacemaker, left"),
        ("", ""),
        (r"{\rtf1\ansi Bolus 5 mm\par arm up}", "Bolus 5 mm\narm up"),
        (
            r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\*\generator Riched20;}\b Allergy:\b0  latex}",
            "Allergy: latex",
        ),
        (r"{\rtf1\ansi\ansicpg1250 \'bf\'f3\'b3\'e6}", "żółć"),
        (r"{\rtf1\ansi{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset161 B;}}\f1\'e1\f0\'e1}", "αá"),
        (r"{\rtf1\ansi{\fonttbl{\f0\fcharset128 A;}}\f0\'93\'fa\'96\'7b}", "日本"),
        (r"{\rtf1\uc1 20\u176? gantry}", "20° gantry"),
        (r"{\rtf1\uc2 \u8364\'80\'80 5}", "€ 5"),
        (r"{\rtf1 \u-10179?\u-8704?}", "😀"),
        (r"{\rtf1 a\{b\}c\\d}", r"a{b}c\d"),
        (r"{\rtf1{\pict\wmetafile8\bin5 }{}}}}after}", "after"),
        (r"{\rtf1{\object\objemb{\*\objclass Package}{\*\objdata 4d5a9000}}seen}", "seen"),
        ('{\\rtf1{\\field{\\*\\fldinst{ HYPERLINK "file://c/x.exe"}}{\\fldrslt the link}}}', "the link"),
    ],
)
def test_what_a_person_reads_is_read(note: str, read: str) -> None:
    assert plain_text(note) == read


@pytest.mark.parametrize(
    "note",
    [
        r"{\rtf1 \u99999999? kept}", r"{\rtf1 \u-70000? kept}", r"{\rtf1\ansicpg99999 kept}",
        r"{\rtf1{{{{{ kept", r"{\rtf1}}}}} kept", "{\\rtf1 kept\\", r"{\rtf1\uc99999 kept}",
        r"{\rtf1{\pict\bin}kept}",
        r"{\rtf1\ansicpg1252 kept \'8", "{\\rtf1 kept \\ud83d",
    ],
)  # fmt: skip
def test_broken_rtf_loses_no_text(note: str) -> None:
    assert "kept" in plain_text(note)


@given(st.text(st.sampled_from(r"{}\*'ufbin0123 par") | st.characters(), max_size=300))
def test_no_note_raises(note: str) -> None:
    assert isinstance(plain_text("{\\rtf1" + note), str)


@pytest.mark.parametrize("unit", ["{", "}", "\\", r"\f1", r"{\field{\*\fldinst{ HYPERLINK ", r"\'e1", r"\u1"])
def test_a_hostile_note_costs_no_more_than_its_length(unit: str) -> None:
    """Read in one pass: with backtracking a tenth of this would outlast the night."""
    assert isinstance(plain_text("{\\rtf1" + unit * (120_000 // len(unit))), str)


def test_a_note_of_ten_megabytes_is_read_up_to_the_limit_and_said_to_be_cut() -> None:
    read = plain_text("{\\rtf1 " + "a" * 10_000_000 + "}")

    assert RICH_TEXT_CHARACTERS_MAX - 100 < len(read) < RICH_TEXT_CHARACTERS_MAX + 100
    assert read.endswith("… (cut)")
