"""What moved, drawn: both versions come back out of the vault, of the night that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from night_site import NIGHT_1, NIGHT_2, NIGHT_3, SmallSite, make_objects
from source_changes import move_a_leaf

from beamkeeper.app.jobs import drawn

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.domain.night import NightReport
    from beamkeeper.protect.report.drawing import Drawing

BREAST = 2


def drawings(site: SmallSite, report: NightReport, uid: str) -> tuple[Drawing, ...]:
    (patient,) = report.patients
    (comparison,) = [item for item in patient.comparisons if item.sop_instance_uid == uid]
    runtime = site.runtime(NIGHT_3)
    return drawn.drawings(
        runtime.vault,
        runtime.ledger,
        runtime.keys.identities,
        night=report.run_on,
        pseudonym=patient.pseudonym,
        comparison=comparison,
    )


def test_each_night_draws_its_own_old_and_new(tmp_path: Path) -> None:
    make_objects(tmp_path / "source", who=(BREAST,))
    site = SmallSite.make(tmp_path)
    first = site.night(NIGHT_1)
    uid = move_a_leaf(site, f"p{BREAST}", by_mm=5.0)
    second = site.night(NIGHT_2)
    move_a_leaf(site, f"p{BREAST}", by_mm=2.0)
    third = site.night(NIGHT_3)

    assert drawings(site, first, uid) == ()
    assert round(drawings(site, second, uid)[0].largest_mm, 3) == 5.0
    last = drawings(site, third, uid)
    assert round(last[0].largest_mm, 3) == 2.0
    assert last[0].svg.startswith("<svg")
    assert "leaves and jaws" in last[0].title
