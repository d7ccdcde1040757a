"""Whom our receiver turned away, told so that somebody can change it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LOG_BYTES_MAX = 16 << 20
"""Read of one night's log; a peer that calls and calls must not fill our memory."""
TOLD_MAX = 5


@dataclass(frozen=True, slots=True)
class Refused:
    """A caller that was turned away, and what it said of itself."""

    calling_ae_title: str
    called_ae_title: str
    address: str
    is_address_allowed: bool


def refused_callers(log: Path, *, after: int) -> Counter[Refused]:
    """Return who was turned away how often, by the log of the receiver from the byte `after` on."""
    try:
        with log.open("rb") as file:
            file.seek(after)
            lines = file.read(LOG_BYTES_MAX).splitlines()
    except FileNotFoundError:
        return Counter()
    return Counter(_refused(lines))


def _refused(lines: Iterable[bytes]) -> Iterator[Refused]:
    for line in lines:
        try:
            match json.loads(line):
                case {
                    "action": "association_refused",
                    "calling": str(calling),
                    "called": str(called),
                    "peer": str(peer),
                    "address_allowed": bool(allowed),
                }:
                    yield Refused(calling, called, peer, allowed)
        except ValueError:
            continue  # what a crash or the log's end has cut


def in_words(refused: Counter[Refused], *, own_ae_title: str) -> tuple[str, ...]:
    """Return a sentence for each caller: why it was turned away, and what to change."""
    lines = [_sentence(one, count, own_ae_title) for one, count in refused.most_common(TOLD_MAX)]
    if (more := len(refused) - TOLD_MAX) > 0:
        lines.append(f"{more} more callers were turned away: see receiver.log in the night's folder.")
    return tuple(lines)


def _sentence(one: Refused, count: int, own_ae_title: str) -> str:
    who = f"AE title {one.calling_ae_title!r} at {one.address}"
    said = f"Our receiver turned away {who}, {count} {'time' if count == 1 else 'times'}: "
    if one.called_ae_title != own_ae_title:
        return said + (
            f"it asked for {one.called_ae_title!r}, and we are {own_ae_title!r}. Change our AE title there, "
            "or ae_title under [receiver] in the site file."
        )
    if not one.is_address_allowed:
        return said + (
            "its address is in none of allowed_networks. If it is the archive, add the address there, under "
            "[receiver] in the site file."
        )
    return said + (
        "its AE title is not in allowed_callers. If it is the archive, add the AE title there, under "
        "[receiver] in the site file."
    )
