"""Which of many spellings of names may be one: without comparing each with each.

Two that may be one have something in common that is looked up: every word of the shorter one, or a word and
the initials, or a word and nearly all letters. Only what has it is compared.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.domain.names import (
    SLIPS_MAX,
    WORDS_IN_COMMON_MIN,
    Spelling,
    near_spelling,
    slips_most,
    unshared,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Candidates = Iterator[tuple[Spelling, Iterable[Spelling]]]
    Counts = NDArray[np.int16]

INITIAL_LETTERS: Final = 1
FOUND_MAX: Final = 50
COMPARED_MAX: Final = 1_000
"""So many are kept of one spelling, and compared with it in each way; of ordinary names it is a handful."""
BINS: Final = 32
"""Letters and pairs of letters are counted by their number modulo this: the Latin letters each by itself."""
PAIR_STEP: Final = 7
"""The first of a pair counts so much; odd, so that pairs spread over all bins."""


class Neighbours:
    """The others of one spelling.

    Attributes
    ----------
    found
        In the order they were found, each once.
    is_cut
        Whether there are more, or there were more to be compared than are compared.
    """

    __slots__ = ("found", "is_cut")

    def __init__(self) -> None:
        self.found: dict[Spelling, None] = {}
        self.is_cut = False

    @property
    def is_full(self) -> bool:
        """Whether nothing more is kept, and more is known to be."""
        return self.is_cut and len(self.found) == FOUND_MAX

    def add(self, other: Spelling) -> None:
        """Keep one more, or that there is one more."""
        if len(self.found) < FOUND_MAX:
            self.found[other] = None
        elif other not in self.found:
            self.is_cut = True


def may_be_one(one: Spelling, other: Spelling) -> bool:
    """Whether one is the other with a slip of the pen, without a part, or with initials for names."""
    return near_spelling(one, other) or _is_initialled(one, other)


def neighbours(spellings: Iterable[Spelling]) -> Mapping[Spelling, Neighbours]:
    """Return for each spelling the others that may be one with it, as `may_be_one` says."""
    known = tuple(dict.fromkeys(filter(None, spellings)))
    found = {spelling: Neighbours() for spelling in known}
    for way, is_like in ((_with_more_words, near_spelling), (_with_initials, _is_initialled)):
        for one, others in way(known):
            left = iter(others)
            _compare(one, left, is_like, found)
            for other in left:
                found[other].is_cut = True
    letters = _Letters(known)
    for at, one in enumerate(letters.known):
        if not found[one].is_full:
            _compare(one, letters.like(at, after=at + 1), near_spelling, found)
    if any(one.is_cut for one in found.values()):  # whoever stopped early may lack in those after them
        for at, one in enumerate(letters.known):
            if not found[one].is_full:
                _compare(one, letters.like(at), near_spelling, found)
    return found


def _compare(
    one: Spelling,
    others: Iterator[Spelling],
    is_like: Callable[[Spelling, Spelling], bool],
    found: Mapping[Spelling, Neighbours],
) -> None:
    """Keep on both sides who is like one spelling; stop where there are too many."""
    mine, compared = found[one], 0
    for other in others:
        if other == one or other in mine.found:
            continue
        if len(mine.found) == FOUND_MAX or compared == COMPARED_MAX:
            mine.is_cut = found[other].is_cut = True
            return
        compared += 1
        if is_like(one, other):
            mine.add(other)
            found[other].add(one)


def _with_more_words(known: Sequence[Spelling]) -> Candidates:
    """Yield for each spelling the longer ones that have its rarest word."""
    having: defaultdict[str, list[Spelling]] = defaultdict(list)
    longest = max(map(len, known), default=0)
    for one in known:
        if len(one) > WORDS_IN_COMMON_MIN:
            for word in set(one):
                having[word].append(one)
    for one in known:
        if WORDS_IN_COMMON_MIN <= len(one) < longest:
            rarest = min((having.get(word, ()) for word in one), key=len)
            yield one, (other for other in rarest if len(other) > len(one) and set(one) <= set(other))


def _with_initials(known: Sequence[Spelling]) -> Candidates:
    """Yield for each spelling that has initials those of the same first letters that share a word."""
    having: defaultdict[tuple[Spelling, str], list[Spelling]] = defaultdict(list)
    for one in known:
        for word in set(one):
            having[_first_letters(one), word].append(one)
    for one in known:
        if any(len(word) == INITIAL_LETTERS for word in one):
            letters = _first_letters(one)
            yield one, dict.fromkeys(other for word in one for other in having[letters, word])


class _Letters:
    """Who has nearly the same letters, and pairs of letters.

    Each letter put in, left out or replaced changes the counts of letters by 2 at most, those of pairs by 4.

    Attributes
    ----------
    known
        All spellings, the shortest first.
    """

    def __init__(self, known: Iterable[Spelling]) -> None:
        self.known = sorted(known, key=_letter_count)
        lengths = np.array([_letter_count(one) for one in self.known])
        self._first = np.searchsorted(lengths, lengths - SLIPS_MAX, side="left")
        self._end = np.searchsorted(lengths, lengths + SLIPS_MAX, side="right")
        self._letters = _counts(self.known, lambda word: map(ord, word))
        self._pairs = _counts(
            self.known, lambda word: (PAIR_STEP * ord(one) + ord(two) for one, two in _pairs(word))
        )

    def like(self, at: int, *, after: int = 0) -> Iterator[Spelling]:
        """Yield who shares a word with the spelling of a place and may be a slip or two away."""
        one = self.known[at]
        words, slips = set(one), slips_most(len(" ".join(one)) - min(map(len, one)) - 1)
        first, end = max(after, self._first[at]), self._end[at]
        like = first + _near(self._letters[:, first:end], self._letters[:, at], 2 * slips)
        like = like[_near(self._pairs[:, like], self._pairs[:, at], 4 * slips)]
        for place in like:
            if not words.isdisjoint(other := self.known[place]):
                yield other


def _letter_count(one: Spelling) -> int:
    return sum(map(len, one))


def _pairs(word: str) -> Iterator[tuple[str, str]]:
    """Yield each two letters that follow one another; the gaps around the word count as letters."""
    return pairwise(f" {word} ")


def _counts(known: Sequence[Spelling], numbers: Callable[[str], Iterable[int]]) -> Counts:
    """Return a column for each spelling: how often it has what falls into each bin."""
    counts = np.zeros((BINS, len(known)), dtype=np.int16)
    for at, one in enumerate(known):
        for number in chain.from_iterable(map(numbers, one)):
            counts[number % BINS, at] += 1
    return counts


def _near(columns: Counts, column: Counts, most: int) -> NDArray[np.intp]:
    return np.flatnonzero(np.abs(columns - column[:, None]).sum(axis=0) <= most)


def _first_letters(one: Spelling) -> Spelling:
    return tuple(word[0] for word in one)


def _is_initialled(one: Spelling, other: Spelling) -> bool:
    """Whether two are one where single letters stand for names: "Jansen, M." and "Jansen, Maria"."""
    first, second = unshared(one, other)
    if not first or len(first) != len(second) or len(first) == len(one):
        return False
    if not any(all(len(word) == INITIAL_LETTERS for word in words) for words in (first, second)):
        return False
    return _first_letters(tuple(first)) == _first_letters(tuple(second))
