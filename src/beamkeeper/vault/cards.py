"""The recovery secret on five cards of words (SLIP-39), and reading cards that tired people typed.

No two words of the list begin with the same four letters, so four letters are enough, and what follows them
may be misspelt. Each card has a checksum of its own: a card with a wrong word is named by its number. No
word of a card stands in an error: errors are logged and shown on screens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import shamir_mnemonic
from shamir_mnemonic.share import Share
from shamir_mnemonic.utils import MnemonicError
from shamir_mnemonic.wordlist import WORDLIST

from beamkeeper.domain.words import plural
from beamkeeper.errors import KeyUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

CARDS: Final = 5
CARDS_NEEDED: Final = 3
WORDS_ON_CARD: Final = 33
LETTERS_ENOUGH: Final = 4
_BY_LETTERS: Final = {word[:LETTERS_ENOUGH]: word for word in WORDLIST}
_AROUND: Final = "0123456789.,;:()"
"""What a card prints before its words, and people type with them."""


def split_words(secret: bytes) -> tuple[tuple[str, ...], ...]:
    """Return five lists of 33 words; any three give `secret` back (SLIP-39, no passphrase)."""
    groups = shamir_mnemonic.generate_mnemonics(1, [(CARDS_NEEDED, CARDS)], secret)
    return tuple(tuple(share.split()) for share in groups[0])


def join_words(cards: Sequence[Sequence[str]]) -> bytes:
    """Return the secret that three of the five word lists hold; more than three are welcome.

    Raises
    ------
    KeyUnavailable
        Too few lists, a mistyped word, or lists of different secrets.
    """
    read = [read_card(card) for card in cards]
    wrong = [f"card {number} {said}" for number, (_, said) in enumerate(read, start=1) if said]
    if wrong:
        raise KeyUnavailable(
            f"Of the cards as typed, {'; '.join(wrong)}.",
            do_next="Compare with what was printed. The first four letters of a word are enough.",
        )
    texts = list(dict.fromkeys(text for text, _ in read))[:CARDS_NEEDED]
    if len(texts) < CARDS_NEEDED:
        raise KeyUnavailable(
            f"These are {plural(len(texts), 'different card')}, {CARDS_NEEDED} are needed.",
            do_next="Type another card.",
        )
    try:
        return bytes(shamir_mnemonic.combine_mnemonics(texts))
    except (MnemonicError, ValueError) as error:
        raise KeyUnavailable(
            "These cards do not give the recovery key together: each is right, but they are not of one set.",
            do_next="Look at the department and date on each card; old sets are marked.",
        ) from error


def read_card(card: Sequence[str]) -> tuple[str, str]:
    """Return the words of a card as printed, as far as they are known, and what is wrong; "" for nothing."""
    typed = [text for one in card if (text := one.lower().strip(_AROUND))]
    words = [_BY_LETTERS.get(text[:LETTERS_ENOUGH], "") for text in typed]
    unknown = [str(number) for number, word in enumerate(words, start=1) if not word]
    text = " ".join(word for word in words if word)
    if unknown:
        one = "word {} is none" if len(unknown) == 1 else "words {} are none"
        return text, f"{one.format(', '.join(unknown))} of the list"
    if len(words) != WORDS_ON_CARD:
        return text, f"has {plural(len(words), 'word')}, {WORDS_ON_CARD} are printed on it"
    try:
        Share.from_mnemonic(text)
    except MnemonicError:
        return text, "has another word than was printed, or two that changed places"
    return text, ""
