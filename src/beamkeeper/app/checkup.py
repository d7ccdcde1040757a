"""A look at everything a night needs, one finding each; honest about what could not be looked at."""

from __future__ import annotations

import socket
import stat
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from beamkeeper.app.checkup_calling import check_calling
from beamkeeper.app.checkup_copies import check_copies
from beamkeeper.app.checkup_data import check_data, check_data_key
from beamkeeper.app.checkup_day import check_day_files
from beamkeeper.app.checkup_documents import check_documents
from beamkeeper.app.checkup_expiry import check_expiry
from beamkeeper.app.checkup_host import check_host, free_bytes
from beamkeeper.app.checkup_hour import check_hour
from beamkeeper.app.checkup_mirrors import check_mirrors
from beamkeeper.app.checkup_removals import check_removals
from beamkeeper.app.checkup_retention import check_retention
from beamkeeper.app.finding import Finding
from beamkeeper.app.host import Host
from beamkeeper.app.jobs.network import NO_AIR_GAP, network, window_of
from beamkeeper.app.jobs.pushed import count_unasked
from beamkeeper.app.jobs.runtime import only_one, open_ledger, open_vault
from beamkeeper.app.jobs.sources import peer_of, sql_source
from beamkeeper.app.jobs.tidying import nights_left, remove_abandoned, spools_left
from beamkeeper.app.site import AnySource, FolderSourceSection, ReceiptSourceSection
from beamkeeper.app.site_sources import OisSection
from beamkeeper.app.window_plan import plan_of
from beamkeeper.errors import AlreadyRunning, BeamkeeperError, WindowUnavailable
from beamkeeper.protect.census import CensusWindow
from beamkeeper.protect.isolate import WindowState
from beamkeeper.vault import SiteKeys
from beamkeeper.wire.dicom.requester import Requester

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock

FREE_BYTES_MIN = 20 << 30
ONLINE = timedelta(minutes=15)
"""The longest that a checkup holds the window open."""
SEE_WINDOW = "See `systemctl status beamkeeper-window` and docs/guide/air-gap.md."
NEEDS_DATA = ("keys", "vault", "ledger", "hour", "retention", "left over", "clock", "certificates", "network")
READABLE_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_site(
    site: Site, clock: Clock, *, host: Host | None = None, online: bool = False
) -> Iterator[Finding]:
    """Yield one finding a check, as each is done; no check stops the others.

    Nothing is changed, but that the working files of nights nobody will go on with are removed.

    Parameters
    ----------
    host
        The computer to look at; this one by default.
    online
        Open the network window for what needs the network; else that is not checked while it is shut.
        Only then are mail servers and gateways spoken with; nobody is sent anything.
    """
    host = host or Host()
    data = check_data(site, host)
    yield data
    yield from check_data_key(site, host)
    if data.verdict == "bad":
        for what in NEEDS_DATA:
            yield Finding(what=what, verdict="unchecked", text="it needs the data directory.")
    else:
        yield from _kept(site, clock)
        yield from _network(site, clock, online=online)
    yield from check_host(site, host)


def _kept(site: Site, clock: Clock) -> Iterator[Finding]:
    """Yield what lies in the data directory and in the vault."""
    yield _tried("keys", lambda: _keys(site))
    yield _tried("vault", lambda: _vault(site, clock))
    yield _tried("ledger", lambda: _ledger(site, clock))
    yield _tried("hour", lambda: check_hour(site, clock))
    yield _tried("retention", lambda: check_retention(site, clock))
    yield _tried("left over", lambda: _left_over(site, clock))
    yield _tried("clock", lambda: _clock(site, clock))
    for what, path in (("data disk", site.data_dir), ("vault disk", site.vault.directory)):
        yield _disk(what, path)
    yield from check_expiry(site, clock.now())
    yield check_day_files(site)


def _network(site: Site, clock: Clock, *, online: bool) -> Iterator[Finding]:
    """Yield what takes the network: every source, the receiver, every mirror, every way of calling people."""
    if site.window is None:
        yield Finding(what="window", verdict="warning", text=NO_AIR_GAP, do_next="See docs/guide/air-gap.md.")
        yield from _peers(site, clock)
        yield from check_calling(site, online=online)
        return
    window = _tried("window", lambda: _window(site))
    yield window
    if window.verdict == "bad" or not online:
        why = (
            "nobody keeps the window" if window.verdict == "bad" else "the window is shut; --online opens it"
        )
        mirrors = (f"mirror {section.name}" for section in site.mirrors)
        copies = (f"copies {section.name}" for section in site.copies)
        documents = (f"documents {section.name}" for section in site.documents)
        removals = (f"removals {section.name}" for section in site.removals)
        sources = (section.name for section in site.sources)
        for name in (*sources, "receiver", *documents, *mirrors, *copies, *removals):
            yield Finding(what=name, verdict="unchecked", text=f"whether it can be reached: because {why}.")
        yield from check_calling(site, online=False)
        return
    try:
        with network(site, clock.now() + ONLINE):
            yield from _peers(site, clock)
            yield from check_calling(site, online=True)
    except WindowUnavailable as error:
        yield Finding(what="window", verdict="bad", text=error.message, do_next=error.do_next)


def _peers(site: Site, clock: Clock) -> Iterator[Finding]:
    for section in site.sources:
        yield _tried(section.name, lambda section=section: _source(section, site, clock))  # type: ignore[misc]
    yield _receiver(site)
    yield from check_documents(site)
    yield from check_mirrors(site)
    yield from check_copies(site)
    yield from check_removals(site)


def _window(site: Site) -> Finding:
    plan_of(site)  # a name without a pin, a user who is not there
    reading = window_of(site).reading()
    if reading.state is WindowState.UNKNOWN:
        return Finding(
            what="window",
            verdict="bad",
            text=f"nobody knows where it stands: {reading.text}.",
            do_next=SEE_WINDOW,
        )
    return Finding(what="window", verdict="good", text=f"{reading.state.value}: {reading.text}.")


def _tried(what: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except BeamkeeperError as error:
        return Finding(what=what, verdict="bad", text=error.message, do_next=error.do_next)


def _keys(site: Site) -> Finding:
    keys = SiteKeys.load(site.vault.keys_dir)
    loose = [path.name for path in site.vault.keys_dir.iterdir() if path.stat().st_mode & READABLE_BY_OTHERS]
    if loose:
        return Finding(
            what="keys",
            verdict="bad",
            text=f"others may read {', '.join(sorted(loose))}.",
            do_next=f"chmod -R go= {site.vault.keys_dir}",
        )
    own = "opens and seals" if keys.identities else "only seals: changes cannot be shown"
    return Finding(
        what="keys", verdict="good", text=f"there, readable by their owner only; the collector {own}."
    )


def _vault(site: Site, clock: Clock) -> Finding:
    vault = open_vault(site, clock, SiteKeys.load(site.vault.keys_dir))
    nights = vault.nights()
    if vault.is_stale(clock.now()):
        return Finding(
            what="vault",
            verdict="warning",
            text=f"signatures are good, but it is stale: last night {nights[-1] if nights else 'never'}.",
            do_next="Run `beamkeeper night`.",
        )
    return Finding(what="vault", verdict="good", text=f"signatures are good, {len(nights)} nights, fresh.")


def _ledger(site: Site, clock: Clock) -> Finding:
    # The vault has a finding of its own: without it the log is checked by itself.
    seen = None
    with suppress(BeamkeeperError):
        seen = open_vault(site, clock, SiteKeys.load(site.vault.keys_dir)).audit_head
    report = open_ledger(site).audit.verify_chain(seen)
    by = ", as the vault saw it" if seen else ""
    if not report.is_whole:
        return Finding(
            what="ledger",
            verdict="bad",
            text=f"the audit log is broken at line {report.first_broken}: {report.reason}.",
            do_next="Keep the database as evidence and find out who had access to it.",
        )
    return Finding(
        what="ledger", verdict="good", text=f"answers; audit log of {report.lines} lines unbroken{by}."
    )


def _left_over(site: Site, clock: Clock) -> Finding:
    what = "left over"
    try:
        with only_one(site):
            removed = remove_abandoned(site, open_ledger(site).nights(), now=clock.now())
    except AlreadyRunning:
        return Finding(what=what, verdict="unchecked", text="a night runs; it removes what it may itself.")
    did = f"removed the working files of {_days(removed)}; " if removed else ""
    if left := nights_left(site):
        return Finding(
            what=what,
            verdict="warning",
            text=f"{did}the night of {_days(left)} has not ended: its working files lie in clear.",
            do_next=f"End it with `beamkeeper night --on {left[-1]}`; a later night that ends removes them.",
        )
    if unasked := [day for day in spools_left(site) if count_unasked(site.night_dir(day) / "spool")]:
        return Finding(
            what=what,
            verdict="warning",
            text=f"{did}objects that nobody asked for lie in clear, of {_days(unasked)}.",
            do_next="See the report of that night: somebody must say whose they are.",
        )
    return Finding(what=what, verdict="good", text=f"{did}no working files of earlier nights.")


def _days(days: Sequence[date]) -> str:
    return ", ".join(map(str, days))


def _clock(site: Site, clock: Clock) -> Finding:
    last = next((night for night in open_ledger(site).nights(1) if night.finished_at), None)
    now = clock.now()
    if last is not None and last.finished_at is not None and last.finished_at > now:
        return Finding(
            what="clock",
            verdict="bad",
            text=f"it says {now:%Y-%m-%d %H:%M} UTC, before the end of the last night: it went back.",
            do_next="Set the clock, then run this again.",
        )
    return Finding(what="clock", verdict="good", text=f"{now.astimezone(site.zone):%Y-%m-%d %H:%M %Z}.")


def _disk(what: str, path: Path) -> Finding:
    free = free_bytes(path)
    if free is None:
        return Finding(what=what, verdict="bad", text=f"{path} is not there.", do_next="Mount or make it.")
    verdict: Literal["good", "warning"] = "good" if free >= FREE_BYTES_MIN else "warning"
    return Finding(
        what=what,
        verdict=verdict,
        text=f"{free / 1e9:.0f} GB free.",
        do_next="" if verdict == "good" else "A first night of 200 patients needs some 100 GB.",
    )


def _source(section: AnySource, site: Site, clock: Clock) -> Finding:
    if isinstance(section, FolderSourceSection | ReceiptSourceSection):
        there = section.path.is_dir()
        text = f"{section.path} is {'there' if there else 'not there'}."
        return Finding(what=section.name, verdict="good" if there else "bad", text=text)
    if isinstance(section, OisSection):
        answer = sql_source(section).ask(clock.now(), CensusWindow())
        text = f"answers, {len(answer.entries)} patients on the list, {len(answer.warnings)} remarks."
        return Finding(what=section.name, verdict="warning" if answer.warnings else "good", text=text)
    with Requester(own_ae_title=site.receiver.ae_title, peer=peer_of(section)) as requester:
        requester.echo()
    secure = "with TLS" if section.tls_ca else "without TLS"
    return Finding(what=section.name, verdict="good", text=f"{section.ae_title} answers C-ECHO {secure}.")


def _receiver(site: Site) -> Finding:
    section = site.receiver
    with socket.socket(socket.AF_INET6 if ":" in section.bind else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((section.bind, section.port))
        except OSError as error:
            return Finding(
                what="receiver",
                verdict="warning",
                text=f"{section.bind}:{section.port} cannot be listened on now: {error.strerror}.",
                do_next="Fine while a night runs; else another program holds the port.",
            )
    return Finding(
        what="receiver",
        verdict="good",
        text=f"{section.ae_title} can listen on {section.bind}:{section.port}.",
    )
