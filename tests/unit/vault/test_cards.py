"""Five cards of words, three of which give the recovery secret back, typed by tired people."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shamir_mnemonic.wordlist import WORDLIST

from beamkeeper.errors import KeyUnavailable
from beamkeeper.vault import join_words, split_words

SECRET = bytes(range(32))
CARDS = split_words(SECRET)


def refused(*cards: tuple[str, ...]) -> str:
    with pytest.raises(KeyUnavailable) as caught:
        join_words(cards)
    return f"{caught.value.message} {caught.value.do_next}"


def changed(card: tuple[str, ...], number: int, word: str) -> tuple[str, ...]:
    return (*card[: number - 1], word, *card[number:])


def test_any_three_of_the_five_word_lists_give_the_secret_back() -> None:
    assert [len(words) for words in CARDS] == [33] * 5
    assert all(join_words(three) == SECRET for three in itertools.combinations(CARDS, 3))
    assert join_words(CARDS) == SECRET


def test_no_two_words_of_the_list_begin_with_the_same_four_letters() -> None:
    assert len({word[:4] for word in WORDLIST}) == len(WORDLIST) == 1024


def test_four_letters_capitals_misspelt_endings_and_the_numbers_of_the_card_are_understood() -> None:
    short = tuple(word[:4].upper() for word in CARDS[0])
    misspelt = tuple(word[:4] + "xx" for word in CARDS[2])
    numbered = tuple(text for n, word in enumerate(CARDS[4], 1) for text in (f"{n}.", word))
    joined = tuple(f"{n}.{word}," for n, word in enumerate(CARDS[1], 1))

    assert join_words([short, misspelt, numbered]) == SECRET
    assert join_words([short, misspelt, joined]) == SECRET


def test_two_cards_give_nothing_and_one_typed_three_times_is_still_one() -> None:
    assert "2 different cards, 3 are needed" in refused(*CARDS[:2])
    assert "1 different card, 3 are needed" in refused(CARDS[0], CARDS[0], tuple(w[:4] for w in CARDS[0]))


def test_a_card_with_another_word_is_named_by_its_number() -> None:
    other = next(word for word in WORDLIST if word != CARDS[1][20])

    assert "card 2 has another word" in refused(CARDS[0], changed(CARDS[1], 21, other), CARDS[2])


def test_words_that_are_not_of_the_list_are_named_by_their_place_and_never_printed() -> None:
    said, of_other_words = (
        refused(changed(cards[0], 7, "qqqq"), changed(changed(cards[1], 1, "zz"), 33, "é"), cards[2])
        for cards in (CARDS, split_words(SECRET[::-1]))
    )

    assert "card 1 word 7 is none of the list" in said
    assert "card 2 words 1, 33 are none of the list" in said
    assert said == of_other_words


def test_a_card_with_a_word_too_few_says_how_many_are_printed() -> None:
    assert "card 3 has 32 words, 33 are printed" in refused(*CARDS[:2], CARDS[2][:-1])
    assert "card 1 has 0 words" in refused((), *CARDS[1:3])


def test_cards_of_two_sets_do_not_mix_and_that_is_said() -> None:
    assert "not of one set" in refused(*CARDS[:2], split_words(bytes(32))[2])


@given(st.lists(st.lists(st.text(max_size=12), max_size=40), max_size=4))
def test_whatever_is_typed_is_refused_in_words(cards: list[list[str]]) -> None:
    with pytest.raises(KeyUnavailable):
        join_words(cards)
