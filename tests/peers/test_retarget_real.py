"""Real plans retargeted: other systems accept the copy as the original, and odd elements go along."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from pydicom import dcmread
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.errors import ConfigError, NotDeliverable
from beamkeeper.wire.dicom.elements import PrivateTag, flatten, open_object
from beamkeeper.wire.dicom.retargeting import foreign_differences, retargeted_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

VARIAN = "rtimage-portal/dicom/varian-aria-drr/$TestDrawBEV_RTPLAN.DCM"
ECLIPSE = (
    "eclipse-prostate-slicerrt/dicom/EclipseProstatePhantomRtData/"
    "RP.1.2.246.352.71.5.2088656855.377401.20110920153647.dcm"
)
MONACO = "monaco-hn-proknow/dicom/Becker^Matthew/RP.dcm"
LONG = pytest.param(VARIAN, "stx", 9, marks=pytest.mark.long)
"""Approved, with setup fields and private XML, 900 kB."""
EVERY = {
    ECLIPSE: "CL21B",
    MONACO: "TRNElekAgility",
    "eclipse-breast-dicompyler/dicom/rtplan.dcm": "linac",
    "ihero-brto-fullrefset/dicom/FullRefSet/RTPlanDosimetric.dcm": "TU_IHE",
    "oncentra-phantom-rtkit/dicom/simple_phantom_case/"
    "RP1.3.6.1.4.1.2452.6.2467388899.1146065960.224089749.3085483327.dcm": "ALX",
}
MACHINES = """format = 1
[[machine]]
id = "ix"
name = "iX2"
site = "Partner"
profile = "Varian Clinac iX, Millennium 120"
photon = ["6", "15"]
models = ["Clinac iX", "2300C/D"]
commissioned = ["3D", "IMRT sliding window", "IMRT step-and-shoot"]
matched_with = [{ machine = "CL21B", energies = ["15"], declared_by = "A. Jansen", declared_on = 2026-01-10 }]
[[machine]]
id = "stx"
name = "P_TB2"
site = "Partner"
profile = "Varian TrueBeam STx or Edge, HD120"
commissioned = ["3D", "VMAT", "IMRT sliding window", "IMRT step-and-shoot"]
matched_with = [{ machine = "UM_TB5", energies = ["6"], declared_by = "A. Jansen", declared_on = 2026-01-10 }]
"""


def run(real_data: Path, folder: Path, name: str, machine: str, *more: str) -> Result:
    machines = folder / "machines.toml"
    machines.write_text(MACHINES)
    given = ["--machines", str(machines), "--to", machine, "--out", str(folder / "out"), "--by", "A. Jansen"]
    return CliRunner().invoke(
        app,
        ["retarget", str(real_data / name), *given, "--by", "B. Peeters", *more],
        standalone_mode=False,
    )


def said_by(validator: str, path: Path) -> set[str]:
    done = subprocess.run([validator, str(path)], capture_output=True, text=True, check=False)
    return set((done.stdout + done.stderr).splitlines())


@pytest.mark.peer
@pytest.mark.parametrize(("name", "machine", "beams"), [LONG, (ECLIPSE, "ix", 5)])
def test_dciodvfy_accepts_the_copy_as_it_accepted_the_original(
    program: Callable[[str], str], real_data: Path, tmp_path: Path, name: str, machine: str, beams: int
) -> None:
    original = (real_data / name).read_bytes()
    done = run(real_data, tmp_path, name, machine, "--json")
    told = json.loads(done.stdout)
    (copy,) = (tmp_path / "out").glob("*.dcm")
    validator = program("dciodvfy")

    assert done.return_value == 0
    assert sum("Treatment Machine Name" in change["text"] for change in told["changes"]) == beams
    assert {path.rpartition(".")[2] for path in told["files"]} == {"dcm", "pdf", "txt", "json"}
    assert said_by(validator, copy) <= said_by(validator, real_data / name)
    assert (real_data / name).read_bytes() == original


def test_the_copy_is_class_a_on_its_machine(real_data: Path, tmp_path: Path) -> None:
    shown = run(real_data, tmp_path, ECLIPSE, "ix").stdout
    (copy,) = (tmp_path / "out").glob("*.dcm")
    machines = tmp_path / "machines.toml"  # as the hospital of that machine says it
    machines.write_text(machines.read_text("utf-8").replace('id = "ix"', 'id = "ix"\nown = true'), "utf-8")
    done = CliRunner().invoke(
        app,
        ["deliverable", str(copy), "--machines", str(tmp_path / "machines.toml"), "--json"],
        standalone_mode=False,
    )
    classes = {one["id"]: one["class"] for one in json.loads(done.stdout)["machines"]}

    assert classes == {"ix": "A", "stx": "C"}
    assert "To be looked at" in shown
    assert str(dcmread(copy).PatientName) not in shown


def test_a_second_copy_into_the_folder_is_refused_and_the_first_stays(
    real_data: Path, tmp_path: Path
) -> None:
    run(real_data, tmp_path, ECLIPSE, "ix")
    next((tmp_path / "out").glob("*.pdf")).unlink()
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    done = run(real_data, tmp_path, ECLIPSE, "ix")

    assert isinstance(done.exception, ConfigError)
    assert "there already" in done.exception.message
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert len(before) == 3


@pytest.mark.parametrize(("name", "machine"), [(ECLIPSE, "stx"), (MONACO, "stx")])
def test_a_plan_of_another_class_leaves_nothing_behind(
    real_data: Path, tmp_path: Path, name: str, machine: str
) -> None:
    done = run(real_data, tmp_path, name, machine)

    assert isinstance(done.exception, NotDeliverable)
    assert done.exception.exit_status == 44
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", EVERY)
def test_plans_of_every_system_are_written_without_touching_anything_else(real_data: Path, name: str) -> None:
    data = (real_data / name).read_bytes()
    made = retargeted_plan(
        data,
        machine_before=EVERY[name],
        machine="P_TB2",
        rt_plan_label="A@P_TB2",
        made_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    private = [
        sum(isinstance(path[-1], PrivateTag) for path, _, _ in flatten(open_object(one).dataset))
        for one in (data, made.data)
    ]

    assert made.beam_numbers
    assert foreign_differences(data, made.data) == ()
    assert private == [15 if name == ECLIPSE else 0] * 2
