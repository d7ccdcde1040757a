"""The list from an OIS database, through the site's mapping."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.protect.census.mapping import ALIASES, NEEDED_ENTITIES, Entity, OisMapping
from beamkeeper.protect.census.ois_rows import OisRows, RowReader
from beamkeeper.protect.census.ois_rules import answer_from_rows
from beamkeeper.wire.sql import Condition, OpenSource, Relation, Row, SelectRelation, Since, open_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from beamkeeper.protect.census.source import CensusWindow, SourceAnswer

MARGIN = timedelta(days=1)
"""Databases filter by naive text and times; one day more is asked for and the exact rule is ours."""


class SqlSource:
    """Asks one OIS database.

    Parameters
    ----------
    mapping
        Where this OIS keeps what is asked (docs/formats/ois-mapping.md).
    url, secret, timeout_s, read_only
        As in `beamkeeper.wire.sql.open_source`.
    name
        What the source is called on the report; "" for the mapping's own word.
    """

    def __init__(
        self,
        mapping: OisMapping,
        url: str,
        *,
        secret: str = "",
        timeout_s: float = 60.0,
        read_only: bool = True,
        name: str = "",
    ) -> None:
        self._mapping = mapping
        self._url = url
        self._secret = secret
        self._timeout_s = timeout_s
        self._read_only = read_only
        self._name = name or mapping.source

    @property
    def name(self) -> str:
        """What the source is called on the report."""
        return self._name

    def ask(self, now: datetime, window: CensusWindow) -> SourceAnswer:
        """Return everybody the OIS wants kept at `now`, and whom it knows to have finished.

        Raises
        ------
        SourceUnavailable
            No answer from the database.
        SourceAnswerInvalid
            A section the list cannot do without does not fit this database.
        ConfigError
            The address is wrong, or the login may write.
        """
        source = open_source(
            self._url, secret=self._secret, timeout_s=self._timeout_s, read_only=self._read_only
        )
        with source as database:
            asking = _Asking(database, self._mapping, now=now, window=window)
            rows, warnings = asking.everything()
        answer = answer_from_rows(rows, now=now, window=window, mapping=self._mapping, source=self._name)
        return replace(answer, warnings=(*database.warnings, *warnings, *answer.warnings))


class _Asking:
    """One round of questions: first who may matter, then everything about them by key."""

    def __init__(
        self, database: OpenSource, mapping: OisMapping, *, now: datetime, window: CensusWindow
    ) -> None:
        self._database = database
        self._mapping = mapping
        self._warnings: list[str] = []
        self._available: dict[Entity, tuple[Relation, tuple[str, ...]]] = {}
        self._reader = RowReader(mapping)
        limits = {
            "now": now,
            "treated_since": window.treated_since(now),
            "simulated_since": window.simulated_since(now),
            "scheduled_until": window.scheduled_until(now),
            "approved_since": window.approved_since(now),
            "finished_since": window.finished_since(now),
        }
        self._limits = {name: at.astimezone(mapping.zone).replace(tzinfo=None) for name, at in limits.items()}

    def everything(self) -> tuple[OisRows, tuple[str, ...]]:
        """Return the rows of everybody who may matter, and what could not be asked."""
        self._probe()
        appointment_rows = self._rows(
            Entity.APPOINTMENT, self._since("start", "simulated_since", until="scheduled_until")
        )
        course_keys = self._course_keys()
        ended = self._ended_courses()
        touched = self._among(Entity.COURSE, "course_key", course_keys)
        patient_keys = _keys("patient_key", appointment_rows, touched, ended)
        courses = self._among(Entity.COURSE, "patient_key", patient_keys)
        plans = self._among(Entity.PLAN, "course_key", _keys("course_key", courses))
        read = self._reader
        rows = OisRows(
            patients=read.patients(self._among(Entity.PATIENT, "patient_key", patient_keys)),
            contacts=read.contacts(self._among(Entity.CONTACT, "patient_key", patient_keys)),
            courses=read.courses(courses),
            prescriptions=read.prescriptions(
                self._among(Entity.PRESCRIPTION, "course_key", _keys("course_key", courses))
            ),
            plans=read.plans(plans),
            appointments=read.appointments(appointment_rows),
            fractions=read.fractions(
                self._among(Entity.FRACTION_COUNT, "plan_key", _keys("plan_key", plans))
            ),
            documents=read.documents(self._among(Entity.DOCUMENT, "patient_key", patient_keys)),
        )
        return rows, (*self._warnings, *read.warnings)

    def _course_keys(self) -> list[Any]:
        """Return the courses of plans approved (all where approvals have no time) or treated lately."""
        approved = self._rows(Entity.PLAN, self._since("approved_at", "approved_since"))
        treated: tuple[Row, ...] = ()
        if self._has(Entity.FRACTION_COUNT, "last_treated_at"):
            treated = self._rows(Entity.FRACTION_COUNT, self._since("last_treated_at", "treated_since"))
        missing = sorted(set(_keys("plan_key", treated)) - set(_keys("plan_key", approved)), key=str)
        return _keys("course_key", approved, self._among(Entity.PLAN, "plan_key", missing))

    def _ended_courses(self) -> tuple[Row, ...]:
        if not self._has(Entity.COURSE, "end"):
            return ()
        return self._rows(Entity.COURSE, self._since("end", "finished_since"))

    def _probe(self) -> None:
        """Find out what this database can answer; a needed section that it cannot stops the source."""
        for entity, section in self._mapping.entities.items():
            try:
                relation = self._database.resolve(section.relation)
                found = self._database.aliases(relation, parameters=self._limits)
                self._check_needed(entity, found)
            except SourceAnswerInvalid as error:
                if entity in NEEDED_ENTITIES:
                    raise SourceAnswerInvalid(
                        f"[{entity}]: {error.message}", do_next=error.do_next
                    ) from error
                self._warnings.append(f"[{entity}] is left out: {error.message}")
                continue
            self._available[entity] = (relation, tuple(a for a in ALIASES[entity].all if a in found))
            self._warn_of_absent(entity, section.relation, found)
        self._warn_of_blind_spots()

    def _check_needed(self, entity: Entity, found: frozenset[str]) -> None:
        if missing := [alias for alias in ALIASES[entity].needed if alias not in found]:
            raise SourceAnswerInvalid(
                f"The database does not have what {', '.join(missing)} stands for.",
                do_next="Check the mapping against this version of the OIS.",
            )

    def _warn_of_absent(self, entity: Entity, relation: Relation, found: frozenset[str]) -> None:
        if isinstance(relation, SelectRelation):
            if strange := sorted(found - set(ALIASES[entity].all)):
                self._warnings.append(f"[{entity}] yields {', '.join(strange)}, which is no alias.")
            return
        for alias, column in relation.columns:
            if alias not in found:
                self._warnings.append(f"[{entity}] has no column {column!r}: {alias} is not known.")

    def _warn_of_blind_spots(self) -> None:
        """Say which reasons this source cannot give at all."""
        if not self._has(Entity.FRACTION_COUNT, "last_treated_at"):
            self._warnings.append("This source cannot tell who was treated lately.")
        if Entity.APPOINTMENT not in self._available:
            self._warnings.append("This source cannot tell who has appointments or was simulated lately.")

    def _has(self, entity: Entity, alias: str) -> bool:
        return entity in self._available and alias in self._available[entity][1]

    def _since(self, alias: str, start: str, *, until: str | None = None) -> Since:
        end = self._limits[until] + MARGIN if until else None
        return Since(alias=alias, start=self._limits[start] - MARGIN, end=end)

    def _rows(self, entity: Entity, condition: Since) -> tuple[Row, ...]:
        """Return the rows within a time limit; all of them where the section has no such time."""
        if entity not in self._available:
            return ()
        relation, aliases = self._available[entity]
        conditions: tuple[Condition, ...] = (condition,) if condition.alias in aliases else ()
        return self._database.rows(
            relation, aliases, conditions, parameters=self._limits, row_limit=self._mapping.row_limit
        )

    def _among(self, entity: Entity, key_alias: str, keys: Sequence[Any]) -> tuple[Row, ...]:
        if entity not in self._available or not keys:
            return ()
        relation, aliases = self._available[entity]
        return self._database.rows_among(
            relation, aliases, key_alias, keys, parameters=self._limits, row_limit=self._mapping.row_limit
        )


def _keys(alias: str, *answers: Iterable[Row]) -> list[Any]:
    """Return the different keys of some rows, in the order they came; NULL joins nothing."""
    found = dict.fromkeys(row[alias] for answer in answers for row in answer)
    return [key for key in found if key is not None]
