"""The rule set: a file that physicians read and sign is read strictly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import ConfigError
from beamkeeper.respond.triage import read_rules, rule_file, shipped_rules, stated_value

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = shipped_rules()


def test_the_shipped_rules_carry_the_table_of_the_talk() -> None:
    rules = read_rules(SHIPPED)

    assert [(share.code, share.percent) for share in rules.shares] == [
        (1, 10),
        (2, 25),
        (3, 50),
        (4, 80),
        (5, 90),
    ]
    assert rules.prolongation_days == {1: 2, 2: 5, 3: 7}
    assert {rule.level for rule in rules.levels} == {1, 2, 3, 4, 5}
    assert all(rule.source for rule in rules.levels)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("format = 1", "format = 2", "format 2"),
        ("rcr_category = 1,", "colour = 1,", "asks for colour"),
        ("level = 4", "level = 6", "level 6"),
        ("level = 4", "level = true", "level True"),
        ('"within_hours",', '"age",', "orders by age"),
        ('"within_hours",', '"level",', "twice"),
        ("percent = 10", "percent = -1", "Share 1"),
        ("percent = 10", 'percent = "10"', "Share 1"),
        ("1 = 2", "1 = 99", "prolongation_days"),
        ("1 = 2", "4 = 2", "prolongation_days"),
        ('says = "urgent"', 'says = ""', "share 1 has no says"),
        ('title = "', 'titel = "', "unknown keys: titel"),
        ("level = 4", "level = 4\nuntil = 2027-01-01", "level rule 7 has unknown keys: until"),
        ("by = [", "only = true\nby = [", "order of the rule set has unknown keys: only"),
        ("percent = 10", "percent = 10\nfrom = 5", "share 1 has unknown keys: from"),
        ("when = { cord_compression = true }", "when = { }", "no conditions"),
        ("format = 1", "format = ", "not valid TOML"),
    ],
)
def test_a_mistake_in_a_rule_set_is_named(old: str, new: str, match: str) -> None:
    assert old in SHIPPED
    with pytest.raises(ConfigError, match=match):
        read_rules(SHIPPED.replace(old, new, 1))


def test_a_departments_file_is_bounded_and_utf8(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(SHIPPED, "utf-8")
    assert rule_file(path) == SHIPPED
    for data, match in ((b"\xff", "cannot be read"), (b"#" * ((1 << 20) + 1), "larger")):
        path.write_bytes(data)
        with pytest.raises(ConfigError, match=match):
            rule_file(path)


@pytest.mark.parametrize(
    ("about", "typed", "value"),
    [
        ("within_hours", "Yes", True),
        ("within_hours", "unknown", None),
        ("rcr_category", "1", 1),
        ("rcr_category", "unknown", None),
        ("level", "5", 5),
        ("intent", "Palliative", "palliative"),
    ],
)
def test_what_a_person_says_is_read(about: str, typed: str, value: object) -> None:
    assert stated_value(about, typed) == value


@pytest.mark.parametrize(
    ("about", "typed"),
    [
        ("level", "0"),
        ("level", "6"),
        ("level", "unknown"),
        ("level", "²"),
        ("within_hours", "maybe"),
        ("intent", "curative?"),
        ("name", "x"),
        ("pseudonym", "x"),
    ],
)
def test_what_means_nothing_is_refused(about: str, typed: str) -> None:
    with pytest.raises(ConfigError):
        stated_value(about, typed)
