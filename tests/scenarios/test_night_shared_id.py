"""Who a patient is: two persons under one Patient ID, and one person whose name, date or ID changes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import pytest
from night_site import NIGHT_1, NIGHT_2, NIGHT_3, SmallSite, at, drive, make_objects, patient_night
from pydicom import dcmread
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.rebuilding import rebuild_ledger
from beamkeeper.app.jobs.reporting import last_report
from beamkeeper.protect.collect import folder
from beamkeeper.protect.report import render_text
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from forked import Forks

    from beamkeeper.domain.night import NightReport, PatientNight
    from beamkeeper.domain.objects import ObjectRef
    from beamkeeper.domain.patient import Patient

WHO, MERGED = "BK-20418", "MERGED-1"
MARKS = ("look:0:done", "seal:0:done", "seal:1:begin", "seal:1:done")
"""The list has one patient; that they are two is found by looking."""
Found = TypeVar("Found", "ObjectRef", "Patient | None")


def run(site: SmallSite, *arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(
        app, [*arguments, "--site", str(site.site_file)], standalone_mode=False
    )


def restate(where: Path, **facts: str) -> None:
    """Rewrite what every object of a folder says of its patient."""
    for path in where.rglob("*.dcm"):
        stated = dcmread(path)
        for keyword, value in facts.items():
            setattr(stated, keyword, value)
        stated.save_as(path)


def add_twin(site: SmallSite, **facts: str) -> None:
    """Put another patient's objects beside `WHO`'s, under the same Patient ID."""
    make_objects(site.source, who=(5,))
    restate(site.source / "p5", PatientID=WHO, **facts)


def nights_of(report: NightReport, patient_id: str) -> list[PatientNight]:
    return [night for night in report.patients if night.patient_id == patient_id]


def uids(where: Path) -> set[str]:
    return {identify(path.read_bytes()).sop_instance_uid for path in where.rglob("*.dcm")}


def kept_uids(site: SmallSite, night: PatientNight) -> set[str]:
    objects = site.runtime().ledger.current_objects(night.pseudonym)
    return {item.sop_instance_uid for item in objects if item.present and not item.superseded}


def quiet_but_for_words(report: NightReport) -> bool:
    return report.outcome.value == "complete" and not report.eyes_count


def test_two_persons_with_one_patient_id_never_share_a_folder(kept_site: SmallSite, tmp_path: Path) -> None:
    add_twin(kept_site)
    report = kept_site.night(NIGHT_2)
    one, other = sorted(nights_of(report, WHO), key=lambda night: bool(night.eyes))

    assert report.outcome.value == "complete"
    assert one.pseudonym != other.pseudonym
    assert kept_uids(kept_site, one) == uids(kept_site.source / "p2")
    assert kept_uids(kept_site, other) == uids(kept_site.source / "p5")
    for night in (one, other):
        said = next(text for text in night.identity if "of another person" in text)
        assert "Nothing was merged" in said
        assert "physicist" in said
    assert not one.eyes
    assert {item.kind for item in other.eyes} >= {"plan", "structure set"}
    assert "are of another person" in " ".join(render_text(report).split())
    assert WHO not in render_text(report)
    kept_site.verify_holds_the_source(tmp_path / "out")


def test_the_second_person_stays_apart_night_after_night_and_after_a_rebuild(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    add_twin(kept_site)
    folders = {night.patient_name: night.pseudonym for night in nights_of(kept_site.night(NIGHT_2), WHO)}
    for path in (kept_site.root / "site" / "data").glob("ledger.db*"):
        path.unlink()
    rebuild_ledger(kept_site.site, at(NIGHT_2, 12))
    report = kept_site.night(NIGHT_3)

    assert {night.patient_name: night.pseudonym for night in nights_of(report, WHO)} == folders
    assert quiet_but_for_words(report)
    assert not any(night.parcel for night in report.patients)
    kept_site.verify_holds_the_source(tmp_path / "out")


def test_a_ledger_that_is_lost_does_not_swap_the_folders(kept_site: SmallSite) -> None:
    add_twin(kept_site)
    folders = {night.patient_name: night.pseudonym for night in nights_of(kept_site.night(NIGHT_2), WHO)}
    for path in (kept_site.root / "site" / "data").glob("ledger.db*"):
        path.unlink()
    (kept_site.source / "p2").rename(kept_site.source / "p9")  # the other person is read first now
    report = kept_site.night(NIGHT_3)

    assert {night.patient_name: night.pseudonym for night in nights_of(report, WHO)} == folders


def test_issuer_and_name_tell_two_persons_apart_who_were_born_on_one_day(kept_site: SmallSite) -> None:
    born = str(dcmread(next((kept_site.source / "p2").glob("*.dcm"))).PatientBirthDate)
    restate(kept_site.source / "p2", IssuerOfPatientID="HOME")
    add_twin(kept_site, PatientBirthDate=born, IssuerOfPatientID="OTHER")
    report = kept_site.night(NIGHT_2)

    assert len({night.pseudonym for night in nights_of(report, WHO)}) == 2


def test_the_commands_show_both_and_ask_which(kept_site: SmallSite, tmp_path: Path) -> None:
    restate(kept_site.source / "p2", IssuerOfPatientID="HOME")
    add_twin(kept_site, IssuerOfPatientID="OTHER")
    folders = {night.pseudonym for night in nights_of(kept_site.night(NIGHT_2), WHO)}
    announcing = ("announce", WHO, "--reason", "weight loss")
    shown = run(kept_site, "patient", WHO)
    other = json.loads(run(kept_site, "patient", WHO, "--issuer", "OTHER", "--json").output)
    refused, told = run(kept_site, *announcing), run(kept_site, *announcing, "--issuer", "OTHER")
    by_letters = run(kept_site, "announce", min(folders)[:12], "--reason", "weight loss")
    both = run(kept_site, "restore", WHO, "--out", str(tmp_path / "both"))
    one = run(kept_site, "restore", WHO, "--issuer", "OTHER", "--out", str(tmp_path / "one"))

    assert "2 persons are kept under this Patient ID" in shown.output
    assert all(folder in shown.output for folder in folders)
    assert [item["patient"]["patient"]["issuer_of_patient_id"] for item in other["patients"]] == ["OTHER"]
    assert "2 persons are kept under this Patient ID" in str(refused.exception)
    assert "issuer OTHER" in str(refused.exception)
    assert "✓ Announced" in told.output
    assert "✓ Announced" in by_letters.output
    assert (both.return_value, one.return_value) == (0, 0)
    assert {path.name for path in (tmp_path / "both").iterdir()} == folders
    assert uids(tmp_path / "one") == uids(kept_site.source / "p5")
    assert uids(tmp_path / "both") == uids(kept_site.source / "p5") | uids(kept_site.source / "p2")


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"PatientName": "Wed^Just"}, "name"),
        ({"PatientBirthDate": "19510723"}, "birth date"),
    ],
)
def test_a_marriage_or_a_corrected_birth_date_splits_nobody_and_is_told(
    kept_site: SmallSite, facts: dict[str, str], word: str
) -> None:
    restate(kept_site.source / "p2", **facts)
    before = kept_site.runtime().ledger.patient_by_id(WHO)
    report = kept_site.night(NIGHT_2, despite_alarm="every object of one patient was written anew")
    (night,) = nights_of(report, WHO)
    after = kept_site.night(NIGHT_3)

    assert [row.pseudonym for row in before] == [night.pseudonym]
    assert any(f"another {word}" in text and "one person" in text for text in night.identity)
    assert kept_uids(kept_site, night) == uids(kept_site.source / "p2")
    assert not any("one person" in text for text in patient_night(after, WHO).identity)
    assert "also stated as" in run(kept_site, "patient", WHO).output


def test_new_records_under_a_married_name_join_the_old_ones(kept_site: SmallSite) -> None:
    make_objects(kept_site.source, who=(2,), sessions=3)
    old = kept_site.runtime().ledger.current_objects(patient_pseudonym(kept_site))
    new = uids(kept_site.source / "p2") - {item.sop_instance_uid for item in old}
    for path in (kept_site.source / "p2").rglob("*.dcm"):
        if identify(path.read_bytes()).sop_instance_uid in new:
            stated = dcmread(path)
            stated.PatientName = "Wed^Just"
            stated.save_as(path)
    report = kept_site.night(NIGHT_2)
    (night,) = nights_of(report, WHO)
    (before,) = kept_site.runtime().ledger.persons_with_id(WHO)
    for path in (kept_site.root / "site" / "data").glob("ledger.db*"):
        path.unlink()
    rebuild_ledger(kept_site.site, at(NIGHT_2, 12))
    (rebuilt,) = kept_site.runtime().ledger.persons_with_id(WHO)

    assert new
    assert len(before.known_as) > 1
    assert set(rebuilt.known_as) == set(before.known_as)
    assert kept_uids(kept_site, night) == uids(kept_site.source / "p2")
    assert any("another name" in text for text in night.identity)


def patient_pseudonym(site: SmallSite) -> str:
    (row,) = site.runtime().ledger.patient_by_id(WHO)
    return row.pseudonym


def test_two_ids_that_were_merged_are_kept_whole_under_the_new_one_and_told_at_both(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    restate(kept_site.source / "p2", PatientID=MERGED)
    report = kept_site.night(NIGHT_2, despite_alarm="two Patient IDs were merged")
    (old,), (new,) = nights_of(report, WHO), nights_of(report, MERGED)
    all_ = run(kept_site, "restore", WHO, "--everything", "--out", str(tmp_path / "old"))

    assert old.pseudonym != new.pseudonym
    assert kept_uids(kept_site, new) == uids(kept_site.source / "p2")
    assert any("as after two Patient IDs were merged" in text for text in new.identity)
    assert all_.return_value == 0
    assert uids(tmp_path / "old") == uids(kept_site.source / "p2")


def test_a_merge_does_not_stop_the_night_as_if_half_of_it_were_lost(kept_site: SmallSite) -> None:
    restate(kept_site.source / "p2", PatientID=MERGED)
    report = kept_site.night(NIGHT_2)

    assert report.outcome.value == "complete"


def test_bytes_that_are_kept_under_another_patient_are_kept_for_this_one_too(
    tmp_path: Path, kept_site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive whose index was merged and whose files were not: the same bytes under a new Patient ID."""
    identify_, read_patient = folder.identify, folder.read_patient

    def merged(found: Found) -> Found:
        return replace(found, patient_id=MERGED) if found and found.patient_id == WHO else found

    monkeypatch.setattr(folder, "identify", lambda data: merged(identify_(data)))
    monkeypatch.setattr(folder, "read_patient", lambda data, zone: merged(read_patient(data, zone=zone)))
    report = kept_site.night(NIGHT_2)
    (new,) = nights_of(report, MERGED)
    back = run(kept_site, "restore", MERGED, "--out", str(tmp_path / "new"))
    quiet = kept_site.night(NIGHT_3)

    assert not new.not_kept
    assert back.return_value == 0
    assert contents(tmp_path / "new") == contents(kept_site.source / "p2")
    assert not patient_night(quiet, MERGED).comparisons
    assert all(
        item.parcel.startswith(new.pseudonym)
        for item in kept_site.runtime().ledger.current_objects(new.pseudonym)
    )


def contents(folder_: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder_.rglob("*.dcm")}


@pytest.mark.slow
def test_a_night_killed_wherever_a_person_is_worked_on_loses_neither_of_two(
    tmp_path: Path, forked: Forks
) -> None:
    site = SmallSite(tmp_path)
    make_objects(site.source, who=(2,), sessions=1)
    add_twin(site)
    site = SmallSite.make(tmp_path, settings="[night]\nparallel_patients = 1\nlists = false\n")
    driven = drive(forked, site.site_file, NIGHT_1, tmp_path / "marks", kill=",".join(MARKS))

    assert driven.status == 0, driven.error
    assert driven.killed == MARKS
    report = last_report(site.site, NIGHT_1)
    assert report is not None
    assert {frozenset(kept_uids(site, night)) for night in nights_of(report, WHO)} == {
        frozenset(uids(site.source / "p2")),
        frozenset(uids(site.source / "p5")),
    }
    site.verify_holds_the_source(tmp_path / "out", NIGHT_1)


def test_the_first_night_keeps_two_persons_apart_too(tmp_path: Path) -> None:
    site = SmallSite(tmp_path)
    make_objects(site.source, who=(2, 3))
    site = SmallSite.make(tmp_path)
    add_twin(site)
    report = site.night(NIGHT_1)

    assert report.outcome.value == "complete"
    assert len({night.pseudonym for night in nights_of(report, WHO)}) == 2
    site.verify_holds_the_source(tmp_path / "out", NIGHT_1)
