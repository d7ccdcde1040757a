"""The binder put together: lists, then each patient's dossier and chart sheets, in the order of the list.

Sheets whose facts did not change are taken from the binder's own folder in the data directory, where they lie
under the digest of what is on them; what the last binder did not use is removed from there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, time
from functools import partial
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.errors import ConfigError
from beamkeeper.protect.dossier import DossierSource, Provenance, make_dossier, render_pdf
from beamkeeper.protect.lists import Section, list_rows
from beamkeeper.protect.lists.binder import PART_BYTES_MAX, Binder, Entry, Part, bind, is_pdf
from beamkeeper.protect.lists.chart_sheet import chart_facts, chart_pdf
from beamkeeper.protect.lists.contacts import contact_page
from beamkeeper.protect.lists.page import identifiers, name_of
from beamkeeper.protect.lists.pdf import page_pdf
from beamkeeper.protect.lists.row import DECIDES
from beamkeeper.protect.lists.schedule import schedule_page
from beamkeeper.protect.lists.triage import counts, triage_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from beamkeeper.app.jobs.binder_dossiers import Dossiers
    from beamkeeper.app.jobs.lists import Gathered
    from beamkeeper.protect.lists import ListHead, ListRow, Person

FOLDER: Final = "binder"
NOT_READABLE: Final = "the dossier at hand cannot be read: one without pictures stands in its place"
RECORDS_SINCE: Final = "records came since the night: a dossier without pictures, which knows them"
LATER_NIGHTS: Final = "Nobody has confirmed what later nights brought."


class SheetCache:
    """Sheets by the digest of what is on them.

    Parameters
    ----------
    folder
        Where they lie, for their owner only; None to keep none.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder, self._used = folder, set[str]()
        self.made = 0

    def get(self, kind: str, facts: bytes, make: Callable[[], bytes]) -> bytes:
        """Return the sheet of these facts, made now unless it is kept."""
        name = f"{hashlib.sha256(kind.encode() + b':' + facts).hexdigest()}.pdf"
        self._used.add(name)
        if self._folder is not None:
            try:
                kept = (self._folder / name).read_bytes()
            except OSError:
                kept = b""
            if is_pdf(kept):
                return kept
        made = make()
        self.made += 1
        if self._folder is not None:
            write_whole(self._folder / name, made)
        return made

    def forget_the_rest(self) -> None:
        """Remove the sheets that were not asked for: they show how things no longer are."""
        if self._folder is not None and self._folder.is_dir():
            for path in self._folder.glob("*.pdf"):
                if path.name not in self._used:
                    path.unlink(missing_ok=True)


def make_binder(found: Gathered, *, cache: SheetCache, dossiers: Dossiers) -> bytes:
    """Return the binder of a night as PDF.

    Parameters
    ----------
    dossiers
        Gives a patient's dossier; None where there is none.
    """
    head, rows = found.head, list_rows(found.persons, found.head)
    persons = {person.pseudonym: person for person in found.persons}
    binding = _Binding(head, cache, dossiers)
    parts, entries = list(_lists(head, rows)), []
    for index, row in enumerate(rows):
        mine, remark = binding.of_patient(persons[row.pseudonym], row, index)
        parts += mine
        entries.append(_entry(row, remark))
    bound = bind(
        Binder(
            head=head,
            counts=(counts(head, rows), _sheets_in_words(parts, at_hand=binding.at_hand)),
            parts=tuple(parts),
            entries=tuple(entries),
            decides=DECIDES,
        )
    )
    cache.forget_the_rest()
    return bound


def dossiers_in(folder: Path) -> Dossiers:
    """Return a giver of the dossiers in a folder, each a PDF named by the patient's folder in the vault.

    Raises
    ------
    ConfigError
        There is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder.", do_next="Name the folder of the dossiers.")

    def give(person: Person) -> bytes | None:
        try:
            with (folder / f"{person.pseudonym}.pdf").open("rb") as file:
                return file.read(PART_BYTES_MAX + 1)
        except OSError:
            return None

    return give


def _lists(head: ListHead, rows: tuple[ListRow, ...]) -> Iterator[Part]:
    made_at = int(head.made_at.timestamp())
    for page in (triage_page(head, rows), contact_page(head, rows), schedule_page(head, rows)):
        yield Part(title=page.title, pdf=page_pdf(page, made_at=made_at, numbered=False))


@dataclass(slots=True)
class _Binding:
    """What the parts of every patient are made with; `at_hand` counts the dossiers that were given."""

    head: ListHead
    cache: SheetCache
    dossiers: Dossiers
    at_hand: int = 0

    def of_patient(self, person: Person, row: ListRow, index: int) -> tuple[list[Part], str]:
        """Return the parts of one patient, and what is to be said of them among the contents."""
        dossier = self.dossiers(person)
        if dossier is not None and is_pdf(dossier):
            parts, remark = [Part(title="Dossier", pdf=dossier, kind="dossier", patient=index)], ""
            self.at_hand += 1
        else:
            remark = self._why_without(person) if dossier is None else NOT_READABLE
            parts = [Part(title="Dossier", pdf=self._made(person), kind="dossier", patient=index)]
        for facts in chart_facts(person, row, self.head.zone):
            sheet = self.cache.get("chart", facts.encode(), partial(chart_pdf, facts))
            parts.append(Part(title="Chart sheet", pdf=sheet, kind="chart", patient=index))
        return parts, remark

    def _why_without(self, person: Person) -> str:
        return RECORDS_SINCE if person.as_of is not None else ""

    def _made(self, person: Person) -> bytes:
        """Return a dossier made of the facts, without pictures: these need the bytes of images and dose."""
        zone, contents = self.head.zone, [item.content for item in person.objects]
        dossier = make_dossier(
            DossierSource(
                site_name=self.head.site_name,
                zone=zone,
                entry=person.entry,
                position=person.position,
                plans=person.plans,
                records=tuple(item for item in contents if isinstance(item, TreatmentRecord)),
                readiness=person.readiness,
                provenance=self._provenance(person),
                as_of=person.as_of or datetime.combine(self._night(person), time(), tzinfo=zone),
                objects=person.objects,
                problems=person.doubts,
                night_phone=self.head.night_phone,
                namesakes=person.namesakes,
            )
        )
        return self.cache.get("dossier", repr(dossier).encode(), partial(render_pdf, dossier))

    def _night(self, person: Person) -> date:
        """Return the night that looked at what the dossier says: a copy stays while nothing changes."""
        return person.night if person.passed_over else self.head.night

    def _provenance(self, person: Person) -> Provenance:
        if person.passed_over:
            return Provenance(night=person.night, remark=LATER_NIGHTS)
        by = self.head.confirmed_by
        return Provenance(night=self.head.night, confirmed_by=by, trust=self.head.trust)


def _entry(row: ListRow, remark: str) -> Entry:
    open_lines = [line for line in row.plans if line.section in {Section.ON_TREATMENT, Section.READY}]
    return Entry(
        rank=row.rank,
        name=name_of(row.patient),
        identifiers=identifiers(row.patient),
        next_fraction="; ".join(f"{line.label}: {line.next_fraction}" for line in open_lines)
        or row.section.value.partition(":")[0].lower(),
        remark=remark,
    )


def _sheets_in_words(parts: list[Part], at_hand: int) -> str:
    dossiers = sum(part.kind == "dossier" for part in parts)
    charts = sum(part.kind == "chart" for part in parts)
    made = dossiers - at_hand
    without = f" ({made} made for this binder, without pictures)" if made else ""
    sheets = f"{charts} chart sheets, one for each plan on treatment or ready to start"
    return f"{dossiers} dossiers{without}, {sheets}."
