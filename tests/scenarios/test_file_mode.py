"""Treating from files: one plan onto a machine's share for one session, and everything back."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from file_mode_site import BORN, BOTH, ID, OTHER_ID, beamkeeper
from pydicom import dcmread

from beamkeeper.app.jobs import file_mode, file_mode_collect
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.app.jobs.placing_since import given_since
from beamkeeper.errors import BeamkeeperError, ConfigError, IntegrityError, StorageFull
from beamkeeper.rehearse.sim.file_mode_console import Console
from beamkeeper.respond.incident import Deed
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.share.drop_folder import DropFolder

if TYPE_CHECKING:
    from collections.abc import Callable


class Drill:
    """An incident, a machine's share, and the commands in a few words."""

    def __init__(self, root: Path, made: Path) -> None:
        self.made, self.share = made, root / "tb1"
        shutil.copytree(made / "incident", root / "incident")
        self.incident = IncidentFolder.open(root / "incident")
        self.console = Console.at(self.share)

    def do(self, command: str, *arguments: object) -> tuple[int, str]:
        return beamkeeper("filemode", command, *arguments, "--incident", self.incident.path)

    def drop(
        self, *more: object, patient: str = ID, born: str = BORN, fraction: int = 3, to: str = "l1"
    ) -> str:
        said = ("--fraction", fraction, "--born", born, "--to", to, "--share", self.share, *BOTH, *more)
        status, text = self.do(
            "drop", patient, *said, "--machines", self.made / "machines.toml", "--site", self.site, "--drill"
        )
        assert status == (3 if "Nothing was laid" in text else 0)
        return " ".join(text.split())

    @property
    def site(self) -> Path:
        return self.made / "site" / "site" / "beamkeeper.toml"

    def collect(self, *more: object) -> dict[str, object]:
        status, text = self.do("collect", *more, "--json")
        return {"status": status, **json.loads(text)}

    def treat(self, **how: object) -> tuple[str, ...]:
        return self.console.treat(datetime.now(UTC), **how)  # type: ignore[arg-type]

    @property
    def folder(self) -> Path:
        return next(path for path in self.share.iterdir() if path.name.startswith((ID, OTHER_ID)))

    def plans(self) -> list[Path]:
        return sorted(self.share.glob("*/RP.*.dcm"))

    def deeds(self) -> list[str]:
        return [row.action for row in self.incident.journal.rows()]


@pytest.fixture
def drill(tmp_path: Path, file_mode_root: Path) -> Drill:
    return Drill(tmp_path, file_mode_root)


def source_of(drill: Drill, index: int = 0) -> dict[str, bytes]:
    paths = (drill.made / "site" / "source" / f"p{index}").glob("*.dcm")
    return {identify(data).sop_instance_uid: data for path in paths if (data := path.read_bytes())}


def test_a_session_from_files_is_given_brought_home_and_counted(drill: Drill) -> None:
    drill.drop()
    laid = {path.name: path.read_bytes() for path in drill.folder.iterdir()}
    source = source_of(drill)

    assert drill.folder.name == "00012345_born-1951-03-14_fraction-3_d1"
    assert {name[:2] for name in laid} == {"RP", "RS", "CT"}
    assert sum(name.startswith("RP") for name in laid) == 1
    assert sum(name.startswith("CT") for name in laid) == 24
    assert all(source[name[3:-4]] == data for name, data in laid.items())

    written = drill.treat()
    took = {name: (drill.share / name).read_bytes() for name in written}
    done = drill.collect()
    assert done["status"] == 0
    assert done["next"] == "4"
    assert done["withdrawn"]
    assert drill.plans() == []
    kept = drill.incident.path / "filemode" / "d1" / "returned"
    assert {path.read_bytes() for path in kept.iterdir()} == set(took.values())
    assert drill.deeds()[-4:] == [
        "plan released to file mode",
        "plan laid on the share",
        "file mode collected",
        "plan taken off the share",
    ]
    row = next(row for row in drill.incident.journal.rows() if row.action == "plan laid on the share")
    plan = next(data for name, data in laid.items() if name.startswith("RP"))
    assert row.details["plan_sha256"] == hashlib.sha256(plan).hexdigest()


def test_the_journal_names_both_people_and_the_reason(drill: Drill) -> None:
    drill.drop()
    row = next(row for row in drill.incident.journal.rows() if row.action == "plan released to file mode")

    assert row.actor == "A. Jansen and B. Peeters"
    assert "OIS gone" in str(row.details["said"])
    with pytest.raises(ConfigError, match="2 different people"):
        drill.drop("--by", "C")


def test_a_second_plan_on_the_share_is_refused_until_the_first_is_collected(drill: Drill) -> None:
    drill.drop()
    said = drill.drop(patient=OTHER_ID, born=other_born(drill))
    assert "drop d1 on LINAC1 was not collected" in said
    assert "the share holds 1 already" in said
    assert len(drill.plans()) == 1
    with pytest.raises(ConfigError, match=rf"\({ID}\): A plan may still lie on the share of LINAC1"):
        beamkeeper("incident", "close", "--said", "x", "--incident", drill.incident.path)

    drill.treat()
    drill.collect()
    assert "✓ drop d2" in drill.drop(patient=OTHER_ID, born=other_born(drill))


def other_born(drill: Drill) -> str:
    person = next(
        one for one in drill.incident.inventory().persons if one.entry.patient.patient_id == OTHER_ID
    )
    return str(person.entry.patient.birth_on)


def test_a_plan_that_somebody_else_laid_there_is_refused(drill: Drill) -> None:
    shutil.copy(drill.made / "site" / "source" / "p7" / "RTPLAN-1.dcm", drill.share / "theirs")

    said = drill.drop()
    assert "the share holds 1 already" in said
    assert "another plan: theirs" in said


def test_a_fraction_that_was_given_is_not_dropped_again(drill: Drill) -> None:
    drill.drop()
    drill.treat()
    drill.collect()

    assert "Fraction 3 is complete" in drill.drop()
    assert drill.plans() == []
    assert "✓ drop d2" in drill.drop(fraction=4)


def test_the_machine_has_to_be_the_plans_own_or_declared_matched(drill: Drill) -> None:
    assert "LINAC9 does not give this plan directly" in drill.drop(to="other")


def test_a_session_that_stopped_says_what_is_left_and_asks_a_physicist(drill: Drill) -> None:
    drill.drop()
    drill.treat(stop_after=0.4)
    done = drill.collect()

    assert done["next"] == "finish 3"
    beams = done["beams"]
    assert isinstance(beams, list)
    assert [round(one["delivered"] / one["planned"], 3) for one in beams] == [0.4, 0.0]
    assert "for a physicist to decide" in drill.drop()
    assert "finish-fraction-3_d2" in drill.drop("--physicist", "C. Maes")


def test_records_without_a_fraction_number_wait_for_two_people(drill: Drill) -> None:
    drill.drop()
    drill.treat(is_numbered=False)
    done = drill.collect()
    assert done["status"] == 3
    assert "It leaves the fraction number empty." in str(done["problems"])
    assert done["withdrawn"]
    assert "does not say which fraction" in drill.drop()

    with pytest.raises(ConfigError, match="different people"):
        drill.do("assign", "d1", "--fraction", 3, "--by", "A", "--by", "a", "--reason", "slip")
    status, said = drill.do("assign", "d1", "--fraction", 3, *BOTH, "--json")
    assert status == 0
    assert json.loads(said)["next"] == "4"
    assert json.loads(said)["doubts"] == []


def test_a_late_record_without_number_is_of_the_session_it_was_made_in(drill: Drill, tmp_path: Path) -> None:
    drill.drop()
    drill.treat(is_numbered=False)
    (drill.share / "Treatment").rename(tmp_path / "late")
    (drill.share / "Treatment").mkdir()
    drill.collect("--nothing-given", *BOTH)
    drill.drop(patient=OTHER_ID, born=other_born(drill))
    shutil.copytree(tmp_path / "late", drill.share / "Treatment", dirs_exist_ok=True)
    drill.collect()
    _, said = drill.do("assign", "d1", "--fraction", 3, *BOTH, "--json")

    assert json.loads(said)["next"] == "4"
    assert json.loads(said)["doubts"] == []


def test_collecting_twice_counts_once(drill: Drill) -> None:
    drill.drop()
    drill.treat()
    first = drill.collect()
    again = drill.collect("d1")

    assert again["next"] == first["next"] == "4"
    assert again["new"] == []


def test_a_late_record_of_a_patient_is_counted_whoever_is_collected(drill: Drill, tmp_path: Path) -> None:
    drill.drop()
    laid = set(drill.share.rglob("*"))
    drill.treat()
    (drill.share / "Treatment").rename(tmp_path / "late")
    for path in set(drill.share.rglob("*.*")) - laid:
        path.unlink()
    (drill.share / "Treatment").mkdir()
    assert not drill.collect()["withdrawn"]
    drill.collect("--nothing-given", *BOTH)
    drill.drop(patient=OTHER_ID, born=other_born(drill))
    shutil.copytree(tmp_path / "late", drill.share / "Treatment", dirs_exist_ok=True)
    drill.treat()
    done = drill.collect()

    assert "another Patient ID" in str(done["problems"])
    assert "Fraction 3 is complete" in drill.drop()
    rows = drill.incident.journal.rows()
    late = next(row.patient_pseudonym or "" for row in rows if row.action == Deed.RELEASED)
    assert given_since(drill.incident, rows, [late], now=datetime.now(UTC)).fractions == {late: 1}


def test_without_a_record_the_plan_stays_unless_two_people_say_that_nothing_was_given(drill: Drill) -> None:
    drill.drop()
    assert drill.collect()["status"] == 3
    assert len(drill.plans()) == 1
    with pytest.raises(ConfigError, match="2 different people"):
        drill.do("collect", "--nothing-given", "--by", "A", "--reason", "did not come")
    with pytest.raises(ConfigError, match="has to be said"):
        drill.do("collect", "--nothing-given", *BOTH[:4])

    done = drill.collect("--nothing-given", *BOTH)
    assert done["withdrawn"]
    assert done["next"] == "3"
    assert list(drill.share.glob("000*")) == []


def test_that_nothing_was_given_is_refused_when_records_say_otherwise(drill: Drill) -> None:
    drill.drop()
    drill.treat()

    with pytest.raises(ConfigError, match="something was given"):
        drill.collect("--nothing-given", *BOTH)


def test_a_plan_that_was_changed_on_the_share_is_kept_as_evidence_named_and_left(drill: Drill) -> None:
    drill.drop()
    drill.treat()
    plan = drill.plans()[0]
    changed = plan.read_bytes() + b"\0\0"
    plan.write_bytes(changed)
    done = drill.collect()

    assert done["status"] == 3
    assert not done["withdrawn"]
    assert "changed" in str(done["left"])
    assert plan.read_bytes() == changed
    kept = drill.incident.path / "filemode" / "d1" / "returned"
    assert changed in {path.read_bytes() for path in kept.iterdir()}
    plan.unlink()
    assert drill.collect()["withdrawn"]


def test_hostile_things_on_the_share_are_named_and_stop_nothing(drill: Drill, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    drill.drop()
    drill.treat()
    treatment = drill.share / "Treatment"
    (treatment / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(treatment / "pipe")
    (treatment / "broken.dcm").write_bytes(b"no DICOM")
    (treatment / "..\\..\\up.bin").write_bytes(b"log")
    done = drill.collect()

    assert done["next"] == "4"
    assert done["withdrawn"]
    assert {item["place"][-1] for item in done["left"]} >= {"link", "pipe"}  # type: ignore[index, attr-defined]
    assert "cannot be read" in str(done["problems"])
    assert (tmp_path / "secret").read_bytes() == b"s"
    assert not list(drill.incident.path.parent.glob("*up.bin"))


def test_a_record_of_another_plan_takes_no_plan_off_the_share(drill: Drill) -> None:
    drill.drop()
    for name in drill.treat():
        if name.startswith("Treatment"):
            record = dcmread(drill.share / name)
            record.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID = "1.2.3"
            record.save_as(drill.share / name)
    done = drill.collect()

    assert not done["withdrawn"]
    assert "another plan" in str(done["problems"])


def killed_at(drill: Drill, patch: Callable[[pytest.MonkeyPatch], None], act: Callable[[], object]) -> None:
    """Do something in a child that kills itself hard where `patch` says."""
    child = os.fork()
    if not child:
        with pytest.MonkeyPatch.context() as patched:
            patch(patched)
            try:
                act()
            except BeamkeeperError:
                os._exit(1)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def after(calls: int, real: Callable[..., object]) -> Callable[..., object]:
    """Return a call that kills this process after it was done so often."""
    left = [calls]

    def call(*arguments: object, **more: object) -> object:
        done = real(*arguments, **more)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return call


@pytest.mark.parametrize(
    ("where", "calls"),
    [
        pytest.param("put", 1, marks=pytest.mark.long),
        ("put", 25),
        pytest.param("put", 26, marks=pytest.mark.long),
        ("rename", 1),
        pytest.param("keep_value", 1, marks=pytest.mark.long),
        pytest.param("write", 1, marks=pytest.mark.long),
        pytest.param("write", 2, marks=pytest.mark.long),
    ],
)
def test_killed_anywhere_a_drop_goes_on_and_no_half_plan_can_be_opened(
    drill: Drill, where: str, calls: int
) -> None:
    def patch(patched: pytest.MonkeyPatch) -> None:
        patched.setattr(file_mode, "slip_pdf", lambda *_: b"")  # typst's threads do not live in a fork
        if where == "write":
            patched.setattr(file_mode, "write", after(calls, file_mode.write))
        else:
            kind = IncidentFolder if where == "keep_value" else DropFolder
            patched.setattr(kind, where, after(calls, getattr(kind, where)))

    killed_at(drill, patch, drill.drop)
    opened = [path for path in drill.plans() if not path.parent.name.startswith(".")]
    assert all(len(list(path.parent.iterdir())) == 26 for path in opened)

    assert "26 files on the share" in drill.drop()
    assert len(drill.plans()) == 1
    assert not list(drill.share.glob(".beamkeeper-*"))
    assert drill.deeds().count("plan released to file mode") == 1
    drill.treat()
    assert drill.collect()["next"] == "4"


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("keep", marks=pytest.mark.long),
        "write:1",
        "remove:1",
        pytest.param("remove:2", marks=pytest.mark.long),
        pytest.param("write:2", marks=pytest.mark.long),
    ],
)
def test_killed_anywhere_a_collection_goes_on_and_loses_nothing(drill: Drill, where: str) -> None:
    drill.drop()
    took = {hashlib.sha256((drill.share / name).read_bytes()).hexdigest() for name in drill.treat()}
    name, _, calls = where.partition(":")

    def patch(patched: pytest.MonkeyPatch) -> None:
        owner = {"keep": IncidentFolder, "write": file_mode_collect, "remove": DropFolder}[name]
        patched.setattr(owner, name, after(int(calls or 1), getattr(owner, name)))

    killed_at(drill, patch, drill.collect)
    done = drill.collect("d1")

    assert done["withdrawn"]
    assert done["next"] == "4"
    assert drill.plans() == []
    kept = drill.incident.path / "filemode" / "d1" / "returned"
    assert {path.name for path in kept.iterdir()} == took


def test_a_full_share_ends_in_a_sentence_and_the_same_command_goes_on(
    drill: Drill, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = os.fsync, [10]

    def fsync(handle: int) -> None:
        left[0] -= "tb1" in str(Path(f"/proc/self/fd/{handle}").readlink())
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(StorageFull, match="No space left"):
            drill.drop()
    assert drill.plans() == []

    assert "26 files on the share" in drill.drop()


def test_files_that_changed_on_the_share_while_it_was_laid_are_not_believed(drill: Drill) -> None:
    drill.drop()
    next(drill.folder.glob("CT*")).write_bytes(b"another")

    with pytest.raises(IntegrityError, match="not what was laid there"):
        drill.drop()


def test_by_default_nothing_reaches_a_real_share(drill: Drill, tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / "Treatment").mkdir(parents=True)
    machines = ("--machines", drill.made / "machines.toml")
    arguments = (ID, "--fraction", 3, "--born", BORN, "--to", "l1", "--site", drill.site, *BOTH, *machines)
    with pytest.raises(ConfigError, match="Nobody activated"):
        drill.do("drop", *arguments, "--share", real)
    with pytest.raises(ConfigError, match="not the share of a simulator"):
        drill.do("drop", *arguments, "--share", real, "--drill")

    drill.do("activate", "l1", "--share", real, *BOTH, *machines)
    with pytest.raises(ConfigError, match="what a simulator gives must not be counted"):
        drill.drop()
    assert drill.do("drop", *arguments, "--share", real)[0] == 0
    assert "file mode activated" in drill.deeds()
    drill.do("activate", "l1", "--share", real, *BOTH, *machines, "--revoke")
    with pytest.raises(ConfigError, match="Nobody activated"):
        drill.do("drop", *arguments, "--share", real)


def test_in_an_incident_that_is_a_drill_no_machine_is_activated(drill: Drill, tmp_path: Path) -> None:
    drill.drop()
    (tmp_path / "real").mkdir()

    with pytest.raises(ConfigError, match="is a drill"):
        drill.do(
            "activate", "l1", "--share", tmp_path / "real", *BOTH, "--machines", drill.made / "machines.toml"
        )


def test_a_changed_release_in_the_incidents_folder_is_refused(drill: Drill) -> None:
    drill.drop()
    path = drill.incident.path / "filemode" / "d1" / "drop.json"
    write_whole(path, path.read_bytes().replace(b'"fraction_number": 3', b'"fraction_number": 4'))
    status, said = drill.do("show")

    assert status == 20
    assert "NOT COUNTED: Dubois, Hélène (00012345). Drop d1 cannot be read" in " ".join(said.split())
    assert "the share holds 1 already" in drill.drop(patient=OTHER_ID, born=other_born(drill))
    for arguments in (("collect",), ("collect", "d1"), ("assign", "d1", "--fraction", 3, *BOTH)):
        with pytest.raises(IntegrityError, match=r"drop\.json of the incident is not what was written"):
            drill.do(*arguments)


def test_the_simulator_takes_no_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ConfigError, match="not the share of a simulator"):
        beamkeeper("filemode", "simulate", "--share", tmp_path)
