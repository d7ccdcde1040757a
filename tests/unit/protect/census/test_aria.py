"""The shipped mapping of ARIA as text: what is asked of a server that nobody here has."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError
from sqlalchemy.dialects import mssql

from beamkeeper.protect.census import aria_mapping
from beamkeeper.protect.census.entities import ALIASES, Entity
from beamkeeper.protect.census.mapping import PARAMETERS, EntityMapping
from beamkeeper.protect.ois_settings import AriaSettings
from beamkeeper.wire.sql import Among, PartsRelation
from beamkeeper.wire.sql.relation import relation_select

SETTINGS = AriaSettings(timezone="Europe/Brussels")
NOT_IN_SQL_SERVER = re.compile(r"\|\||\bLIMIT\b|::|\bNULLS\b|\bILIKE\b|\bUSING\b", re.IGNORECASE)


@pytest.mark.parametrize("section", aria_mapping(SETTINGS).sections, ids=lambda section: section.label)
def test_every_question_compiles_for_sql_server_and_names_the_schema(section: EntityMapping) -> None:
    assert isinstance(section.relation, PartsRelation)
    aliases = tuple(alias for alias, _ in section.relation.columns)
    among = Among(alias=aliases[0], keys=(1, 2))
    statement = relation_select(section.relation.select(aliases), aliases, (among,), row_limit=10)

    text = str(statement.compile(dialect=mssql.dialect()))
    assert text.startswith("SELECT TOP ")
    assert not NOT_IN_SQL_SERVER.search(text)
    tables = re.findall(r"\b(?:FROM|JOIN)\s+(?!\()([\w.]+)", text)
    assert tables
    assert all(table.startswith("dbo.") for table in tables)


def test_databases_of_their_own_stand_before_the_schema() -> None:
    settings = AriaSettings(timezone="UTC", database="variansystem", emr_database="varianenm")
    sources = {
        section.entity: section.relation.source
        for section in aria_mapping(settings).sections
        if isinstance(section.relation, PartsRelation)
    }

    assert "variansystem.dbo.RTPlan" in sources[Entity.PLAN]
    assert "varianenm.dbo.visit_note" in sources[Entity.DOCUMENT]


def test_every_alias_that_aria_can_fill_is_asked() -> None:
    mapping = aria_mapping(AriaSettings(timezone="UTC", triage_column="UserDefAttrib01", vendor_view=True))
    asked: dict[Entity, set[str]] = {}
    for section in mapping.sections:
        assert isinstance(section.relation, PartsRelation)
        assert section.relation.parameters == PARAMETERS
        asked.setdefault(section.entity, set()).update(alias for alias, _ in section.relation.columns)

    lacking = {entity: sorted(set(ALIASES[entity].all) - asked[entity]) for entity in Entity}
    assert {entity: missing for entity, missing in lacking.items() if missing} == {
        Entity.PATIENT: ["is_test", "issuer_of_patient_id"],
        Entity.APPOINTMENT: ["kind", "minutes"],
        Entity.PHYSICIAN: ["phone"],
        Entity.APPOINTMENT: ["kind", "minutes"],
        Entity.FRACTION_COUNT: ["fractions_open"],
        Entity.FRACTION: ["delivered_at"],
        Entity.NOTE: ["valid"],
        Entity.TRIAGE: ["given_at", "given_by", "reason"],
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"schema": "dbo; DROP TABLE Patient"},
        {"database": "a.b"},
        {"mrn_column": "PatientId) FROM Patient --"},
        {"triage_column": "UserDefAttrib17"},
        {"tables": "mine"},
    ],
)
def test_a_setting_cannot_change_the_question(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        AriaSettings.model_validate({"timezone": "UTC", **wrong})


def test_status_texts_of_a_department_are_added_to_the_shipped_ones() -> None:
    settings = AriaSettings(timezone="UTC", appointment_status={"Pt. In Taxi": "open"})
    section = aria_mapping(settings).entities[Entity.APPOINTMENT]

    assert section.word_for("pt. in taxi", frozenset()) == "open"
    assert section.word_for("Manually Completed", frozenset()) == "done"
