"""Tables of a PDF read back by where their words stand, as another program (pdftotext) finds them."""

from __future__ import annotations

import html
import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_WORD = re.compile(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="[\d.]+" yMax="[\d.]+">(.*?)</word>')
SAME_LINE_PT = 3.0
FOREIGN_PT = 19.0
"""A line further below is of no table any more: titles keep their distance."""


@dataclass(frozen=True)
class Word:
    left: float
    top: float
    text: str


Lines = list[list[Word]]
"""The lines of a page from above, the words of each from the left."""


@dataclass
class Row:
    """One row of a table.

    Attributes
    ----------
    first
        What stands in the first column of its first line, or of the row before where it has nothing.
    """

    first: str
    words: list[str] = field(default_factory=list)

    def holds(self, figures: Sequence[str]) -> bool:
        """Whether every figure stands in the row, as often as it is asked for."""
        return not Counter(figures) - Counter(self.words)


@dataclass(frozen=True)
class Head:
    """The head of a table.

    Attributes
    ----------
    key, after
        First words of two heads beside each other, both set to the left unless `key` is the first: a word
        between them begins a row.
    """

    text: str
    key: str
    after: str


def pages_of(pdf: Path, program: str) -> list[Lines]:
    """Return the lines of every page."""
    done = subprocess.run([program, "-bbox", str(pdf), "-"], capture_output=True, check=True)
    pages = []
    for page in done.stdout.decode().split("<page ")[1:]:
        found = [
            Word(float(left), float(top), html.unescape(text)) for left, top, text in _WORD.findall(page)
        ]
        lines: Lines = []
        for word in sorted(found, key=lambda word: word.top):
            if not lines or word.top - lines[-1][0].top > SAME_LINE_PT:
                lines.append([])
            lines[-1].append(word)
        pages.append([sorted(line, key=lambda word: word.left) for line in lines])
    return pages


def tables(pages: Sequence[Lines], head: Head) -> dict[str, list[Row]]:
    """Return the rows under every such head by the title above it, those of one title together."""
    found: dict[str, list[Row]] = {}
    title = ""
    for lines in pages:
        at_heads = [at for at, line in enumerate(lines) if _text(line) == head.text]
        for at, end in pairwise((*at_heads, len(lines))):
            above = _text(lines[at - 1]) if at else ""
            title = above if above.startswith("Plan ") else title
            _read(lines[at:end], head, found.setdefault(title, []))
    return found


def _text(line: Sequence[Word]) -> str:
    return " ".join(word.text for word in line)


def _read(lines: Lines, head: Head, rows: list[Row]) -> None:
    left = {word.text: word.left - 1 for word in reversed(lines[0])}
    second = lines[0][1].left - 1
    start = left[head.key] if head.key != lines[0][0].text else 0.0
    for before, line in pairwise(lines):
        if line[0].top - before[0].top > FOREIGN_PT:
            return
        if any(start <= word.left < left[head.after] for word in line):
            own = " ".join(word.text for word in line if word.left < second)
            rows.append(Row(own or (rows[-1].first if rows else "")))
        if rows:
            rows[-1].words += [word.text for word in line]
