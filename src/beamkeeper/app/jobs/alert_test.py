"""A rehearsal of calling people: each channel for itself, and the mailbox that answers come to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.calling import ALL_CHANNELS_S_MAX, call
from beamkeeper.app.jobs.mail_votes import imap_of
from beamkeeper.app.jobs.network import network
from beamkeeper.app.jobs.quorum import people_of
from beamkeeper.errors import BeamkeeperError
from beamkeeper.wire.alerting import Alert, Severity
from beamkeeper.wire.mail import Mailbox

if TYPE_CHECKING:
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock

MAILBOX: Final = "mailbox"
TEXT: Final = "TEST. Nothing has happened. If you read this, calling people works this way."


def try_channels(site: Site, clock: Clock, *, only: frozenset[str] | None = None) -> dict[str, str]:
    """Return for each channel "" when it took a test, else why not; with `MAILBOX`, where there is one.

    Mail goes to everybody whom an escalated alarm would call.
    """
    now = clock.now()
    alert = Alert(
        kind="test",
        severity=Severity.NOTICE,
        site=site.site.name,
        night="",
        text=f"Beamkeeper {site.site.name}: {TEXT}",
        at=now,
    )
    people = people_of(site) if site.quorum else ()
    called_for = set(site.quorum.recipients + site.quorum.escalate_to) if site.quorum else set()
    people = tuple(
        person for person in people if person.login in called_for or (person.may_vote and not called_for)
    )
    with network(site, now + timedelta(seconds=2 * ALL_CHANNELS_S_MAX)):
        called = call(site, alert, people, only=only)
        tried = dict.fromkeys(called.delivered, "") | called.failed
        if only is None and site.mail is not None and site.mail.replies is not None:
            tried[MAILBOX] = _why_not_read(site)
    return dict(sorted(tried.items()))


def _why_not_read(site: Site) -> str:
    try:
        with Mailbox(imap_of(site)) as box:
            box.unread()
    except BeamkeeperError as error:
        return error.message
    return ""
