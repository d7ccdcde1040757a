"""What a run has to do at one destination: what should be there, minus what is proved there. A pure rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.protect.copies.interfaces import How

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from beamkeeper.protect.copies.interfaces import Known
    from beamkeeper.vault import StoredObject

    Wanted = tuple[str, StoredObject]

REREAD_NOT_WITHIN: Final = timedelta(hours=12)
"""What was read back so lately is not read again in turn: runs repeat when one fails."""


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What a run has to do; each entry is (name, object).

    Attributes
    ----------
    send
        Not known to be there as it is now.
    reread
        Proved, and to be read back once more in turn.
    stand
        Known there, and nothing to do now.
    stale
        Names of objects that are known there and should not be any more: they stay there.
    """

    send: tuple[Wanted, ...]
    reread: tuple[Wanted, ...]
    stand: tuple[Wanted, ...]
    stale: tuple[str, ...]


def name_of(pseudonym: str, sop_instance_uid: str) -> str:
    """Return under which name the memory keeps an object."""
    return f"{pseudonym}/{sop_instance_uid}"


def plan(
    wanted: Sequence[tuple[str, StoredObject]],
    known: Mapping[str, Known],
    *,
    now: datetime,
    reread_days: int,
    reread_all: bool = False,
    can_prove: bool = True,
) -> CopyPlan:
    """Return what is to be done.

    Parameters
    ----------
    wanted
        (pseudonym, object).
    reread_days
        Within so many days everything is looked at once more, the oldest first.
    can_prove
        The destination gives objects back: what was only listed before is then read back now.
    """
    send: list[tuple[str, StoredObject]] = []
    reread: list[tuple[str, StoredObject]] = []
    stand: list[tuple[str, StoredObject]] = []
    names = set()
    for pseudonym, item in wanted:
        name = name_of(pseudonym, item.sop_instance_uid)
        names.add(name)
        there = known.get(name)
        if there is None or there.sha256 != item.sha256:
            send.append((name, item))
        elif reread_all or (can_prove and there.how is How.LISTED):
            reread.append((name, item))
        else:
            stand.append((name, item))
    in_turn = {name for name, _ in _in_turn(stand, known, now=now, reread_days=reread_days)}
    reread += (pair for pair in stand if pair[0] in in_turn)
    return CopyPlan(
        send=tuple(send),
        reread=tuple(reread),
        stand=tuple(pair for pair in stand if pair[0] not in in_turn),
        stale=tuple(sorted(known.keys() - names)),
    )


def _in_turn(
    stand: Sequence[Wanted], known: Mapping[str, Known], *, now: datetime, reread_days: int
) -> list[Wanted]:
    oldest_first = sorted(stand, key=lambda pair: (known[pair[0]].at, pair[0]))
    budget = -(-sum(item.size_bytes for _, item in oldest_first) // reread_days)
    chosen = []
    for name, item in oldest_first:
        age = now - known[name].at
        if age < REREAD_NOT_WITHIN or (budget <= 0 and age < timedelta(days=reread_days)):
            break
        chosen.append((name, item))
        budget -= item.size_bytes
    return chosen
