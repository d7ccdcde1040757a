"""What is stated about lost parcels: only what is true, and so that whoever reads it can check it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import Targets

from beamkeeper.errors import IntegrityError
from beamkeeper.vault import LostParcel, ParcelEntry
from beamkeeper.vault.metadata import EXTENSION, held_in, lost_of

PATIENT = "ID-4711"
DAY = date(2026, 3, 9)


def lose(site) -> tuple[ParcelEntry, ParcelEntry]:
    """Seal a file twice in two nights and lose the first parcel; return the lost one and the newer."""
    lost = site.play(PATIENT, 1, {"1.2.3": b"a plan"})
    (site.folder / "vault" / lost.storage_name).unlink()
    site.objects[PATIENT] = ()
    return lost, site.play(PATIENT, 2, {"1.2.3": b"a plan"})


def state_lost(site, lost: ParcelEntry, *held: ParcelEntry) -> None:
    stated = LostParcel(entry=lost, noticed_on=site.night(2), held_in=tuple(entry.path for entry in held))
    site.vault().publish(
        [],
        night=site.night(2),
        now=site.now,
        expires_at=site.now + timedelta(days=2),
        keys=site.keys,
        lost=[stated],
    )


def test_a_lost_parcel_makes_the_vault_unsound_until_it_is_stated(site) -> None:
    lost, again = lose(site)
    before = site.vault().verify(now=site.now, identities=site.keys.identities)
    state_lost(site, lost, again)
    after = site.vault().verify(now=site.now, identities=site.keys.identities)

    assert [problem.path for problem in before.problems] == [lost.path]
    assert after.is_sound
    assert [one.entry for one in after.lost] == [lost]


def test_a_statement_stays_from_night_to_night(site) -> None:
    lost, again = lose(site)
    state_lost(site, lost, again)
    site.play("ID-2", 3, {"9.9": b"another"})

    assert [one.entry.path for one in site.vault().lost()] == [lost.path]
    assert lost.path not in {entry.path for entry in site.vault().entries()}


def test_a_parcel_that_is_there_cannot_be_stated_lost(site) -> None:
    there = site.play(PATIENT, 1, {"1.2.3": b"a plan"})
    again = site.play(PATIENT, 2, {"1.2.4": b"another"})

    with pytest.raises(IntegrityError, match="cannot be called lost"):
        state_lost(site, there, again)
    assert there in site.vault().entries()


def test_a_parcel_whose_heir_is_not_in_the_vault_cannot_be_stated_lost(site) -> None:
    lost, again = lose(site)
    stranger = ParcelEntry(
        path=again.path.replace("-1.tar", "-7.tar"), sha256=again.sha256, size_bytes=again.size_bytes
    )

    with pytest.raises(IntegrityError, match="is not in the vault"):
        state_lost(site, lost, stranger)


def test_a_statement_that_is_not_true_is_found_with_the_key(site) -> None:
    lost = site.play(PATIENT, 1, {"1.2.3": b"a plan"})
    older = site.play(PATIENT, 2, {"1.2.5": b"something else"})
    (site.folder / "vault" / lost.storage_name).unlink()
    state_lost(site, lost, older)
    report = site.vault().verify(now=site.now, identities=site.keys.identities)

    assert [problem.path for problem in report.problems] == [older.path]


def test_an_heir_that_is_lost_in_its_turn_is_a_problem_of_its_own(site) -> None:
    lost, again = lose(site)
    state_lost(site, lost, again)
    (site.folder / "vault" / again.storage_name).unlink()
    report = site.vault().verify(now=site.now)

    assert [problem.path for problem in report.problems] == [again.path]


def test_what_was_moved_twice_is_found_where_it_stands_today() -> None:
    def lost(number: int, to: int) -> LostParcel:
        entry = ParcelEntry(path=path(number), sha256="0" * 64, size_bytes=1)
        return LostParcel(entry=entry, noticed_on=DAY, held_in=(path(to),))

    def path(number: int) -> str:
        return f"{'a' * 26}/2026-03-0{number}-1.tar.zst.age"

    assert held_in(path(1), {path(1): lost(1, 2), path(2): lost(2, 3)}) == {path(3)}
    assert held_in(path(1), {path(1): lost(1, 2), path(2): lost(2, 1)}) == frozenset()


def test_a_new_parcel_never_takes_the_name_of_a_lost_one(site) -> None:
    lost, again = lose(site)
    state_lost(site, lost, again)
    new = site.play(PATIENT, 1, {"1.2.9": b"late"})

    assert new.path != lost.path


@pytest.mark.parametrize(
    "stated",
    [
        "text",
        [{}],
        [{"path": "x", "sha256": "0" * 64, "length": 1, "noticed_on": "2026-03-02", "held_in": []}],
    ],
)
def test_a_statement_that_cannot_be_read_is_refused(stated: object) -> None:
    targets = Targets(unrecognized_fields={EXTENSION: {"nights": [], "lost": stated}})
    with pytest.raises(IntegrityError, match="lost"):
        lost_of(targets)


def test_the_statement_is_signed_in_plain_words(site) -> None:
    lost, again = lose(site)
    state_lost(site, lost, again)
    files = sorted(Path(site.folder / "vault" / "metadata").glob("*.targets.json"), key=by_version)
    signed = json.loads(files[-1].read_bytes())["signed"]

    assert signed["x-beamkeeper"]["lost"] == [
        {
            "path": lost.path,
            "sha256": lost.sha256,
            "length": lost.size_bytes,
            "noticed_on": "2026-03-03",
            "held_in": [again.path],
        }
    ]


def by_version(path: Path) -> int:
    return int(path.name.partition(".")[0])
