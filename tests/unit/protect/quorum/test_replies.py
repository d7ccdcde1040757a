"""One line, a word and a code: everything else is no vote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.protect.quorum import Verdict
from beamkeeper.protect.quorum.codes import is_code
from beamkeeper.protect.quorum.phrases import PHRASES
from beamkeeper.protect.quorum.replies import PATIENTS_MAX, WORDS, Reply, read_reply
from beamkeeper.wire.mail.reading import LINE_CHARACTERS_MAX

CODE = "7K2QD-0M9XR"


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (f"CONFIRM {CODE}", Verdict.CONFIRM),
        (f"bevestig {CODE}", Verdict.CONFIRM),
        (f"Ja, {CODE}.", Verdict.CONFIRM),
        (f"OUI : {CODE}", Verdict.CONFIRM),
        (f"*BESTÄTIGE* `{CODE}`", Verdict.CONFIRM),
        ("Yes 7k2qd 0m9xr", Verdict.CONFIRM),
        ("YES 7K2QD0M9XR", Verdict.CONFIRM),
        (f"DISPUTE {CODE}", Verdict.DISPUTE),
        (f"nee {CODE}", Verdict.DISPUTE),
        (f"Non {CODE}", Verdict.DISPUTE),
        (f"« CONTESTE » {CODE}", Verdict.DISPUTE),
    ],
)
def test_a_word_of_four_languages_and_a_code_are_a_vote(line: str, verdict: Verdict) -> None:
    reply = read_reply([line, "kind regards"])

    assert reply is not None
    assert reply.verdict is verdict
    assert is_code(reply.code, CODE)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "CONFIRM",
        CODE,
        f"{CODE} CONFIRM",
        f"I CONFIRM {CODE}",
        f"CONFIRM {CODE} but look at beam 2",
        f"NOT CONFIRM {CODE}",
        f"CONFIRM / DISPUTE {CODE}",
        "CONFIRM 7K2QD",
        f"DON'T {CODE}",
        f"CONFIRM {CODE} {CODE}",
        "Ik ben afwezig tot maandag",
    ],
)
def test_anything_else_is_no_vote(line: str) -> None:
    assert read_reply([line]) is None


def test_only_the_first_line_is_read() -> None:
    assert read_reply(["Dear all,", f"CONFIRM {CODE}"]) is None
    assert read_reply([]) is None


def test_patients_may_be_named_by_the_letters_that_letters_show() -> None:
    assert read_reply([f"CONFIRM {CODE} abcdefghij, klmnopqrst"]) == Reply(
        Verdict.CONFIRM, CODE, ("abcdefghij", "klmnopqrst")
    )


def test_as_many_patients_as_may_be_named_fit_the_line_that_is_read() -> None:
    longest = f"BESTÄTIGE {CODE} " + ", ".join(["a" * 26] * PATIENTS_MAX)
    reply = read_reply([longest[:LINE_CHARACTERS_MAX]])

    assert reply is not None
    assert len(reply.patients) == PATIENTS_MAX
    assert read_reply([longest + ", " + "b" * 26]) is None


@given(st.lists(st.text(max_size=80), max_size=3))
def test_no_text_breaks_the_reader_or_votes_without_word_and_code(lines: list[str]) -> None:
    reply = read_reply(lines)

    assert reply is None or any(word in lines[0].upper() for word in WORDS)


def test_the_words_that_letters_ask_for_are_understood() -> None:
    for said in PHRASES.values():
        assert read_reply([f"{said.confirm} {CODE}"]) == Reply(Verdict.CONFIRM, CODE)
        assert read_reply([f"{said.dispute} {CODE}"]) == Reply(Verdict.DISPUTE, CODE)


def test_every_language_has_every_sentence_with_the_same_places_to_fill() -> None:
    english = PHRASES["en"]
    for said in PHRASES.values():
        for name in said.__dataclass_fields__:
            text, model = getattr(said, name), getattr(english, name)
            assert text
            assert {part.split("}")[0] for part in text.split("{")[1:]} == {
                part.split("}")[0] for part in model.split("{")[1:]
            }
