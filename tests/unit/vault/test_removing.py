"""A removed patient is gone, named by nothing, and nothing old brings them back; a crash loses no other."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.unit.vault.test_vault_machine import MortalStore, PowerCut
from tuf.api.metadata import Targets

from beamkeeper.errors import ConfigError, IntegrityError, KeyUnavailable, VaultRolledBack
from beamkeeper.vault import LocalStore, LostParcel, RemovedPatient, SiteKeys
from beamkeeper.vault.metadata import EXTENSION, removed_of
from beamkeeper.vault.removed import STATED_FOR, with_removed
from beamkeeper.vault.rollback import accept_rollback, find_rollback

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.vault import ParcelEntry

GOING, STAYING = "ID-1", "ID-2"
WRITES = 3
"""Targets, snapshot, timestamp."""


class Mortal(MortalStore):
    """A store whose machine dies at the n-th write or deletion."""

    def delete(self, name: str) -> None:
        self._before()
        super().delete(name)
        self._afterwards()


@pytest.fixture
def site(site):
    """Two nights of one who goes, one night of one who stays."""
    site.play(GOING, 1, {"1.1": b"a plan"})
    site.play(GOING, 2, {"1.2": b"a record"})
    site.play(STAYING, 2, {"2.1": b"another plan"})
    return site


def who(site, patient: str = GOING) -> str:
    return site.keys.pseudonym("", patient)


def remove(site, *, store=None):
    return site.vault(store=store).remove([who(site)], on=site.night(40), keys=site.keys)


def files_of(site, patient: str = GOING) -> list[str]:
    return list(site.store.list(f"targets/{who(site, patient)}/"))


def verify_only_the_one_is_gone(site) -> None:
    vault = site.vault()
    assert files_of(site) == []
    assert not (site.folder / "vault" / "targets" / who(site)).exists()
    assert vault.pseudonyms() == (who(site, STAYING),)
    assert vault.verify(now=site.now, identities=site.keys.identities).is_sound
    assert len(files_of(site, STAYING)) == 1


def test_a_removed_patient_has_no_file_and_no_name_and_the_other_is_whole(site) -> None:
    names = files_of(site)
    (gone,) = remove(site)

    verify_only_the_one_is_gone(site)
    assert sorted(gone.deleted) == sorted(names)
    assert gone.statement in site.vault().removed()
    with pytest.raises(ConfigError, match="removed by rule on 2026-04-10"):
        site.vault().restore_patient(who(site), identities=site.keys.identities, out_dir=site.folder / "out")


def test_the_statement_is_signed_in_plain_words_and_names_nobody(site) -> None:
    remove(site)
    files = (site.folder / "vault" / "metadata").glob("*.targets.json")
    newest = max(files, key=lambda path: int(path.name.partition(".")[0]))

    assert json.loads(newest.read_bytes())["signed"]["x-beamkeeper"]["removed"] == [
        {
            "pseudonym": who(site),
            "removed_on": "2026-04-10",
            "through": f"{who(site)}/2026-03-03-1.tar.zst.age",
            "parcels": 2,
        }
    ]


def test_removing_feeds_nobody_and_a_second_time_changes_nothing(site) -> None:
    before = site.vault().expires_at
    remove(site)
    timestamp = (site.folder / "vault/metadata/timestamp.json").read_bytes()
    (again,) = remove(site)

    assert site.vault().expires_at == before
    assert again.deleted == ()
    assert (site.folder / "vault/metadata/timestamp.json").read_bytes() == timestamp


def test_what_a_crashed_night_sealed_of_the_patient_goes_too(site) -> None:
    site.seal(site.vault(), GOING, 3, {"1.3": b"never published"})
    remove(site)

    assert files_of(site) == []


def test_what_is_no_parcel_of_ours_is_left_alone_and_named(site) -> None:
    strange = f"targets/{who(site)}/notes.txt"
    (site.folder / "vault" / strange).write_text("whose is this?")
    (gone,) = remove(site)

    assert gone.strange == (strange,)
    assert files_of(site) == [strange]


def test_strangers_keys_remove_nobody(site, tmp_path: Path) -> None:
    keys = SiteKeys.create(tmp_path / "stranger")
    with pytest.raises(KeyUnavailable):
        site.vault().remove([who(site)], on=site.night(40), keys=keys)
    assert len(files_of(site)) == 2


def test_the_parcel_of_the_site_cannot_be_removed(site) -> None:
    with pytest.raises(ValueError, match="only a patient"):
        site.vault().remove(["site"], on=site.night(40), keys=site.keys)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, WRITES + 3))
def test_a_removal_that_dies_anywhere_is_sound_before_and_done_by_repeating(
    site, dies_at: int, after: bool
) -> None:
    with pytest.raises(PowerCut):
        remove(site, store=Mortal(site.store, dies_at=dies_at, after=after))
    unnamed = dies_at > WRITES or (dies_at == WRITES and after)
    vault = site.vault()

    assert (who(site) in vault.pseudonyms()) is not unnamed
    assert bool(vault.removed()) is unnamed
    if unnamed:  # whatever is left is covered by the statement
        assert {one.pseudonym for one in vault.removed()} == {who(site)}
    assert vault.verify(now=site.now, identities=site.keys.identities).is_sound
    remove(site)
    verify_only_the_one_is_gone(site)


def test_a_store_that_keeps_what_it_was_told_to_delete_is_named(site) -> None:
    class Keeping(MortalStore):
        def delete(self, name: str) -> None:
            pass

    with pytest.raises(IntegrityError, match="still listed"):
        remove(site, store=Keeping(site.store, dies_at=0, after=False))


def test_a_patient_who_comes_back_gets_new_parcels_and_an_old_removal_spares_them(site) -> None:
    remove(site)
    site.objects.pop(GOING)
    back = site.play(GOING, 50, {"1.9": b"a new course"})
    site.vault().sweep_removed([who(site)])

    assert back in site.vault().entries()
    assert files_of(site) == [back.storage_name]
    assert site.vault().verify(now=site.now, identities=site.keys.identities).is_sound


def test_what_is_sealed_of_who_came_back_and_not_yet_named_is_spared(site) -> None:
    remove(site)
    site.objects.pop(GOING)
    sealed = site.seal(site.vault(), GOING, 50, {"1.9": b"a new course"})
    site.vault().sweep_removed([who(site)])

    assert files_of(site) == [sealed.storage_name]


def test_a_second_course_can_be_removed_in_its_turn(site) -> None:
    remove(site)
    site.objects.pop(GOING)
    site.play(GOING, 50, {"1.9": b"a new course"})
    site.vault().remove([who(site)], on=site.night(90), keys=site.keys)

    verify_only_the_one_is_gone(site)
    (stated,) = site.vault().removed()
    assert stated.removed_on == site.night(90)


def test_no_new_parcel_takes_the_path_of_a_removed_one(site) -> None:
    remove(site)
    site.objects.pop(GOING)
    back = site.play(GOING, 2, {"1.9": b"the same night"})

    assert back.path == f"{who(site)}/2026-03-03-2.tar.zst.age"
    assert site.vault().newest_night(who(site)) == site.night(2)
    with pytest.raises(ValueError, match="was removed up to"):
        site.seal(site.vault(), GOING, 1, {"1.8": b"an earlier night"})


def test_a_night_that_sealed_before_the_removal_cannot_bring_the_patient_back(site) -> None:
    left = site.seal(site.vault(), GOING, 3, {"1.3": b"never published"})
    kept = (site.folder / "vault" / left.storage_name).read_bytes()
    remove(site)
    (site.folder / "vault" / left.storage_name).parent.mkdir()
    (site.folder / "vault" / left.storage_name).write_bytes(kept)
    with pytest.raises(IntegrityError, match="removed from this vault by rule"):
        site.publish(site.vault(), [left], 3)

    assert site.vault().pseudonyms() == (who(site, STAYING),)


def test_a_rollback_that_is_accepted_brings_nobody_back(site, tmp_path: Path) -> None:
    shutil.copytree(site.folder / "vault", tmp_path / "older")
    remove(site)
    turned = turn_back(site, tmp_path / "older")
    vault = turned.vault()

    assert vault.pseudonyms() == (who(site, STAYING),)
    assert [one.pseudonym for one in vault.removed()] == [who(site)]
    vault.sweep_removed([who(site)])
    verify_only_the_one_is_gone(site)


def turn_back(site, older: Path):
    shutil.rmtree(site.folder / "vault")
    shutil.copytree(older, site.folder / "vault")
    site.store = LocalStore(site.folder / "vault")
    with pytest.raises(VaultRolledBack):
        site.vault()
    found = find_rollback(site.store, trusted_dir=site.trusted_dir)
    assert found is not None
    accept_rollback(site.store, found, trusted_dir=site.trusted_dir, keys=site.keys, believed=[])
    return site


def test_what_was_stated_lost_of_a_removed_patient_is_stated_no_more(site) -> None:
    lost: ParcelEntry = site.play(STAYING, 4, {"3.1": b"twice"})
    (site.folder / "vault" / lost.storage_name).unlink()
    again = site.play(STAYING, 5, {"3.1": b"twice"})
    stated = LostParcel(entry=lost, noticed_on=site.night(5), held_in=(again.path,))
    at = datetime.combine(site.night(5), time(3), tzinfo=UTC)
    site.vault().publish(
        [], night=site.night(5), now=at, expires_at=at + timedelta(days=1), keys=site.keys, lost=[stated]
    )
    site.vault().remove([who(site, STAYING)], on=site.night(40), keys=site.keys)

    assert site.vault().lost() == ()
    assert site.vault().verify(now=site.now, identities=site.keys.identities).is_sound


def test_statements_stay_from_night_to_night_and_votes_and_nights_too(site) -> None:
    remove(site)
    site.play(STAYING, 41, {"2.2": b"more"})

    assert [one.pseudonym for one in site.vault().removed()] == [who(site)]
    assert site.night(1) in site.vault().nights()


def statement(site, day: int, patient: str = GOING) -> RemovedPatient:
    through = f"{who(site, patient)}/{site.night(day)}-1.tar.zst.age"
    return RemovedPatient(
        pseudonym=who(site, patient), removed_on=site.night(day), through=through, parcels=1
    )


def test_old_statements_are_dropped_in_the_end_and_newer_ones_win(site) -> None:
    first = statement(site, 0)
    late = statement(site, STATED_FOR.days + 1, STAYING)

    assert with_removed([first], [statement(site, 9)]) == (statement(site, 9),)
    assert with_removed([statement(site, 9)], [first]) == (statement(site, 9),)
    assert with_removed([first], [late]) == (late,)
    assert len(with_removed([first], [statement(site, STATED_FOR.days, STAYING)])) == 2


@pytest.mark.parametrize(
    "stated",
    [
        "text",
        [{}],
        [{"pseudonym": "a" * 26, "removed_on": "2026-01-01", "through": "x", "parcels": 1}],
        [
            {
                "pseudonym": "a" * 26,
                "removed_on": "2026-01-01",
                "through": f"{'b' * 26}/2026-01-01-1.tar.zst.age",
                "parcels": 1,
            }
        ],
        [
            {
                "pseudonym": "a" * 26,
                "removed_on": "2026-01-01",
                "through": f"{'a' * 26}/2026-13-01-1.tar.zst.age",
                "parcels": 1,
            }
        ],
    ],
)
def test_a_statement_that_cannot_be_read_is_refused(stated: object) -> None:
    targets = Targets(unrecognized_fields={EXTENSION: {"nights": [], "removed": stated}})
    with pytest.raises(IntegrityError, match="removed"):
        removed_of(targets)
