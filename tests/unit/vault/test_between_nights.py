"""What is published between two nights: named at once, and no sign that a night has run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.vault.small_vault import Site

    from beamkeeper.vault import ParcelEntry


def between(site: Site, entries: list[ParcelEntry], day: int) -> None:
    site.vault().publish(entries, night=site.night(day), now=site.now, expires_at=None, keys=site.keys)


def test_a_publication_between_two_nights_names_its_parcels(site) -> None:
    site.play("A", 1, {"1.1": b"a plan"})
    vault = site.vault()
    entry = site.seal(vault, "A", 2, {"1.2": b"a fraction"})
    between(site, [entry], 2)

    assert entry in site.vault().entries()


def test_a_publication_between_two_nights_adds_no_night_and_renews_no_expiry(site) -> None:
    site.play("A", 1, {"1.1": b"a plan"})
    before = site.vault()
    between(site, [site.seal(before, "A", 2, {"1.2": b"a fraction"})], 2)
    after = site.vault()

    assert after.nights() == before.nights()
    assert after.expires_at == before.expires_at


def test_a_vault_fed_between_nights_only_turns_stale(site) -> None:
    site.play("A", 1, {"1.1": b"a plan"})
    later = site.vault().expires_at + timedelta(minutes=1)
    between(site, [site.seal(site.vault(), "A", 2, {"1.2": b"a fraction"})], 2)

    assert site.vault().is_stale(later)
