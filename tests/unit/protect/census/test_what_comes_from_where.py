"""The table of docs/guide/sources.md against the shipped mappings: what it says is read, is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from beamkeeper.protect.census import aria_mapping, mosaiq_mapping, raycare_mapping
from beamkeeper.protect.census.entities import ALIASES, Entity
from beamkeeper.protect.ois_settings import (
    AriaSettings,
    MosaiqSettings,
    NextOfKin,
    PhotoColumns,
    RayCareSettings,
    RayCareView,
    TriageCode,
)
from beamkeeper.rehearse.sim import aria, mosaiq
from beamkeeper.wire.sql import PartsRelation, TableRelation

if TYPE_CHECKING:
    from beamkeeper.protect.census.mapping import OisMapping

PAGE = (Path(__file__).parents[4] / "docs/guide/sources.md").read_text(encoding="utf-8")
SETTING = "**only where you say**"
NOT_GIVEN = "not given: "
ZONE = "Europe/Brussels"

BARE: dict[str, OisMapping] = {
    "aria": aria_mapping(AriaSettings(timezone=ZONE, schema="")),
    "mosaiq": mosaiq_mapping(MosaiqSettings(timezone=ZONE)),
}
WHOLE: dict[str, OisMapping] = {
    "aria": aria_mapping(
        AriaSettings(timezone=ZONE, schema="", triage_column="UserDefAttrib03", vendor_view=True)
    ),
    "mosaiq": mosaiq_mapping(
        MosaiqSettings(
            timezone=ZONE,
            next_of_kin=NextOfKin(name="Kin_Name", phone="Kin_Phone"),
            triage=TriageCode(code="Code"),
            photo=PhotoColumns(table="PatPhoto", picture="Picture", kind="Kind"),
        )
    ),
}
TABLES = {"aria": aria.TABLES.meta.tables, "mosaiq": mosaiq.TABLES.meta.tables}
SETTINGS = {"aria": AriaSettings, "mosaiq": MosaiqSettings}


def rows() -> list[list[str]]:
    start = PAGE.index("## What comes from where")
    lines = PAGE[start : PAGE.index("\n## ", start + 1)].splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("|")
    ]
    return [[cell.strip("| ") for cell in row] for row in cells[2:]]


ROWS = rows()


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def aliases(cell: str, product: str) -> list[tuple[Entity, str]]:
    """Return what a mapping gives; where products have it in different sections, those of this one."""
    for part in cell.split("; "):
        name, found, rest = part.partition(": ")
        if found and name.lower() == product:
            cell = rest
    pairs = [code.split(".") for code in codes(cell)]
    return [(Entity(entity), alias) for entity, alias in pairs]


def written(mapping: OisMapping, entity: Entity, alias: str) -> list[PartsRelation]:
    """Return every section of the mapping that gives an alias."""
    return [
        section.relation
        for section in mapping.sections
        if section.entity == entity
        and isinstance(section.relation, PartsRelation)
        and alias in dict(section.relation.columns)
    ]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
@pytest.mark.parametrize(("product", "column"), [("aria", 1), ("mosaiq", 2)])
def test_what_the_table_says_of_a_vendor_is_what_the_mapping_reads(
    row: list[str], product: str, column: int
) -> None:
    wanted = aliases(row[3], product)
    shipped = {pair: written(BARE[product], *pair) for pair in wanted}
    if row[column].startswith(NOT_GIVEN):
        assert not any(shipped.values())
        return
    if SETTING in row[column]:
        setting = codes(row[column])[-1]
        assert setting in SETTINGS[product].model_fields
        assert sum(map(len, shipped.values())) < sum(len(written(WHOLE[product], *p)) for p in wanted)
        return
    assert all(shipped.values()), "an alias is not mapped"
    text = "\n".join(str(relation) for found in shipped.values() for relation in found)
    for name in codes(row[column]):
        table, one = name.split(".")
        assert one in TABLES[product][table].c
        assert re.search(rf"\b{table}\b", text), name
        assert re.search(rf"\b{one}\b", text), name


def test_every_alias_that_people_read_stands_in_the_table() -> None:
    said = {pair for row in ROWS for product in BARE for pair in aliases(row[3], product)}

    assert {entity for entity, _ in said} == set(Entity)
    assert all(alias in ALIASES[entity].all for entity, alias in said)


def given(*more: RayCareView) -> set[str]:
    """Return the columns of a RayCare department's views."""
    mapping = raycare_mapping(RayCareSettings(timezone=ZONE, more=more))
    return {
        f"{section.entity}.{alias}"
        for section in mapping.sections
        if isinstance(section.relation, TableRelation)
        for alias, _ in section.relation.columns
    }


def test_what_a_raycare_department_has_from_its_views_is_in_them() -> None:
    least, most = given(), given(*get_args(RayCareView))

    for row in ROWS:
        named, told = set(codes(row[3])), row[4]
        if "the plan itself" in told:
            named = {name for name in named if not name.startswith("field.")}
        assert told.startswith(("view or report", "the plan itself", "records", "receipts", NOT_GIVEN))
        if told.startswith("view or report"):
            assert named <= (most if "may be added" in told else least), row[0]
        if "may be added" in told:
            assert not named <= least, row[0]
