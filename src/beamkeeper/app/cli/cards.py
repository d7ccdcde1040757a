"""Three recovery cards, typed by tired people: a slip costs a line or a card, never all three."""

from __future__ import annotations

import typer

from beamkeeper.app.cli.console import err
from beamkeeper.errors import KeyUnavailable

LOOKED_UP = "Compare with what was printed. The first four letters of a word are enough."


def ask_cards() -> list[str]:
    """Ask for three different cards, each until it is right; Enter may be pressed anywhere.

    Raises
    ------
    KeyUnavailable
        The input ended, and what was typed before has a fault.
    """
    from beamkeeper.vault import CARDS_NEEDED, WORDS_ON_CARD

    err.print(
        f"Type the words of {CARDS_NEEDED} different cards, {WORDS_ON_CARD} each; four letters of a word are"
        " enough. Press Enter after any word."
    )
    cards: list[str] = []
    while len(cards) < CARDS_NEEDED:
        card = _ask_card(len(cards) + 1)
        if card in cards:
            err.print("✗ That card was typed already. Another one.")
        else:
            cards.append(card)
    return cards


def _ask_card(number: int) -> str:
    """Ask for the words of one card, line by line, until its checksum is right."""
    from beamkeeper.vault import CARDS_NEEDED, WORDS_ON_CARD, read_card

    kept, fault = "", ""
    while True:
        count = len(kept.split())
        label = f"  {count} of {WORDS_ON_CARD} words, go on" if kept else f"Card {number} of {CARDS_NEEDED}"
        try:
            line = typer.prompt(label, err=True)
        except typer.Abort:
            if not fault:
                raise
            raise KeyUnavailable(f"Card {number} {fault}.", do_next=LOOKED_UP) from None
        text, said = read_card((*kept.split(), *line.split()))
        words = len(text.split())
        if not said:
            return text
        is_whole = words >= WORDS_ON_CARD
        if words < WORDS_ON_CARD and "none of the list" not in said:
            kept = text
            continue
        fault = said
        kept = "" if is_whole else kept
        err.print(f"✗ This card {said}. {'The card' if is_whole else 'This line'} once more.")
