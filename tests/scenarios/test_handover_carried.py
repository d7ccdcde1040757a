"""Bundles go by a place that both houses reach and nobody has to trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from night_site import SmallSite
from two_houses import Houses, beamkeeper, told

from beamkeeper.app.jobs.carrying import fetch
from beamkeeper.errors import ConfigError, IntegrityError
from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def met(kept_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Houses:
    root = tmp_path_factory.mktemp("houses")
    return Houses.met(root, SmallSite.copied(kept_root, root / "site"))


@pytest.fixture
def line(tmp_path: Path) -> Path:
    (tmp_path / "line").mkdir()
    (tmp_path / "line.toml").write_text(f'name = "line"\nkind = "directory"\npath = "{tmp_path}/line"\n')
    return tmp_path / "line.toml"


def test_a_bundle_goes_by_a_place_and_its_answer_comes_back(met: Houses, line: Path, tmp_path: Path) -> None:
    person = met.persons()[0]
    bundle = met.make(person)
    for _ in range(2):
        beamkeeper("handover", "send", bundle.name, "--place", line, "--incident", met.incident)
    came = told("desk", "fetch", "--place", line, "--desk", met.desk)
    taken = met.receive(met.desk / "in" / bundle.name)
    made = told(
        "desk",
        "return",
        taken["manifest"]["bundle_id"],
        met.treated(person, 2, 1, tmp_path / "export"),
        "--desk",
        met.desk,
    )
    answer = made["header"]["bundle_id"]
    told("desk", "send", answer, "--place", line, "--desk", met.desk)
    told("desk", "fetch", "--place", line, "--desk", met.home)

    assert came["fetched"] == [bundle.name]
    assert told("desk", "fetch", "--place", line, "--desk", met.desk)["fetched"] == [answer]
    assert told("handover", "back", met.home / "in" / answer, "--incident", met.incident)["is_new"]


def test_what_another_put_there_under_the_same_name_is_told_and_left(met: Houses, line: Path) -> None:
    bundle = met.make(met.persons()[0])
    forged = line.with_suffix("") / "handover" / bundle.name / "bundle.json"
    forged.parent.mkdir(parents=True)
    forged.write_text("{}")
    with pytest.raises(IntegrityError, match="is not what was sent"):
        beamkeeper("handover", "send", bundle.name, "--place", line, "--incident", met.incident)
    assert forged.read_text() == "{}"


def test_a_bundle_that_is_still_being_sent_is_left_for_the_next_time(tmp_path: Path) -> None:
    half = tmp_path / "place" / "handover" / ("a" * 16)
    half.mkdir(parents=True)
    (half / "bundle.age").write_bytes(b"x")
    (tmp_path / "place" / "handover" / "no-bundle").mkdir()
    place = DirectoryDestination(tmp_path / "place")

    assert fetch(place, tmp_path / "in") == ()


def test_a_header_that_never_ends_is_refused_and_not_kept(tmp_path: Path) -> None:
    folder = tmp_path / "place" / "handover" / ("a" * 16)
    folder.mkdir(parents=True)
    for name in ("bundle.age", "bundle.json.sig"):
        (folder / name).write_bytes(b"x")
    (folder / "bundle.json").write_bytes(bytes(1 << 20))
    with pytest.raises(IntegrityError, match="larger than it can be"):
        fetch(DirectoryDestination(tmp_path / "place"), tmp_path / "in")
    assert not list((tmp_path / "in").iterdir())


def test_a_file_that_names_no_place_is_refused_with_what_is_wrong(met: Houses, tmp_path: Path) -> None:
    (tmp_path / "line.toml").write_text('name = "line"\nkind = "telegraph"\n')
    with pytest.raises(ConfigError, match="names no place"):
        beamkeeper("desk", "fetch", "--place", tmp_path / "line.toml", "--desk", met.desk)
