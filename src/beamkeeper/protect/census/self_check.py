"""What a hospital looks at before it trusts what we read of its OIS: the server, the columns, the words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable
from beamkeeper.protect.census.entities import ALIASES, NEEDED_ENTITIES, STATUSES, UNKNOWN, Entity
from beamkeeper.wire.sql import (
    Condition,
    OpenSource,
    Resolved,
    SelectRelation,
    ServerFacts,
    Since,
    read_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.protect.census.mapping import EntityMapping, OisMapping
    from beamkeeper.protect.census.source import CensusWindow

CLOCKS_APART_MAX = timedelta(minutes=5)
VALUES_MAX = 200
"""More different states than this are no states; the commonest are shown."""
NO_STATE = "no state"
NOTHING, TREATMENT, SIMULATION = "of no concern to the list", "treatment", "simulation"


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionFound:
    """One section of the mapping in this database.

    Attributes
    ----------
    absent
        What the mapping names and this database does not have.
    error
        Why nothing of it can be asked, in words; "" otherwise.
    """

    label: str
    is_needed: bool
    found: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordCount:
    """How often one text of the database occurs, and what it means to us.

    Attributes
    ----------
    meaning
        "" when the mapping does not know the text.
    """

    label: str
    column: str
    text: str
    count: int
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheck:
    """What one database said.

    Attributes
    ----------
    clock_off
        How far the server's clock is from ours in the mapping's zone; None when it has none.
    unasked
        Which words could not be counted, and why.
    """

    server: ServerFacts
    clock_off: timedelta | None
    warnings: tuple[str, ...]
    sections: tuple[SectionFound, ...]
    words: tuple[WordCount, ...]
    unasked: tuple[str, ...]

    @property
    def clock_agrees(self) -> bool:
        """Whether the server's wall clock is the one that the mapping's zone shows."""
        return self.clock_off is None or abs(self.clock_off) <= CLOCKS_APART_MAX


def self_check(
    database: OpenSource, mapping: OisMapping, *, now: datetime, window: CensusWindow
) -> SelfCheck:
    """Return what an open database says of itself and of every section of a mapping."""
    server = database.server()
    checking = _Checking(database, mapping, now=now, window=window)
    checking.run()
    return SelfCheck(
        server=server,
        clock_off=None if server.wall_time is None else server.wall_time - _wall(now, mapping),
        warnings=database.warnings,
        sections=tuple(checking.sections),
        words=tuple(checking.words),
        unasked=tuple(checking.unasked),
    )


def _wall(instant: datetime, mapping: OisMapping) -> datetime:
    return instant.astimezone(mapping.zone).replace(tzinfo=None)


class _Checking:
    """One look at every section."""

    def __init__(
        self, database: OpenSource, mapping: OisMapping, *, now: datetime, window: CensusWindow
    ) -> None:
        self._database = database
        self._mapping = mapping
        limits = {
            "now": now,
            "treated_since": window.treated_since(now),
            "simulated_since": window.simulated_since(now),
            "scheduled_until": window.scheduled_until(now),
            "approved_since": window.approved_since(now),
            "finished_since": window.finished_since(now),
            "past_since": window.past_since(now),
        }
        self._limits = {name: _wall(at, mapping) for name, at in limits.items()}
        self.sections: list[SectionFound] = []
        self.words: list[WordCount] = []
        self.unasked: list[str] = []

    def run(self) -> None:
        """Look at each section and count its words."""
        for section in self._mapping.sections:
            is_needed = section.entity in NEEDED_ENTITIES
            try:
                relation = self._database.resolve(section.relation, parameters=self._limits)
                found = self._database.aliases(relation, parameters=self._limits)
            except SourceAnswerInvalid as error:
                self.sections.append(
                    SectionFound(label=section.label, is_needed=is_needed, error=error.message)
                )
                continue
            self.sections.append(_found(section, found, is_needed=is_needed))
            self._count_words(section, relation, found)

    def _count_words(self, section: EntityMapping, relation: Resolved, found: frozenset[str]) -> None:
        if section.entity in STATUSES and "status" in found:
            known = STATUSES[section.entity]
            self._count(section, relation, "status", found, lambda raw: _state(section, raw, known))
        if section.entity is Entity.APPOINTMENT and "activity" in found:
            self._count(section, relation, "activity", found, lambda raw: _activity(section, raw))

    def _count(
        self,
        section: EntityMapping,
        relation: Resolved,
        alias: str,
        found: frozenset[str],
        meaning_of: Callable[[str], str],
    ) -> None:
        try:
            counted = self._database.counts(
                relation,
                alias,
                self._bound(section.entity, found),
                parameters=self._limits,
                limit=VALUES_MAX,
            )
        except (SourceAnswerInvalid, SourceUnavailable) as error:
            self.unasked.append(f"{section.label} {alias}: {error.message}")
            return
        together: dict[str, int] = {}
        for value, count in counted:
            text = read_text(value)
            together[text] = together.get(text, 0) + count
        self.words += [
            WordCount(label=section.label, column=alias, text=text, count=count, meaning=meaning_of(text))
            for text, count in together.items()
        ]

    def _bound(self, entity: Entity, found: frozenset[str]) -> tuple[Condition, ...]:
        """Return the time limit of one count, where every row has the time: others are counted whole."""
        if entity is Entity.APPOINTMENT and "start" in found:
            return (Since(alias="start", start=self._limits["past_since"]),)
        return ()


def _found(section: EntityMapping, found: frozenset[str], *, is_needed: bool) -> SectionFound:
    aliases = ALIASES[section.entity]
    named = aliases.needed
    if not isinstance(section.relation, SelectRelation):
        named = tuple(alias for alias, _ in section.relation.columns)
    lacking = [alias for alias in aliases.needed if alias not in found]
    return SectionFound(
        label=section.label,
        is_needed=is_needed,
        found=tuple(alias for alias in aliases.all if alias in found),
        absent=tuple(alias for alias in named if alias not in found),
        error=f"it lacks {', '.join(lacking)}" if lacking else "",
    )


def _state(section: EntityMapping, raw: str, known: frozenset[str]) -> str:
    """Return our word; "" for one the mapping does not know. An empty field says nothing, as on the list."""
    word = section.word_for(raw, known)
    return (NO_STATE if not raw else "") if word.startswith(UNKNOWN) else word


def _activity(section: EntityMapping, raw: str) -> str:
    def matches(patterns: tuple[str, ...]) -> bool:
        return any(fnmatchcase(raw.casefold(), pattern.casefold()) for pattern in patterns)

    if matches(section.simulation):
        return SIMULATION
    return TREATMENT if not section.treatment or matches(section.treatment) else NOTHING
