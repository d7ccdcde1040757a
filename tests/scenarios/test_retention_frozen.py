"""While an incident is open nothing is removed anywhere; what was begun stands still until it is closed."""

from __future__ import annotations

import pytest
from night_site import at
from retention_site import LATER, release, run_retention

from beamkeeper.app.jobs.hourly import run_hour
from beamkeeper.errors import StorageFull
from beamkeeper.vault import LocalStore
from beamkeeper.vault.hold import Hold, lift_hold, place_hold


def test_a_removal_that_was_begun_stands_still_while_an_incident_is_open(
    over, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_store: LocalStore, _name: str) -> None:
        raise StorageFull("The vault directory cannot be written.")

    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "delete", refuse)
        with pytest.raises(StorageFull):
            run_retention(site)
    store, copies = LocalStore(site.vault_dir), (site.vault_dir / "targets", site.root / "usb" / "targets")
    before = [sorted(folder.glob(f"{gone.pseudonym}/*")) for folder in copies]
    place_hold(store, Hold(incident_id="2026-04-20-kqzt", declared_at=at(LATER, 12).now()))
    run_hour(site.site, at(LATER, 13))
    outcome = run_retention(site, hour=14)

    assert all(before)
    assert [sorted(folder.glob(f"{gone.pseudonym}/*")) for folder in copies] == before
    assert (outcome.removed, outcome.finished) == ((), ())
    lift_hold(store)
    run_hour(site.site, at(LATER, 15))
    assert [row.pseudonym for row in run_retention(site, hour=16).finished] == [gone.pseudonym]
    assert not [path for folder in copies for path in folder.glob(f"{gone.pseudonym}/*")]


def test_no_place_is_asked_to_remove_while_an_incident_is_open(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    (site.root / "usb").rename(site.root / "away")
    assert [row.pseudonym for row in run_retention(site).waiting] == [gone.pseudonym]
    (site.root / "away").rename(site.root / "usb")
    store, there = LocalStore(site.vault_dir), site.root / "usb" / "targets" / gone.pseudonym
    place_hold(store, Hold(incident_id="2026-04-20-kqzt", declared_at=at(LATER, 12).now()))
    outcome = run_retention(site, hour=14)

    assert list(there.iterdir())
    assert "2026-04-20-kqzt is open" in outcome.errors[0]
    lift_hold(store)
    run_retention(site, hour=15)
    assert not there.exists() or not list(there.iterdir())
