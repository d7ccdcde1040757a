"""How values are said on paper: bounded, nothing hidden in them, dates as year-month-day."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

LINE_CHARACTERS_MAX, NOTE_CHARACTERS_MAX = 240, 2_000
"""More than that nobody reads on paper; what was cut is said."""
_CUT_BEFORE = re.compile(r"… \(cut: ([0-9,]{1,20}) characters in all\)\Z")
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Unicode categories that show nothing, or reorder what stands around them."""
LANGUAGES = {
    "ar": "Arabic", "bg": "Bulgarian", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew",
    "hr": "Croatian", "hu": "Hungarian", "it": "Italian", "ja": "Japanese", "lb": "Luxembourgish",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sk": "Slovak", "sl": "Slovenian", "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "tr": "Turkish",
    "uk": "Ukrainian", "zh": "Chinese",
}  # fmt: skip
SEXES = {"F": "female", "M": "male", "O": "other"}
COLUMNS = 80
"""Of a terminal."""


def code_point(sign: str) -> str:
    """Return a character that cannot be shown as what it is called: "‹U+202E›"."""
    return f"‹U+{ord(sign):04X}›"


def line(text: str, *, longest: int = LINE_CHARACTERS_MAX) -> str:
    """Return text for one line: blanks joined, hidden characters named, cut with a word when too long."""
    kept = unicodedata.normalize("NFC", text[: 4 * longest])
    return _bounded(" ".join(_cut_blanks(kept)), longest, _characters(text))


def note(text: str) -> str:
    """Return text of several lines, each as `line` does, cut with a word when too long."""
    kept = unicodedata.normalize("NFC", text[: 4 * NOTE_CHARACTERS_MAX])
    lines = (" ".join(_cut_blanks(part)) for part in kept.splitlines())
    return _bounded("\n".join(part for part in lines if part), NOTE_CHARACTERS_MAX, _characters(text))


def _cut_blanks(text: str) -> list[str]:
    return ["".join(map(visible, word)) for word in text.split()]


def visible(sign: str) -> str:
    """Return a character, or what it is called where it shows nothing or reorders what stands around it."""
    if sign == "\u00ad":  # a soft hyphen is meant not to be seen
        return ""
    return code_point(sign) if unicodedata.category(sign) in _HIDDEN else sign


def _bounded(text: str, longest: int, whole: int) -> str:
    if len(text) <= longest and whole <= 4 * longest:
        return text
    return said_cut(text[:longest], whole)


def said_cut(beginning: str, whole: int) -> str:
    """Return the beginning of a text with the word that says how long all of it is."""
    return f"{beginning}… (cut: {whole:,} characters in all)"


def _characters(text: str) -> int:
    """Return how long a text is, or was before whoever read it cut it and said so."""
    said = _CUT_BEFORE.search(text[-60:])
    return int(said.group(1).replace(",", "")) if said else len(text)


def at(instant: datetime | None, zone: ZoneInfo) -> str:
    """Return an instant on the site's clocks, to the minute; "no date" for None."""
    return "no date" if instant is None else instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def clock(instant: datetime | None, zone: ZoneInfo) -> str:
    """Return the time of day on the site's clocks; "?" for None."""
    return "?" if instant is None else instant.astimezone(zone).strftime("%H:%M")


def day(on: date) -> str:
    """Return a day with its weekday: "Mon 2026-03-02"."""
    return f"{('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[on.weekday()]} {on.isoformat()}"


def weekday_at(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant with its weekday: "Mon 2026-03-02 08:15"."""
    local = instant.astimezone(zone)
    return f"{day(local.date())} {local:%H:%M}"


def gy(dose_gy: float | None) -> str:
    """Return a dose; "not stated" for None."""
    return "not stated" if dose_gy is None else f"{dose_gy:.2f} Gy"


def number(value: float | None, digits: int = 1) -> str:
    """Return a number with so many digits; "–" for None."""
    return "–" if value is None else f"{value:.{digits}f}"


def plural(count: int, one: str, many: str = "") -> str:
    """Return "1 beam", "2 beams"."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def age(born: date, on: date) -> int:
    """Return the years somebody born then has on that day."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def language(code: str) -> str:
    """Return a language by its name: "Dutch"; as it is written where it is no code known here."""
    return LANGUAGES.get(code.strip().lower(), line(code))


def columns_of(text: str) -> int:
    """Return how many columns of a terminal a text takes: two for wide signs, none for marks above others."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def wrapped(text: str, width: int = COLUMNS, *, first: str = "", rest: str = "") -> Iterator[str]:
    """Yield lines of at most `width` columns; a word that is longer is cut, and goes on in the next.

    Parameters
    ----------
    first, rest
        What the first line begins with, and every other.
    """
    start, used, is_empty = first, columns_of(first), True
    for word in _parts(text, width - max(columns_of(first), columns_of(rest))):
        wide = columns_of(word)
        if not is_empty and used + 1 + wide > width:
            yield start
            start, used, is_empty = rest, columns_of(rest), True
        start, used = (start + word, used + wide) if is_empty else (f"{start} {word}", used + 1 + wide)
        is_empty = False
    yield start.rstrip()


def _parts(text: str, most: int) -> Iterator[str]:
    """Yield the words of a text, those wider than a line in pieces."""
    for word in text.split():
        if columns_of(word) <= most:
            yield word
            continue
        part, used = "", 0
        for sign in word:
            wide = columns_of(sign)
            if used + wide > most:
                yield part
                part, used = "", 0
            part, used = part + sign, used + wide
        yield part
