"""What was collected of one patient while the network was there, noted for the time when it is gone."""

from __future__ import annotations

from dataclasses import dataclass

from beamkeeper.errors import SourceUnavailable
from beamkeeper.protect.collect import Collection, Outcome
from beamkeeper.wire.dicom.peers import ExpectedObject
from beamkeeper.wire.dicom.spool import SpooledObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A collection as a note.

    Attributes
    ----------
    received
        (SOP Instance UID, what came for it).
    pushed
        SOP Instance UIDs of what was sent unasked.
    error
        Why nothing could be collected; "" otherwise.
    """

    expected: tuple[ExpectedObject, ...] = ()
    received: tuple[tuple[str, tuple[SpooledObject, ...]], ...] = ()
    outcomes: tuple[tuple[str, Outcome], ...] = ()
    problems: tuple[str, ...] = ()
    unavailable_sources: tuple[str, ...] = ()
    pushed: frozenset[str] = frozenset()
    error: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether another try could bring nothing more."""
        return not self.error and self.collection().is_complete

    def collection(self) -> Collection:
        """Return the collection.

        Raises
        ------
        SourceUnavailable
            There is none: nothing could be collected.
        """
        if self.error:
            raise SourceUnavailable(self.error)
        return Collection(
            expected={item.sop_instance_uid: item for item in self.expected},
            received=dict(self.received),
            outcomes=dict(self.outcomes),
            problems=self.problems,
            unavailable_sources=self.unavailable_sources,
        )


def gathered(collection: Collection, pushed: frozenset[str]) -> Gathered:
    """Return the note of a collection."""
    return Gathered(
        expected=tuple(collection.expected.values()),
        received=tuple(collection.received.items()),
        outcomes=tuple(collection.outcomes.items()),
        problems=collection.problems,
        unavailable_sources=collection.unavailable_sources,
        pushed=pushed,
    )
