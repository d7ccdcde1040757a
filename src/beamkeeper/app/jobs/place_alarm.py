"""Calling people about places elsewhere: mirrors, stores of plain DICOM, who must let a patient go."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.calling import ALL_CHANNELS_S_MAX, call
from beamkeeper.app.jobs.network import network
from beamkeeper.app.jobs.quorum import people_of
from beamkeeper.clock import local_date
from beamkeeper.errors import WindowUnavailable
from beamkeeper.protect.copies import CopyState
from beamkeeper.protect.mirror import MirrorState, Outcome
from beamkeeper.protect.retain import PlaceState
from beamkeeper.wire.alerting import Alert, Severity

if TYPE_CHECKING:
    from datetime import date, datetime

    from beamkeeper.app.site import Site
    from beamkeeper.ledger import Ledger, MirrorRow, RemovalPlaceRow
    from beamkeeper.protect.copies import CopyOutcome

MIRROR, COPIES, REMOVAL = "mirror", "copies", "removal"
CALLING_MAX: Final = timedelta(seconds=2 * ALL_CHANNELS_S_MAX)
BEHIND_MAX: Final = timedelta(hours=24)
"""So long a place may keep us waiting before people are called."""
TEXT_CHARACTERS_MAX: Final = 900
_TAMPERED: Final = frozenset({MirrorState.ALTERED.value, CopyState.DIFFERS.value})
_RESTS: Final = frozenset({MirrorState.MIRRORED.value, CopyState.COMPLETE.value, CopyState.SENT.value})


def call_about(
    site: Site, ledger: Ledger, outcome: Outcome | CopyOutcome, row: MirrorRow, now: datetime
) -> bool:
    """Call people about a mirror or a store, once a day for each and its state; return whether they were.

    At once when what lies there is not what was put there, after a day when it stays behind.
    """
    kind = MIRROR if isinstance(outcome, Outcome) else COPIES
    what = "mirror" if kind == MIRROR else "plain DICOM at"
    who = f"Beamkeeper {site.site.name}: {what} {outcome.destination}"
    found = next((problem.text for problem in outcome.problems), outcome.error)
    see = "See `beamkeeper mirrors`." if kind == MIRROR else "See `beamkeeper copies`."
    state = outcome.state.value
    if state in _TAMPERED:
        text = f"{who} {'was altered' if kind == MIRROR else 'differs from what was sent'}. {found} {see}"
    elif state not in _RESTS and row.waiting_since is not None and now - row.waiting_since >= BEHIND_MAX:
        text = f"{who} is {state} since {_local(site, row.waiting_since)}. {found} {see}"
    else:
        return False
    today = local_date(now, site.zone)
    return _call_once(
        site,
        ledger,
        f"{kind}/{outcome.destination}/{state}",
        text,
        kind=kind,
        since=today,
        now=now,
        severity=Severity.ALERT if state in _TAMPERED else Severity.WARNING,
    )


def call_about_removals(site: Site, ledger: Ledger, now: datetime) -> int:
    """Call people about places that do not let removed patients go; return how many texts went out.

    At once when only a person can go on, after a day when a place stays open; once a week for each place and
    state. A lock has its date, and nobody is called before.
    """
    today = local_date(now, site.zone)
    open_: dict[tuple[str, str], list[tuple[datetime, RemovalPlaceRow]]] = {}
    for row in ledger.removals.all(unfinished=True):
        for place in ledger.removals.places(row.removal_id) if row.state == "going" else ():
            is_held = place.state == PlaceState.HELD.value
            waits = place.state == PlaceState.WAITING.value and now - row.changed_at >= BEHIND_MAX
            if is_held or waits:
                open_.setdefault((place.place, place.state), []).append((row.changed_at, place))
    count = 0
    for (name, state), found in sorted(open_.items()):
        since, (_, first) = min(at for at, _ in found), found[0]
        patients = "1 removed patient is" if len(found) == 1 else f"{len(found)} removed patients are"
        text = (
            f"Beamkeeper {site.site.name}: {patients} not proved gone from {name}, the first since"
            f" {_local(site, since)}. {first.said} {first.do_next} See `beamkeeper retain`."
        )
        key = f"{REMOVAL}/{name}/{state}"
        monday = today - timedelta(days=today.weekday())
        count += _call_once(
            site, ledger, key, text, kind=REMOVAL, since=monday, now=now, severity=Severity.WARNING
        )
    return count


def _call_once(
    site: Site,
    ledger: Ledger,
    key: str,
    text: str,
    *,
    kind: str,
    severity: Severity,
    since: date,
    now: datetime,
) -> bool:
    """Call people unless they were called since that date; a channel that fails is tried again next time."""
    key = f"{key}/{since.isoformat()}"
    if not site.alerts or key in {told for told, _ in ledger.votes.sent(since=since)}:
        return False
    alert = Alert(
        kind=kind, severity=severity, site=site.site.name, night="", text=text[:TEXT_CHARACTERS_MAX], at=now
    )
    try:
        with network(site, now + CALLING_MAX):
            called = call(site, alert, people_of(site) if site.quorum else ())
    except WindowUnavailable:
        return False
    return bool(called.delivered) and ledger.votes.note_sent(key, night=since, at=now)


def _local(site: Site, instant: datetime) -> str:
    return f"{instant.astimezone(site.zone):%Y-%m-%d %H:%M}"
