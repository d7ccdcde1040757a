"""The site file: read whole or refused, before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from beamkeeper.app.site import load_site, parse_site
from beamkeeper.app.site_removals import CharacterSet
from beamkeeper.app.site_template import SiteAnswers, site_text
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE
from beamkeeper.errors import ConfigError
from beamkeeper.wire.hl7.writing import ENCODINGS

BASE = Path("/etc/beamkeeper")


def written(**more: object) -> str:
    answers = {
        "name": 'Zürich "Süd" \\ Est',
        "time_zone": "Europe/Zurich",
        "data_dir": Path("data"),
        "vault_dir": Path("/srv/vault"),
        "keys_dir": Path("keys"),
        "archive": ("PACS", "192.0.2.10", 104),
    }
    return site_text(SiteAnswers(**(answers | more)))  # type: ignore[arg-type]


def test_the_site_file_init_writes_can_be_read_back_with_every_answer():
    site = parse_site(written(), base=BASE)

    assert site.site.name == 'Zürich "Süd" \\ Est'
    assert site.data_dir == BASE / "data"
    assert site.vault.directory == Path("/srv/vault")
    assert [source.name for source in site.sources] == ["archive"]
    assert site.ledger_url == f"sqlite:///{BASE / 'data' / 'ledger.db'}"


def test_a_site_file_without_any_source_is_refused():
    with pytest.raises(ConfigError, match="sources"):
        parse_site(written(archive=None), base=BASE)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("[vault]", "vault.retention_dayz"),
        ("[night]", "night.retention_dayz"),
    ],
)
def test_an_unknown_key_is_refused_by_name(line: str, complaint: str):
    text = written().replace(line, f"{line}\nretention_dayz = 3")

    with pytest.raises(ConfigError, match=complaint):
        parse_site(text, base=BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('time_zone = "Europe/Zurich"', 'time_zone = "Mars/Olympus"'),
        ("window_minutes = 240", "window_minutes = 0"),
        ("port = 104", "port = 70000"),
        ('ae_title = "PACS"', 'ae_title = "MORE THAN SIXTEEN CHARACTERS"'),
        ('allowed_networks = ["127.0.0.0/8"]', 'allowed_networks = ["everyone"]'),
        ("format = 1", "format = 2"),
        ("meterset_mu = 0.1", "meterset_mu = 50.0"),
        ("meterset_minutes = 0.01", "meterset_minutes = 1.0"),
        ("meterset_relative = 0.001", "meterset_relative = nan"),
        ("meterset_relative = 0.001", "meterset_relative = -0.001"),
    ],
)
def test_a_value_out_of_bounds_is_refused(old: str, new: str):
    text = written()
    assert old in text

    with pytest.raises(ConfigError):
        parse_site(text.replace(old, new), base=BASE)


def test_the_tolerances_that_init_writes_are_those_that_count_without_a_site_file():
    text = written()
    without = text.partition("[counting]")[0] + text[text.index("[[sources]]") :]

    assert "[counting]" in text
    assert parse_site(text, base=BASE).tolerance == DEFAULT_TOLERANCE
    assert parse_site(without, base=BASE).tolerance == DEFAULT_TOLERANCE


def test_two_sources_of_one_name_are_refused():
    twice = written() + written().partition("[[sources]]")[1] + written().partition("[[sources]]")[2]

    with pytest.raises(ConfigError, match="same name"):
        parse_site(twice, base=BASE)


def test_a_missing_site_file_says_what_to_do(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        load_site(tmp_path / "absent.toml")

    assert "beamkeeper init" in caught.value.do_next


def test_a_folder_in_place_of_the_site_file_is_a_config_error(tmp_path: Path):
    with pytest.raises(ConfigError):
        load_site(tmp_path)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [("ois-server", "address like postgresql://"), ("postgresql://reader:hunter2@ois/x", "password out")],
)
def test_an_ois_that_is_no_address_or_tells_a_password_is_refused_before_anything_is_made(
    url: str, complaint: str
):
    with pytest.raises(ConfigError, match=complaint) as refused:
        parse_site(written(ois_url=url, ois_mapping=Path("m.toml")), base=BASE)

    assert "hunter2" not in refused.value.message


def test_a_source_that_is_wrong_is_told_once_and_not_as_missing_too():
    with pytest.raises(ConfigError) as refused:
        parse_site(written(archive=("PACS", "h", 99999)), base=BASE)

    assert refused.value.message == "sources.0.dicom.port: Input should be less than or equal to 65535."


def test_a_receiver_may_want_every_character_set_that_we_write_and_no_other() -> None:
    assert set(get_args(CharacterSet)) == set(ENCODINGS)
