"""The vault: what is published is there, signed, whole, and opens with the right key only."""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.unit.vault.reading_back import PLAN, RECORD, REPLAN, bytes_under, restored

from beamkeeper.errors import (
    ConfigError,
    IntegrityError,
    KeyUnavailable,
    SourceUnavailable,
)
from beamkeeper.vault import THIS_PARCEL, LocalStore, PatientState, RecoveryKeys, SiteKeys, Vault

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_vault_holds_the_sites_facts_and_no_night(site) -> None:
    vault = site.vault()

    assert [entry.kind for entry in vault.entries()] == ["site"]
    assert (vault.nights(), vault.pseudonyms()) == ((), ())
    assert vault.recipients == site.keys.recipients


def test_a_rebuilt_collector_goes_on_under_the_same_pseudonyms(site, tmp_path: Path) -> None:
    facts = site.vault().site_facts([site.recovery.identity])
    rebuilt = SiteKeys.create(tmp_path / "rebuilt", pseudonym_key=facts.pseudonym_key, recovery=site.recovery)

    assert facts.site_name == "Clinique Zoë"
    assert rebuilt.pseudonym("I", "4711") == site.keys.pseudonym("I", "4711")
    assert rebuilt.root_public_key == site.keys.root_public_key


def test_a_published_parcel_is_named_and_restores_byte_for_byte(site, tmp_path: Path) -> None:
    entry = site.play("4711", 1, {"1.2.3": PLAN, "1.2.4": RECORD})
    vault = site.vault()

    assert vault.latest(entry.pseudonym) == entry
    assert vault.nights() == (site.night(1),)
    assert entry.path == f"{site.keys.pseudonym('', '4711')}/2026-03-02-1.tar.zst.age"
    assert restored(site, "4711", tmp_path / "out") == {
        "dicom/RTPLAN/1.2.3.dcm": PLAN,
        "dicom/RTPLAN/1.2.4.dcm": RECORD,
    }


def test_a_sealed_parcel_is_not_in_the_vault_before_it_is_published(site) -> None:
    site.seal(site.vault(), "4711", 1, {"1.2.3": PLAN})

    assert site.vault().pseudonyms() == ()


def test_the_full_set_comes_back_across_all_nights(site, tmp_path: Path) -> None:
    site.play("4711", 1, {"1.2.3": PLAN})
    site.play("4711", 2, {"1.2.4": RECORD})
    site.play("4711", 3, {"1.2.5": b"x"})

    assert restored(site, "4711", tmp_path / "out") == {
        "dicom/RTPLAN/1.2.3.dcm": PLAN,
        "dicom/RTPLAN/1.2.4.dcm": RECORD,
        "dicom/RTPLAN/1.2.5.dcm": b"x",
    }


def test_both_versions_of_one_uid_are_kept_and_the_newest_restored(site, tmp_path: Path) -> None:
    site.play("4711", 1, {"1.2.3": PLAN})
    site.play("4711", 2, {"1.2.3": REPLAN})

    assert restored(site, "4711", tmp_path / "now") == {"dicom/RTPLAN/1.2.3.dcm": REPLAN}
    assert restored(site, "4711", tmp_path / "then", night=site.night(1)) == {"dicom/RTPLAN/1.2.3.dcm": PLAN}
    assert restored(site, "4711", tmp_path / "all", everything=True) == {
        "dicom/RTPLAN/1.2.3.dcm": REPLAN,
        f"dicom/RTPLAN/1.2.3-{hashlib.sha256(PLAN).hexdigest()[:16]}.dcm": PLAN,
    }


def test_what_is_gone_at_the_source_stays_and_is_restored_on_request(site, tmp_path: Path) -> None:
    site.play("4711", 1, {"1.2.3": PLAN, "1.2.4": RECORD})
    site.objects["4711"] = tuple(
        replace(item, present=item.sop_instance_uid != "1.2.4") for item in site.objects["4711"]
    )
    site.play("4711", 2, {})

    assert restored(site, "4711", tmp_path / "now") == {"dicom/RTPLAN/1.2.3.dcm": PLAN}
    assert len(restored(site, "4711", tmp_path / "all", everything=True)) == 2


def test_two_parcels_of_one_patient_and_night_have_two_names(site) -> None:
    vault = site.vault()
    first = site.seal(vault, "4711", 1, {"1.2.3": PLAN})
    site.publish(vault, [first], 1)
    second = site.seal(vault, "4711", 1, {"1.2.4": RECORD})
    site.publish(vault, [second], 1)

    assert (first.number, second.number) == (1, 2)
    assert site.vault().latest(first.pseudonym) == second


def test_restoring_everybody_gives_each_a_folder(site, tmp_path: Path) -> None:
    for patient in ("a", "b", "c"):
        site.play(patient, 1, {"1.2.3": patient.encode()})
    reports = site.vault().restore_all(identities=site.keys.identities, out_dir=tmp_path / "out")

    assert all(report.is_complete for report in reports)
    assert {name: data for name, data in bytes_under(tmp_path / "out").items() if name.endswith(".dcm")} == {
        f"{site.keys.pseudonym('', p)}/dicom/RTPLAN/1.2.3.dcm": p.encode() for p in ("a", "b", "c")
    }


def test_restoring_twice_writes_nothing_again(site, tmp_path: Path) -> None:
    entry = site.play("4711", 1, {"1.2.3": PLAN})
    restored(site, "4711", tmp_path / "out")
    again = site.vault().restore_patient(
        entry.pseudonym, identities=site.keys.identities, out_dir=tmp_path / "out"
    )

    assert (again.written_count, again.there_count, again.failures) == (0, 2, ())


def test_a_file_that_is_there_is_never_overwritten(site, tmp_path: Path) -> None:
    entry = site.play("4711", 1, {"1.2.3": PLAN, "1.2.4": RECORD})
    mine = tmp_path / "out" / "dicom" / "RTPLAN" / "1.2.3.dcm"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    report = site.vault().restore_patient(
        entry.pseudonym, identities=site.keys.identities, out_dir=tmp_path / "out"
    )

    assert mine.read_bytes() == b"mine"
    assert [failure.name for failure in report.failures] == ["dicom/RTPLAN/1.2.3.dcm"]
    assert (mine.parent / "1.2.4.dcm").read_bytes() == RECORD


def test_restored_files_are_for_this_user_alone(site, tmp_path: Path) -> None:
    site.play("4711", 1, {"1.2.3": PLAN})
    before = os.umask(0)
    try:
        restored(site, "4711", tmp_path / "deep" / "out")
    finally:
        os.umask(before)
    made = [tmp_path / "deep", *(tmp_path / "deep").rglob("*")]

    assert {path.stat().st_mode & 0o077 for path in made} == {0}


def test_a_patient_the_vault_does_not_hold_is_said_in_words(site, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no such patient"):
        site.vault().restore_patient("a" * 26, identities=site.keys.identities, out_dir=tmp_path / "out")


def test_the_states_alone_say_what_there_is_and_where(site) -> None:
    site.play("a", 1, {"1.2.3": PLAN})
    site.play("b", 1, {"1.2.4": RECORD})
    site.play("a", 2, {"1.2.3": REPLAN})
    states = {state.patient["id"]: state for _, state in site.vault().iter_states([site.recovery.identity])}

    assert {patient: state.objects for patient, state in states.items()} == site.objects
    assert len(states["a"].objects) == 2


def test_a_cold_computer_opens_the_vault_with_the_recovery_identity_alone(site, tmp_path: Path) -> None:
    entry = site.play("4711", 1, {"1.2.3": PLAN})
    recovery = RecoveryKeys.from_identity(site.recovery.identity)
    vault = Vault.open(
        LocalStore(site.folder / "vault"),
        trusted_dir=tmp_path / "cold",
        now=site.now,
        root_public_key=recovery.root_public_key,
    )
    report = vault.restore_patient(entry.pseudonym, identities=[recovery.identity], out_dir=tmp_path / "out")

    assert report.is_complete


def test_a_computer_that_trusts_nothing_yet_does_not_guess(site, tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="never seen this vault"):
        Vault.open(site.store, trusted_dir=tmp_path / "cold", now=site.now)


def test_another_sites_root_is_refused(site, tmp_path: Path) -> None:
    other = RecoveryKeys(secret=bytes(32)).root_public_key

    with pytest.raises(IntegrityError, match="signed by another key"):
        Vault.open(site.store, trusted_dir=tmp_path / "cold", now=site.now, root_public_key=other)


def test_another_key_opens_nothing(site, tmp_path: Path) -> None:
    entry = site.play("4711", 1, {"1.2.3": PLAN})

    with pytest.raises(KeyUnavailable, match="None of the keys"):
        site.vault().restore_patient(
            entry.pseudonym, identities=[RecoveryKeys(secret=bytes(32)).identity], out_dir=tmp_path / "out"
        )
    assert bytes_under(tmp_path / "out") == {}


def test_an_interrupted_night_uses_again_what_it_sealed(site) -> None:
    first = site.seal(site.vault(), "4711", 1, {"1.2.3": PLAN})
    site.objects.clear()
    again = site.seal(site.vault(), "4711", 1, {"1.2.3": PLAN})

    assert again == first
    assert len(list(site.store.list(f"targets/{first.pseudonym}/"))) == 1


def test_another_content_of_the_same_night_is_sealed_anew(site) -> None:
    first = site.seal(site.vault(), "4711", 1, {"1.2.3": PLAN})
    site.objects.clear()
    again = site.seal(site.vault(), "4711", 1, {"1.2.3": REPLAN})

    assert again != first


def test_what_an_interrupted_night_sealed_is_not_used_when_it_was_damaged(site) -> None:
    first = site.seal(site.vault(), "4711", 1, {"1.2.3": PLAN})
    (site.folder / "vault" / first.storage_name).unlink()
    site.objects.clear()
    again = site.seal(site.vault(), "4711", 1, {"1.2.3": PLAN})
    site.publish(site.vault(), [again], 1)

    assert site.vault().verify(now=site.now, identities=site.keys.identities).is_sound


def test_publishing_again_changes_no_parcel(site) -> None:
    entry = site.play("4711", 1, {"1.2.3": PLAN})
    before = site.vault().entries()
    site.publish(site.vault(), [entry], 1)

    assert site.vault().entries() == before
    assert site.vault().nights() == (site.night(1),)


def test_a_parcel_that_is_not_there_cannot_be_published(site) -> None:
    vault = site.vault()
    entry = site.seal(vault, "4711", 1, {"1.2.3": PLAN})
    (site.folder / "vault" / entry.storage_name).unlink()

    with pytest.raises(IntegrityError, match="it is not there"):
        site.publish(vault, [entry], 1)
    assert site.vault().pseudonyms() == ()


def test_two_publishers_lose_nothing_of_each_other(site) -> None:
    one, other = site.vault(), site.vault()
    first = site.seal(one, "a", 1, {"1.2.3": PLAN})
    second = site.seal(other, "b", 1, {"1.2.4": RECORD})
    site.publish(one, [first], 1)
    site.publish(other, [second], 1)

    assert {first, second} <= set(site.vault().entries())


def test_keys_of_another_site_cannot_publish(site, tmp_path: Path) -> None:
    vault = site.vault()
    stranger = SiteKeys.create(tmp_path / "stranger")

    with pytest.raises(KeyUnavailable, match="may not sign this vault's targets, snapshot, timestamp"):
        vault.publish(
            [], night=site.night(1), now=site.now, expires_at=site.now + timedelta(days=1), keys=stranger
        )


def test_metadata_that_expired_before_they_were_made_are_our_own_mistake(site) -> None:
    with pytest.raises(ValueError, match="expired already"):
        site.vault().publish([], night=site.night(1), now=site.now, expires_at=site.now, keys=site.keys)


def test_a_clock_stepped_back_does_not_turn_versions_back(site) -> None:
    site.play("a", 5, {"1.2.3": PLAN})
    site.play("b", 1, {"1.2.4": RECORD})

    assert len(site.vault().pseudonyms()) == 2
    assert site.vault().nights() == (site.night(1), site.night(5))


def test_a_state_that_names_a_parcel_the_vault_lacks_is_not_sealed(site) -> None:
    site.seal(site.vault(), "4711", 1, {"1.2.3": PLAN})  # never published

    with pytest.raises(IntegrityError, match="which the vault does not hold"):
        site.seal(site.vault(), "4711", 2, {"1.2.4": RECORD})


def test_a_state_that_names_a_file_nobody_gave_is_not_sealed(site) -> None:
    first = site.play("4711", 1, {"1.2.3": PLAN})
    missing = tuple(replace(item, parcel=THIS_PARCEL) for item in site.objects["4711"])
    state = PatientState(pseudonym=first.pseudonym, night=site.night(2), patient={}, objects=missing)

    with pytest.raises(IntegrityError, match="not among the files to be sealed"):
        site.vault().seal(pseudonym=first.pseudonym, night=site.night(2), members=[], state=state)


def test_bytes_that_are_not_what_the_state_says_are_not_sealed(site) -> None:
    vault = site.vault()
    site.objects["4711"] = ()
    entry = site.play("4711", 1, {"1.2.3": PLAN})
    item = replace(site.objects["4711"][0], parcel=THIS_PARCEL)
    state = PatientState(pseudonym=entry.pseudonym, night=site.night(2), patient={}, objects=(item,))
    from beamkeeper.vault import Member

    other = Member(name=item.member, size_bytes=len(PLAN), open=lambda: io.BytesIO(bytes(len(PLAN))))
    with pytest.raises(IntegrityError, match="changed between its receipt"):
        vault.seal(pseudonym=entry.pseudonym, night=site.night(2), members=[other], state=state)
    assert list(site.store.list("targets/" + entry.pseudonym)) == [entry.storage_name]


def test_a_state_of_another_patient_or_night_is_our_own_mistake(site) -> None:
    state = PatientState(pseudonym="a" * 26, night=date(2026, 3, 2), patient={})

    with pytest.raises(ValueError, match="its own patient and night"):
        site.vault().seal(pseudonym="b" * 26, night=date(2026, 3, 2), members=[], state=state)
    with pytest.raises(ValueError, match="its own patient and night"):
        site.vault().seal(pseudonym="a" * 26, night=date(2026, 3, 3), members=[], state=state)


def test_nothing_sensitive_stands_in_names_or_metadata(site) -> None:
    site.play("ID-4711-Jansen", 1, {"1.2.826.0.1.99": b"Jansen^Piet 19600102 " * 50})
    secret = (b"Jansen", b"4711", b"19600102", b"1.2.826", b"Clinique", b"RTPLAN", site.keys.pseudonym_key)
    everything = bytes_under(site.folder / "vault")
    seen = "\n".join(everything).encode() + b"\n".join(everything.values())

    assert [text for text in secret if text in seen] == []


def test_metadata_say_no_more_than_night_pseudonym_and_kind(site) -> None:
    entry = site.play("4711", 1, {"1.2.3": PLAN})
    targets = json.loads((site.folder / "vault/metadata/2.targets.json").read_bytes())["signed"]

    assert targets["targets"][entry.path]["custom"] == {
        "kind": "patient",
        "night": "2026-03-02",
        "pseudonym": entry.pseudonym,
    }
    assert targets["x-beamkeeper"] == {"nights": ["2026-03-02"]}


def test_a_vault_is_made_once(site) -> None:
    keys = replace(site.keys, recovery=site.recovery)

    with pytest.raises(ConfigError, match="There is a vault here already"):
        Vault.create(site.store, keys=keys, now=site.now)


def test_loaded_keys_cannot_make_a_vault(site, tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="created with its recovery secret"):
        Vault.create(LocalStore(tmp_path / "new", create=True), keys=site.keys, now=site.now)


def test_an_empty_or_missing_place_is_no_vault(site, tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="There is no vault here"):
        site.vault(store=LocalStore(tmp_path / "empty", create=True), trusted_dir=tmp_path / "cold")
    with pytest.raises(SourceUnavailable, match="does not answer"):
        LocalStore(tmp_path / "absent")


def test_a_damaged_note_of_seen_versions_is_not_taken_for_none(site) -> None:
    for note in (b"", b"{}", b"[]", b"null", b'{"format":"beamkeeper-seen","version":2}'):
        (site.trusted_dir / "seen.json").write_bytes(note)

        with pytest.raises(IntegrityError, match="own note"):
            site.vault()


def test_metadata_of_a_format_to_come_are_refused(site, tmp_path: Path) -> None:
    from beamkeeper.vault.metadata import EXTENSION, make_root, sign

    keys = {role: [signer.public_key] for role, signer in site.keys.signers.items()}
    signer = site.recovery.root_signer
    root = make_root(version=2, root=signer.public_key, online=keys, recipients=[], expires_at=site.now)
    root.unrecognized_fields[EXTENSION]["version"] = 2
    site.store.put("metadata/2.root.json", io.BytesIO(sign(root, signer)))

    with pytest.raises(IntegrityError, match="not a beamkeeper-vault of version 1"):
        site.vault()
