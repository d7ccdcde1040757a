"""`desk follow --stay` as it runs at a partner: two of them at once, a place that goes away, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.jobs.desk_journal import DeskDeed, journal
from beamkeeper.app.jobs.desk_shelf import know_as
from beamkeeper.domain.patient import Patient
from beamkeeper.respond.handover import BundleKind, Desk, Manifest, new_bundle_id, open_bundle, seal_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.long
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
PATIENCE_S = 240


class Partner:
    """A partner's desk that is followed, the place, and the house that sends."""

    def __init__(self, root: Path) -> None:
        self.root, self.place = root, root / "line"
        (self.place / "handover").mkdir(parents=True)
        self.home, self.desk = (Desk.create(root / name, name) for name in ("UZ Zuid", "AZ Noord"))
        self.desk.trust(self.home.card, self.home.card.number)
        self.home.trust(self.desk.card, self.desk.card.number)
        (root / "line.toml").write_text(f'name = "line"\nkind = "directory"\npath = "{self.place}"\n')
        systems = f'place = "{root}/line.toml"\nlook_every_minutes = 0.01\n'
        (self.desk.path / "systems.toml").write_text(systems)

    def started(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "beamkeeper", "desk", "follow", "--stay", "--by", "C. Willems"]
        return subprocess.Popen(
            [*command, "--desk", str(self.desk.path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"COLUMNS": "80"},
        )

    def sent(self, pseudonym: str) -> str:
        """Lay a bundle at the place; return its identifier."""
        manifest = Manifest(
            bundle_id=new_bundle_id(),
            kind=BundleKind.HANDOVER,
            number=1,
            incident_id="2026-03-03-kqzt",
            sender="UZ Zuid",
            recipient="AZ Noord",
            made_at=NOW,
            made_by="A",
            time_zone="Europe/Brussels",
            night=date(2026, 11, 22),
            trust="",
            pseudonym=pseudonym,
            patient=Patient(patient_id=pseudonym, name="A"),
            position=None,
        )
        folder = self.root / manifest.bundle_id
        seal_bundle(manifest, self.root, keys=self.home.keys(), to=self.desk.card, folder=folder)
        folder.rename(self.place / "handover" / manifest.bundle_id)
        return manifest.bundle_id

    def rows(self, deed: DeskDeed, bundle_id: str) -> list[dict[str, object]]:
        return [
            dict(row.details)
            for row in journal(self.desk).rows()
            if row.action == deed and bundle_id in {row.details.get("about"), row.details.get("bundle")}
        ]

    def reported(self, bundle_id: str, name: str) -> None:
        """Put a report beside the records, whole at once."""
        folder = self.desk.path / "records" / bundle_id
        folder.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(name)
        (self.root / name).rename(folder / name)


def until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.2)


@pytest.fixture
def partner(tmp_path: Path) -> Partner:
    return Partner(tmp_path)


@pytest.fixture
def two(partner: Partner) -> Iterator[list[subprocess.Popen[str]]]:
    with ExitStack() as stack:
        running = [stack.enter_context(partner.started()) for _ in range(2)]
        try:
            yield running
        finally:
            for one in running:
                one.kill()


def test_two_that_stay_take_in_and_send_back_everything_once_and_end_cleanly(
    partner: Partner, two: list[subprocess.Popen[str]]
) -> None:
    first = partner.sent("p1")
    until(lambda: partner.rows(DeskDeed.RECEIVED, first))
    know_as(partner.desk, first, "N-1", by="C. Willems", now=NOW)
    partner.reported(first, "first.txt")
    until(lambda: [row for row in partner.rows(DeskDeed.REPLIED, first) if sent(partner, row)])
    away = partner.place.with_name("away")
    partner.place.rename(away)
    partner.reported(first, "second.txt")
    until(lambda: len(partner.rows(DeskDeed.REPLIED, first)) == 2)
    time.sleep(2)
    assert [one.poll() for one in two] == [None, None], "a place that is away ends nobody"
    away.rename(partner.place)
    until(lambda: all(sent(partner, row) for row in partner.rows(DeskDeed.REPLIED, first)))
    second = partner.sent("p2")
    until(lambda: partner.rows(DeskDeed.RECEIVED, second))
    for one in two:
        one.send_signal(signal.SIGTERM)
    said = [one.communicate(timeout=60)[0] for one in two]

    assert [one.returncode for one in two] == [0, 0], said
    assert [len(partner.rows(DeskDeed.RECEIVED, one)) for one in (first, second)] == [1, 1]
    assert len(partner.rows(DeskDeed.REPLIED, first)) == 2
    assert sum(f"A PATIENT CAME: bundle {first}" in text for text in said) == 1
    assert any("NOT SENT" in text for text in said)
    assert not list(partner.desk.path.rglob(".*"))
    for row in partner.rows(DeskDeed.REPLIED, first):
        opened = open_bundle(
            partner.place / "handover" / str(row["bundle"]),
            keys=partner.home.keys(),
            known=partner.home.known(),
            out_dir=partner.root / f"back-{row['bundle']}",
        )
        assert opened.manifest.kind is BundleKind.RETURN


def sent(partner: Partner, row: dict[str, object]) -> bool:
    return bool(partner.rows(DeskDeed.SENT, str(row["bundle"])))


def test_a_desk_whose_disk_goes_away_is_said_and_looked_for_again(partner: Partner) -> None:
    away = partner.desk.path.with_name("away")
    with partner.started() as running:
        assert running.stdout is not None
        assert "0 patients" in running.stdout.readline()
        partner.desk.path.rename(away)
        assert any(line.startswith("▲") for line in running.stdout)
        away.rename(partner.desk.path)
        assert any("0 patients" in line for line in running.stdout)
        running.send_signal(signal.SIGINT)
        running.stdout.read()

    assert running.returncode in {0, 20}
