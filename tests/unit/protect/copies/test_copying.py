"""One run over one store, whatever the store does: poison, no room, lies, no answers, no time."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import KeyUnavailable, SourceAnswerInvalid, SourceUnavailable
from beamkeeper.protect.copies import (
    Copying,
    CopyLimits,
    CopyState,
    How,
    Judgement,
    Known,
    ReadBack,
    Returned,
    Routed,
    TakenOut,
    batch,
    name_of,
)
from beamkeeper.protect.copies.copying import ATTEMPTS_MAX
from beamkeeper.vault import StoredObject
from beamkeeper.wire.dicom.outgoing import Outgoing, StoreAnswer, StoreVerdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
STORED = StoreAnswer(verdict=StoreVerdict.STORED)


def item(number: int, data: bytes = b"") -> StoredObject:
    data = data or f"object {number}".encode()
    return StoredObject(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.481.5",
        sop_instance_uid=f"1.{number}",
        study_instance_uid="1",
        series_instance_uid="1.1",
        patient_id="P1",
        modality="RTPLAN",
        transfer_syntax_uid="1.2.840.10008.1.2",
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        parcel="p",
        member=f"m{number}",
        first_seen_on=date(2026, 3, 1),
        last_seen_on=date(2026, 3, 1),
    )


@dataclass
class Vault:
    """Objects by UID; counts what is in clear at a time."""

    folder: Path
    contents: dict[str, bytes] = field(default_factory=dict)
    most_in_clear: int = 0

    def take(self, wanted: Sequence[tuple[str, StoredObject]]) -> Iterator[TakenOut]:
        for name, one in wanted:
            data = self.contents.get(one.sop_instance_uid)
            if data is None:
                yield TakenOut(name=name, item=one, outgoing=None, error="it is lost.")
                continue
            path = self.folder / one.sop_instance_uid
            path.write_bytes(data)
            self.most_in_clear = max(self.most_in_clear, len(list(self.folder.iterdir())))
            yield TakenOut(name=name, item=one, outgoing=outgoing(one, path))


def outgoing(one: StoredObject, path: Path) -> Outgoing:
    return Outgoing(
        sop_class_uid=one.sop_class_uid,
        sop_instance_uid=one.sop_instance_uid,
        study_instance_uid=one.study_instance_uid,
        series_instance_uid=one.series_instance_uid,
        transfer_syntax_uid=one.transfer_syntax_uid,
        path=path,
        sha256=one.sha256,
        size_bytes=one.size_bytes,
        data_set_at=0,
    )


@dataclass
class Store:
    """A store that behaves, but for what a test tells it."""

    read_back_by: ReadBack = ReadBack.GET
    holds: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, StoreAnswer] = field(default_factory=dict)
    hangs_up_on: frozenset[str] = frozenset()
    is_dead: bool = False
    tries: Counter[str] = field(default_factory=Counter)
    fetched: int = 0
    closed: int = 0
    keeps_old: bool = False
    fetch_error: bool = False

    def store(self, items: Sequence[Outgoing]) -> Iterator[tuple[Outgoing, StoreAnswer]]:
        for one in items:
            self.tries[one.sop_instance_uid] += 1
            if self.is_dead or one.sop_instance_uid in self.hangs_up_on:
                raise SourceUnavailable("It hung up.")
            answer = self.answers.get(one.sop_instance_uid, STORED)
            if answer.is_taken and not (self.keeps_old and one.sop_instance_uid in self.holds):
                self.holds[one.sop_instance_uid] = one.path.read_bytes()
            yield one, answer

    def fetch(self, items: Sequence[Outgoing], folder: Path) -> Iterator[Returned]:
        if self.fetch_error:
            raise SourceAnswerInvalid("It does not offer C-GET.")
        for one in items:
            data = self.holds.get(one.sop_instance_uid)
            if data is not None:
                self.fetched += 1
                path = folder / str(self.fetched)
                path.write_bytes(data)
                digest = hashlib.sha256(data).hexdigest()
                yield Returned(sop_instance_uid=one.sop_instance_uid, sha256=digest, path=path)

    def listed(self, _items: Sequence[Outgoing], patient_ids: Mapping[str, str]) -> frozenset[str]:
        return frozenset(self.holds) & patient_ids.keys()

    def close(self) -> None:
        self.closed += 1


@dataclass
class Remembered:
    known: dict[str, Known] = field(default_factory=dict)

    def all(self) -> list[Known]:
        return list(self.known.values())

    def keep(self, known: Sequence[Known]) -> None:
        self.known |= {one.name: one for one in known}

    def forget(self, name: str) -> None:
        self.known.pop(name, None)


def judge(sent: Outgoing, returned: Returned) -> Judgement:
    """Letter case is encoding; everything else is meaning."""
    same = sent.path.read_bytes().lower() == returned.path.read_bytes().lower()
    return Judgement(how=How.SAME_CONTENT) if same else Judgement(how=None, differs=("Beam 1",))


class Run:
    """Runs over one store, one after the other, with one memory."""

    def __init__(self, folder: Path, count: int = 3) -> None:
        self.scratch = folder / "scratch"
        (folder / "clear").mkdir()
        self.items = [item(number) for number in range(count)]
        self.vault = Vault(
            folder / "clear",
            {one.sop_instance_uid: f"object {n}".encode() for n, one in enumerate(self.items)},
        )
        self.store, self.memory, self.now = Store(), Remembered(), NOW
        self.older: dict[tuple[str, str], str] = {}

    def __call__(self, **limits: object):
        routed = Routed(objects=tuple(("p", one) for one in self.items), patient_count=1)
        return Copying(
            "store",
            lambda _: self.store,
            routed,
            source=self.vault,
            memory=self.memory,
            judge=judge,
            older=self.older,
            scratch=self.scratch,
            limits=CopyLimits(**limits),  # type: ignore[arg-type]
            now=lambda: self.now,
        ).run()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def kinds(outcome) -> list[str]:
    return [problem.kind.value for problem in outcome.problems]


def test_what_is_not_there_is_sent_and_proved_once(run):
    first, second = run(), run()

    assert (first.state, first.sent_count, first.proved_count) == (CopyState.COMPLETE, 3, 3)
    assert (second.state, second.sent_count, second.proved_count) == (CopyState.COMPLETE, 0, 3)
    assert run.store.closed == 2


def test_nothing_in_clear_is_left_behind(run):
    run()

    assert not list(run.vault.folder.iterdir())
    assert not run.scratch.exists()


def test_so_much_lies_in_clear_at_a_time_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "BATCH_OBJECTS_MAX", 4)
    run = Run(tmp_path, count=23)

    assert run().state is CopyState.COMPLETE
    assert run.vault.most_in_clear == 4


def test_an_object_the_store_encodes_anew_is_proved_as_such(run):
    run.store.holds = {}
    run.store.store = lambda items: _upper(run.store, items)  # type: ignore[method-assign]

    assert run().state is CopyState.COMPLETE
    assert {one.how for one in run.memory.all()} == {How.SAME_CONTENT}


def _upper(store: Store, items: Sequence[Outgoing]) -> Iterator[tuple[Outgoing, StoreAnswer]]:
    for one in items:
        store.holds[one.sop_instance_uid] = one.path.read_bytes().upper()
        yield one, STORED


def test_a_store_that_keeps_the_old_object_is_named_with_its_night(run):
    run.store.holds, run.store.keeps_old = {"1.1": b"another"}, True
    run.older = {("1.1", hashlib.sha256(b"another").hexdigest()): "2026-02-27"}
    outcome = run()

    assert (outcome.state, outcome.proved_count, outcome.waiting_count) == (CopyState.DIFFERS, 2, 1)
    assert kinds(outcome) == ["kept an older version"]
    assert "2026-02-27" in outcome.problems[0].text
    assert name_of("p", "1.1") not in run.memory.known


def test_a_store_that_changes_what_it_stores_is_named_with_the_place(run):
    run.store.holds, run.store.keeps_old = {"1.1": b"another"}, True
    outcome = run()

    assert kinds(outcome) == ["differs"]
    assert "Beam 1" in outcome.problems[0].text


def test_a_service_that_has_one_already_is_read_back_and_believed_only_then(run):
    has = StoreAnswer(verdict=StoreVerdict.HAS_ANOTHER, reason="it exists already")
    run.store.answers = dict.fromkeys(("1.0", "1.1", "1.2"), has)
    run.store.holds = {"1.0": b"object 0", "1.1": b"another"}
    outcome = run()

    assert (outcome.state, outcome.proved_count) == (CopyState.DIFFERS, 1)
    assert sorted(kinds(outcome)) == ["differs", "refused"]


def test_one_object_that_is_refused_holds_up_no_other(run):
    run.store.answers = {"1.0": StoreAnswer(verdict=StoreVerdict.REFUSED, reason="no such class")}
    outcome = run()

    assert (outcome.state, outcome.proved_count, kinds(outcome)) == (CopyState.BEHIND, 2, ["refused"])


def test_one_object_on_which_the_store_hangs_up_holds_up_no_other(run):
    run()
    run.memory.known.clear()
    run.store.hangs_up_on = frozenset({"1.1"})
    outcome = run()

    assert (outcome.state, outcome.proved_count, kinds(outcome)) == (CopyState.BEHIND, 2, ["no answer"])
    assert run.store.tries["1.1"] == 1 + ATTEMPTS_MAX


def test_a_dead_store_is_unreachable_after_a_few_tries(tmp_path):
    run = Run(tmp_path, count=50)
    run.store.is_dead = True
    outcome = run()

    assert (outcome.state, outcome.waiting_count) == (CopyState.UNREACHABLE, 50)
    assert sum(run.store.tries.values()) == ATTEMPTS_MAX


def test_a_store_that_dies_midway_keeps_what_was_proved(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "BATCH_OBJECTS_MAX", 5)
    run = Run(tmp_path, count=20)
    run.store.hangs_up_on = frozenset(f"1.{number}" for number in range(10, 20))
    outcome = run()

    assert (outcome.state, outcome.proved_count) == (CopyState.UNREACHABLE, 10)
    run.store.hangs_up_on = frozenset()
    assert run().sent_count == 10


def test_a_store_without_room_is_full_and_what_it_took_before_is_proved(run):
    run.store.answers = {"1.2": StoreAnswer(verdict=StoreVerdict.FULL, reason="out of resources")}
    outcome = run()

    assert (outcome.state, outcome.proved_count, outcome.waiting_count) == (CopyState.FULL, 2, 1)


def test_a_store_that_says_stored_and_gives_nothing_back_proves_nothing(run):
    run.store.fetch = lambda *_: iter(())  # type: ignore[method-assign]
    outcome = run()

    assert (outcome.state, outcome.proved_count) == (CopyState.BEHIND, 0)
    assert set(kinds(outcome)) == {"not given back"}


def test_a_store_that_cannot_be_asked_back_says_how_to_go_on(run):
    run.store.fetch_error = True
    outcome = run()

    assert outcome.state is CopyState.BEHIND
    assert "cannot be asked for them back" in outcome.error
    assert "read_back" in outcome.do_next


@pytest.mark.parametrize("way", [ReadBack.QUERY, ReadBack.NONE])
def test_a_word_is_never_a_proof(run, way):
    run.store.read_back_by = way
    outcome = run()

    assert (outcome.state, outcome.proved_count, outcome.listed_count) == (CopyState.SENT, 0, 3)


def test_what_was_only_listed_is_read_back_as_soon_as_that_is_possible(run):
    run.store.read_back_by = ReadBack.NONE
    run()
    run.store.read_back_by = ReadBack.GET
    outcome = run()

    assert (outcome.state, outcome.sent_count, outcome.reread_count) == (CopyState.COMPLETE, 0, 3)


def test_what_was_removed_there_is_noticed_when_everything_is_read_again(run):
    run()
    del run.store.holds["1.1"]
    outcome = run(reread_all=True)

    assert (outcome.state, kinds(outcome), outcome.waiting_count) == (CopyState.BEHIND, ["gone"], 1)
    assert run().sent_count == 1


def test_everything_is_read_again_within_the_days_given(tmp_path):
    run = Run(tmp_path, count=30)
    run()
    seen = run.store.fetched
    for _ in range(7):
        run.now += timedelta(days=1)
        run(reread_days=7)

    assert run.store.fetched - seen >= 30
    assert all(run.now - one.at < timedelta(days=7) for one in run.memory.all())


def test_a_changed_object_is_sent_again(run):
    run()
    run.items[1] = replace(item(1, b"changed"))
    run.vault.contents["1.1"] = b"changed"
    outcome = run()

    assert (outcome.state, outcome.sent_count) == (CopyState.COMPLETE, 1)
    assert run.store.holds["1.1"] == b"changed"


def test_an_object_the_vault_does_not_give_is_named(run):
    del run.vault.contents["1.0"]
    outcome = run()

    assert (outcome.state, kinds(outcome)) == (CopyState.BEHIND, ["not in the vault"])


def test_a_run_ends_when_its_time_is_over_and_the_next_goes_on(run):
    outcome = run(lasts_s=-1.0)

    assert (outcome.state, outcome.waiting_count) == (CopyState.BEHIND, 3)
    assert "time for this run" in outcome.error
    assert run().state is CopyState.COMPLETE


def test_a_secret_that_is_not_there_is_told_and_raises_nothing(run, monkeypatch):
    def no_secret(_: object) -> Store:
        raise KeyUnavailable("The secret env:X cannot be read.")

    copying = Copying(
        "store",
        no_secret,
        Routed(objects=()),
        source=run.vault,
        memory=run.memory,
        judge=judge,
        older={},
        scratch=run.scratch,
        limits=CopyLimits(),
        now=lambda: NOW,
    )
    outcome = copying.run()

    assert outcome.state is CopyState.BEHIND
    assert "env:X" in outcome.error


def test_a_thousand_problems_are_counted_and_a_few_told(tmp_path):
    run = Run(tmp_path, count=60)
    refused = StoreAnswer(verdict=StoreVerdict.REFUSED, reason="no")
    run.store.answers = {one.sop_instance_uid: refused for one in run.items}
    outcome = run()

    assert (outcome.problems_count, len(outcome.problems)) == (60, 20)


def test_an_object_nobody_asked_for_is_not_looked_at(run):
    stray = Returned(sop_instance_uid="9.9", sha256="0" * 64, path=run.scratch / "stray")
    usual = run.store.fetch

    def with_stray(items: Sequence[Outgoing], folder: Path) -> Iterator[Returned]:
        stray.path.write_bytes(b"stray")
        yield stray
        yield from usual(items, folder)

    run.store.fetch = with_stray  # type: ignore[method-assign]

    assert run().state is CopyState.COMPLETE
    assert set(run.memory.known) == {name_of("p", one.sop_instance_uid) for one in run.items}


@pytest.mark.parametrize("way", [ReadBack.QUERY, ReadBack.NONE])
def test_a_service_that_has_another_is_not_called_sent_when_nothing_can_be_read_back(run, way):
    run.store.read_back_by = way
    run.store.answers = {"1.0": StoreAnswer(verdict=StoreVerdict.HAS_ANOTHER, reason="it exists already")}
    run.store.holds = {"1.0": b"another"}
    outcome = run()

    assert (outcome.state, outcome.listed_count, kinds(outcome)) == (CopyState.BEHIND, 2, ["refused"])


def test_what_no_rule_sends_any_more_stays_there_and_is_told(run):
    run()
    run.items = run.items[:1]
    outcome = run()

    assert (outcome.state, len(run.store.holds)) == (CopyState.COMPLETE, 3)
    assert any("2 objects are still there" in remark for remark in outcome.remarks)


def test_what_was_altered_there_after_it_was_proved_is_proved_no_more(run):
    run()
    run.store.holds["1.1"] = b"altered"
    outcome = run(reread_all=True)

    assert (outcome.state, outcome.proved_count, outcome.waiting_count) == (CopyState.DIFFERS, 2, 1)
    assert name_of("p", "1.1") not in run.memory.known
