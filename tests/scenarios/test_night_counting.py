"""A night counts by the tolerances of the site file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2, SmallSite, at, make_objects
from pydicom import dcmread

from beamkeeper.app.jobs.rebuilding import rebuild_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.domain.position import PlanPosition

SHORT_BY_MU = 0.5


def give_less(record: Path) -> None:
    """Let the first beam of a record end half an MU early: more than a rounding, less than a mistake."""
    said = dcmread(record)
    beam = said.TreatmentSessionBeamSequence[0]
    last = beam.ControlPointDeliverySequence[-1]
    last.DeliveredMeterset = str(float(last.DeliveredMeterset) - SHORT_BY_MU)
    beam.DeliveredPrimaryMeterset = str(float(beam.DeliveredPrimaryMeterset) - SHORT_BY_MU)
    said.save_as(record)


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    make_objects(tmp_path / "objects", who=(2,), sessions=1)
    give_less(next((tmp_path / "objects").rglob("RTRECORD-1.dcm")))
    return tmp_path / "objects"


@pytest.mark.parametrize(("settings", "complete"), [("", 0), ("[counting]\nmeterset_mu = 1.0\n", 1)])
def test_what_is_missing_of_a_beam_counts_by_the_tolerance_of_the_site(
    tmp_path: Path, objects: Path, settings: str, complete: int
) -> None:
    site = SmallSite.make(tmp_path, objects, settings=settings)
    (patient,) = site.night(NIGHT_1).patients
    assert patient.position is not None
    rebuild_ledger(site.site, at(NIGHT_2))
    (rebuilt,) = site.runtime().ledger.positions(pseudonym=patient.pseudonym)

    assert _counted(patient.position.plans) == _counted(rebuilt.position.plans) == [(complete, 1 - complete)]


def _counted(plans: tuple[PlanPosition, ...]) -> list[tuple[int, int]]:
    return [(plan.fractions_complete, plan.fractions_partial) for plan in plans if plan.fractions]
