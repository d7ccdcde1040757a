"""What may leave the collector: the report with everybody's name and Patient ID taken out.

Labels of plans, differences in words, errors and warnings quote what people typed, and what databases,
archives and files say, and those say whatever they like. So `fit_for_mail` rewrites the whole report, and
the text is made of nothing else: a text of the report is masked unless its field is named here as our own.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import fields, is_dataclass, replace
from datetime import date
from enum import Enum
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NewType

from beamkeeper.domain.audit import AuditHead
from beamkeeper.domain.change import DOCUMENT, Change, ObjectComparison
from beamkeeper.domain.night import NightReport, NotKept, PatientNight
from beamkeeper.domain.position import Conflict, ConflictKind, CoursePosition

if TYPE_CHECKING:
    from collections.abc import Iterator

MailReport = NewType("MailReport", NightReport)
"""A report in which nobody is named; only `fit_for_mail` makes one."""

SHORTEST_WORD = 3
"""Shorter parts of a name ("de", "Li") are words of every sentence; they name nobody by themselves."""
GLUED_FROM = 5
"""From so many characters on a word is found inside others too: "JansenMaria", "PLAN_4711007b"."""

_OURS: frozenset[tuple[type, str]] = frozenset(
    {
        (NightReport, "site_name"),
        (NightReport, "time_zone"),
        (AuditHead, "sha256"),
        (PatientNight, "pseudonym"),
        (ObjectComparison, "kind"),
    }
)
"""Texts that are Beamkeeper's or the site file's own."""
_LEFT_OUT: frozenset[tuple[type, str]] = frozenset(
    {
        (NightReport, "page_only"),
        (NightReport, "vault_directory"),
        (PatientNight, "patient_id"),
        (PatientNight, "patient_name"),
        (CoursePosition, "patient_id"),
        (ObjectComparison, "sop_class_uid"),
        (ObjectComparison, "sop_instance_uid"),
        (NotKept, "title"),
        (Change, "path"),
        (Change, "old"),
        (Change, "new"),
    }
)
"""What the mail never shows."""
_FORM = partial(unicodedata.normalize, "NFKD")
_ONE_LETTER = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th"})
_TWO_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
"""How letters are written where there are only those of ASCII: without their sign, or as two."""
_PARTS = re.compile(r"[\s^=]+")
_INNER_PARTS = re.compile(r"[\W_]+")


def fit_for_mail(report: NightReport) -> MailReport:
    """Return `report` with every name and Patient ID of its patients replaced by their pseudonym.

    Whom the report does not list cannot be recognised; where a conflict names somebody else, its text
    is left out.
    """
    return MailReport(_without(report, Mask(report)))


def _without(value: Any, mask: Mask) -> Any:
    """Return a value of a report as it may be mailed; a kind of value nobody thought of is refused."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return mask(value)
    if isinstance(value, tuple):
        return tuple(_without(item, mask) for item in value)
    if value is None or isinstance(value, Enum | int | float | date):
        return value
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"a {type(value).__name__} in a report: say here how it may be mailed")
    told: dict[str, Any] = {name: type(getattr(value, name))() for name in _left_out(type(value))}
    shown = _without_content(value) if isinstance(value, ObjectComparison) else value
    told |= {name: _without(getattr(shown, name), mask) for name in _masked(type(value))}
    if isinstance(value, Conflict) and value.kind is ConflictKind.PATIENT_DIFFERS:
        told["text"] = f"{value.kind.value}: not counted; the page names them"
    return replace(value, **told)


def _without_content(item: ObjectComparison) -> ObjectComparison:
    """Return a change, a document's without title and text: letters name people whom no list names."""
    if item.kind != DOCUMENT:
        return item
    changes = tuple(replace(change, text="what changed stands on the page") for change in item.changes[:1])
    return replace(item, label=DOCUMENT, changes=changes)


@cache
def _left_out(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if (kind, field.name) in _LEFT_OUT)


@cache
def _masked(kind: type) -> tuple[str, ...]:
    named = _OURS | _LEFT_OUT
    return tuple(field.name for field in fields(kind) if (kind, field.name) not in named)


class Mask:
    """Replaces, in texts of others, what would name a patient of the report.

    Capitals, accents, and how they are encoded make no difference, as people and systems write names
    with and without them.

    Parameters
    ----------
    report
        Whose patients are meant.
    """

    def __init__(self, report: NightReport) -> None:
        self._who: dict[str, str] = {}
        self._told: dict[str, str] = {}
        for patient in report.patients:
            for word in _naming(patient):
                self._who.setdefault(word, f"[patient {patient.pseudonym[:10]}]")
        longest_first = sorted(self._who, key=len, reverse=True)
        either = "|".join(map(_as_pattern, longest_first))
        self._names = re.compile(either) if either else None

    def __call__(self, text: str) -> str:
        """Return `text` without names and Patient IDs of patients of the report."""
        if self._names is None:
            return text
        if text not in self._told:  # most texts of a night are said of hundreds of images
            self._told[text] = self._replaced(text, self._names)
        return self._told[text]

    def _replaced(self, text: str, names: re.Pattern[str]) -> str:
        folded, places = _folded(text)
        parts, done = [], 0
        for found in names.finditer(folded):
            first, last = places[found.start()], places[found.end() - 1]
            if first >= done:
                parts += [text[done:first], self._who[found[0]]]
            done = last + 1
        return "".join([*parts, text[done:]])


def _naming(patient: PatientNight) -> Iterator[str]:
    """Yield the folded words that name a patient."""
    yield from filter(None, [_folded(patient.patient_id.strip())[0]])
    name = unicodedata.normalize("NFC", patient.patient_name)
    written = (name, name.casefold().translate(_TWO_LETTERS))
    parts = [part for form in written for part in _PARTS.split(_folded(form)[0])]
    for word in (*parts, *(inner for part in parts for inner in _INNER_PARTS.split(part))):
        if len(word) >= SHORTEST_WORD or _is_whole_by_itself(word):
            yield word


def _is_whole_by_itself(word: str) -> bool:
    """Whether letters have no case, as in scripts in which one sign may be a name."""
    return any(unicodedata.category(sign) == "Lo" for sign in word)


def _as_pattern(word: str) -> str:
    if len(word) >= GLUED_FROM or _is_whole_by_itself(word):
        return re.escape(word)
    if len(word) < SHORTEST_WORD:
        return rf"(?<![^\W_]){re.escape(word)}(?![^\W_])"
    return _not_beside(word[0], "(?<!{})") + re.escape(word) + _not_beside(word[-1], "(?!{})")


def _not_beside(sign: str, look: str) -> str:
    """Return where a word may not go on: letters after a letter, digits after a digit ("Jansen2")."""
    if sign.isdigit():
        return look.format(r"\d")
    return look.format(r"[^\W\d_]") if sign.isalpha() else ""


def _folded(text: str) -> tuple[str, range | list[int]]:
    """Return `text` without case, accents and invisible signs, and for each sign where it stood."""
    if text.isascii():
        return text.lower(), range(len(text))
    signs: list[str] = []
    places: list[int] = []
    for place, written in enumerate(text):
        # Upper case first: it makes one letter of the dotless i and the other.
        for sign in _FORM(_FORM(written).upper().casefold()).translate(_ONE_LETTER):
            if sign.isspace() or unicodedata.category(sign) not in {"Mn", "Me", "Cf", "Cc"}:
                signs.append(sign)
                places.append(place)
    return "".join(signs), places
