"""A list as people read it: the same page is set as PDF, as HTML and as text."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.patient import shown_name
from beamkeeper.domain.words import SEXES, language, line, weekday_at

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.patient import Patient
    from beamkeeper.protect.lists.row import ListHead


LINE_CHARACTERS_MAX: Final = 1_000
"""More than that nobody reads in a list; what was cut is said."""


class Style(StrEnum):
    """How a line is set: by weight and size, never by colour alone."""

    BIG = "big"
    STRONG = "strong"
    PLAIN = "plain"
    SMALL = "small"
    MARK = "mark"
    """A warning; "▲" stands before it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a cell."""

    text: str
    style: Style = Style.PLAIN

    @property
    def shown(self) -> str:
        """The text with its sign, bounded, with nothing hidden in it."""
        said = line(self.text, longest=LINE_CHARACTERS_MAX)
        return f"▲ {said}" if self.style is Style.MARK else said


Cell = tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `width` is its share of the page."""

    title: str
    width: float


@dataclass(frozen=True, slots=True)
class PageRow:
    """Cells beside one another, and what stands under them over the whole width."""

    cells: tuple[Cell, ...]
    under: Cell = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under a heading; `said` is the sentence beside it."""

    title: str
    said: str
    rows: tuple[PageRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePicture:
    """A picture at the end of a page.

    Attributes
    ----------
    svg
        A drawing that loads nothing; a photograph stands in it.
    """

    svg: bytes
    caption: str
    alternative: str

    @property
    def address(self) -> str:
        """The picture as a `data:` address: inside `img` no script of an SVG ever runs."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One list, whole.

    Attributes
    ----------
    summary
        What the list holds, in sentences: counts that add up.
    notes
        How to read it, in the end.
    pictures
        After the last group.
    empty
        What stands there when no group has a row.
    """

    title: str
    site_name: str
    night: str
    trust: str
    made: str
    warnings: tuple[str, ...]
    summary: tuple[str, ...]
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...]
    decides: str
    empty: str
    pictures: tuple[PagePicture, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is no row at all."""
        return not any(group.rows for group in self.groups)


def headed(
    head: ListHead,
    *,
    title: str,
    summary: tuple[str, ...],
    columns: tuple[Column, ...],
    groups: tuple[Group, ...],
    notes: tuple[str, ...],
    decides: str,
    empty: str,
) -> Page:
    """Return a page under the head that all lists share."""
    unread = tuple(f"NOT LISTED: {text}" for text in head.not_read)
    at_night = (f"The department at night: {line(head.night_phone)}.",) if head.night_phone else ()
    return Page(
        title=title,
        site_name=head.site_name,
        night=f"Night of {head.night:%A %Y-%m-%d}",
        trust=head.trust,
        made=f"Made {at(head.made_at, head.zone)} ({head.zone.key})",
        warnings=(*head.warnings, *unread),
        summary=(*summary, *at_night),
        columns=columns,
        groups=groups,
        notes=(*notes, head.shares) if head.shares else notes,
        decides=decides,
        empty=empty,
    )


def at(instant: datetime | None, zone: ZoneInfo) -> str:
    """Return an instant as the clock on the wall shows it; "–" for None."""
    return "–" if instant is None else weekday_at(instant, zone)


def name_of(patient: Patient) -> str:
    """Return the name as people write it."""
    return line(shown_name(patient.name)) or "(no name)"


def identifiers(patient: Patient, *, sex: bool = True) -> str:
    """Return the two identifiers besides the name, and the sex."""
    issuer = f" ({line(patient.issuer_of_patient_id)})" if patient.issuer_of_patient_id else ""
    born = f"born {patient.birth_on}" if patient.birth_on else "birth date not known"
    said = f" · {_sex(patient)}" if patient.sex and sex else ""
    return f"ID {line(patient.patient_id)}{issuer} · {born}{said}"


def sex_and_language(patient: Patient) -> str:
    """Return "female, speaks Dutch", as far as anybody knows."""
    speaks = f"speaks {language(patient.language)}" if patient.language.strip() else ""
    return ", ".join(filter(None, (_sex(patient), speaks)))


def _sex(patient: Patient) -> str:
    return SEXES.get(patient.sex, line(patient.sex))


def cell(*lines: Line | str | None) -> Cell:
    """Return a cell of lines; plain text is a plain line, nothing is left out."""
    made = (Line(item) if isinstance(item, str) else item for item in lines if item)
    return tuple(item for item in made if item.text)
