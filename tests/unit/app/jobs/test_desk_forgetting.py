"""A desk forgets a patient who is back, and nothing that a replay or another patient could use."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.desk_forgetting import forget
from beamkeeper.app.jobs.desk_journal import DeskDeed, journal
from beamkeeper.app.jobs.desk_shelf import know_as, shelf
from beamkeeper.app.jobs.import_reporting import check_received
from beamkeeper.app.jobs.receiving import receive
from beamkeeper.app.jobs.returning import Report, answer
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import ConfigError, IntegrityError
from beamkeeper.respond.handover import BundleKind, Desk, Manifest, new_bundle_id, seal_bundle

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Two:
    """A desk with patients of another house."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home, self.desk = (Desk.create(root / name, name) for name in ("UZ Zuid", "AZ Noord"))
        for mine, theirs in ((self.home, self.desk), (self.desk, self.home)):
            mine.trust(theirs.card, theirs.card.number)

    def sealed(self, pseudonym: str, number: int) -> Path:
        manifest = Manifest(
            bundle_id=new_bundle_id(),
            kind=BundleKind.HANDOVER,
            number=number,
            incident_id="2026-03-03-kqzt",
            sender="UZ Zuid",
            recipient="AZ Noord",
            made_at=AT,
            made_by="A",
            time_zone="Europe/Brussels",
            night=date(2026, 11, 22),
            trust="",
            pseudonym=pseudonym,
            patient=Patient(patient_id=pseudonym, name="A^B"),
            position=None,
        )
        folder = self.root / manifest.bundle_id
        seal_bundle(manifest, self.root, keys=self.home.keys(), to=self.desk.card, folder=folder)
        return folder

    def received(self, pseudonym: str, number: int = 1) -> Path:
        bundle = self.sealed(pseudonym, number)
        receive(self.desk, bundle, by="C", now=AT)
        check_received(self.desk, bundle.name, by="C", now=AT)
        return bundle

    def returned(self, bundle: Path, *, is_last: bool) -> str:
        (self.root / "export").mkdir(exist_ok=True)
        (self.root / "export" / "report.txt").write_text("one given")
        said = Report(by="C", said="never came", is_last=is_last)
        return answer(self.desk, bundle.name, self.root / "export", said, now=AT).header.bundle_id


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


def test_everything_in_clear_of_one_patient_goes_and_of_nobody_else(two: Two) -> None:
    first, second, other = two.received("p"), two.received("p", 2), two.received("q")
    know_as(two.desk, second.name, "N-1", by="C", now=AT)
    two.returned(second, is_last=True)
    forget(two.desk, first.name, "A. Jansen", by="C", now=AT)
    lying = shelf(two.desk)
    left = {path.name for path in two.desk.path.rglob("*")}

    assert not {first.name, second.name} & left
    assert ([one.bundle_id for one in lying.received], lying.missing) == ([other.name], ())
    with pytest.raises(ConfigError, match="cannot be this patient's number"):
        know_as(two.desk, other.name, "N-1", by="C", now=AT)
    with pytest.raises(IntegrityError, match="number 1 of its patient"):
        receive(two.desk, first, by="C", now=AT)
    assert receive(two.desk, second, by="C", now=AT).is_new, "a person may take it in once more"


def test_who_is_still_treated_here_is_not_forgotten(two: Two) -> None:
    bundle = two.received("p")
    for is_last in (None, False):
        if is_last is not None:
            two.returned(bundle, is_last=is_last)
        with pytest.raises(ConfigError, match="not treated here any more"):
            forget(two.desk, bundle.name, "A. Jansen", by="C", now=AT)
    two.returned(bundle, is_last=True)
    newer = two.received("p", 2)
    with pytest.raises(ConfigError, match="not treated here any more"):
        forget(two.desk, bundle.name, "A. Jansen", by="C", now=AT)
    two.returned(newer, is_last=True)
    with pytest.raises(ConfigError, match="confirmed"):
        forget(two.desk, bundle.name, " ", by="C", now=AT)


def test_a_forgetting_that_broke_off_goes_on(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = two.received("p")
    two.returned(bundle, is_last=True)

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        patch.setattr("beamkeeper.app.jobs.desk_forgetting.shutil.rmtree", killed)
        forget(two.desk, bundle.name, "A. Jansen", by="C", now=AT)
    assert (two.desk.path / "received" / bundle.name).is_dir()
    assert f"received/{bundle.name}" in forget(two.desk, bundle.name, "A. Jansen", by="C", now=AT)


def test_a_return_that_is_sent_by_hand_is_written_down(two: Two) -> None:
    bundle = two.received("p")
    made = two.returned(bundle, is_last=True)
    (two.root / "line").mkdir()
    place = two.root / "line.toml"
    place.write_text(f'name = "line"\nkind = "directory"\npath = "{two.root}/line"\n')
    command = [
        "desk",
        "send",
        made,
        "--place",
        str(place),
        "--by",
        "C. Willems",
        "--desk",
        str(two.desk.path),
    ]
    assert CliRunner().invoke(app, command, standalone_mode=False).return_value == 0
    last = journal(two.desk).rows()[-1]

    assert (last.action, last.actor, last.details["bundle"]) == (DeskDeed.SENT, "C. Willems", made)
    assert last.patient_pseudonym == "p"
