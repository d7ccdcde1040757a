"""How two versions of a document differ, asked of a process that may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.protect.documents.difference import SHOWN_MAX
from beamkeeper.protect.documents.texts import READ
from beamkeeper.protect.documents.visible import visible

if TYPE_CHECKING:
    from pathlib import Path

READING_S_MAX: Final = 30.0
ANSWER_BYTES_MAX: Final = 64 << 10
CHARACTERS_MAX: Final = 400
HARMFUL: Final = "reading it took more time or memory than a document may take"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDifference:
    """How the texts of two versions differ.

    Attributes
    ----------
    pairs
        A line before and now each; None where that side has none.
    more_count
        Different lines beyond those.
    line_counts
        Lines before and now: (0, 0) where neither has text, as of a scan.
    not_read
        Why nothing is known, in words; "" otherwise.
    """

    pairs: tuple[tuple[str | None, str | None], ...] = ()
    more_count: int = 0
    line_counts: tuple[int, int] = (0, 0)
    not_read: str = ""


def is_readable(media_type: str) -> bool:
    """Return whether the text of a kind of document can be read."""
    return media_type in READ


def text_difference(
    before: Path, before_type: str, now: Path, now_type: str, *, time_s_max: float = READING_S_MAX
) -> TextDifference:
    """Return how the texts of two files differ; never raises for what is in them."""
    command = [sys.executable, "-I", "-m", "beamkeeper.protect.documents.reader_main"]
    with before.open("rb") as old, now.open("rb") as new:
        given = (old.fileno(), new.fileno())
        process = subprocess.Popen(
            [*command, *map(str, given), before_type, now_type],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=given,
            env={},
            cwd="/",
            start_new_session=True,
        )
    with process:
        try:
            answer, _ = process.communicate(timeout=time_s_max)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            answer = b""
    return _understood(answer) if process.returncode == 0 else TextDifference(not_read=HARMFUL)


def _understood(answer: bytes) -> TextDifference:
    """Return what the process said; it has read a hostile file, so its word is checked."""
    try:
        told = json.loads(answer[:ANSWER_BYTES_MAX])
        if why := told.get("not_read"):
            return TextDifference(not_read=_line(why) or HARMFUL)
        before_count, now_count = told["lines"]
        return TextDifference(
            pairs=tuple((_line(old), _line(new)) for old, new in told["pairs"][:SHOWN_MAX]),
            more_count=int(told["more"]),
            line_counts=(int(before_count), int(now_count)),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return TextDifference(not_read=HARMFUL)


def _line(text: Any) -> str | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise TypeError("a line is no text")
    return visible(text)[:CHARACTERS_MAX]
