"""Bundles go by a place that both houses reach and nobody has to trust."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from night_site import NIGHT_1, SmallSite, at
from tests.mirror_peers.s3_server import KEY, MOTO_WANTS, REGION, SECRET, s3_server
from tests.mirror_peers.sftp_server import sftp_server
from two_houses import PARTNER, Houses, beamkeeper, told

from beamkeeper.app.jobs.arriving import arrive
from beamkeeper.app.jobs.carrying import Fetched, fetch
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import ConfigError, IntegrityError
from beamkeeper.respond.handover import BundleKind, Desk, Manifest, new_bundle_id, new_keys, seal_bundle
from beamkeeper.wire.objectstore.buckets import S3Peer
from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beamkeeper.respond.handover import Card, DeskKeys

    Over = Callable[[Path, Callable[[str], str]], Iterator[str]]

EMPTY = Manifest(
    bundle_id=new_bundle_id(),
    kind=BundleKind.HANDOVER,
    number=1,
    incident_id="2026-03-03-kqzt",
    sender="",
    recipient="",
    made_at=datetime(2026, 3, 3, 12, tzinfo=UTC),
    made_by="A",
    time_zone="Europe/Brussels",
    night=date(2026, 3, 2),
    trust="Confirmed by two.",
    pseudonym="p",
    patient=Patient(patient_id="1", name="A"),
    position=None,
)


@pytest.fixture(scope="module")
def met(kept_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Houses:
    root = tmp_path_factory.mktemp("houses")
    return Houses.met(root, SmallSite.copied(kept_root, root / "site"))


@pytest.fixture
def line(tmp_path: Path) -> Path:
    (tmp_path / "line").mkdir()
    (tmp_path / "line.toml").write_text(f'name = "line"\nkind = "directory"\npath = "{tmp_path}/line"\n')
    return tmp_path / "line.toml"


def over_sftp(folder: Path, program: Callable[[str], str]) -> Iterator[str]:
    with sftp_server(folder, program) as running:
        key = running.host_key.strip()
        yield (
            f'kind = "sftp"\nhost = "127.0.0.1"\nport = {running.port}\nuser = "{getpass.getuser()}"\n'
            f'folder = "{running.root}"\nhost_keys = ["{key}"]\nkey = "file:{running.folder}/user_key"\n'
        )


def over_s3(folder: Path, _program: object) -> Iterator[str]:
    with s3_server() as running:
        running.make_bucket("bundles", lock=True)
        (folder / "access").write_text(KEY)
        (folder / "secret").write_text(SECRET)
        with patch("beamkeeper.wire.objectstore.S3Peer", partial(S3Peer, headers=MOTO_WANTS)):
            yield (
                f'kind = "s3"\nbucket = "bundles"\nregion = "{REGION}"\nendpoint = "{running.endpoint}"\n'
                f'access_key = "file:{folder}/access"\nsecret_key = "file:{folder}/secret"\n'
            )


def over_a_disk(folder: Path, _program: object) -> Iterator[str]:
    yield f'kind = "directory"\npath = "{folder}"\n'


@pytest.mark.parametrize(
    "over",
    [
        over_a_disk,
        pytest.param(over_sftp, marks=pytest.mark.peer),
        pytest.param(over_s3, marks=pytest.mark.peer),
    ],
)
def test_a_bundle_goes_by_a_place_of_every_kind_and_its_answer_comes_back(
    met: Houses, over: Over, program: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "place").mkdir()
    line = tmp_path / "line.toml"
    with contextmanager(over)(tmp_path / "place", program) as section:
        line.write_text(f'name = "line"\n{section}')
        goes_and_comes_back(met, line, tmp_path)


def goes_and_comes_back(met: Houses, line: Path, tmp_path: Path) -> None:
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
    again = told("desk", "fetch", "--place", line, "--desk", met.desk)
    assert (again["fetched"], again["left"]) == ([], [])
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

    assert fetch(place, Desk.create(tmp_path / "desk", PARTNER)) == Fetched(bundles=())


def sent_by(home: DeskKeys, to: Card, place: Path, bundle_id: str) -> Path:
    """Seal an empty bundle and lay it at a place."""
    sealed = replace(EMPTY, bundle_id=bundle_id, sender=home.card.name, recipient=to.name)
    folder = place / "handover" / bundle_id
    seal_bundle(sealed, place, keys=home, to=to, folder=folder)
    return folder


def test_what_others_lay_at_a_place_takes_no_room_and_stops_nothing(tmp_path: Path) -> None:
    home, stranger, third = new_keys("UZ Zuid"), new_keys("Nobody"), new_keys("AZ Oost")
    desk, place = Desk.create(tmp_path / "desk", PARTNER), tmp_path / "place"
    desk.trust(home.card, home.card.number)
    endless, larger, other, moved = (
        sent_by(home, desk.card, place, digit * 16) for digit in ("1", "2", "3", "4")
    )
    sent_by(stranger, desk.card, place, "5" * 16)
    sent_by(home, third.card, place, "6" * 16)
    sent_by(home, desk.card, place, "9" * 16)
    (endless / "bundle.json").write_bytes(bytes(1 << 20))
    (larger / "bundle.age").write_bytes((larger / "bundle.age").read_bytes() + b"x")
    whole = (other / "bundle.age").read_bytes()
    (other / "bundle.age").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    moved.rename(moved.with_name("7" * 16))
    came = fetch(DirectoryDestination(place), desk)
    (other / "bundle.age").write_bytes(whole)

    assert came.bundles == ("9" * 16,)
    assert [said[0] for said in came.left] == ["1", "2", "3", "5", "7"]
    assert [path.name for path in (desk.path / "in").iterdir()] == ["9" * 16]
    assert fetch(DirectoryDestination(place), desk).bundles == ("3" * 16,)


def test_what_cannot_be_read_in_the_folder_of_a_desk_holds_nothing_up(tmp_path: Path) -> None:
    desk = Desk.create(tmp_path / "desk", PARTNER)
    (tmp_path / "place").mkdir()
    for digit in ("1", "2"):
        folder = desk.path / "in" / (digit * 16)
        folder.mkdir(parents=True)
        (folder / "bundle.json").write_bytes(b"{")
    came = arrive(desk, DirectoryDestination(tmp_path / "place"), by="C", clock=at(NIGHT_1))

    assert [said[:16] for said in came.left] == ["1" * 16, "2" * 16]


def test_a_file_that_names_no_place_is_refused_with_what_is_wrong(met: Houses, tmp_path: Path) -> None:
    (tmp_path / "line.toml").write_text('name = "line"\nkind = "telegraph"\n')
    with pytest.raises(ConfigError, match="names no place"):
        beamkeeper("desk", "fetch", "--place", tmp_path / "line.toml", "--desk", met.desk)
