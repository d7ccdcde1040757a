"""The mirrors: what each destination lacks is computed, sent and proved; a dead one fails no night.

Nothing of a run needs to survive it: what is to be sent is what signed metadata name, minus what the
ledger knows to be proved there. So a run may be killed at any point, and the next one goes on.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.destinations import connect, find_section
from beamkeeper.app.jobs.place_alarm import call_about
from beamkeeper.app.jobs.places import BUSY, Standing, open_network, place_lock
from beamkeeper.app.jobs.runtime import open_ledger, open_vault, trusted_dir
from beamkeeper.domain.codec import to_json
from beamkeeper.ledger import CopyRow
from beamkeeper.protect.mirror import Job, Limits, Mirroring, MirrorState, Outcome, Pace, Proof, run_all
from beamkeeper.vault import LocalStore, SiteKeys
from beamkeeper.vault.publication import read_publication

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_mirrors import MirrorSection
    from beamkeeper.clock import Clock
    from beamkeeper.errors import BeamkeeperError
    from beamkeeper.ledger import Ledger, MirrorRow
    from beamkeeper.vault.publication import Publication

ACTOR: Final = "mirrors"


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorStanding(Standing):
    """Where one destination stands now: what is known of it, against what is published.

    Attributes
    ----------
    state
        As the last run left it; `behind` when something was published since, or it was never tried.
    proved_count, waiting_count, waiting_bytes
        Of the parcels that signed metadata name now.
    """

    state: MirrorState
    proved_count: int
    waiting_count: int
    waiting_bytes: int
    mirrored_at: datetime | None

    @property
    def is_mirrored(self) -> bool:
        """Whether everything published is proved there."""
        return self.state is MirrorState.MIRRORED


class LedgerProofs:
    """The ledger's memory of one destination."""

    def __init__(self, ledger: Ledger, destination: str) -> None:
        self._ledger = ledger
        self._destination = destination

    def all(self) -> Iterator[Proof]:
        """Yield every proof."""
        for row in self._ledger.mirrors.proofs(self._destination):
            yield Proof(
                name=row.name,
                sha256=row.sha256,
                size_bytes=row.size_bytes,
                stamp=row.stamp,
                proved_at=row.proved_at,
            )

    def keep(self, proof: Proof) -> None:
        """Keep one."""
        row = CopyRow(
            name=proof.name,
            sha256=proof.sha256,
            size_bytes=proof.size_bytes,
            stamp=proof.stamp,
            proved_at=proof.proved_at,
        )
        self._ledger.mirrors.keep(self._destination, row)

    def forget(self, name: str) -> None:
        """Forget one."""
        self._ledger.mirrors.forget(self._destination, name)


def run_mirrors(
    site: Site,
    clock: Clock,
    sections: Sequence[MirrorSection],
    *,
    reread_all: bool = False,
    ledger: Ledger | None = None,
) -> Iterator[Outcome]:
    """Bring destinations to what is published, each by a worker of its own; yield each outcome as it ends.

    Parameters
    ----------
    ledger
        The site's, where it is open already.

    Raises
    ------
    BeamkeeperError
        Our own vault or ledger cannot be opened: says nothing about any destination.
    """
    ledger = ledger or open_ledger(site)
    with ExitStack() as held:
        free = []
        for section in sections:
            if held.enter_context(place_lock(site, f"mirror-{section.name}")):
                free.append(section)
            else:
                yield Outcome(
                    destination=section.name,
                    state=MirrorState.BEHIND,
                    was_tried=False,
                    error=BUSY,
                    do_next="Wait for it; `beamkeeper mirrors` shows where it stands.",
                )
        publication = published(site, clock)
        jobs = {
            section.name: _job(site, clock, ledger, publication, section, reread_all=reread_all)
            for section in free
        }
        shut = open_network(held, site, clock, [section.minutes for section in free if section.servers])
        for section in free:
            if shut is not None and section.servers:
                del jobs[section.name]
                outcome = _unreachable(section.name, shut)
                _note(site, ledger, clock, outcome)
                yield outcome
        for outcome in run_all(tuple(jobs.values())):
            _note(site, ledger, clock, outcome)
            yield outcome


def _unreachable(name: str, why: BeamkeeperError) -> Outcome:
    return Outcome(destination=name, state=MirrorState.UNREACHABLE, error=why.message, do_next=why.do_next)


def published(site: Site, clock: Clock) -> Publication:
    """Return what the site's vault has published now, every signature verified."""
    vault = open_vault(site, clock, SiteKeys.load(site.vault.keys_dir))
    return read_publication(vault.store, trusted_dir=trusted_dir(site))


def standings(site: Site, ledger: Ledger, publication: Publication) -> tuple[MirrorStanding, ...]:
    """Return where every destination of the site stands against what is published."""
    return tuple(_standing(section, ledger, publication) for section in site.mirrors)


def _standing(section: MirrorSection, ledger: Ledger, publication: Publication) -> MirrorStanding:
    row = ledger.mirrors.find(section.name)
    if row is not None and row.place != section.place:
        row = None
    known = {proof.name: proof for proof in ledger.mirrors.proofs(section.name)} if row else {}
    proved = [
        entry
        for entry in publication.entries
        if (proof := known.get(entry.storage_name)) is not None and proof.sha256 == entry.sha256
    ]
    total = sum(entry.size_bytes for entry in publication.entries)
    return MirrorStanding(
        name=section.name,
        kind=section.kind,
        where=section.where,
        state=_state(row, publication),
        proved_count=len(proved),
        waiting_count=len(publication.entries) - len(proved),
        waiting_bytes=total - sum(entry.size_bytes for entry in proved),
        tried_at=row.tried_at if row else None,
        mirrored_at=row.mirrored_at if row else None,
        waiting_since=row.waiting_since if row else None,
        facts=dict(row.facts) if row else {},
    )


def _state(row: MirrorRow | None, publication: Publication) -> MirrorState:
    if row is None or not row.state:
        return MirrorState.BEHIND
    state = MirrorState(row.state)
    if state is MirrorState.MIRRORED and row.facts.get("timestamp_version") != publication.timestamp_version:
        return MirrorState.BEHIND
    return state


def _job(
    site: Site,
    clock: Clock,
    ledger: Ledger,
    publication: Publication,
    section: MirrorSection,
    *,
    reread_all: bool,
) -> Job:
    ledger.mirrors.begin(section.name, section.place)
    store = LocalStore(site.vault.directory)
    mirroring = Mirroring(
        section.name,
        lambda: connect(section, site),
        publication,
        open_here=store.get,
        proofs=LedgerProofs(ledger, section.name),
        pace=Pace(bytes_per_s=section.bytes_per_s, lasts_s=section.minutes * 60),
        limits=Limits(reread_days=section.reread_days, reread_all=reread_all),
        now=clock.now,
    )
    return Job(mirroring=mirroring, silence_s=section.silence_seconds)


def _note(site: Site, ledger: Ledger, clock: Clock, outcome: Outcome) -> None:
    facts = to_json(outcome)
    assert isinstance(facts, dict)  # noqa: S101 - a dataclass becomes an object
    row = ledger.mirrors.finish(
        outcome.destination,
        at=clock.now(),
        state=outcome.state.value,
        is_mirrored=outcome.is_mirrored,
        facts=facts,
    )
    ledger.audit.append(
        "mirror run",
        actor=ACTOR,
        outcome="ok" if outcome.is_mirrored else outcome.state.value,
        details={
            "destination": outcome.destination,
            "sent": outcome.sent_count,
            "proved": outcome.proved_count,
            "waiting": outcome.waiting_count,
            "problems": outcome.problems_count,
        },
        at=clock.now(),
    )
    for removed in outcome.removed:
        ledger.audit.append(
            "copies removed",
            actor=ACTOR,
            outcome="kept there" if removed.kept_count else "proved by listing and reading",
            patient_pseudonym=removed.pseudonym,
            details={
                "destination": outcome.destination,
                "gone": removed.gone_count,
                "kept": removed.kept_count,
            },
            at=clock.now(),
        )
    call_about(site, ledger, outcome, row, clock.now())


def chosen(site: Site, names: Iterable[str]) -> tuple[MirrorSection, ...]:
    """Return the sections of these names, all of them when none is named."""
    wanted = tuple(names)
    return tuple(find_section(site, name) for name in wanted) if wanted else site.mirrors
