"""What the engine needs of a destination, and what it is given by whoever knows the vault and the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.vault import StoredObject
    from beamkeeper.wire.dicom.outgoing import Outgoing, StoreAnswer


GROWTH_MAX: Final = 32
"""So many times its size an object may have when it comes back: decompressed, or inflated."""
GROWTH_BYTES: Final = 64 << 20


def returned_bytes_max(items: Iterable[Outgoing]) -> int:
    """Return how many bytes a store may give back for these objects together."""
    return GROWTH_BYTES + GROWTH_MAX * sum(item.size_bytes for item in items)


class How(StrEnum):
    """How well it is known that a destination holds an object."""

    SAME_BYTES = "same bytes"
    """Read back: the data set is ours, byte for byte."""
    SAME_CONTENT = "same content"
    """Read back: encoded anew there, and every value is ours."""
    LISTED = "listed"
    """It says that it has the object, and nothing could be read back: not proved."""


class ReadBack(StrEnum):
    """How a destination lets us see what it holds."""

    GET = "get"
    MOVE = "move"
    WEB = "web"
    QUERY = "query"
    """It only answers what it lists."""
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one object at one destination.

    Attributes
    ----------
    name
        Pseudonym and SOP Instance UID, a slash between.
    sha256, size_bytes
        Of the object that was sent.
    """

    name: str
    sha256: str
    size_bytes: int
    how: How
    at: datetime


class Memory(Protocol):
    """Remembers what is known of one destination."""

    def all(self) -> Iterable[Known]:
        """Return everything known of this destination."""

    def keep(self, known: Sequence[Known]) -> None:
        """Keep several, each in place of an earlier one of that name."""

    def forget(self, name: str) -> None:
        """Forget what was known of `name`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """An object as a destination gave it back.

    Attributes
    ----------
    sha256
        Of the whole file.
    """

    sop_instance_uid: str
    sha256: str
    path: Path


class PlainStore(Protocol):
    """One destination of plain copies; one thread only. See tests/contract/plain_store_contract.py."""

    @property
    def read_back_by(self) -> ReadBack:
        """How what it holds is seen."""

    def store(self, items: Sequence[Outgoing]) -> Iterator[tuple[Outgoing, StoreAnswer]]:
        """Send objects and yield what the destination says of each, in any order.

        Raises
        ------
        SourceUnavailable
            No answer; what was not yielded may or may not be there.
        SourceAnswerInvalid
            An answer that breaks the standard.
        """

    def fetch(self, items: Sequence[Outgoing], folder: Path) -> Iterator[Returned]:
        """Yield what the destination gives back of `items`, written below `folder`; nothing it lacks.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
        """

    def listed(self, items: Sequence[Outgoing], patient_ids: Mapping[str, str]) -> frozenset[str]:
        """Return which of these SOP Instance UIDs it says it has.

        Parameters
        ----------
        patient_ids
            Whose each object is, by SOP Instance UID.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
        """

    def close(self) -> None:
        """Hang up; harmless when nothing is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOut:
    """An object out of the vault; or why it cannot be taken out.

    Attributes
    ----------
    outgoing
        None when the vault does not give it.
    error
        Why, in a plain sentence; "" when it does.
    """

    name: str
    item: StoredObject
    outgoing: Outgoing | None
    error: str = ""


class Source(Protocol):
    """Gives the objects of the vault as files."""

    def take(self, wanted: Sequence[tuple[str, StoredObject]]) -> Iterator[TakenOut]:
        """Yield each wanted object once, its bytes verified; each parcel is read once.

        A file is written when it is asked for, and is the caller's to remove.

        Raises
        ------
        KeyUnavailable
            This collector cannot open what it sealed.
        StorageFull
            No room for the file.
        """


class Judge(Protocol):
    """Says whether an object that came back means what was sent."""

    def __call__(self, sent: Outgoing, returned: Returned) -> Judgement:
        """Return what became of an object whose file is not equal byte for byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was found on comparing what was sent with what came back.

    Attributes
    ----------
    how
        How it is ours; None when it is not.
    differs
        Where it differs, patient-safe: paths of elements, no values.
    """

    how: How | None
    differs: tuple[str, ...] = ()
