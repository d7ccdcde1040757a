"""The mapping file: read whole or refused whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import ConfigError
from beamkeeper.protect.census import load_mapping, parse_mapping
from beamkeeper.protect.census.entities import ALIASES, STATUSES, Entity
from beamkeeper.protect.census.mapping import MAPPING_BYTES_MAX, PARAMETERS

PAGE = Path(__file__).parents[4] / "docs" / "formats" / "ois-mapping.md"

MINIMAL = """
format = 1
source = "ois"
timezone = "Europe/Brussels"
[patient]
table = "Patient"
columns = { patient_key = "k", patient_id = "id", last_name = "n" }
[course]
table = "Course"
columns = { course_key = "k", patient_key = "p", course_id = "id" }
[plan]
select = "SELECT a AS plan_key, b AS course_key, c AS plan_id, d AS plan_uid FROM P"
"""


def page_example() -> str:
    found = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_mapping_to_begin_with_on_the_page_of_sources_is_one() -> None:
    page = (PAGE.parents[1] / "guide" / "sources.md").read_text(encoding="utf-8")
    (example,) = [text for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "format = 1" in text]

    mapping = parse_mapping(example)
    assert set(mapping.entities) == {Entity.PATIENT, Entity.COURSE, Entity.PLAN, Entity.APPOINTMENT}


def test_the_example_on_the_format_page_is_a_mapping() -> None:
    mapping = parse_mapping(page_example())

    assert mapping.source == "ois"
    assert set(mapping.entities) == {Entity.PATIENT, Entity.COURSE, Entity.PLAN, Entity.APPOINTMENT}
    assert mapping.is_test_patient("$QA1")
    assert not mapping.is_test_patient("QA$")


@pytest.mark.parametrize("entity", list(Entity))
def test_the_format_page_names_every_alias(entity: Entity) -> None:
    row = next(
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{entity}` | `")
    )
    needed, useful = (re.findall(r"`(\w+)`", cell) for cell in row.split("|")[2:4])

    assert tuple(needed) == ALIASES[entity].needed
    assert tuple(useful) == ALIASES[entity].useful


def test_the_format_page_names_every_status_word_and_parameter() -> None:
    text = PAGE.read_text(encoding="utf-8")

    for words in STATUSES.values():
        assert all(f"`{word}`" in text for word in words)
    assert all(f"`:{name}`" in text for name in PARAMETERS)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("format = 1", "format = 2", "format"),
        ('source = "ois"', 'source = "Our OIS!"', "source"),
        ('timezone = "Europe/Brussels"', 'timezone = "Europe/Atlantis"', "no time zone"),
        ('timezone = "Europe/Brussels"', "", "timezone: Field required"),
        ("[patient]", "[patients]", "patients: Extra inputs"),
        ('last_name = "n"', 'lastname = "n"', "lastname is no alias"),
        (', last_name = "n"', "", "lack last_name"),
        ('table = "Course"', 'table = "Course"\nselect = "SELECT a FROM b"', "either a table"),
        ('table = "Course"\ncolumns', "columns", "either a table"),
        ("SELECT a AS", "DELETE a AS", "does not begin with SELECT"),
        ("FROM P", "FROM P WHERE x = :surname", "parameter :surname"),
        ("[plan]", '[plan]\nstatus = { "x" = "perhaps" }', "perhaps is no word"),
        ("[plan]", "[plan", "not valid TOML"),
        ("format = 1", "format = 1\nrow_limit = 0", "row_limit"),
    ],
)
def test_a_wrong_mapping_is_refused_whole_and_says_where(old: str, new: str, words: str) -> None:
    assert parse_mapping(MINIMAL)
    with pytest.raises(ConfigError, match=words):
        parse_mapping(MINIMAL.replace(old, new, 1))


def test_statuses_compare_without_case_and_padding_and_unknown_ones_stay_visible() -> None:
    mapping = parse_mapping(MINIMAL + 'status = { " Treat Approval " = "approved" }\n')
    plan, known = mapping.entities[Entity.PLAN], STATUSES[Entity.PLAN]

    assert plan.word_for("TREAT APPROVAL", known) == "approved"
    assert plan.word_for("Rejected", known) == "rejected"
    assert plan.word_for("Odd", known) == "unknown:Odd"


def test_a_file_that_is_absent_or_too_large_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read"):
        load_mapping(tmp_path / "none.toml")
    (tmp_path / "big.toml").write_text("#" * (MAPPING_BYTES_MAX + 1), encoding="utf-8")
    with pytest.raises(ConfigError, match="larger than"):
        load_mapping(tmp_path / "big.toml")
    (tmp_path / "bad.toml").write_text(MINIMAL.replace("format = 1", ""), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"bad\.toml is wrong"):
        load_mapping(tmp_path / "bad.toml")


LINES = st.sampled_from(
    [*MINIMAL.splitlines(), *page_example().splitlines(), "x = 1", "columns = 3", "[plan.status]"]
)


@given(st.text(max_size=100) | st.lists(LINES, max_size=25).map("\n".join))
def test_any_text_is_a_mapping_or_is_refused_by_our_own_error(text: str) -> None:
    try:
        mapping = parse_mapping(text)
    except ConfigError:
        return

    assert {Entity.PATIENT, Entity.COURSE, Entity.PLAN} <= set(mapping.entities)
