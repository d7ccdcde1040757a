"""Every question to ARIA and MOSAIQ as SQL Server gets it, read by somebody else's parser of its language."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.dialects import mssql
from tests.unit.protect.census.transact_sql import refused

from beamkeeper.protect.census import aria_mapping, mosaiq_mapping
from beamkeeper.protect.census.entities import STATUSES, Entity
from beamkeeper.protect.ois_settings import AriaSettings, MosaiqSettings, NextOfKin, PhotoColumns, TriageCode
from beamkeeper.rehearse.sim import aria, mosaiq
from beamkeeper.wire.sql import Among, PartsRelation, Since
from beamkeeper.wire.sql.relation import counting_select, relation_select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ClauseElement

    from beamkeeper.protect.census.mapping import EntityMapping

DATES = {
    Entity.APPOINTMENT: ("start",), Entity.TREATED: ("treated_at",), Entity.COURSE: ("end",),
    Entity.PLAN: ("approved_at",),
}  # fmt: skip
SINCE = datetime(2026, 1, 1)  # noqa: DTZ001 - the server's wall clock
MAPPINGS = {
    "aria": aria_mapping(
        AriaSettings(timezone="UTC", schema="", triage_column="UserDefAttrib01", vendor_view=True)
    ),
    "mosaiq": mosaiq_mapping(
        MosaiqSettings(
            timezone="UTC",
            next_of_kin=NextOfKin(name="Nurse_Unit", phone="Pat_Work_Phone"),
            triage=TriageCode(code="Nurse_Unit"),
            photo=PhotoColumns(table="Image", picture="Image_Name", kind="Image_Type"),
        )
    ),
}
TABLES = {
    product: {name: {one.name: "text" for one in table.c} for name, table in tables.meta.tables.items()}
    for product, tables in (("aria", aria.TABLES), ("mosaiq", mosaiq.TABLES))
}
SECTIONS = [(product, section) for product, mapping in MAPPINGS.items() for section in mapping.sections]


def written(clause: ClauseElement) -> str:
    """Return the statement with values in the places where the driver puts them."""
    text = str(clause.compile(dialect=mssql.dialect()))
    text = re.sub(r"TOP __\[POSTCOMPILE_\w+\]", "TOP 9", text)
    text = re.sub(r"\(__\[POSTCOMPILE_\w+\]\)", "(1, 2)", text)
    return re.sub(r":\w+", "'2026-01-01'", text).replace("%%", "%")


def questions(section: EntityMapping) -> Iterator[str]:
    """Yield a section's questions: by keys, by a date, and its words counted."""
    assert isinstance(section.relation, PartsRelation)
    aliases = tuple(alias for alias, _ in section.relation.columns)
    whole = section.relation.select(aliases)
    yield written(relation_select(whole, aliases, (Among(alias=aliases[0], keys=(1, 2)),), row_limit=9))
    for alias in DATES.get(section.entity, ()):
        if alias in aliases:
            yield written(relation_select(whole, (alias,), (Since(alias=alias, start=SINCE),), row_limit=9))
    if section.entity in STATUSES and "status" in aliases:
        yield written(counting_select(whole, "status", (), limit=9))


@pytest.mark.parametrize(("product", "section"), SECTIONS, ids=lambda one: getattr(one, "label", one))
def test_every_question_is_one_that_sql_server_would_take(product: str, section: EntityMapping) -> None:
    found = {statement: refused(statement, TABLES[product]) for statement in questions(section)}

    assert {statement: why for statement, why in found.items() if why} == {}


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("SELECT p.Sex FROM Patient AS p WHERE (p.Sex = 1", "Expecting )"),
        ("SELECT p.PatientKey FROM Patient AS p", "Unknown column: patientkey"),
        ("SELECT PatientSer FROM Patient AS p, Course AS c", "'patientser' could not be resolved"),
        ("SELECT p.LastName || 'x' AS a FROM Patient AS p", "not of its language"),
        ("SELECT p.PatientSer FROM Patient AS p WHERE STRFTIME2(p.LastName) = 1", "not of its language"),
        ("SELECT p.PatientSer > 1 AS a FROM Patient AS p", "156"),
        ("SELECT EXISTS (SELECT 1 FROM Course AS c) AS a FROM Patient AS p", "156"),
        ("SELECT SUM((SELECT 1 FROM Course AS c)) AS a FROM Patient AS p", "130"),
        ("SELECT MAX(p.PatientSer) AS a, p.LastName FROM Patient AS p", "8120"),
        ("SELECT p.Sex, p.LastName FROM Patient AS p GROUP BY p.Sex", "8120"),
        ("SELECT q.a FROM (SELECT p.Sex AS a FROM Patient AS p ORDER BY p.Sex) AS q", "1033"),
    ],
)
def test_a_question_that_sql_server_refuses_is_found_out(statement: str, why: str) -> None:
    found = refused(statement, TABLES["aria"])

    assert found
    assert why in found[0]
