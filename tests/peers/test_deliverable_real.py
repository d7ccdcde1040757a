"""Real plans against public machine profiles: classes and reasons are held; a change of a rule is seen."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydicom import dcmread
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.clock import zone
from beamkeeper.domain.plan import RadiationType
from beamkeeper.rehearse.sim.patients import cast_member, planning_objects
from beamkeeper.rehearse.sim.seeded import Seed
from beamkeeper.respond.placement import classify, public_profiles, read_machines
from beamkeeper.respond.placement.machine import TECHNIQUES
from beamkeeper.wire.dicom.reader_demand import read_demand

if TYPE_CHECKING:
    from beamkeeper.domain.demand import BeamDemand, PlanDemand
    from beamkeeper.respond.placement import Deliverability, MachineProfile

TODAY = date(2026, 3, 3)

VMAT = "rtimage-portal/dicom/varian-aria-drr/$TestDrawBEV_RTPLAN.DCM"
PROSTATE = (
    "eclipse-prostate-slicerrt/dicom/EclipseProstatePhantomRtData/"
    "RP.1.2.246.352.71.5.2088656855.377401.20110920153647.dcm"
)
CLINAC = "ihero-treatment-records/dicom/TDW-II-2016/UPSData/RTPlan.dcm"
BREAST = "eclipse-breast-dicompyler/dicom/rtplan.dcm"
BLOCKED = "ihero-brto-fullrefset/dicom/FullRefSet/RTPlanDosimetric.dcm"
ELECTRONS = "oncentra-phantom-rtkit/dicom/single_plan/simple_plan.dcm"
PROTONS = "proton-dcpt-let/dicom/plan07_sobp_5d/RP1.2.752.243.1.1.20260105183531778.5030.32052.dcm"
TRUEBEAM = "Varian TrueBeam, Millennium 120"
STX = "Varian TrueBeam STx or Edge, HD120"
IX = "Varian Clinac iX, Millennium 120"
M80 = "Varian Clinac, Millennium 80"
HALCYON = "Varian Halcyon"
AGILITY = "Elekta Versa HD or Infinity, Agility"
UNITY = "Elekta Unity"


@dataclass(frozen=True)
class Held:
    """What is held of one plan on one machine."""

    delivery_class: str
    declared: str
    elements: dict[str, frozenset[str]]


def held() -> dict[str, dict[str, Held]]:
    """Return the matrix beside this file: by plan and profile."""
    plans: dict[str, dict[str, Held]] = {}
    for line in (Path(__file__).with_name("deliverable_real.txt")).read_text("utf-8").splitlines():
        if line.startswith("["):
            of_plan = plans[line[1:-1]] = {}
        elif line and not line.startswith("#"):
            profile, _, said = line[4:].partition("|")
            parts = (part.split(" ", 1) for part in said.strip().split("; "))
            of_plan[profile.strip()] = Held(
                line[0], line[2], {letter: frozenset(names.split(", ")) for letter, names in parts}
            )
    return plans


HELD = held()
PROFILES = tuple(next(iter(HELD.values())))


@cache
def demand_of(real_data: Path, name: str) -> PlanDemand:
    return read_demand((real_data / name).read_bytes(), zone=zone("UTC"))


def elements(found: Deliverability) -> dict[str, frozenset[str]]:
    return {
        kind.name: frozenset(one.element for one in found.findings if one.at_least is kind)
        for kind in sorted({one.at_least for one in found.findings})
    }


def declared(demand: PlanDemand, profile: str, **other: object) -> MachineProfile:
    """Return a machine of which a person declared, in a machine file, all that a plan asks.

    No file names energies of protons: no machine of the public profiles has any.
    """
    beams = [beam for beam in demand.beams if beam.radiation_type is not RadiationType.PROTON]
    energies = {energy_of(beam, value) for beam in beams for value in beam.energies}
    said = {
        "id": "p",
        "name": "P",
        "site": "Partner",
        "profile": profile,
        "commissioned": sorted(TECHNIQUES),
        "applicators": sorted({beam.applicator for beam in demand.beams if beam.applicator}),
        "blocks": True,
        "energies": sorted(energies),
        "machine": next(iter(demand.treatment_machine_names)),
    } | other
    match = {key: said.pop(key) for key in ("machine", "energies")}
    match |= {"declared_by": "A. Jansen, physicist", "declared_on": "2026-01-10"}
    lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()]
    lines += ["[[machine.matched_with]]", *(f"{key} = {json.dumps(value)}" for key, value in match.items())]
    (machine,) = read_machines("\n".join(["format = 1", "[[machine]]", *lines]))
    return machine


def energy_of(beam: BeamDemand, value: float) -> str:
    if beam.radiation_type is RadiationType.ELECTRON:
        return f"{value:g} MeV"
    return f"{value:g} FFF" if beam.fluence_mode == "FFF" else f"{value:g}"


def test_the_matrix_is_of_ten_plans_and_more_photons_electrons_and_protons_on_ten_machines(
    real_data: Path,
) -> None:
    kinds = {beam.radiation_type for name in HELD for beam in demand_of(real_data, name).beams}

    assert len(HELD) >= 10
    assert all(tuple(of_plan) == tuple(public_profiles()) for of_plan in HELD.values())
    assert kinds == {RadiationType.PHOTON, RadiationType.ELECTRON, RadiationType.PROTON}
    assert {one.declared for of_plan in HELD.values() for one in of_plan.values()} == set("ABCD")


@pytest.mark.parametrize("name", HELD)
def test_each_real_plan_has_its_class_and_its_reasons_on_each_public_profile(
    real_data: Path, name: str
) -> None:
    demand = demand_of(real_data, name)
    found = {profile: classify(demand, public_profiles()[profile]) for profile in PROFILES}

    assert {at: elements(one) for at, one in found.items()} == {
        at: one.elements for at, one in HELD[name].items()
    }
    assert {at: one.delivery_class.name for at, one in found.items()} == {
        at: one.delivery_class for at, one in HELD[name].items()
    }


@pytest.mark.parametrize("name", HELD)
def test_declarations_lift_a_real_plan_as_far_as_its_elements_allow_and_no_further(
    real_data: Path, name: str
) -> None:
    demand = demand_of(real_data, name)
    found = {profile: classify(demand, declared(demand, profile)) for profile in PROFILES}

    assert {at: one.delivery_class.name for at, one in found.items()} == {
        at: one.declared for at, one in HELD[name].items()
    }
    for at, one in found.items():
        lifted = {"end-to-end test", "beam match", "applicator", "blocks or compensators"}
        still = frozenset().union(*HELD[name][at].elements.values()) - lifted
        assert {item.element for item in one.findings} - lifted == still


@pytest.mark.parametrize(
    ("name", "profile", "said"),
    [
        (VMAT, TRUEBEAM, "leaves: needs 60 pairs of 2.5 to 5 mm; there: Varian Millennium 120: 60 pairs"),
        (VMAT, IX, "jaws X: needs moving with the beam on; there: standing"),
        (VMAT, M80, "set-up imaging: needs CBCT, kV; there: MV"),
        (VMAT, UNITY, "dose rate of the arc: needs 600 MU/min; there: 450 MU/min at most"),
        (VMAT, AGILITY, "machine: needs Varian Medical Systems TDS; there: Elekta Versa HD"),
        (VMAT, STX, "beam match: needs 6 MV matched with UM_TB5; there: nothing declared"),
        (VMAT, STX, "end-to-end test: needs VMAT, done there; there: not stated"),
        (PROSTATE, STX, "energy: needs 15 MV; there: 6 MV, 6 MV FFF, 10 MV, 10 MV FFF"),
        (PROSTATE, STX, "jaws Y: needs -115 to 50 mm; there: -110 to 110 mm"),
        (PROSTATE, HALCYON, "jaws ASYMX: needs that pair; there: none"),
        (BREAST, M80, "beams 1, 4: energy: needs 10 MV; there: 6 MV, 15 MV"),
        (BREAST, "Elekta Synergy, MLCi2", "technique: needs IMRT sliding window; there: 3D, IMRT step"),
        (BREAST, STX, "leaves: needs 60 pairs of 5 to 10 mm; there: Varian HD120: 60 pairs of 2.5 to 5 mm"),
        (BLOCKED, STX, "wedge: needs standard wedge W3-45; there: dynamic"),
        (BLOCKED, TRUEBEAM, "beam 1: blocks or compensators: needs 8; there: not taken"),
        (ELECTRONS, HALCYON, "energy: needs electrons 9 MeV; there: no electrons"),
        (ELECTRONS, TRUEBEAM, "applicator: needs Tubus 10x10; there: not stated"),
        (ELECTRONS, TRUEBEAM, "machine: needs a model, which the plan does not state"),
        (PROTONS, TRUEBEAM, "radiation: needs proton; there: photons and electrons only"),
    ],
)  # fmt: skip
def test_each_kind_of_reason_names_what_the_real_plan_needs_and_what_is_there(
    real_data: Path, name: str, profile: str, said: str
) -> None:
    found = classify(demand_of(real_data, name), public_profiles()[profile])

    assert any(said in one.text for one in found.findings), [one.text for one in found.findings]


@pytest.mark.parametrize(("name", "profile"), [(VMAT, STX), (PROSTATE, IX), (CLINAC, IX), (CLINAC, M80)])
@pytest.mark.parametrize(
    ("other", "element"),
    [
        ({"energies": ["10"]}, "beam match"),
        ({"energies": ["6 FFF", "10 FFF"]}, "beam match"),
        ({"machine": "ANOTHER"}, "beam match"),
        ({"commissioned": ["electron"]}, "end-to-end test"),
        ({"models": ["Another model"]}, "machine"),
    ],
)
def test_a_real_plan_is_given_directly_only_where_match_test_and_model_are_all_there(
    real_data: Path, name: str, profile: str, other: dict[str, object], element: str
) -> None:
    demand = demand_of(real_data, name)
    whole, lacking = (classify(demand, declared(demand, profile, **more)) for more in ({}, other))

    assert (whole.delivery_class.name, whole.findings) == ("A", ())
    assert (lacking.delivery_class.name, [one.element for one in lacking.findings]) == ("B", [element])


@pytest.mark.parametrize(
    ("models", "insert", "found"),
    [
        (["SimBeam"], False, ("A", [])),
        (["SimBeam"], True, ("B", ["blocks or compensators"])),
        (["2100C"], False, ("B", ["machine"])),
    ],
)
def test_a_simulated_electron_plan_with_a_model_is_given_directly_without_its_insert(
    models: list[str], insert: bool, found: tuple[str, list[str]]
) -> None:
    """No real electron plan of the data states a model, so none of them can be class A."""
    planned = (
        dcmread(BytesIO(data)) for _, data in planning_objects(cast_member(Seed(1), 3, TODAY), zone("UTC"))
    )
    plan = next(one for one in planned if one.Modality == "RTPLAN")
    if not insert:
        del plan.BeamSequence[-1].BlockSequence
    file = BytesIO()
    plan.save_as(file)
    demand = read_demand(file.getvalue(), zone=zone("UTC"))
    judged = classify(demand, declared(demand, IX, models=models))

    assert demand.beams[0].radiation_type is RadiationType.ELECTRON
    assert (judged.delivery_class.name, [one.element for one in judged.findings]) == found


def test_setup_beams_and_tolerance_tables_of_a_real_plan_are_held_against_the_machine(
    real_data: Path,
) -> None:
    demand = demand_of(real_data, VMAT)
    stx = public_profiles()[STX]
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
    for name, of_plan in HELD.items():
        done = CliRunner().invoke(
            app,
            ["deliverable", str(real_data / name), "--machines", str(machines), "--json"],
            standalone_mode=False,
        )
        told = json.loads(done.stdout)
        classes = [one.delivery_class for one in of_plan.values()]

        assert done.return_value == (3 if set(classes) == {"D"} else 0)
        assert [one["class"] for one in told["machines"]] == classes
        assert all(one["reason"] for one in told["machines"])
