"""What a run has at hand: a batch of objects in clear on the collector's disk, and a tally of what it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from beamkeeper.protect.copies.outcome import PROBLEMS_MAX, SERIOUS

if TYPE_CHECKING:
    from beamkeeper.protect.copies.interfaces import How, TakenOut
    from beamkeeper.protect.copies.outcome import Problem
    from beamkeeper.wire.dicom.outgoing import Outgoing

BATCH_OBJECTS_MAX: Final = 200
BATCH_BYTES_MAX: Final = 256 << 20
"""So much lies on the collector's disk at a time, or one object if it is larger."""


@dataclass(slots=True)
class Tally:
    """What a run has done so far.

    Attributes
    ----------
    claims
        What a destination says of an object it did not take because it has one of that UID.
    known
        By name, how well it is known that an object is there.
    left_count
        Objects known there that should not be there any more.
    no_room
        Why the destination takes no more; "" while it does.
    """

    known: dict[str, How] = field(default_factory=dict)
    sent_count: int = 0
    sent_bytes: int = 0
    reread_count: int = 0
    left_count: int = 0
    claims: dict[str, str] = field(default_factory=dict)
    has_answered: bool = False
    no_room: str = ""
    problems: list[Problem] = field(default_factory=list)
    problems_count: int = 0
    serious: bool = False

    def add(self, problem: Problem) -> None:
        """Note a problem; the first ones are told, all are counted."""
        self.problems_count += 1
        self.serious = self.serious or problem.kind in SERIOUS
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)


@dataclass(slots=True)
class Batch:
    """Objects that are on the collector's disk together."""

    taken: dict[str, TakenOut] = field(default_factory=dict)
    size_bytes: int = 0

    def add(self, one: TakenOut) -> None:
        """Take one more object."""
        self.taken[one.item.sop_instance_uid] = one
        self.size_bytes += one.item.size_bytes

    @property
    def is_full(self) -> bool:
        """Whether no more should lie in clear at a time."""
        return len(self.taken) >= BATCH_OBJECTS_MAX or self.size_bytes >= BATCH_BYTES_MAX

    def outgoing(self, names: frozenset[str] | None = None) -> list[Outgoing]:
        """Return the files, those of these names only where some are given, sorted by kind."""
        found = [
            one.outgoing
            for one in self.taken.values()
            if one.outgoing is not None and (names is None or one.name in names)
        ]
        return sorted(found, key=lambda o: (o.sop_class_uid, o.transfer_syntax_uid, o.series_instance_uid))

    def let_go(self) -> None:
        """Remove the files."""
        for one in self.outgoing():
            one.path.unlink(missing_ok=True)
