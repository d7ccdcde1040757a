"""One round of questions to an OIS: who may matter, who must be kept, then everything about these."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.protect.census.entities import ALIASES, NEEDED_ENTITIES, Entity
from beamkeeper.protect.census.ois_counts import counted
from beamkeeper.protect.census.ois_reader import RowReader, join_key
from beamkeeper.protect.census.ois_rows import OisRows
from beamkeeper.protect.census.ois_rules import OVER, listed_keys
from beamkeeper.wire.sql import (
    Condition,
    OpenSource,
    PartsRelation,
    Resolved,
    Row,
    SelectRelation,
    Since,
    TableRelation,
    wants_keys,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from beamkeeper.protect.census.mapping import EntityMapping, OisMapping
    from beamkeeper.protect.census.ois_rows import OisCourse, OisFractions
    from beamkeeper.protect.census.source import CensusWindow

MARGIN = timedelta(days=1)
"""Databases filter by naive text and times; one day more is asked for and the exact rule is ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """A section of the mapping as far as this database can answer it."""

    section: EntityMapping
    relation: Resolved
    aliases: tuple[str, ...]

    def some(self, wanted: Collection[str]) -> tuple[str, ...]:
        """Return those of its aliases that are wanted; all of them where nothing is said."""
        return tuple(alias for alias in self.aliases if alias in wanted) if wanted else self.aliases


class Asking:
    """One round of questions.

    First who may matter (treated, booked, approved or ended lately), with their courses, plans and
    counts; the rule then says who of them must be kept, and of these alone the rest is asked. Counts of
    courses that are over put nobody on the list, and are most of half a year's: they too are asked of those
    who must be kept.

    Parameters
    ----------
    database
        Open, and read-only.
    """

    def __init__(
        self, database: OpenSource, mapping: OisMapping, *, now: datetime, window: CensusWindow
    ) -> None:
        self._database = database
        self._mapping = mapping
        self._now = now
        self._window = window
        self._warnings: list[str] = []
        self._questions: dict[Entity, list[_Question]] = {}
        self._reader = RowReader(mapping)
        limits = {
            "now": now,
            "treated_since": window.treated_since(now),
            "simulated_since": window.simulated_since(now),
            "scheduled_until": window.scheduled_until(now),
            "approved_since": window.approved_since(now),
            "finished_since": window.finished_since(now),
            "past_since": window.past_since(now),
        }
        self._limits = {name: at.astimezone(mapping.zone).replace(tzinfo=None) for name, at in limits.items()}

    def everything(self) -> tuple[OisRows, tuple[str, ...]]:
        """Return the rows of everybody who may matter, and what could not be asked."""
        self._probe()
        appointments = self._rows(
            Entity.APPOINTMENT, self._since("start", "simulated_since", until="scheduled_until")
        )
        treated = self._rows(Entity.TREATED, self._since("treated_at", "treated_since"))
        touched = self._among(
            Entity.COURSE, "course_key", self._course_keys(), wanted=("course_key", "patient_key")
        )
        patient_keys = _keys("patient_key", appointments, treated, touched, self._ended_courses())
        courses = self._of_treatment(self._among(Entity.COURSE, "patient_key", patient_keys))
        plans = self._among(Entity.PLAN, "course_key", _keys("course_key", courses))
        patients = self._among(Entity.PATIENT, "patient_key", patient_keys)
        read = self._reader
        known = read.courses(courses)
        rows = OisRows(
            patients=read.patients(patients),
            courses=known,
            plans=read.plans(plans),
            appointments=read.appointments(appointments),
            treated=read.treated(treated),
            fractions=self._fractions(_keys("plan_key", self._deciding(plans, known))),
        )
        rows = self._of_the_listed(rows, patients, courses, plans)
        return rows, (*self._warnings, *read.warnings)

    def _of_the_listed(
        self, rows: OisRows, patients: Sequence[Row], courses: Sequence[Row], plans: Sequence[Row]
    ) -> OisRows:
        """Return `rows` and everything else of those who must be kept."""
        listed = listed_keys(rows, now=self._now, window=self._window, mapping=self._mapping)
        patient_keys = _keys("patient_key", (r for r in patients if join_key(r["patient_key"]) in listed))
        theirs = [row for row in courses if join_key(row["patient_key"]) in listed]
        course_keys = _keys("course_key", theirs)
        in_course = {join_key(key) for key in course_keys}
        their_plans = [row for row in plans if join_key(row["course_key"]) in in_course]
        plan_keys = _keys("plan_key", their_plans)
        counted_plans = {row["plan_key"] for row in self._deciding(their_plans, rows.courses)}
        read = self._reader
        past = self._among(
            Entity.APPOINTMENT,
            "patient_key",
            patient_keys,
            self._since("start", "past_since", until="simulated_since"),
        )
        return replace(
            rows,
            appointments=tuple(dict.fromkeys((*rows.appointments, *read.appointments(past)))),
            fractions=(
                *rows.fractions,
                *self._fractions([key for key in plan_keys if key not in counted_plans]),
            ),
            contacts=read.contacts(self._among(Entity.CONTACT, "patient_key", patient_keys)),
            physicians=read.physicians(self._among(Entity.PHYSICIAN, "patient_key", patient_keys)),
            prescriptions=read.prescriptions(self._among(Entity.PRESCRIPTION, "course_key", course_keys)),
            fields=read.fields(self._among(Entity.FIELD, "plan_key", plan_keys)),
            notes=read.notes(self._among(Entity.NOTE, "patient_key", patient_keys)),
            triages=read.triages(self._among(Entity.TRIAGE, "patient_key", patient_keys)),
            documents=read.documents(self._among(Entity.DOCUMENT, "patient_key", patient_keys)),
        )

    def _deciding(self, plans: Sequence[Row], courses: tuple[OisCourse, ...]) -> list[Row]:
        """Return the plans whose counts say who must be kept: none of a course that is over.

        All of them where nothing but the counts tells who was treated lately.
        """
        if Entity.TREATED not in self._questions:
            return list(plans)
        over = {course.key for course in courses if course.status in OVER}
        return [row for row in plans if join_key(row["course_key"]) not in over]

    def _fractions(self, plan_keys: Sequence[Any]) -> tuple[OisFractions, ...]:
        """Return what every method counts for these plans."""
        found: list[OisFractions] = []
        for question in self._questions.get(Entity.FRACTION_COUNT, ()):
            found += self._reader.fraction_counts(
                question.section, self._ask_among(question, "plan_key", plan_keys)
            )
        for question in self._questions.get(Entity.FRACTION, ()):
            sessions = self._ask_among(question, "plan_key", plan_keys)
            found += counted(self._reader.sessions(question.section, sessions))
        return tuple(found)

    def _course_keys(self) -> list[Any]:
        """Return the courses of plans approved (all where approvals have no time) or treated lately."""
        wanted = ("plan_key", "course_key")
        approved = self._rows(
            Entity.PLAN,
            self._since("approved_at", "approved_since"),
            self._since("changed_at", "approved_since"),
            wanted=wanted,
        )
        treated: tuple[Row, ...] = ()
        if Entity.TREATED not in self._questions and self._has(Entity.FRACTION_COUNT, "last_treated_at"):
            treated = self._rows(Entity.FRACTION_COUNT, self._since("last_treated_at", "treated_since"))
        missing = sorted(set(_keys("plan_key", treated)) - set(_keys("plan_key", approved)), key=str)
        return _keys("course_key", approved, self._among(Entity.PLAN, "plan_key", missing, wanted=wanted))

    def _of_treatment(self, courses: tuple[Row, ...]) -> tuple[Row, ...]:
        """Return the courses that are such by their Course ID; how many are not is said."""
        only = self._mapping.entities[Entity.COURSE].only
        if not only:
            return courses
        found = tuple(row for row in courses if _is_named(row["course_id"], only))
        if left_out := len(courses) - len(found):
            self._warnings.append(
                f"[course] {left_out} course(s) are not called as courses of treatment are."
            )
        return found

    def _ended_courses(self) -> tuple[Row, ...]:
        if not self._has(Entity.COURSE, "end"):
            return ()
        return self._rows(Entity.COURSE, self._since("end", "finished_since"), wanted=("patient_key",))

    def _probe(self) -> None:
        """Find out what this database can answer; a needed section that it cannot stops the source."""
        for section in self._mapping.sections:
            entity = section.entity
            if entity is Entity.PHOTO:
                continue
            try:
                relation = self._database.resolve(section.relation, parameters=self._limits)
                found = self._database.aliases(relation, parameters=self._limits)
                self._check_needed(entity, found)
            except SourceAnswerInvalid as error:
                if entity in NEEDED_ENTITIES:
                    raise SourceAnswerInvalid(
                        f"{section.label}: {error.message}", do_next=error.do_next
                    ) from error
                self._warnings.append(f"{section.label} is left out: {error.message}")
                continue
            aliases = tuple(alias for alias in ALIASES[entity].all if alias in found)
            question = _Question(section=section, relation=relation, aliases=aliases)
            self._questions.setdefault(entity, []).append(question)
            self._warnings += _absent(section, found)
        self._warn_of_blind_spots()

    def _check_needed(self, entity: Entity, found: frozenset[str]) -> None:
        if missing := [alias for alias in ALIASES[entity].needed if alias not in found]:
            raise SourceAnswerInvalid(
                f"The database does not have what {', '.join(missing)} stands for.",
                do_next="Check the mapping against this version of the OIS.",
            )

    def _warn_of_blind_spots(self) -> None:
        """Say which reasons this source cannot give at all."""
        knows = Entity.TREATED in self._questions or self._has(Entity.FRACTION_COUNT, "last_treated_at")
        if not knows:
            self._warnings.append("This source cannot tell who was treated lately.")
        if Entity.APPOINTMENT not in self._questions:
            self._warnings.append("This source cannot tell who has appointments or was simulated lately.")

    def _has(self, entity: Entity, alias: str) -> bool:
        return any(alias in question.aliases for question in self._questions.get(entity, ()))

    def _since(self, alias: str, start: str, *, until: str | None = None) -> Since:
        end = self._limits[until] + MARGIN if until else None
        return Since(alias=alias, start=self._limits[start] - MARGIN, end=end)

    def _rows(self, entity: Entity, *limits: Since, wanted: Collection[str] = ()) -> tuple[Row, ...]:
        """Return the rows within time limits; all of them where the section has no such times.

        A section that can only be asked by keys has none. Where only some columns are `wanted` the database
        need not work out the others, some of which are questions of their own.
        """
        found: list[Row] = []
        for question in self._questions.get(entity, ()):
            if isinstance(question.relation, SelectRelation) and wants_keys(question.relation.statement):
                continue
            conditions = tuple(limit for limit in limits if limit.alias in question.aliases)
            found += self._database.rows(
                question.relation,
                question.some((*wanted, *(limit.alias for limit in limits)) if wanted else ()),
                conditions,
                parameters=self._limits,
                row_limit=self._mapping.row_limit,
            )
        return tuple(found)

    def _among(
        self,
        entity: Entity,
        key_alias: str,
        keys: Sequence[Any],
        *conditions: Condition,
        wanted: Collection[str] = (),
    ) -> tuple[Row, ...]:
        """Return the rows of some keys, and of nobody where there is no such key."""
        return tuple(
            row
            for question in self._questions.get(entity, ())
            for row in self._ask_among(question, key_alias, keys, *conditions, wanted=wanted)
        )

    def _ask_among(
        self,
        question: _Question,
        key_alias: str,
        keys: Sequence[Any],
        *conditions: Condition,
        wanted: Collection[str] = (),
    ) -> tuple[Row, ...]:
        if not keys:
            return ()
        return self._database.rows_among(
            question.relation,
            question.some(wanted),
            key_alias,
            keys,
            conditions,
            parameters=self._limits,
            row_limit=self._mapping.row_limit,
        )


def _absent(section: EntityMapping, found: frozenset[str]) -> Iterator[str]:
    """Yield in words what this database does not have, or has and nobody asked for."""
    relation = section.relation
    if isinstance(relation, SelectRelation):
        if strange := sorted(found - set(ALIASES[section.entity].all)):
            yield f"{section.label} yields {', '.join(strange)}, which is no alias."
    elif isinstance(relation, TableRelation):
        for alias, column in relation.columns:
            if alias not in found:
                yield f"{section.label} has no column {column!r}: {alias} is not known."
    elif isinstance(relation, PartsRelation):
        for alias, _ in relation.columns:
            if alias not in found:
                yield f"{section.label} has not what {alias} stands for: it is not known."


def _is_named(course_id: object, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(str(course_id or "").strip(), pattern) for pattern in patterns)


def _keys(alias: str, *answers: Iterable[Row]) -> list[Any]:
    """Return the different keys of some rows, in the order they came; NULL joins nothing."""
    found = dict.fromkeys(row[alias] for answer in answers for row in answer)
    return [key for key in found if key is not None]
