"""Reading rows of an OIS: text trimmed, instants in UTC, what cannot be read said once and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from beamkeeper.domain.chart import NoteKind
from beamkeeper.domain.rich_text import plain_text
from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.protect.census.entities import STATUSES, UNKNOWN, Entity
from beamkeeper.protect.census.ois_rows import (
    OisAppointment,
    OisContact,
    OisCourse,
    OisDocument,
    OisField,
    OisFraction,
    OisFractions,
    OisNote,
    OisPatient,
    OisPhysician,
    OisPlan,
    OisPrescription,
    OisTreated,
    OisTriage,
)
from beamkeeper.wire.sql import (
    Row,
    read_bool,
    read_date,
    read_float,
    read_instant,
    read_int,
    read_long_text,
    read_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.protect.census.mapping import EntityMapping, OisMapping

T = TypeVar("T")

MINUTES_MAX = 24 * 60
"""Nothing in a treatment room takes longer."""

_IEC_SCALES = frozenset({"", "IEC", "IEC61217", "IEC1217"})
"""What machines call the angles that we show as they are; others are another zero, or turn the other way."""

_KINDS = {kind.value: kind for kind in NoteKind}


def join_key(value: Hashable) -> Hashable:
    """Return a key that joins rows: text without padding, anything else as it is."""
    return value.strip() if isinstance(value, str) else value


@dataclass(slots=True)
class RowReader:
    """Turns rows into our types and remembers what it could not read."""

    mapping: OisMapping
    unreadable: Counter[str] = field(default_factory=Counter)
    unknown_statuses: Counter[str] = field(default_factory=Counter)
    other_scales: Counter[str] = field(default_factory=Counter)

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
        said += [
            f"[field] angles of {count} field(s) stand in the scale {scale!r} and are not shown."
            for scale, count in self.other_scales.items()
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
                dose_per_fraction_gy=cells.dose_gy("dose_per_fraction_gy"),
                total_dose_gy=cells.dose_gy("total_dose_gy"),
                fractions=cells.value("fractions", read_int),
                target=cells.text("target"),
                technique=cells.text("technique"),
                status=self._status(cells),
                pattern=cells.text("pattern"),
                approved_by=cells.text("approved_by"),
                approved_at=cells.instant("approved_at"),
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
                approved_by=cells.text("approved_by"),
                approved_at=cells.instant("approved_at"),
                intent=cells.text("intent"),
                planned_fractions=cells.value("planned_fractions", read_int),
                machine=cells.text("machine"),
                revision=cells.text("revision"),
            )
            for cells in self._cells(Entity.PLAN, rows)
        )

    def appointments(self, rows: Iterable[Row]) -> tuple[OisAppointment, ...]:
        """Read rows of `appointment`; one without a time says nothing."""
        return tuple(
            OisAppointment(
                patient_key=cells.key("patient_key"),
                starts_at=starts_at,
                ends_at=cells.end_of(starts_at),
                activity=cells.text("activity"),
                machine=cells.text("machine"),
                status=self._status(cells),
                is_active=cells.holds("active"),
                kind=cells.text("kind").casefold(),
            )
            for cells in self._cells(Entity.APPOINTMENT, rows)
            if (starts_at := cells.instant("start")) is not None
        )

    def treated(self, rows: Iterable[Row]) -> tuple[OisTreated, ...]:
        """Read rows of `treated`; one without a time says nothing."""
        return tuple(
            OisTreated(patient_key=cells.key("patient_key"), treated_at=treated_at)
            for cells in self._cells(Entity.TREATED, rows)
            if (treated_at := cells.instant("treated_at")) is not None
        )

    def fraction_counts(self, section: EntityMapping, rows: Iterable[Row]) -> tuple[OisFractions, ...]:
        """Read rows of `fraction_count` by one method."""
        return tuple(
            OisFractions(
                plan_key=cells.key("plan_key"),
                done=cells.value("fractions_done", read_int),
                planned=cells.value("fractions_planned", read_int),
                partial=cells.value("fractions_partial", read_int),
                open=cells.value("fractions_open", read_int),
                last_treated_at=cells.instant("last_treated_at"),
                method=section.method,
            )
            for cells in self._cells_of(section, rows)
        )

    def sessions(self, section: EntityMapping, rows: Iterable[Row]) -> tuple[OisFraction, ...]:
        """Read rows of `fraction` by one method."""
        return tuple(
            OisFraction(
                plan_key=cells.key("plan_key"),
                session_key=cells.key("session_key"),
                status=self._status(cells),
                delivered_at=cells.instant("delivered_at"),
                method=section.method,
            )
            for cells in self._cells_of(section, rows)
        )

    def physicians(self, rows: Iterable[Row]) -> tuple[OisPhysician, ...]:
        """Read rows of `physician`."""
        return tuple(
            OisPhysician(
                patient_key=cells.key("patient_key"),
                role=cells.text("role"),
                name=cells.text("name"),
                phone=cells.text("phone"),
            )
            for cells in self._cells(Entity.PHYSICIAN, rows)
        )

    def fields(self, rows: Iterable[Row]) -> tuple[OisField, ...]:
        """Read rows of `field`."""
        return tuple(self._field(cells) for cells in self._cells(Entity.FIELD, rows))

    def _field(self, cells: _Cells) -> OisField:
        is_iec = cells.text("scale").upper().replace(" ", "") in _IEC_SCALES
        angles = {
            alias: cells.value(alias, read_float) if is_iec else None
            for alias in ("gantry_start", "gantry_stop", "collimator", "couch")
        }
        if not is_iec:
            self.other_scales[cells.text("scale")] += 1
        accessories = (one.strip() for one in cells.text("accessories").split(";"))
        return OisField(
            plan_key=cells.key("plan_key"),
            field_id=cells.text("field_id"),
            number=cells.value("number", read_int),
            name=cells.text("name"),
            machine=cells.text("machine"),
            energy=cells.text("energy"),
            beam_meterset=cells.value("meterset", read_float),
            gantry_angle_deg=angles["gantry_start"],
            gantry_stop_angle_deg=angles["gantry_stop"],
            collimator_angle_deg=angles["collimator"],
            couch_angle_deg=angles["couch"],
            tolerance=cells.text("tolerance"),
            accessories=tuple(one for one in accessories if one),
            is_setup=cells.value("is_setup", read_bool) or False,
            setup_note=cells.long_text("setup_note"),
        )

    def notes(self, rows: Iterable[Row]) -> tuple[OisNote, ...]:
        """Read rows of `note`; empty ones and those marked invalid are left out."""
        return tuple(
            OisNote(
                patient_key=cells.key("patient_key"),
                kind=_KINDS.get(cells.text("kind").casefold(), NoteKind.NOTE),
                text=text,
                subject=cells.text("subject"),
                author=cells.text("author"),
                written_at=cells.instant("written_at"),
            )
            for cells in self._cells(Entity.NOTE, rows)
            if cells.holds("valid") and (text := cells.value("text", _read_note))
        )

    def triages(self, rows: Iterable[Row]) -> tuple[OisTriage, ...]:
        """Read rows of `triage`; one without a code says nothing."""
        return tuple(
            OisTriage(
                patient_key=cells.key("patient_key"),
                code=code,
                reason=cells.long_text("reason"),
                given_by=cells.text("given_by"),
                given_at=cells.instant("given_at"),
            )
            for cells in self._cells(Entity.TRIAGE, rows)
            if (code := cells.text("code"))
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
        section = self.mapping.entities.get(entity)
        return self._cells_of(section, rows) if section else ()

    def _cells_of(self, section: EntityMapping, rows: Iterable[Row]) -> Iterable[_Cells]:
        return (
            _Cells(section=section, row=row, zone=self.mapping.zone, unreadable=self.unreadable)
            for row in rows
        )

    def _status(self, cells: _Cells) -> str:
        raw = cells.text("status")
        if not raw:
            return ""
        section = cells.section
        word = section.word_for(raw, STATUSES[section.entity])
        if word.startswith(UNKNOWN):
            self.unknown_statuses[f"{section.label} status {raw!r}"] += 1
        return word


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """One row; a value that cannot be read is counted and absent: one bad row must not stop the others."""

    section: EntityMapping
    row: Row
    zone: ZoneInfo
    unreadable: Counter[str]

    def key(self, alias: str) -> Hashable:
        return join_key(self.row[alias])

    def text(self, alias: str) -> str:
        return self.value(alias, read_text) or ""

    def dose_gy(self, alias: str) -> float | None:
        """Return a dose in Gy whose unit may stand beside it; one in an unknown unit is as good as unread."""
        dose, unit = self.value(alias, read_float), self.text("dose_unit").casefold()
        if dose is None or unit in {"", "gy"}:
            return dose
        if unit == "cgy":
            return dose / 100
        self.unreadable[f"{self.section.label} {alias}"] += 1
        return None

    def long_text(self, alias: str) -> str:
        return self.value(alias, read_long_text) or ""

    def instant_after(self, alias: str, start: datetime) -> datetime | None:
        """Return an instant that cannot lie before `start`; one that does is counted and absent."""
        end = self.instant(alias)
        if end is not None and end < start:
            self.unreadable[f"{self.section.label} {alias}"] += 1
            return None
        return end

    def end_of(self, start: datetime) -> datetime | None:
        """Return when what began at `start` ends, by its end or by how long it takes."""
        if (minutes := self.value("minutes", read_float)) is None:
            return self.instant_after("end", start)
        if not 0 <= minutes <= MINUTES_MAX:
            self.unreadable[f"{self.section.label} minutes"] += 1
            return None
        return start + timedelta(minutes=minutes)

    def instant(self, alias: str) -> datetime | None:
        return self.value(alias, lambda value: read_instant(value, self.zone))

    def holds(self, alias: str) -> bool:
        """Whether a flag is set; an absent one is."""
        return self.row.get(alias) is None or self.value(alias, read_bool) is not False

    def value(self, alias: str, read: Callable[[object], T]) -> T | None:
        """Return a value as `read` has it; None for NULL, and for what cannot be read."""
        if (raw := self.row.get(alias)) is None:
            return None
        try:
            return read(raw)
        except SourceAnswerInvalid:
            self.unreadable[f"{self.section.label} {alias}"] += 1
            return None


def _read_note(value: object) -> str:
    """Return a note as plain text, cut where it is longer than anybody reads."""
    if isinstance(value, bytes | memoryview):
        value = bytes(value).decode("latin-1")
    return read_long_text(plain_text(value) if isinstance(value, str) else value)


def _sex(text: str) -> str:
    letter = text[:1].upper()
    return letter if letter in {"F", "M", "O"} else ""
