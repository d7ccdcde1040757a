"""Whole nights before the tables of ARIA and of MOSAIQ: list, copies, positions, documents, dossiers."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2
from vendor_site import before_a_product, truth

from beamkeeper.domain.night import NightOutcome
from beamkeeper.domain.position import ConflictKind
from beamkeeper.rehearse.sim import DayEventKind, OisKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from night_site import SmallSite

    from beamkeeper.domain.night import NightReport

VENDORS = (OisKind.ARIA, OisKind.MOSAIQ)
ASKED = frozenset({ConflictKind.SUPERSEDED, ConflictKind.FOLLOWED})
"""What a new plan makes the report ask: which of two plans is valid."""


class Kept:
    """A site after its first night: an arc, and step-and-shoot of which one fraction was continued."""

    def __init__(self, root: Path, site: SmallSite) -> None:
        self.site = site
        self.truth = truth(root)
        self.report: NightReport = site.night(NIGHT_1)


@pytest.fixture(scope="module", params=VENDORS)
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    root = tmp_path_factory.mktemp("vendor")
    with before_a_product(root, request.param, patients=2) as (_, site):
        yield Kept(root, site)


def counted(report: NightReport) -> dict[str, dict[str, int]]:
    return {
        night.patient_id: {plan.plan_uid: plan.fractions_complete for plan in night.position.plans}
        for night in report.patients
        if night.position is not None
    }


def conflicts(report: NightReport) -> dict[str, set[ConflictKind]]:
    return {
        night.patient_id: {conflict.kind for plan in night.position.plans for conflict in plan.conflicts}
        for night in report.patients
        if night.position is not None
    }


def papers(site: SmallSite, out: Path, program: Callable[[str], str]) -> list[str]:
    """Return the text of every dossier as it comes back."""
    site.restored(out, NIGHT_2)
    found = []
    for path in sorted(out.rglob("dossier.pdf")):
        done = subprocess.run(
            [program("pdftotext"), "-layout", str(path), "-"], capture_output=True, check=True
        )
        found.append(" ".join(done.stdout.decode().split()))
    return found


def test_everybody_whom_the_product_lists_is_kept_and_stands_where_the_truth_says(kept: Kept) -> None:
    assert counted(kept.report) == kept.truth
    assert kept.report.outcome is NightOutcome.COMPLETE
    assert all(night.document_count == 2 for night in kept.report.patients)


def test_every_way_in_which_the_product_counts_agrees_with_the_records(kept: Kept) -> None:
    census = kept.site.runtime().ledger.last_census()
    assert census is not None
    ways = [len(entry.counts) for entry in census.entries]

    assert ways == [3, 3]
    assert not any(conflicts(kept.report).values())


def test_the_phantom_is_on_no_list(kept: Kept) -> None:
    said = [text for source in kept.report.sources for text in source.warnings]

    assert any(text.startswith("1 test patient is left out") for text in said)
    assert len(kept.report.patients) == 2


def test_the_dossier_says_where_each_stands_and_whom_to_call(
    kept: Kept, tmp_path: Path, program: Callable[[str], str]
) -> None:
    texts = papers(kept.site, tmp_path, program)

    assert len(texts) == 2
    for patient_id, plans in kept.truth.items():
        (text,) = [text for text in texts if patient_id in text]
        assert all(f"{done} of" in text for done in plans.values())
        assert "Vermeulen" in text
        assert "+32 470" in text or "+49 171" in text


@pytest.mark.long
@pytest.mark.parametrize("vendor", VENDORS)
def test_two_nights_of_a_department_with_every_trap_follow_the_day(vendor: OisKind, tmp_path: Path) -> None:
    with before_a_product(tmp_path, vendor, patients=9) as (department, site):
        before, first = truth(tmp_path), site.night(NIGHT_1)
        events = department.play_day_between()
        after, second = truth(tmp_path), site.night(NIGHT_2)
    (unnamed,) = [event for event in events if event.kind is DayEventKind.RECORD_WITHOUT_PLAN]
    replanned = [event.patient_id for event in events if event.kind is DayEventKind.REPLAN]
    follows = {who: plans for who, plans in counted(second).items() if who != unnamed.patient_id}

    assert counted(first) == before
    assert not any(conflicts(first).values())
    assert follows == {who: plans for who, plans in after.items() if who in follows}
    assert set(after) == set(counted(second))
    shown = conflicts(second)
    assert ConflictKind.COUNT_DIFFERS in shown.pop(unnamed.patient_id)
    assert {who for who, kinds in shown.items() if kinds} == set(replanned)
    assert all(kinds <= ASKED for kinds in shown.values())
