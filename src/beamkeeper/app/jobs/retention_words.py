"""What people say about keeping: taken, audited without their reasons; and how retention stands, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.jobs.quorum import people_of
from beamkeeper.errors import ConfigError, VoteRefused
from beamkeeper.ledger import WordRow
from beamkeeper.protect.retain import EVERYBODY, WordKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from beamkeeper.app.site import Site
    from beamkeeper.ledger import Ledger, RemovalRow

REASON_CHARACTERS_MAX = 1000
VAULT = " the vault"
"""The blank puts it before every other place."""
NOT_CARRIED_OUT = (
    "the removal was broken off; `beamkeeper retain run` goes on with it, and says what is wrong."
)


def speak(
    site: Site, ledger: Ledger, *, kind: WordKind, pseudonym: str, person: str, reason: str, now: datetime
) -> None:
    """Take one person's word. Who it is was proved by the caller.

    Anybody of the department may hold; who may vote may release.

    Raises
    ------
    VoteRefused
        The person may not release.
    ConfigError
        No reason, or the site names no people who could release.
    """
    if not reason.strip() or len(reason) > REASON_CHARACTERS_MAX:
        raise ConfigError(
            "A hold or a release needs a reason, of at most a page.", do_next="Give it with --reason."
        )
    if kind is WordKind.RELEASE:
        voters = {one.login for one in people_of(site) if one.may_vote}
        if person not in voters:
            raise VoteRefused(
                f"{person} may not release: physicists and physicians of the site file do.",
                do_next="Have two of them release.",
                person=person,
            )
    ledger.audit.append(
        f"retention {kind.value}",
        actor=person,
        outcome="ok",
        at=now,
        patient_pseudonym=pseudonym or None,
        details={"everybody": pseudonym == EVERYBODY},
    )
    ledger.removals.say(
        WordRow(at=now, person=person, kind=kind.value, pseudonym=pseudonym, reason=reason.strip())
    )


def retention_remarks(ledger: Ledger) -> tuple[str, ...]:
    """Return how retention stood at the last look, and what waits elsewhere, for status and report."""
    said = []
    last = ledger.removals.last_run()
    if last is not None:
        found = last.found
        counts = f"{found['due']} due, {found['removed']} removed, {found['held']} held"
        said.append(f"Retention of {last.run_on}: {counts}.")
        frozen = found.get("frozen_by")
        if isinstance(frozen, list) and frozen and found["due"]:
            said.append(f"Nothing was removed: {frozen[0]}")
    return (*said, *waiting_in_words(ledger, ledger.removals.all(unfinished=True)))


def waiting_in_words(ledger: Ledger, rows: Iterable[RemovalRow]) -> tuple[str, ...]:
    """Return a sentence for every place that keeps removals waiting, the vault itself first."""
    by_place: dict[str, list[str]] = {}
    for row in rows:
        if row.state == "decided":  # outside a run: it was broken off, or the vault's disk lets nothing go
            by_place.setdefault(VAULT, []).append(NOT_CARRIED_OUT)
        for place in ledger.removals.places(row.removal_id):
            if place.state in {"waiting", "locked", "held"}:
                by_place.setdefault(f"{place.place} ({place.state})", []).append(place.said)
    return tuple(
        f"{len(texts)} removed {'patient is' if len(texts) == 1 else 'patients are'} not proved gone from"
        f" {place.strip()}: {texts[0] or 'not asked yet.'}"
        for place, texts in sorted(by_place.items())
    )
