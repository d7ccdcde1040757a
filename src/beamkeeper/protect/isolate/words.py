"""What the worker and the watchdog say to each other: one JSON object a line, small and strict.

Asked: `{"ask": "open", "until": "2026-03-02T05:00:00+00:00"}`, `{"ask": "close"}`,
`{"ask": "shut"}` (for everybody; root only), `{"ask": "status"}`.
Answered: `{"state": "open", "text": "...", "shuts_in_s": 30, "held_by": 1}`, or
`{"refused": "a sentence", "do_next": "..."}`. Nothing that is asked names an address, a rule or a file:
the worker can say for how long, and nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from beamkeeper.errors import WindowUnavailable
from beamkeeper.protect.isolate.facts import WindowReading, WindowState

LINE_BYTES_MAX = 1024
TEXT_MAX = 300


class Wish(StrEnum):
    """What may be asked."""

    OPEN = "open"
    CLOSE = "close"
    SHUT = "shut"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question.

    Attributes
    ----------
    until
        For OPEN, and only there: aware.
    """

    wish: Wish
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the watchdog found, read from the kernel after it did what was asked.

    Attributes
    ----------
    held_by
        How many have the window open, the asker included.
    """

    reading: WindowReading
    held_by: int


def ask_in_words(asked: Asked) -> bytes:
    """Return the line of a question."""
    until = {} if asked.until is None else {"until": asked.until.isoformat()}
    return _line({"ask": asked.wish.value, **until})


def read_asked(line: bytes) -> Asked:
    """Return the question in a line; ValueError when it is none."""
    said = _object(line)
    wish = Wish(str(said.pop("ask", "")))
    until = None
    if wish is Wish.OPEN:
        until = datetime.fromisoformat(str(said.pop("until", "")))
        if until.tzinfo is None:
            raise ValueError("an instant without its zone")
    if said:
        raise ValueError("more than was to be asked")
    return Asked(wish, until)


def answer_in_words(answer: Answer) -> bytes:
    """Return the line of an answer."""
    reading = answer.reading
    return _line(
        {
            "state": reading.state.value,
            "text": reading.text[:TEXT_MAX],
            "shuts_in_s": reading.shuts_in_s,
            "held_by": answer.held_by,
        }
    )


def refusal_in_words(error: WindowUnavailable) -> bytes:
    """Return the line of a refusal."""
    return _line({"refused": error.message[:TEXT_MAX], "do_next": error.do_next[:TEXT_MAX]})


def read_answer(line: bytes) -> Answer:
    """Return the answer in a line.

    Raises
    ------
    WindowUnavailable
        It is a refusal, or nothing that the watchdog says.
    """
    try:
        said = _object(line)
        if "refused" in said:
            raise WindowUnavailable(str(said["refused"]), do_next=str(said.get("do_next", "")))
        shuts_in_s = said["shuts_in_s"]
        reading = WindowReading(
            state=WindowState(str(said["state"])),
            text=str(said["text"]),
            shuts_in_s=None if shuts_in_s is None else int(str(shuts_in_s)),
        )
        return Answer(reading=reading, held_by=int(str(said["held_by"])))
    except (ValueError, KeyError) as error:
        raise WindowUnavailable(
            "What keeps the network window gave an answer that is none.",
            do_next="See `systemctl status beamkeeper-window`.",
        ) from error


def _line(said: dict[str, object]) -> bytes:
    return json.dumps(said).encode() + b"\n"


def _object(line: bytes) -> dict[str, object]:
    if len(line) > LINE_BYTES_MAX:
        raise ValueError("a line that is too long")
    try:
        said = json.loads(line)
    except RecursionError as error:
        raise ValueError("a line that is too deep") from error
    if not isinstance(said, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - all that is wrong with a line is a ValueError
    return said
