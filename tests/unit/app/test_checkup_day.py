"""`doctor` reads the files for the day as they will be read on the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.app.test_site_window import BASE
from tests.unit.respond.placement.plans_and_partners import PARTNERS

from beamkeeper.app.checkup_day import check_day_files
from beamkeeper.app.site import parse_site
from beamkeeper.respond.triage import shipped_rules

if TYPE_CHECKING:
    from pathlib import Path

INCIDENT = '\n[incident]\ntriage_rules = "rules.toml"\npartners = "partners.toml"\n'


@pytest.mark.parametrize(
    ("rules", "partners", "verdict", "said"),
    [
        (shipped_rules(), PARTNERS, "good", "partners.toml, triage-rules.toml go along"),
        ("format = 7", PARTNERS, "bad", "rules.toml"),
        (shipped_rules(), "[[site]]\nid = 4", "bad", "partners.toml"),
        (shipped_rules(), None, "bad", "cannot be read: No such file"),
        (shipped_rules(), "\udcff", "bad", "no text that can be read"),
    ],
)
def test_what_does_not_go_along_is_bad_with_its_reason(
    tmp_path: Path, rules: str, partners: str | None, verdict: str, said: str
) -> None:
    (tmp_path / "rules.toml").write_text(rules)
    if partners is not None:
        (tmp_path / "partners.toml").write_bytes(partners.encode(errors="surrogateescape"))

    found = check_day_files(parse_site(BASE.format(more=INCIDENT), base=tmp_path))

    assert (found.verdict, said in found.text) == (verdict, True)


def test_a_site_without_a_partners_file_is_warned(tmp_path: Path) -> None:
    assert check_day_files(parse_site(BASE.format(more=""), base=tmp_path)).verdict == "warning"
