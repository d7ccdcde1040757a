"""`kill -9` at any point of a removal: nothing is kept that nobody knows of, and nobody else is touched."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite, at
from retention_site import LATER, ledger_of, play_until_later, release, run_retention, vault_of, who_left

if TYPE_CHECKING:
    from pathlib import Path

    from forked import Forks

pytestmark = pytest.mark.long

STEPS = ("decided", "removed", "forgotten", "swept", "asked mirror usb", "finished")
NEXT_DAY = LATER.replace(day=LATER.day + 1)


@pytest.fixture(scope="module")
def over_root(tmp_path_factory: pytest.TempPathFactory, kept_root: Path) -> Path:
    site = play_until_later(SmallSite.copied(kept_root, tmp_path_factory.mktemp("over") / "site"))
    release(site, who_left(site).pseudonym, "an", "bo")
    return site.root


def verify_gone(site: SmallSite, pseudonym: str, day, out: Path) -> None:
    assert pseudonym not in vault_of(site, day).pseudonyms()
    for root in (site.vault_dir, site.root / "usb"):
        assert not list((root / "targets").glob(f"{pseudonym}/*"))
    assert pseudonym not in {row.pseudonym for row in ledger_of(site).patients()}
    (row,) = ledger_of(site).removals.all(pseudonym=pseudonym)
    assert (row.state, row.patient) == ("gone", None)
    assert [place.state for place in ledger_of(site).removals.places(row.removal_id)] == ["gone"]
    site.verify_holds_the_source(out, day)


@pytest.mark.parametrize("step", STEPS)
def test_a_removal_killed_at_a_step_is_brought_to_its_end_by_the_next_run(
    tmp_path: Path, over_root: Path, forked: Forks, step: str
) -> None:
    site = SmallSite.copied(over_root, tmp_path / "site")
    gone = who_left(site)
    assert forked.is_killed("retention", site, at(LATER, 12).now(), step)

    opened = vault_of(site)
    assert opened.verify(now=at(LATER, 12).now()).is_sound
    if gone.pseudonym not in opened.pseudonyms():  # the signed statement tells whoever comes after
        assert [one.pseudonym for one in opened.removed()] == [gone.pseudonym]
    run_retention(site, hour=13)
    verify_gone(site, gone.pseudonym, LATER, tmp_path / "out")


@pytest.mark.parametrize("step", ["removed", "forgotten"])
def test_a_night_after_a_killed_removal_goes_on_with_it_and_takes_a_returning_patient_anew(
    tmp_path: Path, over_root: Path, small_objects: Path, forked: Forks, step: str
) -> None:
    site = SmallSite.copied(over_root, tmp_path / "site")
    gone = who_left(site)
    assert forked.is_killed("retention", site, at(LATER, 12).now(), step)
    shutil.copytree(small_objects / "p3", site.source / "p3")
    report = site.night(NEXT_DAY)

    assert report.outcome.value == "complete"
    site.verify_holds_the_source(tmp_path / "out", NEXT_DAY)
    run_retention(site, NEXT_DAY)
    assert gone.pseudonym in vault_of(site, NEXT_DAY).pseudonyms()
    old = [e.path for e in vault_of(site, NEXT_DAY).entries() if f"/{NIGHT_1}-" in e.path]
    assert not [path for path in old if path.startswith(gone.pseudonym)]
