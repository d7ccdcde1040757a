"""Plain copies: what each store should hold is computed, sent and proved; a dead one holds up no other.

Nothing of a run needs to survive it: what is to be done is what the routing rule wants there, minus what
the ledger knows to be there. So a run may be killed at any point, and the next one goes on.
"""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.copy_facts import CopyMaterial, material_of
from beamkeeper.app.jobs.copy_judge import judge_by
from beamkeeper.app.jobs.copy_source import VaultSource, own_identities
from beamkeeper.app.jobs.copy_stores import compare_rules_of, connect, rule_of
from beamkeeper.app.jobs.place_alarm import call_about
from beamkeeper.app.jobs.places import BUSY, Standing, open_network, place_lock
from beamkeeper.app.jobs.runtime import open_runtime
from beamkeeper.domain.codec import to_json
from beamkeeper.ledger import CopyRow
from beamkeeper.protect.copies import (
    CopyFacts,
    Copying,
    CopyLimits,
    CopyOutcome,
    CopyState,
    How,
    Known,
    route,
)
from beamkeeper.vault.metadata import TIMESTAMP_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.app.site_copies import CopiesSection
    from beamkeeper.clock import Clock
    from beamkeeper.errors import WindowUnavailable
    from beamkeeper.ledger import Ledger, MirrorRow

ACTOR: Final = "copies"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiesStanding(Standing):
    """Where one store stands now.

    Attributes
    ----------
    state
        As the last run left it; `behind` when it was never tried.
    """

    state: CopyState
    complete_at: datetime | None


class LedgerMemory:
    """The ledger's memory of one store; the mirrors' tables, under a name of their own."""

    def __init__(self, ledger: Ledger, key: str) -> None:
        self._ledger, self._key = ledger, key

    def all(self) -> Iterator[Known]:
        """Yield everything known."""
        for row in self._ledger.mirrors.proofs(self._key):
            yield Known(
                name=row.name,
                sha256=row.sha256,
                size_bytes=row.size_bytes,
                how=How(row.stamp),
                at=row.proved_at,
            )

    def keep(self, known: Sequence[Known]) -> None:
        """Keep several."""
        rows = [
            CopyRow(
                name=one.name,
                sha256=one.sha256,
                size_bytes=one.size_bytes,
                stamp=one.how.value,
                proved_at=one.at,
            )
            for one in known
        ]
        self._ledger.mirrors.keep_all(self._key, rows)

    def forget(self, name: str) -> None:
        """Forget one."""
        self._ledger.mirrors.forget(self._key, name)

    def sent_of(self, pseudonym: str) -> frozenset[str]:
        """Return the SOP Instance UIDs that we know of there of one patient."""
        names = (one.name.split("/", 1) for one in self.all())
        return frozenset(uid for owner, uid in names if owner == pseudonym)


def key_of(section: CopiesSection) -> str:
    """Return the name a store has in the ledger, apart from the mirrors'."""
    return f"copies:{section.name}"


def run_copies(
    site: Site,
    clock: Clock,
    sections: Sequence[CopiesSection],
    *,
    reread_all: bool = False,
    on_step: Callable[[str], None] = lambda _name: None,
) -> Iterator[CopyOutcome]:
    """Bring stores to what they should hold, each by a worker of its own; yield each outcome as it ends.

    Parameters
    ----------
    on_step
        Called with the steps of `Copying`, and with "ended" and "noted" around what an outcome leaves.

    Raises
    ------
    KeyUnavailable
        This collector only encrypts.
    BeamkeeperError
        Our own vault or ledger cannot be opened: says nothing about any store.
    """
    runtime = open_runtime(site, clock)
    own_identities(runtime.keys.identities)
    with ExitStack() as held:
        free = []
        for section in sections:
            if held.enter_context(place_lock(site, f"copies-{section.name}")):
                free.append(section)
            else:
                yield _busy(section)
        marker = marker_of(site)
        material = material_of(runtime, free) if free else CopyMaterial()
        copyings = [
            _copying(runtime, section, material, reread_all=reread_all, on_step=on_step) for section in free
        ]
        if (shut := open_network(held, site, clock, [section.minutes for section in free])) is not None:
            for section in free:
                outcome = _unreachable(section, shut)
                _note(runtime, outcome)
                yield outcome
            return
        done: queue.SimpleQueue[CopyOutcome | BaseException] = queue.SimpleQueue()
        for copying in copyings:
            threading.Thread(
                target=_work, args=(copying, done), name=f"copies-{copying.name}", daemon=True
            ).start()
        mistakes = []
        for _ in copyings:
            ended = done.get()
            if isinstance(ended, BaseException):
                mistakes.append(ended)  # of ours: raised when all others have ended
                continue
            outcome = replace(ended, marker=marker)
            on_step("ended")
            _note(runtime, outcome)
            on_step("noted")
            yield outcome
        if mistakes:
            raise mistakes[0]


def _work(copying: Copying, done: queue.SimpleQueue[CopyOutcome | BaseException]) -> None:
    try:
        done.put(copying.run())
    except BaseException as error:  # noqa: BLE001 - carried to the caller's thread and raised there
        done.put(error)


def marker_of(site: Site) -> str:
    """Return a fingerprint of what the routing rule looks at, without opening it."""
    folder = site.data_dir / "facts"
    seen = sorted(
        (entry.name, entry.stat().st_mtime_ns)
        for entry in (os.scandir(folder) if folder.is_dir() else ())
        if entry.is_file()
    )
    with suppress(OSError):  # lists are sealed after the facts of their night are written
        seen.append(("", (site.vault.directory / TIMESTAMP_NAME).stat().st_mtime_ns))
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def standings(site: Site, ledger: Ledger) -> tuple[CopiesStanding, ...]:
    """Return where every store of the site stood after its last run."""
    return tuple(_standing(section, ledger.mirrors.find(key_of(section))) for section in site.copies)


def _standing(section: CopiesSection, row: MirrorRow | None) -> CopiesStanding:
    if row is not None and row.place != section.place:
        row = None
    return CopiesStanding(
        name=section.name,
        kind=section.kind,
        where=section.where,
        state=CopyState(row.state) if row and row.state else CopyState.BEHIND,
        tried_at=row.tried_at if row else None,
        complete_at=row.mirrored_at if row else None,
        waiting_since=row.waiting_since if row else None,
        facts=dict(row.facts) if row else {},
    )


def _copying(
    runtime: Runtime,
    section: CopiesSection,
    material: CopyMaterial,
    *,
    reread_all: bool,
    on_step: Callable[[str], None],
) -> Copying:
    site = runtime.site
    runtime.ledger.mirrors.begin(key_of(section), section.place)
    scratch = site.data_dir / "copies" / section.name
    shutil.rmtree(scratch, ignore_errors=True)  # what a run that was killed left in clear
    source = VaultSource(
        runtime.vault.store,
        {entry.path: entry for entry in runtime.vault.entries()},
        runtime.keys.identities,
        scratch,
        dossiers=material.dossiers,
        zone=site.zone,
    )
    return Copying(
        section.name,
        lambda kinds: connect(section, kinds, site.receiver.ae_title),
        route(rule_of(section), material.patients, material.lists),
        source=source,
        memory=LedgerMemory(runtime.ledger, key_of(section)),
        judge=judge_by(compare_rules_of(section, site)),
        older=_older(material.patients),
        scratch=scratch,
        limits=CopyLimits(
            lasts_s=section.minutes * 60.0, reread_days=section.reread_days, reread_all=reread_all
        ),
        now=runtime.clock.now,
        on_step=on_step,
    )


def _older(facts: Sequence[CopyFacts]) -> Mapping[tuple[str, str], str]:
    """Return when each superseded version was first kept, by SOP Instance UID and SHA-256."""
    return {
        (item.sop_instance_uid, item.sha256): str(item.first_seen_on)
        for one in facts
        for item in one.held
        if item.superseded
    }


def _unreachable(section: CopiesSection, why: WindowUnavailable) -> CopyOutcome:
    return CopyOutcome(
        destination=section.name, state=CopyState.UNREACHABLE, error=why.message, do_next=why.do_next
    )


def _busy(section: CopiesSection) -> CopyOutcome:
    return CopyOutcome(
        destination=section.name,
        state=CopyState.BEHIND,
        was_tried=False,
        error=BUSY,
        do_next="Wait for it; `beamkeeper copies` shows where it stands.",
    )


def _note(runtime: Runtime, outcome: CopyOutcome) -> None:
    facts = to_json(outcome)
    assert isinstance(facts, dict)  # noqa: S101 - a dataclass becomes an object
    now = runtime.clock.now()
    row = runtime.ledger.mirrors.finish(
        f"copies:{outcome.destination}",
        at=now,
        state=outcome.state.value,
        is_mirrored=outcome.is_complete,
        facts=facts,
    )
    runtime.ledger.audit.append(
        "plain copies sent",
        actor=ACTOR,
        outcome="ok" if outcome.is_complete else outcome.state.value,
        details={
            "destination": outcome.destination,
            "patients": outcome.patient_count,
            "sent": outcome.sent_count,
            "proved": outcome.proved_count,
            "not proved": outcome.listed_count,
            "waiting": outcome.waiting_count,
            "problems": outcome.problems_count,
        },
        at=now,
    )
    call_about(runtime.site, runtime.ledger, outcome, row, now)
