"""`kill -9` at any step of a run over plain copies: nothing is lost, nothing proved is sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from forked import OBJECTS_A_BATCH
from night_site import NIGHT_1, SmallSite, at

from beamkeeper.app.jobs.copying import run_copies
from beamkeeper.app.jobs.runtime import open_ledger
from beamkeeper.rehearse.sim import Archive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from forked import Forks

pytestmark = pytest.mark.long

MARKS = (
    *("taken", "sent", "judged", "remembered"),
    *("taken:2", "sent:2", "judged:2", "remembered:2"),
    *("ended", "noted"),
)
SECTION = """
[[copies]]
name = "partner"
kind = "dicom"
ae_title = "PARTNER"
host = "127.0.0.1"
port = {port}
"""


class Partner(Archive):
    """A store that counts what it is sent."""

    taken_count = 0

    def _on_store(self, event: Any) -> int:
        self.taken_count += 1
        return super()._on_store(event)


@pytest.fixture
def partner(kept_site: SmallSite, tmp_path: Path) -> Iterator[Partner]:
    (tmp_path / "partner").mkdir()
    with Partner(tmp_path / "partner", ae_title="PARTNER") as store:
        with kept_site.site_file.open("a", encoding="utf-8") as file:
            file.write(SECTION.format(port=store.port))
        yield store


@pytest.mark.parametrize("mark", MARKS)
def test_a_run_killed_at_a_step_is_gone_on_with_where_it_was(
    kept_site: SmallSite, partner: Partner, forked: Forks, mark: str
) -> None:
    clock = at(NIGHT_1, 12)
    memory = open_ledger(kept_site.site).mirrors
    is_killed = forked.is_killed("copies", kept_site, clock.now(), mark)
    remembered = {proof.name for proof in memory.proofs("copies:partner")}
    taken_before = partner.taken_count
    (outcome,) = run_copies(kept_site.site, clock, kept_site.site.copies)

    assert is_killed
    assert outcome.state.value == "complete"
    assert outcome.wanted_count == outcome.proved_count > 2 * OBJECTS_A_BATCH
    assert outcome.sent_count == outcome.wanted_count - len(remembered)
    assert taken_before - len(remembered) in {0, OBJECTS_A_BATCH}, "at most the batch in hand goes twice"
    there = {
        uid
        for row in kept_site.runtime().ledger.patients()
        for uid in partner.uids_of(row.patient.patient_id)
    }
    assert there == {proof.name.split("/")[1] for proof in memory.proofs("copies:partner")}
    assert not [path for path in (kept_site.site.data_dir / "copies").rglob("*") if path.is_file()]
