"""A look at how people are called, mail, answers and every alert channel; nobody is sent anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from beamkeeper.app.finding import Finding
from beamkeeper.app.jobs.calling import channel_of, smtp_of
from beamkeeper.app.jobs.mail_votes import imap_of
from beamkeeper.errors import BeamkeeperError
from beamkeeper.wire.mail import Mailbox, verify_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_alerts import AlertSection

NOBODY_CALLED: Final = "people confirm nights here, and nobody can be called: there are no [[alerts]]."
_SAID: Final = {
    "mail": "the mail server lets us in.",
    "http": "the gateway answers; whether it takes an alert and our secret, only an alert shows.",
    "syslog": "the log server can be reached.",
    "command": "the program is there.",
}


def check_calling(site: Site, *, online: bool) -> Iterator[Finding]:
    """Yield one finding for the mail server, the mailbox of answers, and each alert channel.

    Parameters
    ----------
    online
        Connect, prove ourselves and hang up; else only what needs no network is looked at.
    """
    if site.quorum is not None and not site.alerts:
        yield Finding(what="alerts", verdict="bad", text=NOBODY_CALLED, do_next="See two-people-confirm.")
    for way in _ways(site):
        yield _look(way, online=online)


class _Way(NamedTuple):
    """One way to people: what needs no network, what needs it, and what is said when both went well."""

    what: str
    prepare: Callable[[], object]
    connect: Callable[[], None]
    said: str


def _ways(site: Site) -> Iterator[_Way]:
    if site.mail is not None:
        yield _Way(
            "mail",
            lambda: smtp_of(site.mail),
            lambda: verify_entry(smtp_of(site.mail)),
            f"{site.mail.host} lets us in.",
        )
        if site.mail.replies is not None:
            text = f"the mailbox on {site.mail.replies.host} can be read."
            yield _Way("answers", lambda: imap_of(site), lambda: _read(site), text)
    for section in site.alerts:
        yield _channel(site, section)


def _channel(site: Site, section: AlertSection) -> _Way:
    said = _SAID[section.kind]
    if section.kind == "syslog" and section.transport == "udp":
        said = "the log server has an address; over UDP nobody says whether anything arrives."
    return _Way(
        f"alert {section.name}",
        lambda: channel_of(section, (), site.mail),
        lambda: channel_of(section, (), site.mail).reach(),
        said,
    )


def _read(site: Site) -> None:
    with Mailbox(imap_of(site)) as box:
        box.unread()


def _look(way: _Way, *, online: bool) -> Finding:
    try:
        way.prepare()
        if not online:
            text = "whether it can be reached: --online connects, and sends nothing."
            return Finding(what=way.what, verdict="unchecked", text=text)
        way.connect()
    except BeamkeeperError as error:
        return Finding(what=way.what, verdict="bad", text=error.message, do_next=error.do_next)
    return Finding(what=way.what, verdict="good", text=way.said)
