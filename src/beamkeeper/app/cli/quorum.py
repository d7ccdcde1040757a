"""`beamkeeper quorum`: which nights wait for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.clock import SystemClock
from beamkeeper.protect.quorum import Confirmed, Disputed, Overdue, Quiet, Unverified, is_trusted

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.jobs.quorum import Standing
    from beamkeeper.app.site import Site

NIGHTS_SHOWN = 14
EXIT_WAITING = 3


def command(
    all_: Annotated[bool, typer.Option("--all", help="Every night that can still be voted on.")] = False,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Show where the last nights stand: quiet, unverified, confirmed by whom, disputed, overdue.

    Exit status: 0 every night is quiet or confirmed, 3 one waits, is overdue or is disputed.

    Example: beamkeeper quorum
    """
    from beamkeeper.app.jobs.quorum import frozen_by, standings, take_reports
    from beamkeeper.app.jobs.runtime import open_ledger

    chosen = open_site(site)
    ledger, now = open_ledger(chosen), SystemClock().now()
    take_reports(chosen, ledger, now)
    found = standings(chosen, ledger, now)
    shown = found if all_ else found[-NIGHTS_SHOWN:]
    frozen = frozen_by(chosen, ledger, now)
    if json_:
        emit_json(
            {"nights": [as_json(item) for item in shown], "purge_frozen_by": [item.night for item in frozen]}
        )
    else:
        for item in reversed(shown):
            out.print(in_words(item, chosen), soft_wrap=True, markup=False)
        if not shown:
            out.print("No night has been reported yet.")
        if frozen:
            out.print("▲ Nothing is purged while a dispute stands.")
    return 0 if all(is_trusted(item.state) for item in found) else EXIT_WAITING


def as_json(item: Standing) -> dict[str, object]:
    """Return one night as `--json` tells it; reasons may name a patient and stay out."""
    ballots = [
        {
            "person": ballot.person,
            "verdict": ballot.verdict,
            "scope": ballot.scope,
            "path": ballot.path,
            "at": ballot.at,
            "counts_for_this_list": ballot.digest == item.facts.digest,
        }
        for ballot in item.ballots
    ]
    return {"night": item.night, "facts": item.facts, "state": item.state, "ballots": ballots}


def in_words(item: Standing, site: Site) -> str:
    """Return where one night stands, in one line."""
    from beamkeeper.app.jobs.quorum import people_of

    names = {person.login: person.name for person in people_of(site)}

    def people(logins: tuple[str, ...]) -> str:
        return " and ".join(names.get(login, login) for login in logins) or "nobody"

    def clock(at: datetime) -> str:
        return at.astimezone(site.zone).strftime("%Y-%m-%d %H:%M")

    match item.state:
        case Quiet():
            said = "✓ quiet: nothing needs a vote"
        case Confirmed(by=by, at=at, late=late):
            said = f"✓ confirmed by {people(by)} at {clock(at)}" + (", LATE" if late else "")
        case Unverified(have=have, deadline_at=deadline):
            said = f"· unverified, due {clock(deadline)}; so far: {people(have)}"
        case Overdue(since=since, reported=False):
            said = f"▲ OVERDUE since {clock(since)}: there is no report of this night"
        case Overdue(since=since, have=have):
            said = f"▲ OVERDUE since {clock(since)}; so far: {people(have)}"
        case Disputed(by=by, since=since, withdrawn_by=withdrawn):
            said = f"✗ DISPUTED by {people(by)} since {clock(since)}"
            if set(withdrawn) == set(by):
                said += "; withdrawn, and a second person has to confirm"
    return f"{item.night}  {said}"
