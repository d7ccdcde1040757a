"""In which class a machine can give a plan, element by element, each with its reason."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from beamkeeper.domain.demand import BeamDemand, LimitingDevice, PlanDemand, Wedge
from beamkeeper.domain.plan import RadiationType
from beamkeeper.errors import ConfigError
from beamkeeper.respond.placement import (
    DeliveryClass,
    MachineProfile,
    classify,
    public_profiles,
    read_machines,
)
from beamkeeper.respond.placement.machine import IMAGING

TRUEBEAM = "Varian TrueBeam, Millennium 120"
STX = "Varian TrueBeam STx or Edge, HD120"
AGILITY = "Elekta Versa HD or Infinity, Agility"


def machine(profile: str = TRUEBEAM, more: str = "") -> MachineProfile:
    text = f"""format = 1
[[machine]]
id = "p"
name = "TB1"
site = "Partner"
profile = "{profile}"
commissioned = ["VMAT", "3D", "electron"]
{more}
[[machine.matched_with]]
machine = "TB3"
energies = ["6", "6 FFF", "10", "9 MeV"]
declared_by = "A"
declared_on = 2026-01-10
"""
    (found,) = read_machines(text)
    return found


def leaves(
    profile: str = TRUEBEAM, kind: str = "MLCX", *, span: tuple[float, float] = (-60, 60)
) -> LimitingDevice:
    edges = public_profiles()[profile].mlc[kind]
    return LimitingDevice(
        device_type=kind,
        pair_count=len(edges) - 1,
        boundaries_mm=edges,
        lowest_mm=-50,
        highest_mm=50,
        open_from_mm=span[0],
        open_to_mm=span[1],
        moves=True,
    )


JAWS = tuple(
    LimitingDevice(device_type=kind, pair_count=1, lowest_mm=-60, highest_mm=60)
    for kind in ("ASYMX", "ASYMY")
)
ARC = BeamDemand(
    beam_number=1,
    beam_name="Arc",
    radiation_type=RadiationType.PHOTON,
    technique="VMAT",
    treatment_machine_name="TB3",
    manufacturer="Varian Medical Systems",
    model="TDS",
    energies=(6.0,),
    fluence_mode="STANDARD",
    devices=(*JAWS, leaves()),
    gantry_moves=True,
    couch_angles_deg=(0.0,),
    dose_rate_max=600.0,
)


def plan(*beams: BeamDemand, **more: object) -> PlanDemand:
    return PlanDemand(sop_instance_uid="1.2", rt_plan_label="A", beams=beams or (ARC,), **more)


def test_the_same_kind_of_machine_declared_matched_and_commissioned_gives_it_directly() -> None:
    found = classify(plan(), machine())

    assert (found.delivery_class, found.findings) == (DeliveryClass.A, ())
    assert "declared matched" in found.reason


@pytest.mark.parametrize(
    ("change", "expected", "said"),
    [
        ({"energies": (10.0,)}, DeliveryClass.A, "declared"),
        ({"energies": (15.0,)}, DeliveryClass.B, "15 MV matched with TB3"),
        ({"energies": (18.0,)}, DeliveryClass.C, "energy: needs 18 MV"),
        ({"fluence_mode": "FFF"}, DeliveryClass.A, "declared"),
        ({"fluence_mode": "FFF", "energies": (15.0,)}, DeliveryClass.C, "15 MV FFF"),
        ({"fluence_mode": "SRS"}, DeliveryClass.C, "6 MV SRS"),
        ({"energies": ()}, DeliveryClass.C, "not stated"),
        ({"model": "Versa HD"}, DeliveryClass.B, "machine: needs Varian Medical Systems Versa HD"),
        ({"model": ""}, DeliveryClass.B, "a model, which the plan does not state"),
        ({"treatment_machine_name": "TB9"}, DeliveryClass.B, "matched with TB9; there: nothing declared"),
        ({"treatment_machine_name": "TB1"}, DeliveryClass.B, "matched with TB1; there: nothing declared"),
        ({"technique": "DCAT"}, DeliveryClass.B, "DCAT, done there"),
        ({"technique": "robotic"}, DeliveryClass.C, "technique: needs robotic"),
        ({"technique": ""}, DeliveryClass.C, "one that is not known"),
        ({"dose_rate_max": 2500.0}, DeliveryClass.B, "2400 MU/min at most"),
        ({"couch_angles_deg": (90.0,)}, DeliveryClass.A, "declared"),
        ({"couch_angles_deg": (265.0,)}, DeliveryClass.A, "declared"),
        ({"couch_angles_deg": (100.0,)}, DeliveryClass.C, "turned by 100"),
        ({"couch_moves": True}, DeliveryClass.C, "turning with the beam on"),
        ({"wedges": (Wedge(wedge_type="MOTORIZED"),)}, DeliveryClass.C, "motorized wedge"),
        ({"wedges": (Wedge(wedge_type="STANDARD", wedge_id="W30"),)}, DeliveryClass.B, "the wedge W30"),
        ({"wedges": (Wedge(wedge_type="DYNAMIC"),)}, DeliveryClass.A, "declared"),
        ({"block_count": 1}, DeliveryClass.C, "not taken"),
        ({"compensator_count": 2}, DeliveryClass.C, "blocks or compensators: needs 2"),
        (
            {"accessories": ("cone 12",)},
            DeliveryClass.C,
            "accessory: needs cone 12; there: none named; where it can be sent along, name it there.",
        ),
        ({"applicator": "C15", "applicator_type": "STEREOTACTIC"}, DeliveryClass.D, "cone: needs C15"),
        ({"radiation_type": RadiationType.PROTON}, DeliveryClass.D, "needs proton"),
        ({"radiation_type": RadiationType.BRACHY}, DeliveryClass.D, "needs brachy"),
    ],
)
def test_each_element_says_what_it_makes_of_the_plan(
    change: dict[str, object], expected: DeliveryClass, said: str
) -> None:
    found = classify(plan(replace(ARC, **change)), machine())

    assert found.delivery_class is expected, found.findings
    assert said in found.reason


def test_a_machine_of_the_same_name_is_the_plans_own_only_where_the_site_says_so() -> None:
    beam = plan(replace(ARC, treatment_machine_name="TB1"))

    assert classify(beam, machine()).delivery_class is DeliveryClass.B
    assert classify(beam, machine(more="own = true")).delivery_class is DeliveryClass.A


def test_high_definition_leaves_on_standard_ones_have_to_be_planned_again() -> None:
    fine = replace(ARC, devices=(*JAWS, leaves(STX)))

    assert classify(plan(fine), machine()).delivery_class is DeliveryClass.C


def test_standard_leaves_on_high_definition_ones_are_recalculated_where_these_cover_what_is_open() -> None:
    long_field = replace(ARC, devices=(*JAWS, leaves(span=(-150, 60))))

    assert classify(plan(), machine(STX)).delivery_class is DeliveryClass.B
    assert classify(plan(long_field), machine(STX)).delivery_class is DeliveryClass.C


def test_leaves_of_another_make_are_another_plan() -> None:
    assert classify(plan(), machine(AGILITY)).delivery_class is DeliveryClass.C


def test_leaves_without_boundaries_are_never_given_directly() -> None:
    unknown = replace(leaves(), boundaries_mm=())

    assert classify(plan(replace(ARC, devices=(unknown,))), machine()).delivery_class is DeliveryClass.C


def test_jaws_that_move_need_a_machine_whose_jaws_do() -> None:
    tracking = tuple(replace(jaw, moves=True) for jaw in JAWS)
    beam = replace(ARC, devices=(*tracking, leaves()), model="2300IX")

    assert (
        classify(plan(replace(ARC, devices=(*tracking, leaves()))), machine()).delivery_class
        is DeliveryClass.A
    )
    assert (
        "moving with the beam on" in classify(plan(beam), machine("Varian Clinac iX, Millennium 120")).reason
    )


def test_a_field_beyond_the_reach_of_leaves_or_jaws_is_named() -> None:
    far = replace(leaves(), lowest_mm=-201)
    wide = replace(JAWS[0], highest_mm=220)

    assert "leaf positions: needs -201" in classify(plan(replace(ARC, devices=(far,))), machine()).reason
    assert "jaws X: needs -60 to 220 mm" in classify(plan(replace(ARC, devices=(wide,))), machine()).reason


def test_electrons_need_energy_and_applicator() -> None:
    beam = replace(
        ARC,
        radiation_type=RadiationType.ELECTRON,
        technique="electron",
        energies=(9.0,),
        devices=JAWS,
        applicator="10x10",
        gantry_moves=False,
    )

    assert classify(plan(beam), machine(more='applicators = ["10x10"]')).delivery_class is DeliveryClass.A
    assert "applicator: needs 10x10; there: not stated" in classify(plan(beam), machine()).reason
    assert classify(plan(beam), machine("Varian Halcyon")).delivery_class is DeliveryClass.D
    assert classify(plan(replace(beam, energies=(10.0,))), machine()).delivery_class is DeliveryClass.C


def test_motion_and_surface_guidance_are_asked_of_the_room() -> None:
    gated = plan(motion_techniques=("GATING",))

    assert classify(gated, machine()).delivery_class is DeliveryClass.A
    assert classify(gated, machine(more="motion = []")).delivery_class is DeliveryClass.C
    surface = plan(setup_words=("tattooless, surface only",))
    assert classify(surface, machine()).delivery_class is DeliveryClass.D
    assert classify(surface, machine(more="sgrt = true")).delivery_class is DeliveryClass.A


@pytest.mark.parametrize(
    ("asked", "there", "expected"),
    [
        ("CBCT", ("CBCT",), DeliveryClass.A),
        ("CBCT", ("MR",), DeliveryClass.A),
        ("CBCT", ("kV", "MV"), DeliveryClass.C),
        ("kV", ("CBCT",), DeliveryClass.A),
        ("kV", ("MV",), DeliveryClass.C),
        ("MV", ("kV",), DeliveryClass.A),
        ("MV", (), DeliveryClass.C),
        ("", (), DeliveryClass.A),
    ],
)
def test_pictures_before_the_beam_show_what_was_planned_to_be_seen_or_more(
    asked: str, there: tuple[str, ...], expected: DeliveryClass
) -> None:
    seen = ", ".join(f'"{one}"' for one in there)
    found = classify(plan(imaging=(asked,)), machine(more=f"imaging = [{seen}]"))

    assert found.delivery_class is expected
    if expected is DeliveryClass.C:
        assert found.reason.startswith(f"set-up imaging: needs {asked}; there: ")
    assert any("does not say what it takes pictures with" in text for text in found.remarks) == (not asked)


def test_a_tolerance_table_that_is_not_there_is_to_be_chosen_and_costs_no_class() -> None:
    named = plan(tolerance_tables=("PROSTATE",))
    silent, has, lacks = (
        classify(named, machine(more=more))
        for more in ("", 'tolerance_tables = ["PROSTATE"]', 'tolerance_tables = ["T1", "T2"]')
    )

    assert {one.delivery_class for one in (silent, has, lacks)} == {DeliveryClass.A}
    assert all("Tolerance table PROSTATE: hold its limits" in one.remarks[0] for one in (silent, has, lacks))
    assert silent.to_do == has.to_do == ()
    assert lacks.to_do == ("choose a tolerance table on p: PROSTATE is not there (T1, T2)",)


def test_what_lies_in_a_cupboard_is_to_be_sent_along_or_found_there_and_costs_no_class() -> None:
    held = plan(things=("mask M1", "bite block B2"))
    silent, names_one = (classify(held, machine(more=more)) for more in ("", 'accessories = ["mask M1"]'))

    assert silent.delivery_class is names_one.delivery_class is DeliveryClass.A
    assert silent.to_do == tuple(
        f"send {name} along, or find it at p (accessories there: none named)"
        for name in ("mask M1", "bite block B2")
    )
    assert names_one.to_do == ("send bite block B2 along, or find it at p (accessories there: mask M1)",)
    own = replace(held, beams=(replace(ARC, treatment_machine_name="TB1"),))
    assert classify(own, machine(more="own = true")).to_do == ()


def test_a_plan_without_beams_is_given_nowhere() -> None:
    empty = PlanDemand(sop_instance_uid="1", rt_plan_label="", beams=())

    assert classify(empty, machine()).delivery_class is DeliveryClass.D


def test_the_worst_beam_decides_and_each_reason_is_said_once_for_all_its_beams() -> None:
    beams = [replace(ARC, beam_number=number, energies=(18.0,)) for number in (1, 2, 3)]
    found = classify(plan(*beams, replace(ARC, beam_number=4)), machine())
    energy = [one for one in found.findings if one.element == "energy"]

    assert found.delivery_class is DeliveryClass.C
    assert [one.beam_numbers for one in energy] == [(1, 2, 3)]
    assert energy[0].text.startswith("beams 1, 2, 3: energy: needs 18 MV")


def test_what_has_to_go_along_is_a_remark() -> None:
    found = classify(plan(replace(ARC, bolus_count=1, fluence_mode="")), machine())

    assert found.delivery_class is DeliveryClass.A
    assert any("bolus" in text for text in found.remarks)
    assert any("fluence mode" in text for text in found.remarks)


PUBLIC = {
    TRUEBEAM: ("6 10 15 6F 10F", "6 9 12 16 20", "10x10 40x5 10x10", "-200", 95, 2400, True),
    STX: ("6 10 6F 10F", "", "14x5 32x2.5 14x5", "-110", 95, 2400, True),
    "Varian Clinac iX, Millennium 120": (
        "6 10 15 18", "6 9 12 16 20", "10x10 40x5 10x10", "-200", 90, 600, False,
    ),
    "Varian Clinac, Millennium 80": ("6 15", "6 9 12", "40x10", "-200", 90, 600, False),
    "Varian Halcyon": ("6F", "", "28x10 | 29x10", "-140 | -145", 0, 800, False),
    AGILITY: ("6 10 15 6F 10F", "6 9 12 15", "80x5", "-200", 95, 2200, True),
    "Elekta Synergy, MLCi2": ("6 10 15", "6 9 12 15", "40x10", "-200", 95, 600, True),
    "Elekta Unity": ("7F", "", "80x7.175", "-287", 0, 450, False),
    "Accuray CyberKnife": ("6F", "", "", "", 0, 1000, False),
    "Siemens Artiste, 160 MLC": ("6 10 18", "6 9 12 15", "80x5", "-200", 90, 500, False),
}  # fmt: skip
"""Photons (F: without flattening filter), electrons, leaf pairs by width in mm, first edge, couch turn, most
monitor units a minute, whether jaws move with the beam on: written down a second time."""


def leaf_runs(edges: tuple[float, ...]) -> str:
    widths = [round(after - before, 3) for before, after in itertools.pairwise(edges)]
    return " ".join(f"{len(list(run))}x{width:g}" for width, run in itertools.groupby(widths))


def test_every_public_profile_has_the_numbers_of_its_machine() -> None:
    def said(one: MachineProfile) -> tuple[object, ...]:
        photon = sorted(one.photon, key=lambda mode: (mode.is_fff, mode.energy_mv))
        return (
            " ".join(f"{mode.energy_mv:g}{'F' if mode.is_fff else ''}" for mode in photon),
            " ".join(f"{energy:g}" for energy in sorted(one.electron_mev)),
            " | ".join(leaf_runs(edges) for edges in one.mlc.values()),
            " | ".join(f"{edges[0]:g}" for edges in one.mlc.values()),
            one.couch_range_deg,
            one.dose_rate_max,
            one.jaw_tracking,
        )

    assert {name: said(one) for name, one in public_profiles().items()} == PUBLIC


@pytest.mark.parametrize("name", sorted(public_profiles()))
def test_every_public_profile_is_whole(name: str) -> None:
    profile = public_profiles()[name]

    assert profile.photon
    assert profile.models
    assert profile.imaging <= IMAGING
    assert profile.imaging
    assert set(profile.jaw_range_mm) == set(profile.jaws)
    for edges in profile.mlc.values():
        assert list(edges) == sorted(set(edges))
        assert abs(edges[0] + edges[-1]) < 1e-6


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("format = 1", "format = 7", "format 7"),
        ('id = "p"', "", "no id"),
        (TRUEBEAM, "Varian Wonder", "there is not"),
        ('site = "Partner"', 'site = "Partner"\nenergy = 6', "unknown keys: energy"),
        ('["VMAT", "3D", "electron"]', '"VMAT"', "list of texts"),
        ('"10", "9 MeV"', '"10 XYZ"', "cannot be read"),
        ('declared_by = "A"', "", "no declared_by"),
        ("[[machine]]", "[other]", "unknown keys: other"),
        ("[[machine]]", "[machine]", "lists no machine"),
        ('site = "Partner"', 'site = "Partner"\nphoton = ["-"]', "cannot be read"),
        ('site = "Partner"', 'site = "Partner"\ndose_rate_max = -1', "dose_rate_max is a number"),
        ('site = "Partner"', 'site = "Partner"\nsgrt = "yes"', "sgrt is true or false"),
        ('site = "Partner"', 'site = "Partner"\ntechniques = ["tomo"]', "nobody knows: tomo"),
        ('["VMAT", "3D", "electron"]', '["VMAT", "IMRT"]', "nobody knows: IMRT"),
        ('site = "Partner"', 'site = "Partner"\nimaging = ["kv"]', "nobody knows: kv"),
        ('site = "Partner"', 'site = "Partner"\nphoton = ["nan"]', "'nan' is no mode"),
        ('site = "Partner"', 'site = "Partner"\nphoton = ["1e999 FFF"]', "is no mode"),
        ('site = "Partner"', 'site = "Partner"\nphoton = ["-6"]', "is no mode"),
        ('site = "Partner"', 'site = "Partner"\nelectron = "9"', "electron is a list"),
        ('site = "Partner"', 'site = "Partner"\nelectron = [inf]', "electron is a number"),
        ("[[machine.matched_with]]", "[machine.matched_with]", "matched_with is a list"),
        ('"9 MeV"', '"nan MeV"', "is no electron energy"),
        ('"9 MeV"', '"9 MeV or so"', "is no electron energy"),
    ],
)
def test_a_mistake_in_a_machine_file_is_named(old: str, new: str, match: str) -> None:
    text = f"""format = 1
[[machine]]
id = "p"
name = "TB1"
site = "Partner"
profile = "{TRUEBEAM}"
commissioned = ["VMAT", "3D", "electron"]
[[machine.matched_with]]
machine = "TB3"
energies = ["6", "10", "9 MeV"]
declared_by = "A"
declared_on = 2026-01-10
"""
    assert old in text
    with pytest.raises(ConfigError, match=match) as refused:
        read_machines(text.replace(old, new))

    assert refused.value.do_next


def test_two_machines_may_not_share_an_id() -> None:
    one = f'[[machine]]\nid = "p"\nname = "A"\nsite = "S"\nprofile = "{TRUEBEAM}"\n'

    with pytest.raises(ConfigError, match="share an id: p"):
        read_machines(f"format = 1\n{one}{one}")
