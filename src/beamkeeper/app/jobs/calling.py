"""Calling people: one alert through every channel of the site file at once, and none waits for another."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from beamkeeper.app.site_alerts import (
    CommandAlertSection,
    HookAlertSection,
    MailAlertSection,
    SyslogAlertSection,
)
from beamkeeper.errors import BeamkeeperError, ConfigError, SourceUnavailable
from beamkeeper.vault import resolve_secret
from beamkeeper.wire.alerting import (
    CommandChannel,
    HookChannel,
    SyslogChannel,
    SyslogTransport,
)
from beamkeeper.wire.mail import Letter, MailSecurity, SmtpServer, deliver, verify_entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_alerts import AlertSection, MailSection
    from beamkeeper.protect.quorum import Person
    from beamkeeper.wire.alerting import Alert, Channel

ALL_CHANNELS_S_MAX = 60.0
"""After that, a channel that is still trying counts as failed for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Which channels took an alert, and why the others did not."""

    delivered: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailChannel:
    """The alert as a letter to each person it is for."""

    name: str
    server: SmtpServer
    addresses: tuple[str, ...]

    def send(self, alert: Alert) -> None:
        """Write to everybody; one address that is refused does not keep the others from theirs.

        Raises
        ------
        SourceUnavailable
            Somebody could not be written to.
        """
        failed = []
        for address in self.addresses:
            letter = Letter(
                to=address, subject=f"Beamkeeper {alert.site}: {alert.kind}", text=alert.text + "\n"
            )
            try:
                deliver(self.server, letter, at=alert.at)
            except SourceUnavailable as error:
                failed.append(error.message)
        if failed or not self.addresses:
            raise SourceUnavailable(
                f"{len(failed)} of {len(self.addresses)} people could not be written to. "
                + (failed[0] if failed else "Nobody of those it is for has a mail address."),
                do_next="Try `beamkeeper alert test`.",
            )

    def reach(self) -> None:
        """Go as far as a letter would, and write none; see `Channel.reach`."""
        verify_entry(self.server)


def smtp_of(mail: MailSection | None) -> SmtpServer:
    """Return the server that takes our mail.

    Raises
    ------
    ConfigError
        The site file names none.
    KeyUnavailable
        Its password is not where the site file says.
    """
    if mail is None:
        raise ConfigError("The site file has no [mail] section.", do_next="Name the mail server there.")
    return SmtpServer(
        host=mail.host,
        port=mail.port,
        sender=mail.sender,
        security=MailSecurity(mail.security),
        user=mail.user,
        password=resolve_secret(mail.secret) if mail.secret else "",
        ca_file=mail.ca_file,
    )


def call(site: Site, alert: Alert, people: Sequence[Person], *, only: frozenset[str] | None = None) -> Called:
    """Send an alert through every channel that is meant for its kind; "test" goes through all.

    Parameters
    ----------
    people
        Whom it is for: channels that reach persons use it.
    only
        Names of the channels to use; None for all.
    """
    named = {person.login: person.mail for person in site.quorum.people} if site.quorum else {}
    wanted = [
        (section, _addresses(section, people, named))
        for section in site.alerts
        if (alert.kind == "test" or alert.kind in section.when) and (only is None or section.name in only)
    ]
    return through(wanted, site.mail, alert)


def _addresses(section: AlertSection, people: Sequence[Person], named: Mapping[str, str]) -> tuple[str, ...]:
    also = section.also_to if isinstance(section, MailAlertSection) else ()
    every = [*(person.mail for person in people), *(named[login] for login in also if login in named)]
    return tuple(address for address in dict.fromkeys(every) if address)


def through(
    channels: Sequence[tuple[AlertSection, tuple[str, ...]]], mail: MailSection | None, alert: Alert
) -> Called:
    """Send an alert through these channels, each with the addresses it writes to if it writes mail."""
    answers: SimpleQueue[tuple[str, str]] = SimpleQueue()
    waiting: set[str] = set()
    for section, addresses in channels:
        waiting.add(section.name)
        work = (section, addresses, mail, alert, answers)
        threading.Thread(target=_try, args=work, name=f"alert {section.name}", daemon=True).start()
    delivered: list[str] = []
    failed: dict[str, str] = {}
    while waiting:
        try:
            name, why = answers.get(timeout=ALL_CHANNELS_S_MAX)
        except Empty:
            failed |= dict.fromkeys(sorted(waiting), "it is still trying")
            break
        waiting.discard(name)
        if why:
            failed[name] = why
        else:
            delivered.append(name)
    return Called(delivered=tuple(sorted(delivered)), failed=dict(sorted(failed.items())))


def _try(
    section: AlertSection,
    addresses: tuple[str, ...],
    mail: MailSection | None,
    alert: Alert,
    answers: SimpleQueue[tuple[str, str]],
) -> None:
    try:
        channel_of(section, addresses, mail).send(alert)
    except BeamkeeperError as error:
        answers.put((section.name, error.message))
    else:
        answers.put((section.name, ""))


def channel_of(section: AlertSection, addresses: tuple[str, ...], mail: MailSection | None) -> Channel:
    """Return the channel that a section of the site file names, its secret resolved.

    Raises
    ------
    ConfigError
        It is for mail, and no mail server is named.
    KeyUnavailable
        Its secret is not where the site file says.
    """
    match section:
        case MailAlertSection():
            return MailChannel(name=section.name, server=smtp_of(mail), addresses=addresses)
        case HookAlertSection():
            return HookChannel(
                name=section.name,
                url=section.url,
                fields=section.fields,
                as_form=section.encoding == "form",
                secret_header=section.secret_header,
                secret=resolve_secret(section.secret) if section.secret else "",
                ca_file=section.ca_file,
            )
        case SyslogAlertSection():
            return SyslogChannel(
                name=section.name,
                host=section.host,
                port=section.port,
                transport=SyslogTransport(section.transport),
                facility=section.facility,
                hostname=socket.gethostname(),
                ca_file=section.ca_file,
            )
        case CommandAlertSection():
            return CommandChannel(
                name=section.name, arguments=section.arguments, answer_s_max=float(section.seconds_max)
            )
