"""A look at a desk: keys, cards, what was received, and what lies there in clear or unopened."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from beamkeeper.app.finding import Finding
from beamkeeper.app.jobs.carrying import IN
from beamkeeper.app.jobs.desk_shelf import shelf, written_down
from beamkeeper.errors import BeamkeeperError
from beamkeeper.respond.handover.bundle import is_bundle_id
from beamkeeper.respond.handover.desk import IDENTITY, SIGNING_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beamkeeper.respond.handover import Desk

READABLE_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_desk(desk: Desk) -> Iterator[Finding]:
    """Yield one finding a check; nothing is changed, and no check stops the others."""
    for what, check in (
        ("desk keys", _keys),
        ("desk cards", _cards),
        ("received", _received),
        ("laid aside", _aside),
        ("not opened", _not_opened),
    ):
        yield _tried(what, check, desk)


def _tried(what: str, check: Callable[[Desk], Finding], desk: Desk) -> Finding:
    try:
        return check(desk)
    except BeamkeeperError as error:
        return Finding(what=what, verdict="bad", text=error.message, do_next=error.do_next)


def _keys(desk: Desk) -> Finding:
    keys = desk.keys()
    loose = [
        name for name in (IDENTITY, SIGNING_KEY) if (desk.path / name).stat().st_mode & READABLE_BY_OTHERS
    ]
    if loose:
        return Finding(
            what="desk keys",
            verdict="bad",
            text=f"others may read {', '.join(loose)}.",
            do_next=f"chmod -R go= {desk.path}",
        )
    text = f"those of {keys.card.name}, readable by their owner only."
    return Finding(what="desk keys", verdict="good", text=text)


def _cards(desk: Desk) -> Finding:
    known = desk.known()
    if known:
        return Finding(
            what="desk cards", verdict="good", text=f"{', '.join(one.name for one in known)} trusted."
        )
    return Finding(
        what="desk cards",
        verdict="warning",
        text="nobody is trusted: no bundle can go or come.",
        do_next="Exchange cards by telephone: `beamkeeper desk trust`.",
    )


def _received(desk: Desk) -> Finding:
    lying = shelf(desk)
    wrong = [f"{one} is gone" for one in lying.missing]
    wrong += [f"{one} is not what was received" for one in lying.damaged]
    if wrong:
        return Finding(
            what="received",
            verdict="bad",
            text=f"{', '.join(wrong)}.",
            do_next="Receive the same bundle once more; use nothing of what is damaged.",
        )
    return Finding(what="received", verdict="good", text=f"{len(lying.received)} bundles, as they came.")


def _aside(desk: Desk) -> Finding:
    names = [path.name for path in desk.asides()]
    if names:
        return Finding(
            what="laid aside",
            verdict="warning",
            text=f"{', '.join(names)}: patients in clear that nothing uses.",
            do_next=f"Look why, then `beamkeeper desk tidy --desk {desk.path}`.",
        )
    return Finding(what="laid aside", verdict="good", text="nothing.")


def _not_opened(desk: Desk) -> Finding:
    taken = written_down(shelf(desk).rows)
    folder = desk.path / IN
    found = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    waiting = [name for name in found if is_bundle_id(name) and name not in taken]
    if waiting:
        return Finding(
            what="not opened",
            verdict="warning",
            text=f"{len(waiting)} bundles were fetched and not received: {', '.join(waiting[:5])}.",
            do_next=f"beamkeeper receive {folder / waiting[0]} --desk {desk.path}",
        )
    return Finding(what="not opened", verdict="good", text="nothing waits.")
