"""The contact list: everybody by name, whom to call first, and who answers for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.domain.words import language
from beamkeeper.protect.lists.page import (
    Cell,
    Column,
    Group,
    Line,
    Page,
    PageRow,
    Style,
    cell,
    headed,
    identifiers,
    name_of,
)
from beamkeeper.protect.lists.row import Section
from beamkeeper.protect.lists.triage import call_cell, counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.protect.lists.row import ListHead, ListRow

COLUMNS: Final = (
    Column("Patient", 3.2),
    Column("Call first", 2.4),
    Column("Then", 3.4),
    Column("Language", 1.1),
    Column("Physician", 2.6),
    Column("In the triage list", 1.6),
    Column("Called: when, by whom, what was said", 3.0),
)
DECIDES: Final = (
    "Ask name and birth date before you say anything. What a patient is told, a physician decides."
)
NOTES: Final = (
    "Everybody of the night, by name. The patient's own number comes first.",
    "Where none is held, the first other person who has one stands there, as the source orders them.",
)


def contact_page(head: ListHead, rows: Sequence[ListRow]) -> Page:
    """Return the contact list."""
    ordered = sorted(rows, key=lambda row: (name_of(row.patient).casefold(), row.rank))
    without = sum(row.first_call is None for row in rows)
    return headed(
        head,
        title="Contact list",
        summary=(counts(head, rows), f"{without} without any phone number."),
        columns=COLUMNS,
        groups=(Group("Everybody, by name", "", tuple(_row(row) for row in ordered)),) if ordered else (),
        notes=NOTES,
        decides=DECIDES,
        empty="Nobody is on the list of this night. That is not a quiet night: find out why.",
    )


def _row(row: ListRow) -> PageRow:
    first = row.first_call
    called = set(row.own_phones[:2]) if first in row.own_phones else {first}
    others = [item for item in row.patient.contacts if item not in called]
    alike = [text for text in row.warnings if text.startswith("SAME")]
    return PageRow(
        cells=(
            cell(Line(name_of(row.patient), Style.STRONG), Line(identifiers(row.patient))),
            call_cell(row),
            cell(*(Line(contact_in_words(item.relation, item.name, item.phone)) for item in others)),
            cell(language(row.patient.language) or "–"),
            _physicians(row),
            cell(Line(f"no. {row.rank}", Style.STRONG), Line(_where(row), Style.SMALL)),
            (),
        ),
        under=tuple(Line(text, Style.MARK) for text in alike),
    )


def contact_in_words(relation: str, name: str, phone: str) -> str:
    """Return one contact in a line."""
    who = f"{name} ({relation})" if name and relation else name or relation
    return f"{who}: {phone or 'no number'}"


def _physicians(row: ListRow) -> Cell:
    if not row.physicians:
        return cell("–")
    said = (" ".join(filter(None, (f"{item.role}:", item.name, item.phone))) for item in row.physicians)
    return cell(*(Line(text) for text in said))


def _where(row: ListRow) -> str:
    return "not ready" if row.section is Section.NOT_READY else row.section.value.lower()
