"""One run over one destination: survey, read back, send, read back, and the signed metadata last."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO, Final

from beamkeeper.errors import BeamkeeperError, IntegrityError, SourceUnavailable, StorageFull
from beamkeeper.protect.mirror import words
from beamkeeper.protect.mirror.old_metadata import remove_old_there
from beamkeeper.protect.mirror.outcome import (
    PROBLEMS_MAX,
    SERIOUS,
    MirrorState,
    Outcome,
    Problem,
    RemovedThere,
)
from beamkeeper.protect.mirror.pace import TimeIsUp
from beamkeeper.protect.mirror.plan import Plan, Proof, Wanted, once_proved, plan
from beamkeeper.protect.mirror.reading import Found, paced, read_back
from beamkeeper.protect.mirror.removing import DueRemovals, find_notice
from beamkeeper.protect.mirror.signing import MetadataCopy
from beamkeeper.vault.metadata import TARGETS
from beamkeeper.wire.destination import DestinationFacts, Listed, NameTaken

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from beamkeeper.protect.mirror.pace import Pace
    from beamkeeper.protect.mirror.plan import Proofs
    from beamkeeper.vault.publication import Publication
    from beamkeeper.wire.destination import Destination

ATTEMPTS_MAX: Final = 3
"""Tries of one parcel in one run, while the destination gives no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a site allows a destination.

    Attributes
    ----------
    reread_days
        Within so many days everything there is read back once more.
    reread_all
        Read everything back in this run.
    """

    reread_days: int = 7
    reread_all: bool = False


@dataclass(slots=True)
class _Tally:
    """What a run has done so far."""

    proved: dict[str, Wanted] = field(default_factory=dict)
    once_proved: frozenset[str] = frozenset()
    not_here: set[str] = field(default_factory=set)
    sent_count: int = 0
    sent_bytes: int = 0
    reread_count: int = 0
    removed: tuple[RemovedThere, ...] = ()
    timestamp_version: int = 0
    problems: list[Problem] = field(default_factory=list)
    problems_count: int = 0
    serious: bool = False
    facts: DestinationFacts = field(default_factory=DestinationFacts)

    def add(self, problem: Problem) -> None:
        self.problems_count += 1
        self.serious = self.serious or problem.kind in SERIOUS
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)


class Mirroring:
    """One run over one destination; `run` never raises what the destination caused.

    Parameters
    ----------
    connect
        Opens the destination; its errors are the destination's.
    open_here
        Opens a parcel in the vault; None when the vault lacks it.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Destination],
        publication: Publication,
        *,
        open_here: Callable[[str], BinaryIO | None],
        proofs: Proofs,
        pace: Pace,
        limits: Limits,
        now: Callable[[], datetime],
    ) -> None:
        self.name = name
        self.pace = pace
        self._connect = connect
        self._publication = publication
        self._open_here = open_here
        self._memory = proofs
        self._limits = limits
        self._now = now
        self._destination: Destination | None = None
        self._wanted = {
            entry.storage_name: Wanted(
                name=entry.storage_name, sha256=entry.sha256, size_bytes=entry.size_bytes
            )
            for entry in publication.entries
        }
        self._tally = _Tally()
        self._due = DueRemovals(publication)

    def cut(self) -> None:
        """End the run from another thread: the connection is broken."""
        self.pace.stop()
        if self._destination is not None:
            self._destination.cut()

    def run(self) -> Outcome:
        """Bring the destination to what is published; return how far that went."""
        failure: BeamkeeperError | None = None
        try:
            self._destination = self._connect()
            self._work(self._destination)
        except BeamkeeperError as error:  # a dead line, a wrong key: for this destination only
            failure = error
        finally:
            self._hang_up()
        return self._outcome(failure)

    def _hang_up(self) -> None:
        if self._destination is not None:
            with contextlib.suppress(BeamkeeperError):
                self._destination.close()

    def _work(self, destination: Destination) -> None:
        self._tally.facts = destination.facts()
        proofs = {proof.name: proof for proof in self._memory.all()}
        self._tally.once_proved = frozenset(proofs)
        copy = MetadataCopy(destination, self._publication, self.pace, told=self._tally.add)
        copy.look(proofs)
        listed = self._survey(destination)
        todo = plan(
            self._wanted.values(),
            listed,
            proofs,
            now=self._now(),
            reread_days=self._limits.reread_days,
            reread_all=self._limits.reread_all,
        )
        self._tally.proved = {name: self._wanted[name] for name in todo.stand}
        self._tell_of(todo)
        for item in (*todo.prove, *todo.reread):
            self._prove(destination, item, listed[item.name])
        held_back = self._send_all(destination, todo.send)
        if not held_back:
            self._tally.timestamp_version = copy.bring(self._memory, now=self._now)
        if self._tally.timestamp_version:
            self._remove(destination)  # now that nothing there leads to them any more
            remove_old_there(destination, self._publication)

    # 1: what is there --------------------------------------------------------------------------------

    def _survey(self, destination: Destination) -> dict[str, Listed]:
        """Return what is listed of what is wanted; the rest is counted, never kept."""
        found: dict[str, Listed] = {}
        strange = 0
        for item in destination.list(TARGETS):
            self.pace.verify_time()
            if item.name in self._wanted:
                found[item.name] = item
            elif not self._due.note(item.name):
                strange += 1
        if strange:
            self._tally.add(words.strange(strange))
        return found

    def _tell_of(self, todo: Plan) -> None:
        for item in todo.gone:
            self._memory.forget(item.name)
            self._tally.add(words.gone(item.name))
        for item in todo.wrong_size:
            self._call_altered(item)

    def _call_altered(self, item: Wanted) -> None:
        if item.name in self._tally.once_proved:
            self._memory.keep(once_proved(item, at=self._now()))
        self._tally.proved.pop(item.name, None)
        self._tally.add(words.altered(item.name))

    # 2: reading back ----------------------------------------------------------------------------------

    def _prove(self, destination: Destination, item: Wanted, listed: Listed) -> None:
        found = read_back(
            destination, item.name, sha256=item.sha256, size_bytes=item.size_bytes, pace=self.pace
        )
        self._tally.reread_count += 1
        if found is Found.SAME:
            self._keep(item, listed.stamp)
            return
        if found is Found.OTHER:
            self._call_altered(item)
        else:
            self._memory.forget(item.name)
            self._tally.proved.pop(item.name, None)
            self._tally.add(words.listed_and_absent(item.name))

    def _keep(self, item: Wanted, stamp: str) -> None:
        self._memory.keep(
            Proof(
                name=item.name,
                sha256=item.sha256,
                size_bytes=item.size_bytes,
                stamp=stamp,
                proved_at=self._now(),
            )
        )
        self._tally.proved[item.name] = item

    # 3: sending ---------------------------------------------------------------------------------------

    def _send_all(self, destination: Destination, items: tuple[Wanted, ...]) -> bool:
        """Send what is not there; return whether the metadata must wait.

        They wait for every parcel that they would name for the first time: a client must not be led to
        what is not there. What was altered since it was proved is named there already.
        """
        for item in items:
            self._send_patiently(destination, item)
        lacking = self._wanted.keys() - self._tally.proved.keys()
        return bool(lacking - self._tally.once_proved - self._tally.not_here)

    def _send_patiently(self, destination: Destination, item: Wanted) -> None:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                self._send(destination, item)
            except TimeIsUp:
                raise
            except SourceUnavailable:
                if attempt == ATTEMPTS_MAX:
                    raise
            else:
                return

    def _send(self, destination: Destination, item: Wanted) -> None:
        """Send one parcel and read it back."""
        self._verify_room(item)
        source = self._open_here(item.name)
        if source is None:
            self._tally.not_here.add(item.name)
            self._tally.add(words.not_here(item.name))
            return
        taken = False
        with paced(source, self.pace) as counted:
            try:
                destination.put(item.name, counted, size_bytes=item.size_bytes)
            except NameTaken:
                taken = True  # the listing did not say so, or another attempt of ours had got through
        found = read_back(
            destination, item.name, sha256=item.sha256, size_bytes=item.size_bytes, pace=self.pace
        )
        if found is Found.SAME:
            self._keep(item, self._stamp_of(destination, item))
            if not taken:
                self._tally.sent_count += 1
                self._tally.sent_bytes += item.size_bytes
        elif found is Found.OTHER and taken:
            self._call_altered(item)
        else:
            self._tally.add(words.lied(item.name, absent=found is Found.ABSENT))

    def _verify_room(self, item: Wanted) -> None:
        free = self._tally.facts.free_bytes
        if free is not None and free - self._tally.sent_bytes < item.size_bytes:
            raise StorageFull(
                f"The next parcel has {item.size_bytes / 1e6:.1f} MB; {free / 1e6:.1f} MB were free.",
                do_next="Make room at the destination; nothing of ours is removed there by itself.",
            )

    def _stamp_of(self, destination: Destination, item: Wanted) -> str:
        folder = item.name.rpartition("/")[0] + "/"
        stamps = (listed.stamp for listed in destination.list(folder) if listed.name == item.name)
        return next(stamps, "")

    def _remove(self, destination: Destination) -> None:
        if (count := self._due.count) and (notice := find_notice(destination)):
            self._tally.add(words.frozen(count, notice))
            return
        self._tally.removed = self._due.carry_out(destination, self._memory)
        if kept := sum(one.kept_count for one in self._tally.removed):
            self._tally.add(words.kept(kept, self._tally.facts.lock))

    # 4: how it ended ----------------------------------------------------------------------------------

    def _outcome(self, failure: BeamkeeperError | None) -> Outcome:
        tally = self._tally
        proved = tally.proved.values()
        waiting = [item for name, item in self._wanted.items() if name not in tally.proved]
        current = tally.timestamp_version == self._publication.timestamp_version
        made = Outcome(
            destination=self.name,
            state=MirrorState.MIRRORED if current and not waiting else MirrorState.BEHIND,
            proved_count=len(proved),
            proved_bytes=sum(item.size_bytes for item in proved),
            waiting_count=len(waiting),
            waiting_bytes=sum(item.size_bytes for item in waiting),
            sent_count=tally.sent_count,
            sent_bytes=tally.sent_bytes,
            reread_count=tally.reread_count,
            removed=tally.removed,
            timestamp_version=tally.timestamp_version,
            problems=tuple(tally.problems),
            problems_count=tally.problems_count,
            free_bytes=tally.facts.free_bytes,
            lock=tally.facts.lock,
            encrypted=tally.facts.encrypted,
        )
        if failure is not None:
            made = replace(made, state=_state_of(failure), error=failure.message, do_next=failure.do_next)
        return replace(made, state=MirrorState.ALTERED) if tally.serious else made


def _state_of(failure: BeamkeeperError) -> MirrorState:
    if isinstance(failure, TimeIsUp):
        return MirrorState.BEHIND
    if isinstance(failure, StorageFull):
        return MirrorState.FULL
    if isinstance(failure, SourceUnavailable):
        return MirrorState.UNREACHABLE
    return MirrorState.ALTERED if isinstance(failure, IntegrityError) else MirrorState.UNREACHABLE
