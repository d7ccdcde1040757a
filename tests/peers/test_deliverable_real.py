"""Real plans against public machine profiles: the classes are held, so that a change of a rule is seen."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.clock import zone
from beamkeeper.respond.placement import classify, public_profiles
from beamkeeper.wire.dicom.reader_demand import read_demand

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = (
    "Varian TrueBeam, Millennium 120",
    "Varian TrueBeam STx or Edge, HD120",
    "Varian Clinac iX, Millennium 120",
    "Varian Clinac, Millennium 80",
    "Varian Halcyon",
    "Elekta Versa HD or Infinity, Agility",
    "Elekta Synergy, MLCi2",
    "Elekta Unity",
    "Accuray CyberKnife",
    "Siemens Artiste, 160 MLC",
)
HELD = {
    "rtimage-portal/dicom/varian-aria-drr/$TestDrawBEV_RTPLAN.DCM": "CBCCCCCCCC",
    "eclipse-breast-dicompyler/dicom/rtplan.dcm": "BBBCCCCCCC",
    "eclipse-prostate-slicerrt/dicom/EclipseProstatePhantomRtData/"
    "RP.1.2.246.352.71.5.2088656855.377401.20110920153647.dcm": "BCBCCCCCCC",
    "monaco-hn-proknow/dicom/Becker^Matthew/RP.dcm": "CCCCCBCCCB",
    "ihero-brto-fullrefset/dicom/FullRefSet/RTPlanDosimetric.dcm": "CCCCCCCCCC",
    "oncentra-phantom-rtkit/dicom/simple_phantom_case/"
    "RP1.3.6.1.4.1.2452.6.2467388899.1146065960.224089749.3085483327.dcm": "CDCCDCCDDC",
    "oncentra-phantom-rtkit/dicom/single_plan/simple_plan.dcm": "CDCCDCCDDC",
    "ihero-treatment-records/dicom/TDW-II-2016/UPSData/RTPlan.dcm": "BBBBCCBCCC",
    "proton-dcpt-let/dicom/plan07_sobp_5d/RP1.2.752.243.1.1.20260105183531778.5030.32052.dcm": "DDDDDDDDDD",
    "ihero-treatment-records/dicom/TDW-II-2016/UPSDataIonPlan/"
    "RTPLAN_1.2.246.352.71.5.581409048390.52.20161021091702.dcm": "DDDDDDDDDD",
}
"""One letter for each of `PROFILES`, in order; none is declared matched, so none is A."""


@pytest.mark.parametrize("name", HELD)
def test_each_real_plan_has_its_class_on_each_public_profile(real_data: Path, name: str) -> None:
    demand = read_demand((real_data / name).read_bytes(), zone=zone("UTC"))
    profiles = public_profiles()
    classes = "".join(classify(demand, profiles[profile]).delivery_class.name for profile in PROFILES)

    assert classes == HELD[name], [
        (profile, classify(demand, profiles[profile]).reason) for profile in PROFILES
    ]


def test_setup_beams_and_tolerance_tables_of_a_real_plan_are_held_against_the_machine(
    real_data: Path,
) -> None:
    demand = read_demand((real_data / next(iter(HELD))).read_bytes(), zone=zone("UTC"))
    stx = public_profiles()["Varian TrueBeam STx or Edge, HD120"]
    without = replace(stx, imaging=frozenset({"MV"}), tolerance_tables=frozenset({"T1"}))
    found = classify(demand, without)

    assert (demand.imaging, demand.tolerance_tables) == (("CBCT", "kV"), ("THORAXBOARD",))
    assert classify(demand, stx).delivery_class.name == "B"
    assert (found.delivery_class.name, found.reason) == (
        "C",
        "set-up imaging: needs CBCT, kV; there: MV.",
    )
    assert found.to_do == ("choose a tolerance table on : THORAXBOARD is not there (T1)",)


def test_the_command_says_it_of_a_file_without_site_or_vault(real_data: Path, tmp_path: Path) -> None:
    machines = tmp_path / "machines.toml"
    machines.write_text(
        "format = 1\n"
        + "".join(
            f'[[machine]]\nid = "{number}"\nname = "M{number}"\nsite = "Partner"\nprofile = "{profile}"\n'
            for number, profile in enumerate(PROFILES)
        )
    )
    for name, classes in HELD.items():
        done = CliRunner().invoke(
            app,
            ["deliverable", str(real_data / name), "--machines", str(machines), "--json"],
            standalone_mode=False,
        )
        told = json.loads(done.stdout)

        assert done.return_value == (3 if set(classes) == {"D"} else 0)
        assert "".join(one["class"] for one in told["machines"]) == classes
        assert all(one["reason"] for one in told["machines"])
