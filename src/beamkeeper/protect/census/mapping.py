"""Where one hospital's OIS keeps what the census asks for: a TOML file, read once, frozen.

The format is documented in docs/formats/ois-mapping.md; this module is its only reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from beamkeeper.clock import zone
from beamkeeper.domain.toml_text import tables_in
from beamkeeper.errors import ConfigError
from beamkeeper.protect.census.entities import ALIASES, STATUSES, UNKNOWN, Entity
from beamkeeper.wire.sql import PartsRelation, Relation, SelectRelation, TableRelation, checked_select

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from zoneinfo import ZoneInfo

FORMAT = 1
MAPPING_BYTES_MAX = 500_000
ROW_LIMIT = 200_000

PARAMETERS = frozenset(
    {
        "now",
        "treated_since",
        "simulated_since",
        "scheduled_until",
        "approved_since",
        "finished_since",
        "past_since",
        "keys",
    }
)
"""What a SELECT of a mapping may bind: naive wall times of the database server, and the keys asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityMapping:
    """One entity in one OIS.

    Attributes
    ----------
    status
        (text in the database, our word) pairs; texts compare without case and padding.
    treatment, simulation
        Patterns of appointment activities; an appointment that matches neither is of no concern to
        the list. No treatment patterns: the `kind` that the OIS gives decides, and where it gives
        none, every appointment counts as a treatment.
    machines
        Patterns of the machines and rooms where patients are treated; an appointment elsewhere is no
        treatment. None: anywhere.
    only
        Patterns of Course IDs that are courses of treatment; none: every course is one.
    method
        How these fractions are counted ("beam history"), where the OIS knows several ways; else "".
    """

    entity: Entity
    relation: Relation
    method: str = ""
    only: tuple[str, ...] = ()
    status: tuple[tuple[str, str], ...] = ()
    treatment: tuple[str, ...] = ()
    simulation: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What this section is called in words to people."""
        return f"[{self.entity}: {self.method}]" if self.method else f"[{self.entity}]"

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
    sections
        Everything that is asked; those that count fractions may stand there several times.
    test_patient_ids
        Patterns of Patient IDs that are no patients (`$*`).
    test_patient_names
        Patterns of names (LAST FIRST, without case) that are no patients (`*phantom*`).
    """

    source: str
    zone: ZoneInfo
    sections: tuple[EntityMapping, ...]
    issuer_of_patient_id: str = ""
    test_patient_ids: tuple[str, ...] = ()
    test_patient_names: tuple[str, ...] = ()
    row_limit: int = ROW_LIMIT

    @property
    def entities(self) -> dict[Entity, EntityMapping]:
        """The first section of each entity."""
        return {section.entity: section for section in reversed(self.sections)}

    def is_test_patient(self, patient_id: str) -> bool:
        """Whether the Patient ID is one of those the site uses for tests and machine QA."""
        return any(fnmatchcase(patient_id, pattern) for pattern in self.test_patient_ids)

    def is_test_name(self, name: str) -> bool:
        """Whether a name (`LAST^FIRST`) is one of those the site uses for tests and machine QA."""
        folded = name.replace("^", " ").casefold()
        return any(fnmatchcase(folded, pattern.casefold()) for pattern in self.test_patient_names)


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
    return mapping_of(tables_in(text, "It"))


def mapping_of(keys: Mapping[str, Any]) -> OisMapping:
    """Return the mapping with these keys; raises `ConfigError` as `load_mapping` does."""
    try:
        document = _Document.model_validate(keys)
    except ValidationError as error:
        raise ConfigError(
            _explained(error), do_next="docs/formats/ois-mapping.md names every key."
        ) from error
    return OisMapping(
        source=document.source,
        zone=zone(document.timezone),
        sections=tuple(
            _entity_mapping(entity, section) for entity in Entity for section in document.of(entity)
        ),
        issuer_of_patient_id=document.issuer_of_patient_id,
        test_patient_ids=document.test_patient_ids,
        test_patient_names=document.test_patient_names,
        row_limit=document.row_limit,
    )


_Identifier = Annotated[str, Field(min_length=1, max_length=128)]
_Pattern = Annotated[str, Field(min_length=1, max_length=128)]
_Expression = Annotated[str, Field(min_length=1, max_length=4_000)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    table: _Identifier | None = None
    schema_name: Annotated[str, Field(alias="schema", max_length=128)] = ""
    columns: dict[str, _Expression] = {}
    from_: Annotated[str | None, Field(alias="from")] = None
    select: str | None = None


class _StatusSection(_Section):
    status: dict[str, str] = {}


class _CountSection(_Section):
    method: Annotated[str, Field(max_length=40)] = ""


class _FractionSection(_StatusSection):
    method: Annotated[str, Field(max_length=40)] = ""


class _CourseSection(_StatusSection):
    only: tuple[_Pattern, ...] = ()


class _AppointmentSection(_StatusSection):
    treatment: tuple[_Pattern, ...] = ()
    simulation: tuple[_Pattern, ...] = ()
    machines: tuple[_Pattern, ...] = ()


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    source: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
    timezone: str
    issuer_of_patient_id: str = ""
    test_patient_ids: tuple[_Pattern, ...] = ()
    test_patient_names: tuple[_Pattern, ...] = ()
    row_limit: Annotated[int, Field(ge=1, le=2_000_000)] = ROW_LIMIT
    patient: _Section
    contact: _Section | None = None
    physician: _Section | None = None
    course: _CourseSection
    prescription: _StatusSection | None = None
    plan: _StatusSection
    field: _Section | None = None
    appointment: _AppointmentSection | None = None
    treated: _Section | None = None
    fraction_count: _CountSection | tuple[_CountSection, ...] = ()
    fraction: _FractionSection | tuple[_FractionSection, ...] = ()
    note: _Section | tuple[_Section, ...] = ()
    triage: _Section | None = None
    document: _Section | None = None
    photo: _Section | None = None

    @model_validator(mode="after")
    def _one_section_for_each_method(self) -> Self:
        counting = [*self.of(Entity.FRACTION_COUNT), *self.of(Entity.FRACTION)]
        methods = [section.method for section in counting if isinstance(section, _Counting)]
        if len(methods) != len(set(methods)):
            raise ValueError("give each way of counting fractions a `method` of its own")
        return self

    def of(self, entity: Entity) -> tuple[_Section, ...]:
        """Return the sections of one entity."""
        found = getattr(self, entity.value)
        if found is None:
            return ()
        return found if isinstance(found, tuple) else (found,)


_Counting = _CountSection | _FractionSection


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
        entity=entity,
        relation=relation,
        method=section.method if isinstance(section, _Counting) else "",
        status=tuple((raw.strip().casefold(), word) for raw, word in status.items()),
        only=section.only if isinstance(section, _CourseSection) else (),
        treatment=activities.treatment,
        simulation=activities.simulation,
        machines=activities.machines,
    )


def _relation(entity: Entity, section: _Section) -> Relation:
    if [section.table, section.from_, section.select].count(None) != 2:  # noqa: PLR2004 - one of three
        raise ConfigError("Give either a table with its columns, or a `from` with its columns, or a select.")
    if section.select is not None:
        if section.columns or section.schema_name:
            raise ConfigError("A select names its own columns and schema; leave the others out.")
        return SelectRelation(statement=checked_select(section.select, parameters=PARAMETERS))
    known = ALIASES[entity]
    if unknown := sorted(set(section.columns) - set(known.all)):
        raise ConfigError(f"{', '.join(unknown)} is no alias of this entity (known: {', '.join(known.all)}).")
    if missing := [alias for alias in known.needed if alias not in section.columns]:
        raise ConfigError(f"The columns lack {', '.join(missing)}.")
    columns = tuple(section.columns.items())
    if section.from_ is not None:
        if section.schema_name:
            raise ConfigError("A from names its own schema; leave the other out.")
        parts = PartsRelation(columns=columns, source=section.from_, parameters=PARAMETERS)
        for alias, _ in columns:
            parts.select((alias,))
        return parts
    return TableRelation(table=section.table or "", schema=section.schema_name, columns=columns)


def _explained(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, p['loc'])) or 'the file'}: {p['msg']}" for p in problems) + "."
