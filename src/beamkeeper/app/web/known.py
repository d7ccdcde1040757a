"""What the pages ask again and again: reports, where nights stand, how the vault is. Read, never guessed.

A report is read once and kept until its file changes: that of 200 patients takes longer to read than a
page may take.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.quorum import Standing, standings, take_reports
from beamkeeper.app.jobs.reporting import NOTE_NAME, last_report
from beamkeeper.app.jobs.runtime import open_vault
from beamkeeper.domain.ballot import Verdict
from beamkeeper.errors import BeamkeeperError
from beamkeeper.protect.isolate import GuardedWindow, NoWindow, WindowReading, WindowState

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from beamkeeper.app.web.console import Console
    from beamkeeper.domain.audit import AuditReport
    from beamkeeper.domain.ballot import Ballot
    from beamkeeper.domain.night import NightReport

REPORTS_KEPT: Final = 8
WINDOW_ANSWER_S_MAX: Final = 3.0
"""A page does not wait longer for the watchdog."""


_reports: OrderedDict[tuple[Path, int], NightReport | None] = OrderedDict()
_reading = threading.Lock()


def report_of(console: Console, night: date) -> NightReport | None:
    """Return the report of one night; None when there is none on this computer."""
    path = console.site.night_dir(night) / NOTE_NAME
    try:
        key = (path, path.stat().st_mtime_ns)
    except OSError:
        return None
    with _reading:
        if key not in _reports:
            _reports[key] = last_report(console.site, night)
        _reports.move_to_end(key)
        while len(_reports) > REPORTS_KEPT:
            _reports.popitem(last=False)
        return _reports[key]


def all_standings(console: Console) -> tuple[Standing, ...]:
    """Return where the nights stand, oldest first; () where nobody is asked to confirm."""
    if console.site.quorum is None:
        return ()
    now = console.now()
    take_reports(console.site, console.ledger, now)
    return standings(console.site, console.ledger, now)


def last_words(item: str, found: Standing) -> tuple[Ballot, ...]:
    """Return the last word of each person on one item of a night's list, oldest first.

    Of two words at one instant the dispute is the later one, as the rule has it (`protect.quorum.trust`).
    """
    latest = {
        ballot.person: ballot
        for ballot in sorted(found.ballots, key=lambda one: (one.at, one.verdict is Verdict.DISPUTE))
        if ballot.covers(item) and ballot.digest == found.facts.digest
    }
    return tuple(latest.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultStanding:
    """How the vault is.

    Attributes
    ----------
    error
        Why it cannot be opened, in words; "" when it can.
    """

    is_stale: bool = False
    expires_at: datetime | None = None
    patient_count: int = 0
    size_bytes: int = 0
    error: str = ""
    do_next: str = ""


def vault_standing(console: Console) -> VaultStanding:
    """Return how the vault is, after verifying its metadata."""
    try:
        vault = open_vault(console.site, console.clock)
    except BeamkeeperError as error:
        return VaultStanding(error=error.message, do_next=error.do_next)
    return VaultStanding(
        is_stale=vault.is_stale(console.now()),
        expires_at=vault.expires_at,
        patient_count=len(vault.pseudonyms()),
        size_bytes=sum(entry.size_bytes for entry in vault.entries()),
    )


def window_standing(console: Console) -> WindowReading:
    """Return where the network window stands, as the watchdog says."""
    section = console.site.window
    window = NoWindow() if section is None else GuardedWindow(section.socket, answer_s=WINDOW_ANSWER_S_MAX)
    try:
        return window.reading()
    except BeamkeeperError as error:
        return WindowReading(state=WindowState.UNKNOWN, text=error.message)


def audit_whole(console: Console) -> AuditReport:
    """Return what checking every line of the audit log found, against its end as the vault saw it."""
    try:
        seen = open_vault(console.site, console.clock).audit_head
    except BeamkeeperError:
        seen = None
    return console.ledger.audit.verify_chain(seen)
