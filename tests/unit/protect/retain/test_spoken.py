"""A hold by one person stands until two different ones released after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.protect.retain import EVERYBODY, Word, WordKind, released_by, standing_hold

START = datetime(2026, 5, 1, 8, tzinfo=UTC)


def word(kind: str, person: str, minute: int, pseudonym: str = "a") -> Word:
    at = START + timedelta(minutes=minute)
    return Word(at=at, person=person, kind=WordKind(kind), pseudonym=pseudonym)


def holds(*words: Word, pseudonym: str = "a") -> bool:
    return standing_hold(words, pseudonym, needed=2) is not None


def test_a_hold_stands_until_two_different_people_released_it() -> None:
    hold = word("hold", "an", 0)
    assert not holds()
    assert holds(hold)
    assert holds(hold, word("release", "bo", 1), word("release", "bo", 2))
    assert not holds(hold, word("release", "bo", 1), word("release", "an", 2))


def test_a_new_hold_outweighs_releases_before_it_and_at_its_instant() -> None:
    released = (word("hold", "an", 0), word("release", "an", 1), word("release", "bo", 2))
    assert holds(*released, word("hold", "cy", 3))
    assert holds(*released, word("hold", "cy", 2))


def test_words_about_others_do_not_count() -> None:
    assert not holds(word("hold", "an", 0, "b"))
    assert holds(word("hold", "an", 0), word("release", "bo", 1, "b"), word("release", "cy", 1, EVERYBODY))
    assert holds(word("hold", "an", 0, EVERYBODY), pseudonym=EVERYBODY)


def test_a_release_counts_only_after_the_last_treatment_and_the_last_hold() -> None:
    words = [word("release", "an", 1), word("hold", "bo", 5), word("release", "bo", 9)]
    assert released_by(words, "a", since=None) == {"bo"}
    assert released_by(words, "a", since=START + timedelta(minutes=9)) == frozenset()


@given(
    st.lists(
        st.builds(
            word, st.sampled_from(["hold", "release"]), st.sampled_from(["an", "bo", "cy"]), st.integers(0, 9)
        ),
        max_size=8,
    ),
    st.randoms(),
)
def test_the_order_of_hearing_makes_no_difference_and_two_people_are_two(words: list[Word], random) -> None:
    shuffled = list(words)
    random.shuffle(shuffled)
    assert standing_hold(words, "a", needed=2) == standing_hold(shuffled, "a", needed=2)
    last = max((item.at for item in words if item.kind is WordKind.HOLD), default=None)
    if last is not None and not holds(*words):
        releasers = {item.person for item in words if item.kind is WordKind.RELEASE and item.at > last}
        assert len(releasers) >= 2
