"""One sheet for each source: what is asked, in order; one part that fails stops no other."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper import __version__
from beamkeeper.app.jobs.network import network
from beamkeeper.app.jobs.sources import ois_mapping, sql_source
from beamkeeper.app.site import DicomSourceSection
from beamkeeper.app.site_sources import OisSection, SqlSourceSection
from beamkeeper.app.source_check.archives import archives_part
from beamkeeper.app.source_check.database import COLUMNS, SERVER, WORDS, columns_part, server_part, words_part
from beamkeeper.app.source_check.documents import TITLE as DOCUMENTS
from beamkeeper.app.source_check.documents import documents_part
from beamkeeper.app.source_check.people import (
    METHODS,
    NUMBER,
    TEN,
    methods_part,
    number_part,
    ten_part,
)
from beamkeeper.app.source_check.sheet import Part, Sheet, one_line
from beamkeeper.clock import local_date
from beamkeeper.errors import BeamkeeperError, ConfigError
from beamkeeper.protect.census import CensusWindow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.protect.census import SourceAnswer

ONLINE = timedelta(minutes=30)
"""The longest that a check holds the network window open."""


def check_sources(site: Site, clock: Clock, *, only: str = "") -> Iterator[Sheet]:
    """Yield a sheet for each OIS database, or one for the archives where there is none.

    Nothing is written but a plan that an archive sends, and that is removed again.

    Parameters
    ----------
    only
        The name of one source; "" for all.

    Raises
    ------
    ConfigError
        No source of that name can be checked.
    WindowUnavailable
        The network window does not open now.
    """
    sections = [s for s in site.sources if isinstance(s, OisSection) and only in {"", s.name}]
    archives = [s for s in site.sources if isinstance(s, DicomSourceSection) and only in {"", s.name}]
    if not sections and not archives:
        raise ConfigError(
            f"There is no source {only!r} to check." if only else "There is no source to check.",
            do_next="Sheets are made of OIS databases (aria, mosaiq, sql) and of archives (dicom).",
        )
    with network(site, clock.now() + ONLINE):
        for section in sections:
            yield _sheet(site, clock, section.name, tuple(_database(site, clock, section)), section)
        if not sections:
            part = archives_part(site, clock, ())
            yield _sheet(site, clock, ", ".join(one.name for one in archives), (part,), None)


def _sheet(
    site: Site, clock: Clock, source: str, parts: tuple[Part, ...], section: OisSection | None
) -> Sheet:
    now = clock.now()
    return Sheet(
        site_name=one_line(site.site.name),
        source=source,
        checked_at=now.astimezone(site.zone).strftime("%Y-%m-%d %H:%M %Z"),
        version=__version__,
        settings_sha256=_digest(section),
        parts=tuple(sorted(parts, key=lambda part: part.number)),
    )


def _digest(section: OisSection | None) -> str:
    """Return the SHA-256 of what the site wrote: its mapping, or the settings of a shipped one."""
    if section is None:
        return ""
    if not isinstance(section, SqlSourceSection):
        return hashlib.sha256(section.model_dump_json(exclude={"secret"}).encode()).hexdigest()
    try:
        return hashlib.sha256(section.mapping.read_bytes()).hexdigest()
    except OSError:
        return ""  # what is wrong with it stands in part 1


def _database(site: Site, clock: Clock, section: OisSection) -> Iterator[Part]:
    window = CensusWindow(
        treated_days=site.census.treated_days,
        scheduled_days=site.census.scheduled_days,
        simulated_days=site.census.simulated_days,
    )
    try:
        source, zone = sql_source(section), ois_mapping(section).zone
        check = source.check(clock.now(), window)
        yield server_part(check, zone.key)
        yield columns_part(check)
        yield words_part(check)
    except BeamkeeperError as error:
        yield Part(number=1, title=SERVER, verdict="bad", lines=_said(error))
        yield from _unchecked((2, COLUMNS), (3, WORDS), why="part 1 failed")
        yield from _people(site, clock, None, why="part 1 failed")
        return
    try:
        answer = source.ask(clock.now(), window)
    except BeamkeeperError as error:
        yield Part(number=8, title=NUMBER, verdict="bad", lines=_said(error))
        yield from _people(site, clock, None, why="part 8 failed")
        return
    yield number_part(answer.entries, answer.warnings)
    yield from _people(site, clock, answer, why="")


def _people(site: Site, clock: Clock, answer: SourceAnswer | None, *, why: str) -> Iterator[Part]:
    """Yield the parts that need the list."""
    entries: tuple[CensusEntry, ...] = answer.entries if answer else ()
    if answer is None:
        yield from _unchecked((4, METHODS), (5, TEN), (6, DOCUMENTS), why=why)
        if why == "part 1 failed":
            yield from _unchecked((8, NUMBER), why=why)
    else:
        yield methods_part(entries)
        yield ten_part(entries, site.zone, local_date(clock.now(), site.zone))
        yield documents_part(site, entries)
    yield archives_part(site, clock, entries)


def _unchecked(*parts: tuple[int, str], why: str) -> Iterator[Part]:
    for number, title in parts:
        yield Part(number=number, title=title, verdict="unchecked", lines=(f"Not checked: {why}.",))


def _said(error: BeamkeeperError) -> tuple[str, ...]:
    return tuple(one_line(text) for text in (error.message, error.do_next) if text)
