"""Where one hospital's OIS keeps what the census asks for: a TOML file, read once, frozen.

The format is documented in docs/formats/ois-mapping.md; this module is its only reader.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beamkeeper.clock import zone
from beamkeeper.errors import ConfigError
from beamkeeper.wire.sql import Relation, SelectRelation, TableRelation, checked_select

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from zoneinfo import ZoneInfo

FORMAT = 1
MAPPING_BYTES_MAX = 500_000
ROW_LIMIT = 200_000

PARAMETERS = frozenset(
    {"now", "treated_since", "simulated_since", "scheduled_until", "approved_since", "finished_since"}
)
"""What a SELECT of a mapping may bind, as naive wall times of the database server."""


class Entity(StrEnum):
    """The questions the census puts to an OIS."""

    PATIENT = "patient"
    CONTACT = "contact"
    COURSE = "course"
    PRESCRIPTION = "prescription"
    PLAN = "plan"
    APPOINTMENT = "appointment"
    FRACTION_COUNT = "fraction_count"
    DOCUMENT = "document"


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
    Entity.COURSE: Aliases(
        needed=("course_key", "patient_key", "course_id"),
        useful=("status", "start", "end", "diagnosis_code", "diagnosis_text", "intent"),
    ),
    Entity.PRESCRIPTION: Aliases(
        needed=("course_key", "name"),
        useful=("dose_per_fraction_gy", "total_dose_gy", "fractions", "target", "technique"),
    ),
    Entity.PLAN: Aliases(
        needed=("plan_key", "course_key", "plan_id", "plan_uid"),
        useful=("status", "approved_at", "intent", "planned_fractions", "machine"),
    ),
    Entity.APPOINTMENT: Aliases(
        needed=("patient_key", "start"), useful=("activity", "machine", "status", "active")
    ),
    Entity.FRACTION_COUNT: Aliases(
        needed=("plan_key", "fractions_done"),
        useful=("fractions_planned", "fractions_partial", "last_treated_at"),
    ),
    Entity.DOCUMENT: Aliases(
        needed=("doc_key", "patient_key", "title", "path"), useful=("type", "created", "revised", "valid")
    ),
}  # fmt: skip

NEEDED_ENTITIES = (Entity.PATIENT, Entity.COURSE, Entity.PLAN)
"""Without these the mapping is wrong; the others may be left out and are then not known."""

STATUSES: dict[Entity, frozenset[str]] = {
    Entity.COURSE: frozenset({"planned", "open", "done", "cancelled"}),
    Entity.PLAN: frozenset({"unapproved", "approved", "rejected", "superseded", "done"}),
    Entity.APPOINTMENT: frozenset(
        {"planned", "open", "in_progress", "partial", "done", "cancelled", "no_show"}
    ),
}
"""The words every local status is mapped to."""

UNKNOWN = "unknown:"
"""What precedes a status the mapping does not know; such rows are kept and shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityMapping:
    """One entity in one OIS.

    Attributes
    ----------
    status
        (text in the database, our word) pairs; texts compare without case and padding.
    treatment, simulation
        Patterns of appointment activities; an appointment that matches neither is of no concern to
        the list. No treatment patterns: every appointment counts as a treatment.
    """

    relation: Relation
    status: tuple[tuple[str, str], ...] = ()
    treatment: tuple[str, ...] = ()
    simulation: tuple[str, ...] = ()

    def word_for(self, raw: str, known: frozenset[str]) -> str:
        """Return our word for a local status; `unknown:<raw>` when the mapping has none."""
        folded = raw.casefold()
        for text, word in self.status:
            if text == folded:
                return word
        return folded if folded in known else f"{UNKNOWN}{raw}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OisMapping:
    """The whole mapping of one OIS.

    Attributes
    ----------
    source
        What this OIS is called on the report.
    zone
        Zone of the database server's naive times.
    test_patient_ids
        Patterns of Patient IDs that are no patients (`$*`).
    """

    source: str
    zone: ZoneInfo
    entities: Mapping[Entity, EntityMapping]
    issuer_of_patient_id: str = ""
    test_patient_ids: tuple[str, ...] = ()
    row_limit: int = ROW_LIMIT

    def is_test_patient(self, patient_id: str) -> bool:
        """Whether the Patient ID is one of those the site uses for tests and machine QA."""
        return any(fnmatchcase(patient_id, pattern) for pattern in self.test_patient_ids)


def load_mapping(path: Path) -> OisMapping:
    """Return the mapping in the TOML file at `path`.

    Raises
    ------
    ConfigError
        No such file, not TOML, an unknown or missing key, or a statement that is not one SELECT.
    """
    try:
        if path.stat().st_size > MAPPING_BYTES_MAX:
            raise ConfigError(f"The mapping {path.name} is larger than {MAPPING_BYTES_MAX} bytes.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The mapping {path.name} cannot be read ({type(error).__name__}).",
            do_next="Name an existing TOML file as `mapping` of the SQL source in the site file.",
        ) from error
    try:
        return parse_mapping(text)
    except ConfigError as error:
        raise ConfigError(
            f"The mapping {path.name} is wrong. {error.message}", do_next=error.do_next
        ) from error


def parse_mapping(text: str) -> OisMapping:
    """Return the mapping described by TOML `text`; raises `ConfigError` as `load_mapping` does."""
    try:
        document = _Document.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"It is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise ConfigError(
            _explained(error), do_next="docs/formats/ois-mapping.md names every key."
        ) from error
    entities = {
        entity: _entity_mapping(entity, section)
        for entity in Entity
        if (section := getattr(document, entity.value)) is not None
    }
    return OisMapping(
        source=document.source,
        zone=zone(document.timezone),
        entities=entities,
        issuer_of_patient_id=document.issuer_of_patient_id,
        test_patient_ids=document.test_patient_ids,
        row_limit=document.row_limit,
    )


_Identifier = Annotated[str, Field(min_length=1, max_length=128)]
_Pattern = Annotated[str, Field(min_length=1, max_length=128)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    table: _Identifier | None = None
    schema_name: Annotated[str, Field(alias="schema", max_length=128)] = ""
    columns: dict[str, _Identifier] = {}
    select: str | None = None


class _StatusSection(_Section):
    status: dict[str, str] = {}


class _AppointmentSection(_StatusSection):
    treatment: tuple[_Pattern, ...] = ()
    simulation: tuple[_Pattern, ...] = ()


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    source: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
    timezone: str
    issuer_of_patient_id: str = ""
    test_patient_ids: tuple[_Pattern, ...] = ()
    row_limit: Annotated[int, Field(ge=1, le=2_000_000)] = ROW_LIMIT
    patient: _Section
    contact: _Section | None = None
    course: _StatusSection
    prescription: _Section | None = None
    plan: _StatusSection
    appointment: _AppointmentSection | None = None
    fraction_count: _Section | None = None
    document: _Section | None = None


def _entity_mapping(entity: Entity, section: _Section) -> EntityMapping:
    try:
        relation = _relation(entity, section)
    except ConfigError as error:
        raise ConfigError(f"[{entity}]: {error.message}", do_next=error.do_next) from error
    status = section.status if isinstance(section, _StatusSection) else {}
    known = STATUSES.get(entity, frozenset())
    if wrong := sorted(set(status.values()) - known):
        raise ConfigError(
            f"[{entity}.status]: {', '.join(wrong)} is no word we know (known: {', '.join(sorted(known))})."
        )
    activities = section if isinstance(section, _AppointmentSection) else _AppointmentSection()
    return EntityMapping(
        relation=relation,
        status=tuple((raw.strip().casefold(), word) for raw, word in status.items()),
        treatment=activities.treatment,
        simulation=activities.simulation,
    )


def _relation(entity: Entity, section: _Section) -> Relation:
    if (section.table is None) == (section.select is None):
        raise ConfigError("Give either a table with its columns, or a select.")
    if section.select is not None:
        if section.columns or section.schema_name:
            raise ConfigError("A select names its own columns and schema; leave the others out.")
        return SelectRelation(statement=checked_select(section.select, parameters=PARAMETERS))
    known = ALIASES[entity]
    if unknown := sorted(set(section.columns) - set(known.all)):
        raise ConfigError(f"{', '.join(unknown)} is no alias of this entity (known: {', '.join(known.all)}).")
    if missing := [alias for alias in known.needed if alias not in section.columns]:
        raise ConfigError(f"The columns lack {', '.join(missing)}.")
    return TableRelation(
        table=section.table or "", schema=section.schema_name, columns=tuple(section.columns.items())
    )


def _explained(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, p['loc'])) or 'the file'}: {p['msg']}" for p in problems) + "."
