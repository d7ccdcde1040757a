"""OIS databases in the site file: where they are, and which mapping explains them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from beamkeeper.app.jobs.sources import ois_mapping
from beamkeeper.app.site import parse_site
from beamkeeper.app.site_sources import AriaSourceSection, MosaiqSourceSection, OisSection
from beamkeeper.app.site_template import SiteAnswers, site_text
from beamkeeper.errors import ConfigError
from beamkeeper.protect.census.entities import Entity

MOSAIQ = {
    "kind": "mosaiq",
    "name": "mosaiq",
    "url": "mssql+pymssql://reader@mosaiq.example/MOSAIQ",
    "timezone": "Europe/Brussels",
}

ARIA = {
    "kind": "aria",
    "name": "aria",
    "url": "mssql+pymssql://reader@aria.example/VARIAN",
    "timezone": "Europe/Brussels",
}


def aria(**more: object) -> AriaSourceSection:
    return AriaSourceSection.model_validate(ARIA | more)


def section(**more: object) -> MosaiqSourceSection:
    return MosaiqSourceSection.model_validate(MOSAIQ | more)


@pytest.mark.parametrize("kind", ["aria", "mosaiq"])
def test_the_commented_block_of_a_product_is_a_source_once_its_marks_are_gone(kind: str) -> None:
    answers = SiteAnswers(
        name="North",
        time_zone="Europe/Brussels",
        data_dir=Path("d"),
        vault_dir=Path("/v"),
        keys_dir=Path("k"),
    )
    text = site_text(answers)
    start = text.index(f'# [[sources]]\n# kind = "{kind}"')
    block = text[start : text.index("#\n", start)].replace("# ", "", 1).replace("\n# ", "\n")
    site = parse_site(text + block, base=Path("/etc/beamkeeper"))

    (source,) = site.sources
    assert isinstance(source, OisSection)
    mapping = ois_mapping(source)
    assert mapping.zone.key == "Europe/Brussels"
    assert mapping.source == kind
    assert mapping.entities[Entity.APPOINTMENT].machines == (("LINAC*",) if kind == "mosaiq" else ())


def test_the_patient_id_comes_from_the_column_of_the_site() -> None:
    relation = ois_mapping(section(mrn_column="IDC")).entities[Entity.PATIENT].relation

    assert "RTRIM(i.IDC)" in str(relation)


def test_the_settings_of_an_aria_reach_its_questions() -> None:
    mapping = ois_mapping(aria(mrn_column="SSN", schema="clinic", courses=["[1-9]*"], timeout_seconds=30))

    assert "RTRIM(p.SSN)" in str(mapping.entities[Entity.PATIENT].relation)
    assert "clinic.Patient p" in str(mapping.entities[Entity.PATIENT].relation)
    assert mapping.entities[Entity.COURSE].only == ("[1-9]*",)


def test_a_login_that_may_write_is_accepted_only_by_its_name() -> None:
    assert not aria().unsafe_writable_login
    assert aria(unsafe_writable_login=True).unsafe_writable_login
    with pytest.raises(ValidationError):
        aria(writable_login=True)


def test_next_of_kin_and_triage_code_are_read_where_the_site_says() -> None:
    kin = {
        "table": "AdminExt",
        "patient": "Adm_Pat",
        "name": "Kin",
        "phone": "Kin_Tel",
        "relation": "Kin_Rel",
    }
    mapping = ois_mapping(section(next_of_kin=kin, triage={"code": "User_1"}))

    assert "AdminExt c" in str(mapping.entities[Entity.CONTACT].relation)
    assert "RTRIM(c.Kin_Rel)" in str(mapping.entities[Entity.CONTACT].relation)
    assert "RTRIM(t.User_1)" in str(mapping.entities[Entity.TRIAGE].relation)
    assert not {Entity.CONTACT, Entity.TRIAGE} & set(ois_mapping(section()).entities)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mrn_column": "IDA FROM Staff"},
        {"next_of_kin": {"name": "Kin", "phone": "x FROM Staff --"}},
        {"next_of_kin": {"name": "Kin"}},
        {"triage": {"code": "", "table": "Admin"}},
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
