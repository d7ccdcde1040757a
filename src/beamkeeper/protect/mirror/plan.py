"""What a run has to do at one destination: a pure rule on what is wanted, listed and proved."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beamkeeper.wire.destination import Listed

REREAD_NOT_WITHIN: Final = timedelta(hours=12)
"""What was read back so lately is not read again in turn: runs repeat when one fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One parcel that signed metadata name, as it must lie at a destination."""

    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """These bytes were read back from the destination under this name, at that instant.

    Attributes
    ----------
    sha256
        "" when it was proved once and is altered since: it proves nothing, and is remembered because
        signed metadata there name it.
    stamp
        What the destination's listing said then; another one later means: read it again.
    """

    name: str
    sha256: str
    size_bytes: int
    stamp: str
    proved_at: datetime


def once_proved(item: Wanted, *, at: datetime) -> Proof:
    """Return the memory of an object that had been proved and is altered since `at`."""
    return Proof(name=item.name, sha256="", size_bytes=item.size_bytes, stamp="", proved_at=at)


class Proofs(Protocol):
    """Remembers what was proved at one destination."""

    def all(self) -> Iterable[Proof]:
        """Return every proof of this destination."""

    def keep(self, proof: Proof) -> None:
        """Keep one, in place of an earlier one of that name."""

    def forget(self, name: str) -> None:
        """Forget what was proved of `name`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do.

    Attributes
    ----------
    send
        Not there.
    gone
        Those of `send` that had been proved: somebody removed them.
    prove
        There at the right size, and not known to be ours: read back first.
    reread
        Proved, and to be read again in turn.
    wrong_size
        There at another size: altered.
    stand
        Names proved that need nothing now.
    """

    send: tuple[Wanted, ...] = ()
    gone: tuple[Wanted, ...] = ()
    prove: tuple[Wanted, ...] = ()
    reread: tuple[Wanted, ...] = ()
    wrong_size: tuple[Wanted, ...] = ()
    stand: frozenset[str] = field(default_factory=frozenset)


def plan(
    wanted: Iterable[Wanted],
    listed: Mapping[str, Listed],
    proofs: Mapping[str, Proof],
    *,
    now: datetime,
    reread_days: int,
    reread_all: bool = False,
) -> Plan:
    """Return what is to be done.

    Parameters
    ----------
    listed
        What the destination says it holds, of the wanted names.
    reread_days
        Within so many days everything is read back once more; each run takes its part, the oldest
        proofs first.
    reread_all
        Believe no proof.
    """
    send, gone, prove, wrong, stand = [], [], [], [], []
    for item in wanted:
        there, proof = listed.get(item.name), proofs.get(item.name)
        if there is None:
            send.append(item)
            if proof is not None and proof.sha256 == item.sha256:
                gone.append(item)
        elif there.size_bytes != item.size_bytes:
            wrong.append(item)
        elif reread_all or proof is None or not _holds(proof, item, there):
            prove.append(item)
        else:
            stand.append(item)
    reread = _in_turn(stand, proofs, now=now, reread_days=reread_days)
    return Plan(
        send=tuple(send),
        gone=tuple(gone),
        prove=tuple(prove),
        reread=reread,
        wrong_size=tuple(wrong),
        stand=frozenset(item.name for item in stand),
    )


def _holds(proof: Proof, item: Wanted, there: Listed) -> bool:
    """Whether a proof speaks of these bytes and of the object that is listed now."""
    return (proof.sha256, proof.size_bytes, proof.stamp) == (item.sha256, item.size_bytes, there.stamp)


def _in_turn(
    stand: Iterable[Wanted], proofs: Mapping[str, Proof], *, now: datetime, reread_days: int
) -> tuple[Wanted, ...]:
    oldest_first = sorted(stand, key=lambda item: (proofs[item.name].proved_at, item.name))
    budget = -(-sum(item.size_bytes for item in oldest_first) // reread_days)
    chosen = []
    for item in oldest_first:
        age = now - proofs[item.name].proved_at
        if age < REREAD_NOT_WITHIN or (budget <= 0 and age < timedelta(days=reread_days)):
            break
        chosen.append(item)
        budget -= item.size_bytes
    return tuple(chosen)
