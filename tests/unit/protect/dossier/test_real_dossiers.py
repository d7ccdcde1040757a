"""Every real set gives a dossier, and each row of its tables says what pydicom reads in the files."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from file_rows import (
    BEAMS,
    DELIVERED,
    MACHINES,
    MADE_FROM,
    POINTS,
    PRESCRIBED,
    SETUP,
    beam_rows,
    delivered_rows,
    digest_of,
    machine_rows,
    objects_in,
    point_rows,
    prescribed_row,
    setup_rows,
)
from pdf_tables import pages_of, tables

from beamkeeper.app.cli.dossier_folder import read_folder
from beamkeeper.clock import zone
from beamkeeper.domain.words import line
from beamkeeper.protect.dossier import make_dossier, render_pdf
from beamkeeper.protect.dossier.standing import is_open, label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from file_rows import Figures
    from pdf_tables import Head, Lines, Row
    from pydicom import Dataset

    from beamkeeper.protect.dossier import DossierSource

AS_OF = datetime(2026, 11, 22, 8, tzinfo=UTC)
SETS = (
    "eclipse-breast-dicompyler",
    "eclipse-prostate-slicerrt",
    "ihero-brto-fullrefset",
    "ihero-brto-older-release",
    "ihero-mmro-transparency",
    "ihero-treatment-records",
    "monaco-hn-proknow",
    "oncentra-phantom-rtkit",
    "proton-dcpt-let",
    "rtimage-portal",
    "tps-singles-pymedphys",
)


def sources(folder: Path) -> tuple[DossierSource, ...]:
    reading = read_folder(folder, zone=zone("Europe/Brussels"), as_of=AS_OF, track=lambda files: files)
    assert not reading.broken
    return reading.sources


class Paper:
    """A dossier that was read back."""

    def __init__(self, pages: Sequence[Lines]) -> None:
        self._pages = pages
        self._read: dict[Head, dict[str, list[Row]]] = {}

    def _tables(self, head: Head) -> dict[str, list[Row]]:
        if head not in self._read:
            self._read[head] = tables(self._pages, head)
        return self._read[head]

    def rows(self, head: Head) -> list[Row]:
        """Return the rows of every table of a kind."""
        return list(chain.from_iterable(self._tables(head).values()))

    def lacks(self, head: Head, rows: Iterable[Figures]) -> Iterator[Figures]:
        """Yield what no row of these tables holds."""
        there = self.rows(head)
        yield from (figures for figures in rows if not any(row.holds(figures) for row in there))

    def lacks_of(
        self, head: Head, title: str, rows: Iterable[tuple[str, Figures]]
    ) -> Iterator[tuple[str, Figures]]:
        """Yield what no row that begins with the first word holds, under a title."""
        there = self._tables(head).get(f"Plan {title}", [])
        for first, figures in rows:
            if not any(first in {"", *row.first.split()[:1]} and row.holds(figures) for row in there):
                yield first, figures


def lacking_of_plans(paper: Paper, source: DossierSource, files: Mapping[str, Dataset]) -> Iterator[object]:
    """Yield the rows that the plans of a patient should have on the paper and have not."""
    for plan in source.plans:
        file, title = files[plan.sop_instance_uid], label(plan)
        yield from paper.lacks_of(BEAMS, title, beam_rows(file))
        yield from paper.lacks(PRESCRIBED, [prescribed_row(file)])
        if is_open(source, plan):
            yield from paper.lacks_of(POINTS, title, point_rows(file))
            yield from paper.lacks(SETUP, setup_rows(file))
            yield from paper.lacks(MACHINES, machine_rows(file))


def lacking_of_fractions(
    paper: Paper, source: DossierSource, files: Mapping[str, Dataset]
) -> Iterator[object]:
    """Yield the beams that were given, by their records, and that no row of their fraction has."""
    for plan in () if source.position is None else source.position.plans:
        title = line(plan.rt_plan_label) or "(without label)"
        for uid in chain.from_iterable(fraction.record_uids for fraction in plan.fractions):
            yield from paper.lacks_of(DELIVERED, title, delivered_rows(files[uid]))


def lacking_of_objects(paper: Paper, source: DossierSource, files: Mapping[str, Dataset]) -> Iterator[str]:
    """Yield the plans and records whose UID does not stand behind the digest of their bytes."""
    there = ["".join(row.words).replace("\u200b", "") for row in paper.rows(MADE_FROM)]
    for uid in files.keys() & {item.ref.sop_instance_uid for item in source.objects}:
        if not any(said.endswith(f"1{digest_of(files[uid])}{uid}") for said in there):
            yield uid


@pytest.mark.parametrize("name", SETS)
def test_every_patient_of_a_real_set_gets_a_dossier_whose_rows_say_what_the_files_say(
    name: str, real_data: Path, tmp_path: Path, program: Callable[[str], str]
) -> None:
    read = sources(real_data / name)
    assert read
    files = objects_in(real_data / name)
    lacking: list[object] = []
    for number, source in enumerate(read):
        pdf = tmp_path / f"{number}.pdf"
        pdf.write_bytes(render_pdf(make_dossier(source)))
        pages = pages_of(pdf, program("pdftotext"))
        paper = Paper(pages)
        lacking += lacking_of_plans(paper, source, files)
        lacking += lacking_of_fractions(paper, source, files)
        lacking += lacking_of_objects(paper, source, files)
        words = {word.text for found in pages[:1] for one in found for word in one}
        assert source.entry.patient.patient_id.split()[0] in words

    assert lacking == []


def test_the_sets_here_are_the_sets_that_are_tried(real_data: Path) -> None:
    assert tuple(sorted(path.name for path in real_data.iterdir() if path.is_dir())) == SETS


def test_a_proton_fraction_that_was_cut_is_what_comes_next(real_data: Path) -> None:
    read = sources(real_data / "ihero-treatment-records")
    (cut,) = [source for source in read if source.entry.patient.patient_id == "IHE-RO TDW-II 2013"]
    standings = make_dossier(cut).standings

    assert standings[0].next_words == "Ask first: complete fraction 4? of 30"  # no record of the first three
    assert "had 4294.7 of 9335.7 MU" in standings[0].given
