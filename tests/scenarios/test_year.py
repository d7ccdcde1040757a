"""A year of 4,000 patients: the OIS, the records and the dossier give one position, or the conflict is shown.

One in eight bears a fault in its evidence. None of them may pass in silence, whatever else happens in the
course: interruptions, two fractions a day, new plans, boosts, other machines. Once with an ARIA, once with a
MOSAIQ.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from itertools import islice
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

import pytest
import year_aria
import year_mosaiq
from year import ASKED_AT, Fault, Quirk, YearPatient, year_of

from beamkeeper.domain.counting import course_position
from beamkeeper.protect.census import CensusWindow, SqlSource
from beamkeeper.protect.dossier import DossierSource, Provenance, make_dossier, render_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from beamkeeper.domain.census import CensusEntry, OisCount
    from beamkeeper.domain.position import CoursePosition
    from beamkeeper.protect.census import OisMapping

ZONE = ZoneInfo("UTC")
IN_ONE_DATABASE = 50


class Product(Protocol):
    """How the year is written into the tables of a product, and asked for."""

    def write(self, path: Path, patients: Iterable[YearPatient]) -> None: ...
    def mapping(self) -> OisMapping: ...


PRODUCTS = pytest.mark.parametrize("product", [year_aria, year_mosaiq], ids=["aria", "mosaiq"])


def listed(product: Product, patients: list[YearPatient], folder: Path) -> dict[str, CensusEntry]:
    """Return what the census reads of some patients out of a product's database."""
    path = folder / f"{patients[0].patient_id}.db"
    product.write(path, patients)
    source = SqlSource(product.mapping(), f"sqlite:///{path}")
    return {e.patient.patient_id: e for e in source.ask(ASKED_AT, CensusWindow()).entries}


def batches(count: int) -> Iterator[list[YearPatient]]:
    patients = year_of(count)
    while batch := list(islice(patients, IN_ONE_DATABASE)):
        yield batch


def stands(patient: YearPatient, entry: CensusEntry) -> CoursePosition:
    return course_position(
        patient.plans, patient.records, patient_id=patient.patient_id, ois_counts=entry.counts
    )


def conflicts_of(position: CoursePosition) -> list[str]:
    everywhere = (*position.conflicts, *(c for plan in position.plans for c in plan.conflicts))
    return [conflict.text for conflict in everywhere]


def dossier_of(patient: YearPatient, entry: CensusEntry, position: CoursePosition) -> str:
    made = make_dossier(
        DossierSource(
            site_name="A year",
            zone=ZONE,
            entry=entry,
            position=position,
            plans=patient.plans,
            records=tuple(patient.records),
            readiness=(),
            provenance=Provenance(),
            as_of=ASKED_AT.astimezone(UTC),
        )
    )
    return " ".join(render_text(made).split())


def _is_true(count: OisCount, truly: tuple[int, int]) -> bool:
    """Whether a way of counting says the truth; one that knows no partial fractions may count one as done."""
    complete, partial = truly
    if count.fractions_partial is None:
        return count.fractions_done in {complete, complete + partial}
    return (count.fractions_done, count.fractions_partial) == truly


def judged(patient: YearPatient, entry: CensusEntry) -> str:
    """Return how the three views of one patient stand to each other; fails where a fault is silent."""
    position = stands(patient, entry)
    shown = conflicts_of(position)
    text = dossier_of(patient, entry, position)
    truly = {uid: (patient.complete[uid], patient.partial[uid]) for uid in patient.complete}
    counted = {plan.plan_uid: (plan.fractions_complete, plan.fractions_partial) for plan in position.plans}
    who = (patient.patient_id, patient.quirk.value, patient.fault)

    assert {count.plan_uid for count in entry.counts} == set(truly), (who, entry.counts)
    for plan in position.plans:
        of = f" of {plan.fractions_planned}"
        assert f"{plan.fractions_complete}{of} fractions complete" in text, (who, text[:2000])
    if patient.fault is not Fault.COURSE_MOVED:
        assert all(map(_is_true, entry.counts, [truly[c.plan_uid] for c in entry.counts])), (
            who,
            entry.counts,
        )
    if patient.fault is None:
        assert counted == truly, (who, shown)
        assert not shown or patient.quirk is Quirk.REPLANNED, (who, shown)  # which plan is valid is asked
        return "agree"
    assert shown, (who, "a fault that nobody is told of")
    assert all(" ".join(said.split()) in text for said in shown[:1]), (who, shown, text[:2000])
    return f"shown: {patient.fault.name}"


def judge_year(product: Product, count: int, folder: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for batch in batches(count):
        entries = listed(product, batch, folder)
        found.update(judged(patient, entries[patient.patient_id]) for patient in batch)
    return found


@PRODUCTS
def test_every_view_of_a_course_agrees_or_the_conflict_is_shown(product: Product, tmp_path: Path) -> None:
    found = judge_year(product, IN_ONE_DATABASE, tmp_path)

    assert found.pop("agree") > 40
    assert found.total() > 4


@PRODUCTS
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_of_four_thousand_patients_of_a_year_no_fault_is_silent(product: Product, tmp_path: Path) -> None:
    found = judge_year(product, 4000, tmp_path)

    assert found.total() == 4000
    assert all(found[f"shown: {fault.name}"] > 80 for fault in Fault)
