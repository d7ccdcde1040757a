"""Rows of an OIS in our types: text trimmed, instants in UTC, what cannot be read said once and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.protect.census.mapping import STATUSES, UNKNOWN, Entity, OisMapping
from beamkeeper.wire.sql import Row, read_bool, read_date, read_float, read_instant, read_int, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OisPatient:
    """A row of `patient`; `patient_id` may be empty, and such a row cannot be kept."""

    key: Hashable
    patient_id: str
    issuer: str
    name: str
    birth_on: date | None
    sex: str
    language: str
    phones: tuple[tuple[str, str], ...]
    is_deceased: bool
    is_test: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OisContact:
    """A row of `contact`."""

    patient_key: Hashable
    relation: str
    name: str
    phone: str
    is_primary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OisCourse:
    """A row of `course`; `status` is our word, or `unknown:…`."""

    key: Hashable
    patient_key: Hashable
    course_id: str
    status: str
    diagnosis: str
    intent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OisPrescription:
    """A row of `prescription`."""

    course_key: Hashable
    name: str
    dose_per_fraction_gy: float | None
    total_dose_gy: float | None
    fractions: int | None
    target: str
    technique: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OisPlan:
    """A row of `plan`; `status` is our word, or `unknown:…`."""

    key: Hashable
    course_key: Hashable
    plan_id: str
    plan_uid: str
    status: str
    approved_at: datetime | None
    intent: str
    planned_fractions: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OisAppointment:
    """A row of `appointment`; `status` is our word, or `unknown:…`."""

    patient_key: Hashable
    starts_at: datetime
    activity: str
    machine: str
    status: str
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OisFractions:
    """A row of `fraction_count`."""

    plan_key: Hashable
    done: int | None
    planned: int | None
    partial: int | None
    last_treated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OisDocument:
    """A row of `document`."""

    patient_key: Hashable
    doc_key: str
    title: str
    path: str
    kind: str
    created_at: datetime | None
    revised_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OisRows:
    """Everything one OIS answered."""

    patients: tuple[OisPatient, ...] = ()
    contacts: tuple[OisContact, ...] = ()
    courses: tuple[OisCourse, ...] = ()
    prescriptions: tuple[OisPrescription, ...] = ()
    plans: tuple[OisPlan, ...] = ()
    appointments: tuple[OisAppointment, ...] = ()
    fractions: tuple[OisFractions, ...] = ()
    documents: tuple[OisDocument, ...] = ()


def join_key(value: Hashable) -> Hashable:
    """Return a key that joins rows: text without padding, anything else as it is."""
    return value.strip() if isinstance(value, str) else value


@dataclass(slots=True)
class RowReader:
    """Turns rows into our types and remembers what it could not read."""

    mapping: OisMapping
    unreadable: Counter[str] = field(default_factory=Counter)
    unknown_statuses: Counter[str] = field(default_factory=Counter)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be read or is not mapped, in words."""
        said = [
            f"{what}: {count} value(s) cannot be read and are left out."
            for what, count in self.unreadable.items()
        ]
        said += [
            f"{what} is not in the mapping ({count} row(s)); such rows count as if they still mattered."
            for what, count in self.unknown_statuses.items()
        ]
        return tuple(sorted(said))

    def patients(self, rows: Iterable[Row]) -> tuple[OisPatient, ...]:
        """Read rows of `patient`."""
        return tuple(self._patient(cells) for cells in self._cells(Entity.PATIENT, rows))

    def _patient(self, cells: _Cells) -> OisPatient:
        parts = [cells.text(alias).replace("^", " ") for alias in ("last_name", "first_name", "middle_name")]
        phones = (("home", cells.text("phone_home")), ("mobile", cells.text("phone_mobile")))
        return OisPatient(
            key=cells.key("patient_key"),
            patient_id=cells.text("patient_id"),
            issuer=cells.text("issuer_of_patient_id") or self.mapping.issuer_of_patient_id,
            name="^".join(parts).rstrip("^"),
            birth_on=cells.value("birth_date", read_date),
            sex=_sex(cells.text("sex")),
            language=cells.text("language"),
            phones=tuple((relation, phone) for relation, phone in phones if phone),
            is_deceased=cells.value("deceased_date", read_date) is not None,
            is_test=cells.value("is_test", read_bool) or False,
        )

    def contacts(self, rows: Iterable[Row]) -> tuple[OisContact, ...]:
        """Read rows of `contact`."""
        return tuple(
            OisContact(
                patient_key=cells.key("patient_key"),
                relation=cells.text("relation"),
                name=cells.text("name"),
                phone=cells.text("phone"),
                is_primary=cells.value("is_primary", read_bool) or False,
            )
            for cells in self._cells(Entity.CONTACT, rows)
        )

    def courses(self, rows: Iterable[Row]) -> tuple[OisCourse, ...]:
        """Read rows of `course`."""
        return tuple(
            OisCourse(
                key=cells.key("course_key"),
                patient_key=cells.key("patient_key"),
                course_id=cells.text("course_id"),
                status=self._status(cells),
                diagnosis=" ".join(
                    filter(None, (cells.text("diagnosis_code"), cells.text("diagnosis_text")))
                ),
                intent=cells.text("intent"),
            )
            for cells in self._cells(Entity.COURSE, rows)
        )

    def prescriptions(self, rows: Iterable[Row]) -> tuple[OisPrescription, ...]:
        """Read rows of `prescription`."""
        return tuple(
            OisPrescription(
                course_key=cells.key("course_key"),
                name=cells.text("name"),
                dose_per_fraction_gy=cells.value("dose_per_fraction_gy", read_float),
                total_dose_gy=cells.value("total_dose_gy", read_float),
                fractions=cells.value("fractions", read_int),
                target=cells.text("target"),
                technique=cells.text("technique"),
            )
            for cells in self._cells(Entity.PRESCRIPTION, rows)
        )

    def plans(self, rows: Iterable[Row]) -> tuple[OisPlan, ...]:
        """Read rows of `plan`."""
        return tuple(
            OisPlan(
                key=cells.key("plan_key"),
                course_key=cells.key("course_key"),
                plan_id=cells.text("plan_id"),
                plan_uid=cells.text("plan_uid"),
                status=self._status(cells),
                approved_at=cells.instant("approved_at"),
                intent=cells.text("intent"),
                planned_fractions=cells.value("planned_fractions", read_int),
            )
            for cells in self._cells(Entity.PLAN, rows)
        )

    def appointments(self, rows: Iterable[Row]) -> tuple[OisAppointment, ...]:
        """Read rows of `appointment`; one without a time says nothing."""
        return tuple(
            OisAppointment(
                patient_key=cells.key("patient_key"),
                starts_at=starts_at,
                activity=cells.text("activity"),
                machine=cells.text("machine"),
                status=self._status(cells),
                is_active=cells.holds("active"),
            )
            for cells in self._cells(Entity.APPOINTMENT, rows)
            if (starts_at := cells.instant("start")) is not None
        )

    def fractions(self, rows: Iterable[Row]) -> tuple[OisFractions, ...]:
        """Read rows of `fraction_count`."""
        return tuple(
            OisFractions(
                plan_key=cells.key("plan_key"),
                done=cells.value("fractions_done", read_int),
                planned=cells.value("fractions_planned", read_int),
                partial=cells.value("fractions_partial", read_int),
                last_treated_at=cells.instant("last_treated_at"),
            )
            for cells in self._cells(Entity.FRACTION_COUNT, rows)
        )

    def documents(self, rows: Iterable[Row]) -> tuple[OisDocument, ...]:
        """Read rows of `document`; those marked invalid are left out."""
        return tuple(
            OisDocument(
                patient_key=cells.key("patient_key"),
                doc_key=str(cells.key("doc_key")),
                title=cells.text("title"),
                path=cells.text("path"),
                kind=cells.text("type"),
                created_at=cells.instant("created"),
                revised_at=cells.instant("revised"),
            )
            for cells in self._cells(Entity.DOCUMENT, rows)
            if cells.holds("valid")
        )

    def _cells(self, entity: Entity, rows: Iterable[Row]) -> Iterable[_Cells]:
        return (
            _Cells(entity=entity, row=row, zone=self.mapping.zone, unreadable=self.unreadable) for row in rows
        )

    def _status(self, cells: _Cells) -> str:
        raw = cells.text("status")
        if not raw:
            return ""
        word = self.mapping.entities[cells.entity].word_for(raw, STATUSES[cells.entity])
        if word.startswith(UNKNOWN):
            self.unknown_statuses[f"[{cells.entity}] status {raw!r}"] += 1
        return word


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """One row; a value that cannot be read is counted and absent: one bad row must not stop the others."""

    entity: Entity
    row: Row
    zone: ZoneInfo
    unreadable: Counter[str]

    def key(self, alias: str) -> Hashable:
        return join_key(self.row[alias])

    def text(self, alias: str) -> str:
        return self.value(alias, read_text) or ""

    def instant(self, alias: str) -> datetime | None:
        return self.value(alias, lambda value: read_instant(value, self.zone))

    def holds(self, alias: str) -> bool:
        """Whether a flag is set; an absent one is."""
        return self.row.get(alias) is None or self.value(alias, read_bool) is not False

    def value(self, alias: str, read: Callable[[object], T]) -> T | None:
        try:
            return read(self.row.get(alias))
        except SourceAnswerInvalid:
            self.unreadable[f"[{self.entity}] {alias}"] += 1
            return None


def _sex(text: str) -> str:
    letter = text[:1].upper()
    return letter if letter in {"F", "M", "O"} else ""
