"""The vault in hostile hands: old, mixed, forged and damaged files are refused and named."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.unit.vault.reading_back import PLAN, RECORD, REPLAN, bytes_under, restored

from beamkeeper.errors import (
    IntegrityError,
    KeyUnavailable,
    VaultRolledBack,
    VaultStale,
)
from beamkeeper.vault import LocalStore, PatientState, SiteKeys, Vault
from beamkeeper.vault.metadata import TIMESTAMP_NAME

if TYPE_CHECKING:
    from pathlib import Path


def test_a_vault_nobody_feeds_is_stale_but_opens(site) -> None:
    site.play("4711", 1, {"1.2.3": PLAN})
    site.now = datetime(2026, 3, 4, 2, tzinfo=UTC)
    vault = site.vault()

    assert vault.is_stale(site.now)
    assert not vault.is_stale(site.now - timedelta(seconds=1))
    assert vault.verify(now=site.now).stale
    with pytest.raises(VaultStale, match="Nobody has fed this vault since 2026-03-04 02:00 UTC"):
        Vault.open(site.store, trusted_dir=site.trusted_dir, now=site.now, require_fresh=True)


def test_a_vault_turned_back_to_an_older_night_is_refused(site) -> None:
    site.play("4711", 1, {"1.2.3": PLAN})
    site.vault()
    older = bytes_under(site.folder / "vault")
    site.play("4711", 2, {"1.2.3": REPLAN})
    site.vault()
    (site.folder / "vault" / TIMESTAMP_NAME).write_bytes(older[TIMESTAMP_NAME])

    with pytest.raises(VaultRolledBack, match="this computer has seen 3"):
        site.vault()


def test_a_fork_signed_by_the_same_keys_is_refused(site, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(site.folder / "vault", tmp_path / "fork")
    site.play("4711", 1, {"1.2.3": PLAN})
    fork = Vault.open(
        LocalStore(tmp_path / "fork"),
        trusted_dir=tmp_path / "other",
        now=site.now,
        root_public_key=site.keys.root_public_key,
    )
    site.publish(fork, [], 1)

    with pytest.raises(IntegrityError, match="forked"):
        site.vault(store=LocalStore(tmp_path / "fork"))


def test_an_older_set_of_files_under_a_new_timestamp_is_refused(site) -> None:
    site.play("4711", 1, {"1.2.3": PLAN})
    site.play("4711", 2, {"1.2.3": REPLAN})
    folder = site.folder / "vault" / "metadata"
    (folder / "3.snapshot.json").write_bytes((folder / "2.snapshot.json").read_bytes())

    with pytest.raises(IntegrityError, match="files of different nights were mixed"):
        site.vault()


def test_older_targets_under_a_new_snapshot_are_refused(site) -> None:
    site.play("4711", 1, {"1.2.3": PLAN})
    site.play("4711", 2, {"1.2.3": REPLAN})
    folder = site.folder / "vault" / "metadata"
    (folder / "3.targets.json").write_bytes((folder / "2.targets.json").read_bytes())

    with pytest.raises(IntegrityError, match="files of different nights were mixed"):
        site.vault()


def test_metadata_signed_by_a_stranger_are_refused(site, tmp_path: Path) -> None:
    from beamkeeper.vault.metadata import make_timestamp, sign

    stranger = SiteKeys.create(tmp_path / "stranger")
    snapshot = (site.folder / "vault/metadata/1.snapshot.json").read_bytes()
    made = make_timestamp(version=9, snapshot=snapshot, snapshot_version=1, expires_at=site.now)
    site.store.replace(TIMESTAMP_NAME, sign(made, stranger.signers["timestamp"]))

    with pytest.raises(IntegrityError, match="not signed by the key that may sign them"):
        site.vault()


def test_a_key_may_sign_its_own_role_only(site) -> None:
    from beamkeeper.vault.metadata import make_timestamp, sign

    snapshot = (site.folder / "vault/metadata/1.snapshot.json").read_bytes()
    made = make_timestamp(version=9, snapshot=snapshot, snapshot_version=1, expires_at=site.now)
    site.store.replace(TIMESTAMP_NAME, sign(made, site.keys.signers["targets"]))

    with pytest.raises(IntegrityError, match="not signed by the key that may sign them"):
        site.vault()


def test_a_flipped_bit_in_any_file_is_found_by_verify_or_open(site) -> None:
    site.play("4711", 1, {"1.2.3": PLAN})
    site.vault()
    for path in sorted((site.folder / "vault").rglob("*.*")):
        if not path.is_file() or path.name in {"1.targets.json", "1.snapshot.json"}:
            continue  # superseded metadata: nothing names them any more
        genuine = path.read_bytes()
        for place in (0, len(genuine) // 2, len(genuine) - 1):
            damaged = bytearray(genuine)
            damaged[place] ^= 4
            path.write_bytes(damaged)
            if path.name == "1.root.json":
                with pytest.raises(IntegrityError):
                    site.vault(trusted_dir=site.folder / f"cold-{place}")
            elif path.suffix == ".json":
                with pytest.raises(IntegrityError):
                    site.vault()
            else:
                assert not site.vault().verify(now=site.now).is_sound
            path.write_bytes(genuine)
    assert site.vault().verify(now=site.now, identities=site.keys.identities).is_sound


def test_verify_names_a_missing_a_shortened_and_a_changed_parcel_and_reads_on(site) -> None:
    entries = [site.play(patient, 1, {"1.2.3": PLAN}) for patient in ("a", "b", "c", "d")]
    paths = [site.folder / "vault" / entry.storage_name for entry in entries]
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:-1])
    paths[2].write_bytes(paths[2].read_bytes() + b"x")
    for identities in (None, site.keys.identities):
        report = site.vault().verify(now=site.now, identities=identities)

        assert {problem.path for problem in report.problems} == {entry.path for entry in entries[:3]}
        assert not report.is_sound


def test_verify_with_the_key_compares_every_file_with_the_states(site) -> None:
    site.play("4711", 1, {"1.2.3": PLAN, "1.2.4": RECORD})
    site.play("4711", 2, {"1.2.3": REPLAN})
    ticks: list[tuple[int, int]] = []
    report = site.vault().verify(
        now=site.now, identities=site.keys.identities, progress=lambda *tick: ticks.append(tick)
    )

    assert report.is_sound
    assert (report.parcel_count, report.opened_count, report.file_count) == (3, 3, 3)
    assert ticks[-1] == (report.size_bytes, report.size_bytes)


def test_a_signed_parcel_whose_state_lies_is_found_by_verify_with_the_key(site) -> None:
    from beamkeeper.vault.publishing import small_member, store_parcel
    from beamkeeper.vault.state import state_bytes

    first = site.play("4711", 1, {"1.2.3": PLAN})
    state = site.vault().read_state(first, identities=site.keys.identities)
    lying = replace(state, night=site.night(2), objects=(replace(state.objects[0], sha256="0" * 64),))
    vault = site.vault()
    entry = store_parcel(
        site.store,
        path=f"{first.pseudonym}/2026-03-03-1.tar.zst.age",
        members=[small_member("state.json", state_bytes(lying))],
        recipients=vault.recipients,
        night=site.night(2),
    )
    site.publish(vault, [entry], 2)
    report = site.vault().verify(now=site.now, identities=site.keys.identities)

    assert [problem.path for problem in report.problems] == [entry.path]
    assert "1 of 1 files are not where its state says" in report.problems[0].what


def test_a_parcel_swapped_for_one_sealed_by_a_stranger_restores_nothing(site, tmp_path: Path) -> None:
    from beamkeeper.vault import seal_parcel

    entry = site.play("4711", 1, {"1.2.3": PLAN})
    forged = io.BytesIO()
    seal_parcel([], recipients=site.keys.recipients, sink=forged, night=site.night(1))
    (site.folder / "vault" / entry.storage_name).write_bytes(forged.getvalue())

    with pytest.raises(IntegrityError):
        site.vault().restore_patient(
            entry.pseudonym, identities=site.keys.identities, out_dir=tmp_path / "out"
        )
    assert bytes_under(tmp_path / "out") == {}


def test_a_genuine_parcel_of_another_night_in_its_place_restores_nothing(site, tmp_path: Path) -> None:
    first = site.play("4711", 1, {"1.2.3": PLAN})
    second = site.play("4711", 2, {"1.2.3": REPLAN})
    folder = site.folder / "vault"
    (folder / second.storage_name).write_bytes((folder / first.storage_name).read_bytes())

    with pytest.raises(IntegrityError):
        site.vault().restore_patient(
            first.pseudonym, identities=site.keys.identities, out_dir=tmp_path / "out"
        )
    assert bytes_under(tmp_path / "out") == {}


def test_a_damaged_older_parcel_costs_its_own_files_only(site, tmp_path: Path) -> None:
    first = site.play("4711", 1, {"1.2.3": PLAN})
    site.play("4711", 2, {"1.2.4": RECORD})
    path = site.folder / "vault" / first.storage_name
    path.write_bytes(path.read_bytes()[:-10])
    report = site.vault().restore_patient(
        first.pseudonym, identities=site.keys.identities, out_dir=tmp_path / "out"
    )

    assert [failure.name for failure in report.failures] == ["dicom/RTPLAN/1.2.3.dcm"]
    assert not report.is_complete
    assert sorted(bytes_under(tmp_path / "out")) == ["dicom/RTPLAN/1.2.4.dcm", "state.json"]


def rebuilt_keys(site, tmp_path: Path) -> SiteKeys:
    facts = site.vault().site_facts([site.recovery.identity])
    return SiteKeys.create(tmp_path / "new-keys", pseudonym_key=facts.pseudonym_key, recovery=site.recovery)


def test_a_rebuilt_collector_may_publish_after_the_recovery_key_renewed_the_root(
    site, tmp_path: Path
) -> None:
    first = site.play("4711", 1, {"1.2.3": PLAN})
    fresh = rebuilt_keys(site, tmp_path)
    later = site.now + timedelta(days=1)
    site.vault().renew(keys=fresh, now=site.now, expires_at=later)
    old, site.keys = site.keys, fresh
    second = site.play("4711", 2, {"1.2.4": RECORD})

    assert {first, second} <= set(site.vault().entries())
    assert site.vault().recipients == fresh.recipients
    assert restored(site, "4711", tmp_path / "out", identities=[site.recovery.identity])
    with pytest.raises(KeyUnavailable, match="may not sign"):
        site.vault().publish([], night=site.night(3), now=site.now, expires_at=later, keys=old)


def test_a_computer_that_saw_the_old_root_follows_to_the_new_one(site, tmp_path: Path) -> None:
    site.vault(trusted_dir=tmp_path / "elsewhere")
    site.vault().renew(
        keys=rebuilt_keys(site, tmp_path), now=site.now, expires_at=site.now + timedelta(days=1)
    )
    vault = Vault.open(site.store, trusted_dir=tmp_path / "elsewhere", now=site.now)

    assert vault.verify(now=site.now).is_sound


def test_a_root_is_renewed_with_the_recovery_key_of_this_very_vault_only(site, tmp_path: Path) -> None:
    later = site.now + timedelta(days=1)
    stranger = SiteKeys.create(tmp_path / "stranger")
    for keys in (site.keys, stranger):
        with pytest.raises(KeyUnavailable, match="only be renewed with its recovery words"):
            site.vault().renew(keys=keys, now=site.now, expires_at=later)
    assert list(site.store.list("metadata/2.root")) == []


def test_a_root_signed_by_a_stranger_is_not_followed(site, tmp_path: Path) -> None:
    from beamkeeper.vault.metadata import make_root, sign

    stranger = SiteKeys.create(tmp_path / "stranger")
    assert stranger.recovery is not None
    signer = stranger.recovery.root_signer
    online = {role: [each.public_key] for role, each in stranger.signers.items()}
    root = make_root(version=2, root=signer.public_key, online=online, recipients=[], expires_at=site.now)
    site.store.put("metadata/2.root.json", io.BytesIO(sign(root, signer)))

    with pytest.raises(IntegrityError, match="root metadata are not signed by the key"):
        site.vault()


def forged(site, entry, state: PatientState, files: dict[str, bytes]) -> None:
    """Put a parcel in place of a genuine one, as whoever owns the share and knows the recipients could."""
    from beamkeeper.vault import seal_parcel
    from beamkeeper.vault.publishing import small_member
    from beamkeeper.vault.state import state_bytes

    sink = io.BytesIO()
    members = [small_member("state.json", state_bytes(state))]
    members += [small_member(name, data) for name, data in files.items()]
    seal_parcel(members, recipients=site.keys.recipients, sink=sink, night=entry.night)
    (site.folder / "vault" / entry.storage_name).write_bytes(sink.getvalue())


def test_a_forged_newest_parcel_that_is_consistent_in_itself_restores_nothing(site, tmp_path: Path) -> None:
    entry = site.play("4711", 1, {"1.2.3": PLAN})
    state = site.vault().read_state(entry, identities=site.keys.identities)
    item = replace(state.objects[0], sha256=hashlib.sha256(REPLAN).hexdigest(), size_bytes=len(REPLAN))
    forged(site, entry, replace(state, objects=(item,)), {item.member: REPLAN})

    with pytest.raises(IntegrityError, match="is not what was sealed"):
        site.vault().restore_patient(
            entry.pseudonym, identities=site.keys.identities, out_dir=tmp_path / "out"
        )
    with pytest.raises(IntegrityError, match="is not what was sealed"):
        site.vault().read_state(entry, identities=site.keys.identities)
    assert bytes_under(tmp_path / "out") == {}


def test_a_forged_older_parcel_gives_no_file_that_the_newest_state_does_not_know(
    site, tmp_path: Path
) -> None:
    first = site.play("4711", 1, {"1.2.3": PLAN})
    state = site.vault().read_state(first, identities=site.keys.identities)
    site.play("4711", 2, {"1.2.4": RECORD})
    forged(site, first, state, {state.objects[0].member: REPLAN})
    report = site.vault().restore_patient(
        first.pseudonym, identities=site.keys.identities, out_dir=tmp_path / "out"
    )

    assert [failure.name for failure in report.failures] == [state.objects[0].member]
    assert sorted(bytes_under(tmp_path / "out")) == ["dicom/RTPLAN/1.2.4.dcm", "state.json"]


class ForgetfulStore(LocalStore):
    """A share that acknowledges every parcel and keeps something else."""

    def stage(self):
        return ForgetfulStaged(super().stage(), self.root)


class ForgetfulStaged:
    def __init__(self, staged, root: Path) -> None:
        self._staged, self._root = staged, root
        self.write, self.flush, self.discard = staged.write, staged.flush, staged.discard

    def commit(self, name: str) -> None:
        self._staged.commit(name)
        path = self._root / name
        path.write_bytes(path.read_bytes()[:-1] + b"?")


def test_a_parcel_that_reads_back_otherwise_was_not_stored(site) -> None:
    vault = site.vault(store=ForgetfulStore(site.folder / "vault"))

    with pytest.raises(IntegrityError, match="is not what was sealed"):
        site.seal(vault, "4711", 1, {"1.2.3": PLAN})


def test_an_older_timestamp_is_refused_even_if_it_names_the_newest_snapshot(site) -> None:
    from beamkeeper.vault.metadata import make_timestamp, sign

    site.play("4711", 1, {"1.2.3": PLAN})
    site.vault()
    snapshot = (site.folder / "vault/metadata/2.snapshot.json").read_bytes()
    made = make_timestamp(
        version=1, snapshot=snapshot, snapshot_version=2, expires_at=site.now + timedelta(days=9)
    )
    site.store.replace(TIMESTAMP_NAME, sign(made, site.keys.signers["timestamp"]))

    with pytest.raises(VaultRolledBack, match="its timestamp is version 1, this computer has seen 2"):
        site.vault()


def test_older_targets_signed_into_a_newer_snapshot_are_refused(site) -> None:
    from beamkeeper.vault.metadata import make_snapshot, make_timestamp, sign

    site.play("4711", 1, {"1.2.3": PLAN})
    site.vault()
    later = site.now + timedelta(days=9)
    targets = (site.folder / "vault/metadata/1.targets.json").read_bytes()
    snapshot = sign(
        make_snapshot(version=9, targets=targets, targets_version=1, expires_at=later),
        site.keys.signers["snapshot"],
    )
    site.store.put("metadata/9.snapshot.json", io.BytesIO(snapshot))
    made = make_timestamp(version=9, snapshot=snapshot, snapshot_version=9, expires_at=later)
    site.store.replace(TIMESTAMP_NAME, sign(made, site.keys.signers["timestamp"]))

    with pytest.raises(VaultRolledBack, match="its targets is version 1"):
        site.vault()


def test_a_slow_reader_does_not_turn_back_what_another_process_has_seen(site) -> None:
    from beamkeeper.vault.memory import TrustedMemory

    memory = TrustedMemory(site.trusted_dir)
    site.vault()
    early, root = memory.seen(), memory.root()
    site.play("4711", 1, {"1.2.3": PLAN})
    late = memory.seen()
    assert root is not None
    memory.remember(root, early)

    assert memory.seen() == late
