"""What the census asks an OIS: the questions, the fixed names of their columns, and our words for states."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Entity(StrEnum):
    """The questions the census puts to an OIS."""

    PATIENT = "patient"
    CONTACT = "contact"
    PHYSICIAN = "physician"
    COURSE = "course"
    PRESCRIPTION = "prescription"
    PLAN = "plan"
    FIELD = "field"
    APPOINTMENT = "appointment"
    TREATED = "treated"
    FRACTION_COUNT = "fraction_count"
    FRACTION = "fraction"
    NOTE = "note"
    TRIAGE = "triage"
    DOCUMENT = "document"
    PHOTO = "photo"
    """Asked for one patient at a time, where the site file says so (`photos.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aliases:
    """Names of one entity's columns: without the needed ones there is no answer at all."""

    needed: tuple[str, ...]
    useful: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every alias, the needed ones first."""
        return self.needed + self.useful


ALIASES: dict[Entity, Aliases] = {
    Entity.PATIENT: Aliases(
        needed=("patient_key", "patient_id", "last_name"),
        useful=(
            "first_name", "middle_name", "birth_date", "sex", "language", "phone_home", "phone_mobile",
            "issuer_of_patient_id", "deceased_date", "is_test",
        ),
    ),
    Entity.CONTACT: Aliases(needed=("patient_key", "relation", "name", "phone"), useful=("is_primary",)),
    Entity.PHYSICIAN: Aliases(needed=("patient_key", "role", "name"), useful=("phone",)),
    Entity.COURSE: Aliases(
        needed=("course_key", "patient_key", "course_id"),
        useful=("status", "start", "end", "diagnosis_code", "diagnosis_text", "intent"),
    ),
    Entity.PRESCRIPTION: Aliases(
        needed=("course_key", "name"),
        useful=(
            "dose_per_fraction_gy", "total_dose_gy", "dose_unit", "fractions", "target", "technique",
            "status", "pattern", "approved_by", "approved_at",
        ),
    ),
    Entity.PLAN: Aliases(
        needed=("plan_key", "course_key", "plan_id", "plan_uid"),
        useful=(
            "status", "approved_by", "approved_at", "changed_at", "intent", "planned_fractions", "machine",
            "revision",
        ),
    ),
    Entity.FIELD: Aliases(
        needed=("plan_key", "field_id"),
        useful=(
            "number", "name", "machine", "energy", "meterset", "gantry_start", "gantry_stop", "collimator",
            "couch", "scale", "tolerance", "accessories", "is_setup", "setup_note",
        ),
    ),
    Entity.APPOINTMENT: Aliases(
        needed=("patient_key", "start"),
        useful=("end", "minutes", "activity", "kind", "machine", "status", "active"),
    ),
    Entity.TREATED: Aliases(needed=("patient_key", "treated_at")),
    Entity.FRACTION_COUNT: Aliases(
        needed=("plan_key", "fractions_done"),
        useful=("fractions_planned", "fractions_partial", "fractions_open", "last_treated_at"),
    ),
    Entity.FRACTION: Aliases(needed=("plan_key", "session_key", "status"), useful=("delivered_at",)),
    Entity.NOTE: Aliases(
        needed=("patient_key", "text"), useful=("kind", "subject", "author", "written_at", "valid")
    ),
    Entity.TRIAGE: Aliases(needed=("patient_key", "code"), useful=("reason", "given_by", "given_at")),
    Entity.DOCUMENT: Aliases(
        needed=("doc_key", "patient_key", "title", "path"), useful=("type", "created", "revised", "valid")
    ),
    Entity.PHOTO: Aliases(needed=("patient_key", "patient_id", "picture"), useful=("kind",)),
}  # fmt: skip

NEEDED_ENTITIES = (Entity.PATIENT, Entity.COURSE, Entity.PLAN)
"""Without these the mapping is wrong; the others may be left out and are then not known."""

_SESSION = frozenset({"planned", "open", "in_progress", "partial", "done", "cancelled", "no_show"})

STATUSES: dict[Entity, frozenset[str]] = {
    Entity.COURSE: frozenset({"planned", "open", "done", "cancelled"}),
    Entity.PRESCRIPTION: frozenset({"unapproved", "approved", "superseded", "cancelled"}),
    Entity.PLAN: frozenset({"unapproved", "approved", "rejected", "superseded", "done"}),
    Entity.APPOINTMENT: _SESSION,
    Entity.FRACTION: _SESSION,
}
"""The words every local status is mapped to."""

UNKNOWN = "unknown:"
"""What precedes a status the mapping does not know; such rows are kept and shown."""
