"""What the collector remembers between nights is lost, damaged or old: positions are still right."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2, NIGHT_3, make_objects

from beamkeeper.app.jobs.remembered import FORGOTTEN
from beamkeeper.app.jobs.reporting import last_report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from night_site import SmallSite

    from beamkeeper.domain.night import NightReport


def positions(report: NightReport | None) -> dict[str, list[tuple[str, int, int | None]]]:
    assert report is not None
    return {
        night.patient_id: [
            (plan.rt_plan_label, plan.fractions_complete, plan.next_fraction_number)
            for plan in (night.position.plans if night.position else ())
        ]
        for night in report.patients
    }


def lose(facts: Path) -> None:
    facts.unlink()


def damage(facts: Path) -> None:
    facts.write_bytes(facts.read_bytes()[:-20])


@pytest.mark.parametrize("happens", [lose, damage])
def test_lost_facts_are_read_again_from_the_vault_and_positions_stay(
    kept_site: SmallSite, happens: Callable[[Path], None]
) -> None:
    for facts in (kept_site.site.data_dir / "facts").glob("*.json"):
        happens(facts)
    report = kept_site.night(NIGHT_2)
    after = kept_site.night(NIGHT_3)

    before = positions(last_report(kept_site.site, NIGHT_1))
    assert all(plans and plans[0][1] for plans in before.values())
    assert positions(report) == before
    assert positions(after) == before
    assert all(FORGOTTEN in night.disagreements for night in report.patients)
    assert all(FORGOTTEN not in night.disagreements for night in after.patients)


def test_facts_older_than_the_ledger_are_brought_up_to_it(kept_site: SmallSite, tmp_path: Path) -> None:
    old = tmp_path / "facts-of-night-1"
    shutil.copytree(kept_site.site.data_dir / "facts", old)
    make_objects(kept_site.source, sessions=3)
    second = kept_site.night(NIGHT_2)
    shutil.rmtree(kept_site.site.data_dir / "facts")
    shutil.copytree(old, kept_site.site.data_dir / "facts")
    third = kept_site.night(NIGHT_3)

    assert positions(third) == positions(second)
    assert positions(third) != positions(last_report(kept_site.site, NIGHT_1))
