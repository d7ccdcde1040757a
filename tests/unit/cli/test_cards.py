"""Three recovery cards typed at a terminal: a slip costs a line or a card, never all three."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from beamkeeper.app.cli.cards import ask_cards
from beamkeeper.errors import KeyUnavailable
from beamkeeper.vault import join_words, split_words

SECRET = bytes(range(32))
CARDS = [" ".join(words) for words in split_words(SECRET)]
TURNED = " ".join(reversed(CARDS[1].split()))
app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def typed() -> None:
    typer.echo(join_words([card.split() for card in ask_cards()]).hex())


def run(*lines: str) -> tuple[str, str, BaseException | None]:
    done = CliRunner().invoke(app, [], input="".join(f"{line}\n" for line in lines))
    return done.stdout.split()[-1], " ".join(done.stderr.split()), done.exception


def lines_of(card: str, *, words: int = 11) -> list[str]:
    every = card.split()
    return [" ".join(every[at : at + words]) for at in range(0, len(every), words)]


def test_enter_may_be_pressed_after_any_word() -> None:
    key, asked, _ = run(*lines_of(CARDS[0]), *lines_of(CARDS[3], words=1), CARDS[4])

    assert key == SECRET.hex()
    assert "22 of 33 words, go on" in asked


def test_a_line_with_a_word_of_no_list_is_asked_again_and_the_lines_before_it_stay() -> None:
    first, second, third = lines_of(CARDS[0])
    slipped = second.replace(second.split()[2], "qqqq")
    key, asked, _ = run(first, slipped, second, third, CARDS[1], CARDS[2])

    assert key == SECRET.hex()
    assert "word 14 is none of the list. This line once more" in asked


def test_a_card_with_a_slip_is_asked_again_and_the_others_stay() -> None:
    key, asked, _ = run(CARDS[0], TURNED, CARDS[1], CARDS[2])

    assert key == SECRET.hex()
    assert "two that changed places. The card once more" in asked


def test_a_card_typed_twice_is_said_and_another_one_is_asked() -> None:
    key, asked, _ = run(CARDS[0], CARDS[0], CARDS[1], CARDS[2])

    assert key == SECRET.hex()
    assert "typed already. Another one" in asked


def test_where_the_input_ends_after_a_slip_the_slip_is_the_reason() -> None:
    _, _, error = run(CARDS[0], TURNED)

    assert isinstance(error, KeyUnavailable)
    assert error.message.startswith("Card 2 has another word")


def test_an_end_without_a_slip_is_nobodys_fault() -> None:
    _, _, error = run(CARDS[0])

    assert not isinstance(error, KeyUnavailable)


@pytest.mark.parametrize("card", CARDS)
def test_no_word_of_a_card_stands_in_what_is_said(card: str) -> None:
    turned = " ".join(reversed(card.split()))
    _, asked, _ = run(turned)

    # "that" and "type" are words of the list, too; the cards of a run are drawn.
    assert not (set(card.split()) - {"that", "type"}) & set(asked.replace(".", " ").split())
