"""OIS databases in the site file: where they are, and which mapping explains them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from beamkeeper.app.jobs.sources import ois_mapping
from beamkeeper.app.site import parse_site
from beamkeeper.app.site_sources import MosaiqSourceSection, OisSection
from beamkeeper.app.site_template import SiteAnswers, site_text
from beamkeeper.errors import ConfigError
from beamkeeper.protect.census.entities import Entity

MOSAIQ = {
    "kind": "mosaiq",
    "name": "mosaiq",
    "url": "mssql+pymssql://reader@mosaiq.example/MOSAIQ",
    "timezone": "Europe/Brussels",
}


def section(**more: object) -> MosaiqSourceSection:
    return MosaiqSourceSection.model_validate(MOSAIQ | more)


def test_the_commented_block_for_mosaiq_is_a_source_once_its_marks_are_gone() -> None:
    answers = SiteAnswers(
        name="North",
        time_zone="Europe/Brussels",
        data_dir=Path("d"),
        vault_dir=Path("/v"),
        keys_dir=Path("k"),
    )
    text = site_text(answers)
    start = text.index('# [[sources]]\n# kind = "mosaiq"')
    block = text[start : text.index("#\n", start)].replace("# ", "", 1).replace("\n# ", "\n")
    site = parse_site(text + block, base=Path("/etc/beamkeeper"))

    (source,) = site.sources
    assert isinstance(source, OisSection)
    mapping = ois_mapping(source)
    assert mapping.zone.key == "Europe/Brussels"
    assert mapping.entities[Entity.APPOINTMENT].machines == ("LINAC*",)


def test_the_patient_id_comes_from_the_column_of_the_site() -> None:
    relation = ois_mapping(section(mrn_column="IDC")).entities[Entity.PATIENT].relation

    assert "RTRIM(i.IDC)" in str(relation)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mrn_column": "IDA FROM Staff"},
        {"timezone": None},
        {"mapping": "ois.toml"},
        {"url": "mssql+pymssql://reader:secret@mosaiq.example/MOSAIQ"},
        {"name": "Mosaiq"},
    ],
)
def test_a_wrong_setting_is_refused_before_anything_starts(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        section(**wrong)


@pytest.mark.parametrize("wrong", [{"timezone": "Brussels"}, {"schedule_status": {"Z": "gone"}}])
def test_a_setting_that_the_mapping_refuses_is_an_error_of_the_site_file(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        ois_mapping(section(**wrong))
