"""The window's plan from the site file: whoever a section names may be spoken with, and nobody else."""

from __future__ import annotations

import ipaddress
import pwd
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from beamkeeper.app.site import DicomSourceSection, Site
from beamkeeper.app.site_alerts import HookAlertSection, SyslogAlertSection
from beamkeeper.app.site_copies import DicomCopies
from beamkeeper.app.site_sources import OisSection
from beamkeeper.app.site_window import WindowSection, open_time
from beamkeeper.errors import ConfigError
from beamkeeper.protect.isolate import AllowedPeer, Direction, Transport, WindowPlan
from beamkeeper.protect.isolate.pins import addresses_of, read_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from beamkeeper.protect.isolate.plan import Address

SQL_PORTS = {"postgresql": 5432, "mssql": 1433, "oracle": 1521, "mysql": 3306, "mariadb": 3306}
HTTP, HTTPS = 80, 443
HOSTS_FILE_BYTES_MAX = 1_000_000

NamedPeer = tuple[str, Direction, str, int, Transport]
"""(purpose, direction, host, port, transport)."""


def plan_of(site: Site) -> WindowPlan | None:
    """Return the plan of a site's window; None when it has none.

    Raises
    ------
    ConfigError
        A host without a pin, a user this computer does not have, a ledger on the other side of the window.
    """
    window = site.window
    if window is None:
        return None
    _verify_ledger_is_here(site)
    hosts = _hosts(window)
    try:
        return WindowPlan(
            interface=window.interface,
            driver=window.driver,
            own_addresses=tuple(map(ipaddress.ip_interface, window.addresses)),
            gateways=tuple(map(ipaddress.ip_address, window.gateways)),
            peers=tuple(_pinned(named, hosts) for named in named_peers(site)),
            worker_uids=tuple(user_id(name) for name in (window.worker, *window.other_users)),
            longest_open=timedelta(minutes=window.longest_minutes),
            open_times=tuple(map(open_time, window.open_times)),
            zone=site.zone,
        )
    except ValueError as error:
        raise ConfigError(f"[window] makes no plan: {error}.") from error


def named_peers(site: Site) -> tuple[NamedPeer, ...]:
    """Return everybody the site file names: sources, senders, deliveries, and `[[window.allow]]`."""
    window = site.window
    if window is None:
        return ()
    named = (
        *_of_sources(site),
        *_senders(site, window),
        *_of_documents(site),
        *_of_deliveries(site),
        *_of_window(window),
    )
    return tuple(peer for peer in dict.fromkeys(named) if not _is_here(peer[2]))


def _of_sources(site: Site) -> Iterator[NamedPeer]:
    for section in site.sources:
        if isinstance(section, DicomSourceSection):
            yield f"{section.name}, DICOM", Direction.OUTBOUND, section.host, section.port, Transport.TCP
        elif isinstance(section, OisSection):
            host, port = _sql_server(section)
            if host:
                yield f"{section.name}, SQL", Direction.OUTBOUND, host, port, Transport.TCP


def _senders(site: Site, window: WindowSection) -> Iterator[NamedPeer]:
    movers = (s.host for s in site.sources if isinstance(s, DicomSourceSection) and s.method == "move")
    for host in (*movers, *window.inbound_from):
        yield "sends to our receiver", Direction.INBOUND, host, site.receiver.port, Transport.TCP


def _of_documents(site: Site) -> Iterator[NamedPeer]:
    for documents in site.documents:
        for host, port in documents.servers:
            yield f"documents {documents.name}", Direction.OUTBOUND, host, port, Transport.TCP


def _of_deliveries(site: Site) -> Iterator[NamedPeer]:
    for mirror in site.mirrors:
        for host, port in mirror.servers:
            yield f"mirror {mirror.name}", Direction.OUTBOUND, host, port, Transport.TCP
    for copies in site.copies:
        for host, port in copies.servers:
            yield f"copies {copies.name}", Direction.OUTBOUND, host, port, Transport.TCP
        if isinstance(copies, DicomCopies) and copies.back_port is not None:
            back = copies.asked_host or copies.host
            yield f"copies {copies.name}, back", Direction.INBOUND, back, copies.back_port, Transport.TCP
    for removal in site.removals:
        for host, port in removal.servers:
            yield f"removal {removal.name}", Direction.OUTBOUND, host, port, Transport.TCP
    if site.mail is not None:
        yield "mail out", Direction.OUTBOUND, site.mail.host, site.mail.port, Transport.TCP
        if (replies := site.mail.replies) is not None:
            yield "answers by mail", Direction.OUTBOUND, replies.host, replies.port, Transport.TCP
    for alert in site.alerts:
        if isinstance(alert, SyslogAlertSection):
            transport = Transport.UDP if alert.transport == "udp" else Transport.TCP
            yield f"alert {alert.name}", Direction.OUTBOUND, alert.host, alert.port, transport
        elif isinstance(alert, HookAlertSection):
            yield f"alert {alert.name}", Direction.OUTBOUND, *_web_server(alert.url), Transport.TCP
    for number, target in enumerate(site.heartbeats, 1):
        yield f"heartbeat {number}", Direction.OUTBOUND, *_web_server(target.url), Transport.TCP


def _web_server(url: str) -> tuple[str, int]:
    scheme, host, port = _server_of(url, "a web address")
    return host, port or (HTTP if scheme == "http" else HTTPS)


def _of_window(window: WindowSection) -> Iterator[NamedPeer]:
    for row in window.allow:
        yield row.purpose, Direction.OUTBOUND, row.host, row.port, Transport(row.transport)


def _sql_server(section: OisSection) -> tuple[str, int]:
    """Return host and port of a database; ("", 0) when it is a file or on this computer."""
    dialect, host, port = _server_of(section.url, f"the source {section.name}")
    if not host or _is_here(host):
        return "", 0
    port = port or SQL_PORTS.get(dialect, 0)
    if not port:
        raise ConfigError(f"The url of the source {section.name} names no port, and the window needs one.")
    return host, port


def _server_of(url: str, whose: str) -> tuple[str, str, int]:
    """Return (scheme, host, port) of a URL; host "" is a file, port 0 the usual one."""
    try:
        parts = urlsplit(url)
        return parts.scheme.partition("+")[0], parts.hostname or "", parts.port or 0
    except ValueError as error:
        raise ConfigError(f"The url of {whose} is none: {error}.") from error


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _verify_ledger_is_here(site: Site) -> None:
    for name, text in (("ledger.url", site.ledger_url), ("ledger.jobs_url", site.jobs_url)):
        _, host, _ = _server_of(text, name)
        if host and not _is_here(host):
            raise ConfigError(
                f"{name} is on {host}, on the other side of the window, and is needed while it is shut.",
                do_next="With [window], ledger and jobs lie on the collector itself: leave both out.",
            )


def _hosts(window: WindowSection) -> Mapping[str, tuple[Address, ...]]:
    try:
        with window.hosts_file.open(encoding="utf-8", errors="replace") as file:
            return read_hosts(file.read(HOSTS_FILE_BYTES_MAX))
    except OSError as error:
        raise ConfigError(f"The hosts file {window.hosts_file} cannot be read: {error.strerror}.") from error


def _pinned(named: NamedPeer, hosts: Mapping[str, tuple[Address, ...]]) -> AllowedPeer:
    purpose, direction, host, port, transport = named
    return AllowedPeer(
        purpose=purpose,
        direction=direction,
        addresses=addresses_of(host, hosts),
        port=port,
        transport=transport,
    )


def user_id(name: str) -> int:
    """Return the number of a user of this computer; ConfigError when there is none of that name."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise ConfigError(
            f"[window] names the user {name}, and this computer has none of that name.",
            do_next="Make one (`adduser --system --group beamkeeper`), or name another.",
        ) from None
