"""Worker and watchdog understand each other, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import WindowUnavailable
from beamkeeper.protect.isolate import WindowReading, WindowState
from beamkeeper.protect.isolate.words import (
    LINE_BYTES_MAX,
    Answer,
    Asked,
    Wish,
    answer_in_words,
    ask_in_words,
    read_answer,
    read_asked,
    refusal_in_words,
)

instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
sentences = st.text(st.characters(codec="ascii"), max_size=100)
questions = st.builds(Asked, st.just(Wish.OPEN), instants) | st.builds(
    Asked, st.sampled_from([Wish.CLOSE, Wish.SHUT, Wish.STATUS])
)
readings = st.builds(
    WindowReading,
    state=st.sampled_from(WindowState),
    text=st.text(st.characters(codec="ascii"), max_size=120),
    shuts_in_s=st.none() | st.integers(0, 10**6),
)


@given(questions)
def test_a_question_is_understood_as_it_was_asked(asked: Asked) -> None:
    line = ask_in_words(asked)

    assert read_asked(line) == asked
    assert len(line) <= LINE_BYTES_MAX


@given(st.builds(Answer, reading=readings, held_by=st.integers(0, 8)))
def test_an_answer_is_understood_as_it_was_given(answer: Answer) -> None:
    line = answer_in_words(answer)

    assert read_answer(line) == answer
    assert len(line) <= LINE_BYTES_MAX


@given(
    st.text(st.characters(codec="ascii"), max_size=100), st.text(st.characters(codec="ascii"), max_size=100)
)
def test_a_refusal_is_raised_with_its_words(message: str, do_next: str) -> None:
    with pytest.raises(WindowUnavailable) as refused:
        read_answer(refusal_in_words(WindowUnavailable(message, do_next=do_next)))

    assert (refused.value.message, refused.value.do_next) == (message, do_next)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_question_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
        read_asked(line)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_answer_are_no_state(line: bytes) -> None:
    with pytest.raises(WindowUnavailable):
        read_answer(line)
