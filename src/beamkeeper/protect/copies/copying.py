"""One run over one destination of plain copies: out of the vault, sent, read back, judged, remembered.

Nothing of a run needs to survive it: what is to be done is what should be there minus what is proved
there, computed anew every time. A batch is remembered as soon as it was judged.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import (
    BeamkeeperError,
    SourceAnswerInvalid,
    SourceUnavailable,
    StorageFull,
)
from beamkeeper.protect.copies import words
from beamkeeper.protect.copies.batch import Batch, Tally
from beamkeeper.protect.copies.interfaces import How, Known, ReadBack
from beamkeeper.protect.copies.outcome import CopyOutcome, CopyState
from beamkeeper.protect.copies.plan import name_of, plan
from beamkeeper.wire.dicom.outgoing import StoreVerdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from beamkeeper.protect.copies.interfaces import (
        Judge,
        Memory,
        PlainStore,
        Returned,
        Source,
    )
    from beamkeeper.protect.copies.routing import Routed
    from beamkeeper.vault import StoredObject
    from beamkeeper.wire.dicom.outgoing import Outgoing, StoreAnswer

ATTEMPTS_MAX: Final = 2
"""Tries of what a destination did not answer for, in one run."""
SILENT_OBJECTS_MAX: Final = 3
"""After so many objects in a row without an answer the destination counts as dead."""


class TimeIsUp(SourceUnavailable):
    """The run has had its time; the next one goes on."""


class NotGivenBack(SourceAnswerInvalid):
    """A destination that takes objects and gives none back: nothing can be proved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyLimits:
    """What a site allows a destination.

    Attributes
    ----------
    lasts_s
        Time of one run.
    reread_days
        Within so many days everything there is looked at once more.
    reread_all
        Look at everything in this run.
    """

    lasts_s: float = 3600.0
    reread_days: int = 30
    reread_all: bool = False


class Copying:
    """One run over one destination; `run` never raises what the destination caused.

    Parameters
    ----------
    connect
        Opens the destination for these kinds of objects, (SOP class, transfer syntax).
    routed
        What should be there.
    older
        Digests of earlier versions by SOP Instance UID, with the night each was first kept.
    scratch
        Folder on the collector's own disk for what comes back; removed at the end.
    on_step
        Called with "taken" (a batch is out of the vault), "sent", "judged" and "remembered".
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[frozenset[tuple[str, str]]], PlainStore],
        routed: Routed,
        *,
        source: Source,
        memory: Memory,
        judge: Judge,
        older: Mapping[tuple[str, str], str],
        scratch: Path,
        limits: CopyLimits,
        now: Callable[[], datetime],
        on_step: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self.name = name
        self._connect, self._routed, self._source, self._memory = connect, routed, source, memory
        self._judge, self._older, self._scratch = judge, older, scratch
        self._limits, self._now, self._on_step = limits, now, on_step
        self._wanted = {item.sop_instance_uid: item for _, item in routed.objects}
        self._send: frozenset[str] = frozenset()
        self._ends_at = 0.0
        self._tally = Tally()

    def run(self) -> CopyOutcome:
        """Bring the destination to what should be there; return how far that went."""
        self._ends_at = time.monotonic() + self._limits.lasts_s
        failure: BeamkeeperError | None = None
        store: PlainStore | None = None
        try:
            kinds = frozenset((i.sop_class_uid, i.transfer_syntax_uid) for i in self._wanted.values())
            store = self._connect(kinds)
            self._work(store)
        except BeamkeeperError as error:  # a dead peer, a wrong key: for this destination only
            failure = error
        finally:
            if store is not None:
                store.close()
            shutil.rmtree(self._scratch, ignore_errors=True)
        return self._outcome(failure)

    def _work(self, store: PlainStore) -> None:
        known = {one.name: one for one in self._memory.all()}
        todo = plan(
            self._routed.objects,
            known,
            now=self._now(),
            reread_days=self._limits.reread_days,
            reread_all=self._limits.reread_all,
            can_prove=store.read_back_by not in {ReadBack.QUERY, ReadBack.NONE},
        )
        self._tally.known = {name: known[name].how for name, _ in (*todo.stand, *todo.reread)}
        self._tally.left_count = len(todo.stale)
        self._send = frozenset(name for name, _ in todo.send)
        for batch in self._batches((*todo.send, *todo.reread)):
            try:
                self._hand_over(store, batch)
            finally:
                batch.let_go()

    # 1: out of the vault ------------------------------------------------------------------------------

    def _batches(self, wanted: Sequence[tuple[str, StoredObject]]) -> Iterator[Batch]:
        batch = Batch()
        try:
            for one in self._source.take(wanted):
                self._verify_time()
                if one.outgoing is None:
                    self._tally.add(words.not_here(one.item, one.error))
                    continue
                batch.add(one)
                if batch.is_full:
                    yield batch
                    batch = Batch()
            if batch.taken:
                yield batch
        finally:
            batch.let_go()

    # 2: sent, 3: read back ----------------------------------------------------------------------------

    def _hand_over(self, store: PlainStore, batch: Batch) -> None:
        self._on_step("taken")
        stored = self._sent(store, batch)
        self._on_step("sent")
        reread = [o for o in batch.outgoing() if batch.taken[o.sop_instance_uid].name not in self._send]
        if stored or reread:
            self._prove(store, batch, [*stored, *reread])
        if self._tally.no_room:
            raise StorageFull(
                f"The destination has no room: {self._tally.no_room}.",
                do_next="Make room there; nothing of ours is removed there by itself.",
            )

    def _sent(self, store: PlainStore, batch: Batch) -> list[Outgoing]:
        """Send what is to be sent of a batch; return what the destination says it took."""
        left = {item.sop_instance_uid: item for item in batch.outgoing(self._send)}
        taken: list[Outgoing] = []
        tries = silent = 0
        while left:
            try:
                for item, answer in store.store(tuple(left.values())):
                    self._verify_time()
                    self._tally.has_answered, tries, silent = True, 0, 0
                    if answer.verdict is StoreVerdict.FULL:
                        self._tally.no_room = answer.reason
                        return taken
                    del left[item.sop_instance_uid]
                    if self._is_taken(batch.taken[item.sop_instance_uid].item, answer):
                        taken.append(item)
            except TimeIsUp:
                raise
            except (SourceUnavailable, SourceAnswerInvalid) as error:
                tries += 1
                if tries < ATTEMPTS_MAX:
                    continue
                tries, silent = 0, silent + 1
                if silent >= SILENT_OBJECTS_MAX or not self._tally.has_answered:
                    raise
                # One object may make a peer hang up; it must not hold up all that come after it.
                stuck = next(iter(left))
                del left[stuck]
                self._tally.add(words.no_answer(batch.taken[stuck].item, error.message))
        return taken

    def _is_taken(self, item: StoredObject, answer: StoreAnswer) -> bool:
        if answer.verdict is StoreVerdict.HAS_ANOTHER:
            self._tally.claims[item.sop_instance_uid] = answer.reason
            return True
        if not answer.is_taken:
            self._tally.add(words.refused(item, answer.reason))
            return False
        self._tally.sent_count += 1
        self._tally.sent_bytes += item.size_bytes
        return True

    def _prove(self, store: PlainStore, batch: Batch, items: list[Outgoing]) -> None:
        if store.read_back_by in {ReadBack.QUERY, ReadBack.NONE}:
            there = self._listed(store, items)
            self._absent(batch, [item for item in items if item.sop_instance_uid not in there])
            self._keep(batch, dict.fromkeys(there, How.LISTED))
            return
        asked = {item.sop_instance_uid: item for item in items}
        found = dict(self._read_back(store, batch, asked))
        self._absent(batch, [item for uid, item in asked.items() if uid not in found])
        self._keep(batch, {uid: how for uid, how in found.items() if how is not None})

    def _listed(self, store: PlainStore, items: Sequence[Outgoing]) -> frozenset[str]:
        """Return what the destination says it has of `items`: its word, no proof."""
        mine = [item for item in items if item.sop_instance_uid not in self._tally.claims]
        uids = [item.sop_instance_uid for item in mine]
        if store.read_back_by is ReadBack.NONE or not mine:
            return frozenset(uids)
        return store.listed(mine, {uid: self._wanted[uid].patient_id for uid in uids})

    def _read_back(
        self, store: PlainStore, batch: Batch, asked: Mapping[str, Outgoing]
    ) -> Iterator[tuple[str, How | None]]:
        """Yield what came back of what was asked for, and how well it is ours."""
        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            try:
                for returned in store.fetch(tuple(asked.values()), Path(folder)):
                    self._verify_time()
                    if returned.sop_instance_uid in asked:  # anything else is nobody's business
                        how = self._judged(batch, asked[returned.sop_instance_uid], returned)
                        yield returned.sop_instance_uid, how
                    returned.path.unlink(missing_ok=True)
            except TimeIsUp:
                raise
            except (SourceUnavailable, SourceAnswerInvalid) as error:
                if isinstance(error, SourceUnavailable) and not self._tally.has_answered:
                    raise  # nothing was to be sent, and nothing answers: it is dead, whatever it gives back
                raise NotGivenBack(
                    f"It takes objects, and cannot be asked for them back: {error.message}",
                    do_next="Let it answer us, or say in read_back how it can be asked. Until then it is all"
                    " sent again.",
                ) from error

    def _judged(self, batch: Batch, sent: Outgoing, returned: Returned) -> How | None:
        """Return how well an object that came back is ours; None when it is not."""
        if returned.sha256 == sent.sha256:
            return How.SAME_BYTES
        item = batch.taken[sent.sop_instance_uid].item
        judgement = self._judge(sent, returned)
        if judgement.how is not None:
            return judgement.how
        name = batch.taken[sent.sop_instance_uid].name
        self._memory.forget(name)
        self._tally.known.pop(name, None)
        night = self._older.get((sent.sop_instance_uid, returned.sha256))
        self._tally.add(words.kept_older(item, night) if night else words.differs(item, judgement.differs))
        return None

    def _absent(self, batch: Batch, items: Sequence[Outgoing]) -> None:
        for item in items:
            one = batch.taken[item.sop_instance_uid]
            self._memory.forget(one.name)
            self._tally.known.pop(one.name, None)
            if claim := self._tally.claims.get(item.sop_instance_uid):
                self._tally.add(words.refused(one.item, claim))
            elif one.name in self._send:
                self._tally.add(words.not_given_back(one.item))
            else:
                self._tally.add(words.gone(one.item))

    def _keep(self, batch: Batch, found: Mapping[str, How]) -> None:
        kept = []
        for uid, how in found.items():
            one = batch.taken[uid]
            self._tally.reread_count += one.name not in self._send
            self._tally.known[one.name] = how
            kept.append(
                Known(
                    name=one.name,
                    sha256=one.item.sha256,
                    size_bytes=one.item.size_bytes,
                    how=how,
                    at=self._now(),
                )
            )
        self._on_step("judged")
        self._memory.keep(kept)
        self._on_step("remembered")

    # 4: how it ended ----------------------------------------------------------------------------------

    def _verify_time(self) -> None:
        if time.monotonic() > self._ends_at:
            raise TimeIsUp("The time for this run was over; the next one goes on where it ended.")

    def _outcome(self, failure: BeamkeeperError | None) -> CopyOutcome:
        tally, objects = self._tally, self._routed.objects
        names = {name_of(pseudonym, item.sop_instance_uid): item for pseudonym, item in objects}
        waiting = [item for name, item in names.items() if name not in tally.known]
        listed = sum(tally.known.get(name) is How.LISTED for name in names)
        state = CopyState.BEHIND if waiting else CopyState.SENT if listed else CopyState.COMPLETE
        made = CopyOutcome(
            destination=self.name,
            state=CopyState.DIFFERS if tally.serious else state,
            wanted_count=len(names),
            proved_count=len(names) - len(waiting) - listed,
            listed_count=listed,
            waiting_count=len(waiting),
            waiting_bytes=sum(item.size_bytes for item in waiting),
            patient_count=self._routed.patient_count,
            sent_count=tally.sent_count,
            sent_bytes=tally.sent_bytes,
            reread_count=tally.reread_count,
            problems=tuple(tally.problems),
            problems_count=tally.problems_count,
            remarks=words.remarks(self._routed, left_count=tally.left_count),
        )
        if failure is None:
            return made
        state = made.state if tally.serious else _state_of(failure)
        return replace(made, state=state, error=failure.message, do_next=failure.do_next)


def _state_of(failure: BeamkeeperError) -> CopyState:
    if isinstance(failure, StorageFull):
        return CopyState.FULL
    if isinstance(failure, TimeIsUp | NotGivenBack):
        return CopyState.BEHIND
    is_silent = isinstance(failure, SourceUnavailable | SourceAnswerInvalid)
    return CopyState.UNREACHABLE if is_silent else CopyState.BEHIND
