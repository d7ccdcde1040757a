"""The vault under any order of nights and crashes: what was published stays, what was not is not there."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from beamkeeper.vault import LocalStore, SiteKeys, Vault

if TYPE_CHECKING:
    from collections.abc import Iterator


class PowerCut(BaseException):
    """The machine went away: nothing may catch this."""


class MortalStore:
    """A store whose machine dies at the n-th write, either just before it happens or just after."""

    def __init__(self, store: LocalStore, *, dies_at: int, after: bool) -> None:
        self._store, self._left, self._after = store, dies_at, after

    def put(self, name: str, source: BinaryIO) -> None:
        self._before()
        self._store.put(name, source)
        self._afterwards()

    def stage(self) -> MortalStaged:
        return MortalStaged(self, self._store.stage())

    def replace(self, name: str, data: bytes) -> None:
        self._before()
        self._store.replace(name, data)
        self._afterwards()

    def get(self, name: str) -> BinaryIO | None:
        return self._store.get(name)

    def head(self, name: str) -> int | None:
        return self._store.head(name)

    def list(self, prefix: str) -> Iterator[str]:
        return self._store.list(prefix)

    def delete(self, name: str) -> None:
        self._store.delete(name)

    def _before(self) -> None:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise PowerCut

    def _afterwards(self) -> None:
        if self._left == 0 and self._after:
            raise PowerCut


class MortalStaged:
    def __init__(self, store: MortalStore, staged) -> None:
        self._store, self._staged = store, staged

    def write(self, data: bytes) -> int:
        return self._staged.write(data)

    def flush(self) -> None:
        self._staged.flush()

    def commit(self, name: str) -> None:
        self._store._before()
        self._staged.commit(name)
        self._store._afterwards()

    def discard(self) -> None:
        self._staged.discard()


class VaultMachine(RuleBasedStateMachine):
    """Nights that succeed and nights that die anywhere, in any order."""

    site_class: ClassVar[type]

    @initialize()
    def make(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.site = self.site_class(self.folder)
        self.day = 1
        self.published: dict[str, dict[str, bytes]] = {}
        self.copies: list[Path] = []

    @rule(patient=st.sampled_from("ab"), uid=st.sampled_from(["1.2", "1.3"]), data=st.binary(max_size=300))
    def night(self, patient: str, uid: str, data: bytes) -> None:
        self.site.play(patient, self.day, {uid: data})
        self.published.setdefault(patient, {})[uid] = data
        self.day += 1

    @rule(
        patient=st.sampled_from("ab"),
        data=st.binary(max_size=300),
        dies_at=st.integers(1, 4),
        after=st.booleans(),
        retry=st.booleans(),
    )
    def night_that_dies(self, patient: str, data: bytes, dies_at: int, after: bool, retry: bool) -> None:
        before = dict(self.site.objects)
        mortal = MortalStore(self.site.store, dies_at=dies_at, after=after)
        named = {entry.path for entry in self.site.vault().entries()}
        vault = self.site.vault(store=mortal)

        def night() -> None:
            self.site.publish(vault, [self.site.seal(vault, patient, self.day, {"1.2": data})], self.day)

        with pytest.raises(PowerCut):
            night()
        happened = {entry.path for entry in self.site.vault().entries()} > named

        assert happened == (dies_at == 4 and after)  # only the timestamp's swap publishes
        if not happened:
            self.site.objects = before
        if retry and not happened:
            self.site.play(patient, self.day, {"1.2": data})
        if happened or retry:
            self.published.setdefault(patient, {})["1.2"] = data
        self.day += 1

    @rule()
    def another_computer_looks(self) -> None:
        shutil.rmtree(self.site.trusted_dir)

    @precondition(lambda self: self.published)
    @rule()
    def restore(self) -> None:
        out = Path(tempfile.mkdtemp(dir=self.folder))
        for patient, files in self.published.items():
            pseudonym = self.site.keys.pseudonym("", patient)
            report = self.site.vault().restore_patient(
                pseudonym, identities=self.site.keys.identities, out_dir=out / patient
            )
            assert report.is_complete, report.failures
            found = {path.stem: path.read_bytes() for path in (out / patient).rglob("*.dcm")}
            assert found == files

    @invariant()
    def is_sound(self) -> None:
        if hasattr(self, "site"):
            vault = self.site.vault()
            report = vault.verify(now=self.site.now, identities=self.site.keys.identities)
            assert report.is_sound, report.problems
            assert set(vault.pseudonyms()) == {self.site.keys.pseudonym("", p) for p in self.published}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


def test_no_order_of_nights_and_power_cuts_breaks_the_vault(site) -> None:
    machine = type("BoundMachine", (VaultMachine,), {"site_class": type(site)})
    machine.TestCase.settings = settings(
        max_examples=12, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine.TestCase().runTest()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 6))
def test_a_vault_whose_creation_died_can_be_created_again(tmp_path: Path, dies_at: int, after: bool) -> None:
    from datetime import UTC, datetime

    keys = SiteKeys.create(tmp_path / "keys")
    store = LocalStore(tmp_path / "vault", create=True)
    now = datetime(2026, 3, 2, tzinfo=UTC)
    created = dies_at == 5 and after
    mortal = MortalStore(store, dies_at=dies_at, after=after)
    with pytest.raises(PowerCut):
        Vault.create(mortal, keys=keys, now=now, trusted_dir=tmp_path / "trusted")
    if not created:
        Vault.create(store, keys=keys, now=now, trusted_dir=tmp_path / "trusted")
    vault = Vault.open(store, trusted_dir=tmp_path / "trusted", now=now, root_public_key=keys.root_public_key)

    assert vault.verify(now=now, identities=keys.identities).is_sound


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 6))
def test_a_renewal_that_died_leaves_a_vault_that_opens_and_can_be_repeated(
    site, tmp_path: Path, dies_at: int, after: bool
) -> None:
    from datetime import timedelta

    entry = site.play("a", 1, {"1.2": b"plan"})
    fresh = SiteKeys.create(tmp_path / "new", pseudonym_key=site.keys.pseudonym_key, recovery=site.recovery)
    later = site.now + timedelta(days=1)
    mortal = site.vault(store=MortalStore(site.store, dies_at=dies_at, after=after))
    with pytest.raises(PowerCut):
        mortal.renew(keys=fresh, now=site.now, expires_at=later)

    assert entry in site.vault().entries()
    site.vault().renew(keys=fresh, now=site.now, expires_at=later)
    site.keys = fresh
    assert site.play("a", 2, {"1.2": b"replan"}) in site.vault().entries()
