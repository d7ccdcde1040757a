"""What a night that was interrupted leaves in clear goes when nobody will go on with it, and not before."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2, NIGHT_3, SmallSite, at, drive, make_objects

from beamkeeper.app.checkup import check_site
from beamkeeper.app.jobs.runtime import only_one
from beamkeeper.app.jobs.tidying import nights_left
from beamkeeper.domain.night import NightOutcome
from beamkeeper.wire.dicom.spool import SpoolReader
from beamkeeper.wire.dicom.spool_journal import ObjectIdentity
from beamkeeper.wire.dicom.spool_writer import SpoolWriter

if TYPE_CHECKING:
    from pathlib import Path

    from forked import Forks

    from beamkeeper.app.checkup import Finding

SENT = b"sent by somebody, in nobody's parcel"


@pytest.fixture(scope="module")
def killed_root(tmp_path_factory: pytest.TempPathFactory, forked: Forks) -> Path:
    """A site whose first night was killed while it collected; do not change it, copy it."""
    root = tmp_path_factory.mktemp("killed")
    make_objects(root / "source", who=(2, 3), sessions=1)
    site = SmallSite.make(root, settings="[night]\nparallel_patients = 1\nlists = false\n")
    driven = drive(forked, site.site_file, NIGHT_1, root / "marks", kill="look:1:begin", processes=1)
    assert driven.killed == ("look:1:begin",)
    return root


@pytest.fixture
def killed(tmp_path: Path, killed_root: Path) -> SmallSite:
    return SmallSite.copied(killed_root, tmp_path / "copy")


def left(site: SmallSite) -> set[str]:
    return {path.name for path in site.site.night_dir(NIGHT_1).iterdir()}


def left_over(site: SmallSite) -> Finding:
    (finding,) = [item for item in check_site(site.site, at(NIGHT_2, 12)) if item.what == "left over"]
    return finding


def send_unasked(site: SmallSite) -> None:
    identity = ObjectIdentity(
        sop_class_uid="1.2",
        sop_instance_uid="1.2.3",
        transfer_syntax_uid="1.2.840.10008.1.2",
        calling_ae_title="SOMEBODY",
        solicited=False,
    )
    with SpoolWriter(site.site.night_dir(NIGHT_1) / "spool", "unasked") as spool:
        spool.add(b"", [SENT], identity)
        spool.commit()


def test_the_next_night_removes_what_an_interrupted_one_left(killed: SmallSite) -> None:
    before = left(killed)
    report = killed.night(NIGHT_2)

    assert {"list.json", "patients", "known.sha256"} <= before
    assert report.outcome is NightOutcome.COMPLETE
    assert left(killed) == {"abandoned"}
    assert left_over(killed).verdict == "good"


def test_an_abandoned_night_that_is_run_all_the_same_begins_anew_and_ends(killed: SmallSite) -> None:
    killed.night(NIGHT_2)
    report = killed.night(NIGHT_1, hour=20)

    assert report.outcome is NightOutcome.COMPLETE
    assert left(killed) == {"report.html", "report.json", "report.note", "report.txt"}


def test_what_was_sent_unasked_to_an_abandoned_night_stays_and_is_named(killed: SmallSite) -> None:
    send_unasked(killed)
    report = killed.night(NIGHT_2)
    spool = killed.site.night_dir(NIGHT_1) / "spool"
    (kept,) = SpoolReader(spool).poll()

    assert "1 objects were sent to it unasked" in " ".join(report.warnings)
    assert SpoolReader(spool).read(kept) == SENT
    assert left(killed) == {"abandoned", "spool"}
    finding = left_over(killed)
    assert (finding.verdict, str(NIGHT_1) in finding.text) == ("warning", True)


def test_a_night_that_may_be_gone_on_with_keeps_its_files_and_doctor_names_it(killed: SmallSite) -> None:
    before = left(killed)
    finding = left_over(killed)

    assert finding.verdict == "warning"
    assert f"beamkeeper night --on {NIGHT_1}" in finding.do_next
    assert left(killed) == before


def test_a_stopped_night_keeps_its_files_until_a_later_one_was_sealed(kept_site: SmallSite) -> None:
    aside = kept_site.source.rename(kept_site.root / "aside")
    kept_site.source.mkdir()
    stopped = [kept_site.night(day).outcome for day in (NIGHT_2, NIGHT_3)]
    left_by_them = nights_left(kept_site.site)
    kept_site.source.rmdir()
    aside.rename(kept_site.source)
    kept_site.night(NIGHT_3.replace(day=5))

    assert stopped == [NightOutcome.STOPPED, NightOutcome.STOPPED]
    assert left_by_them == (NIGHT_2, NIGHT_3)
    assert nights_left(kept_site.site) == ()


def test_doctor_removes_what_the_night_that_ended_could_not(killed: SmallSite) -> None:
    aside = killed.root / "aside"
    shutil.copytree(killed.site.night_dir(NIGHT_1), aside)
    killed.night(NIGHT_2)
    shutil.rmtree(killed.site.night_dir(NIGHT_1))
    aside.rename(killed.site.night_dir(NIGHT_1))
    with only_one(killed.site):
        running = left_over(killed)
        untouched = nights_left(killed.site)
    done = left_over(killed)

    assert (running.verdict, untouched) == ("unchecked", (NIGHT_1,))
    assert done.verdict == "good"
    assert f"removed the working files of {NIGHT_1}" in done.text
    assert nights_left(killed.site) == ()


def test_a_night_of_a_clock_that_ran_ahead_ends_no_night_of_today(killed: SmallSite) -> None:
    killed.night(NIGHT_2.replace(year=2030))
    shutil.copytree(killed.site.night_dir(NIGHT_1), killed.root / "before", dirs_exist_ok=True)

    assert nights_left(killed.site) == ()
    (killed.site.night_dir(NIGHT_2)).mkdir()
    (killed.site.night_dir(NIGHT_2) / "list.json").write_text("{}", encoding="utf-8")
    assert left_over(killed).verdict == "warning"
    assert nights_left(killed.site) == (NIGHT_2,)
