"""The pages in four languages: every sentence is there, whole, and means the same placeholders."""

from __future__ import annotations

import re
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.utils.functional import Promise
from tests.console_house.sentences import WEB, Sentence, sentences

from beamkeeper.app.web import words
from beamkeeper.domain.ballot import Verdict, VotePath
from beamkeeper.domain.census import CensusReason
from beamkeeper.domain.change import DOCUMENT, Grade
from beamkeeper.domain.night import NightOutcome
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.prescribed import COUNT, PRESCRIPTION
from beamkeeper.protect.isolate import WindowState
from beamkeeper.protect.mirror import MirrorState
from beamkeeper.protect.quorum import Role, casting

TONGUES = ("nl", "fr", "de")
SAME_IN_BOTH = 3
"""Sentences of so many words may be the same in two languages; a longer one was forgotten."""
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%\(\w+\)02d|</?b>")


def catalog(tongue: str) -> dict[tuple[str | None, str], tuple[str, ...]]:
    with (WEB / "locale" / tongue / "LC_MESSAGES" / "django.po").open("rb") as file:
        messages = list(read_po(file, abort_invalid=True))
    found = {}
    for message in messages:
        if message.id:
            one = message.id if isinstance(message.id, str) else message.id[0]
            said = (message.string,) if isinstance(message.string, str) else tuple(message.string)
            found[message.context, one] = said
            assert not message.fuzzy, one
    return found


ALL = sentences()


@pytest.mark.parametrize("tongue", TONGUES)
def test_every_sentence_of_the_pages_is_translated_and_no_other_one(tongue: str) -> None:
    known = catalog(tongue)

    assert set(known) == {(sentence.context, sentence.text) for sentence in ALL}
    assert [text for text, said in known.items() if not all(said)] == []


@pytest.mark.parametrize("tongue", TONGUES)
def test_a_translation_fills_in_the_same_values(tongue: str) -> None:
    known = catalog(tongue)
    for sentence in ALL:
        said = known[sentence.context, sentence.text]
        wanted = set(_PLACEHOLDER.findall(sentence.plural or sentence.text))

        assert len(said) == (1 if sentence.plural is None else 2), sentence
        assert set(_PLACEHOLDER.findall(said[-1])) == wanted, sentence


@pytest.mark.parametrize("tongue", TONGUES)
def test_no_sentence_was_left_in_english(tongue: str) -> None:
    known = catalog(tongue)
    same = [
        sentence.text
        for sentence in ALL
        if known[sentence.context, sentence.text][0] == sentence.text
        and len(sentence.text.split()) > SAME_IN_BOTH
    ]

    assert [text for text in same if not text.startswith("%(hours)d")] == []


@pytest.mark.parametrize("tongue", TONGUES)
def test_translations_are_compiled_and_as_new_as_their_source(tongue: str) -> None:
    folder = WEB / "locale" / tongue / "LC_MESSAGES"
    with (folder / "django.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    known = catalog(tongue)
    for sentence in ALL:
        said = known[sentence.context, sentence.text][0]
        if sentence.context is not None:
            found = compiled.pgettext(sentence.context, sentence.text)
        elif sentence.plural is not None:
            found = compiled.ngettext(sentence.text, sentence.plural, 1)
        else:
            found = compiled.gettext(sentence.text)

        assert found == said, "run ./dev setup: it compiles the translations"


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (words.GRADES, Grade),
        (words.GRADE_SIGNS, Grade),
        (words.GRADE_LOOKS, Grade),
        (words.KINDS, (*ObjectKind, PRESCRIPTION, COUNT, DOCUMENT)),
        (words.OUTCOMES, NightOutcome),
        (words.OUTCOME_LOOKS, NightOutcome),
        (words.MIRROR_STATES, MirrorState),
        (words.MIRROR_LOOKS, MirrorState),
        (words.WINDOW_STATES, WindowState),
        (words.WINDOW_LOOKS, WindowState),
        (words.ROLES, Role),
        (words.REASONS, CensusReason),
        (words.VERDICTS, Verdict),
        (words.PATHS, VotePath),
    ],
)
def test_every_value_has_a_word(table, values) -> None:
    assert set(table) == set(values)


def test_every_refusal_of_a_vote_is_said_in_the_readers_words() -> None:
    source = Path(casting.__file__).read_text(encoding="utf-8")
    said = re.findall(r'return f?"([^"]{3,})"', source)
    filled = [re.sub(r"\{[^}]*\}", "2026-03-03" if "night" in text else "x", text) for text in said]

    assert len(filled) >= 8
    for text in filled:
        assert any(re.fullmatch(pattern, text) for pattern, _ in words.REFUSED), text
    assert all(isinstance(words_of, Promise) for _, words_of in words.REFUSED)


def test_sentences_are_found_with_their_context_and_their_plural() -> None:
    assert Sentence(None, "Tonight", None) in ALL
    assert Sentence("a night", "quiet", None) in ALL
    assert Sentence(None, "%(n)s patient", "%(n)s patients") in ALL
