"""A plan, a partners' file, and patients, for tests of a draft and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from beamkeeper.domain.demand import BeamDemand, PlanDemand
from beamkeeper.domain.plan import RadiationType
from beamkeeper.respond.placement import Candidate, OpenPlan

PARTNERS = """format = 1
attacked_domain = "own-ad"

[[site]]
id = "own"
own = true
failure_domain = "emergency"

[[site]]
id = "partner"
name = "Partner hospital"
failure_domain = "partner-ad"
travel_min = 35
replans_a_day = 2

[[machine]]
id = "own-1"
name = "TB3"
site = "own"
own = true
profile = "Varian TrueBeam, Millennium 120"
commissioned = ["VMAT"]
slots = 1

[[machine]]
id = "partner-1"
name = "TB1"
site = "partner"
profile = "Varian TrueBeam, Millennium 120"
commissioned = ["VMAT"]
slots = 2
[[machine.matched_with]]
machine = "TB3"
energies = ["6"]
declared_by = "A"
declared_on = 2026-01-10
"""
ARC = BeamDemand(
    beam_number=1,
    beam_name="Arc",
    radiation_type=RadiationType.PHOTON,
    technique="VMAT",
    treatment_machine_name="TB3",
    model="TDS",
    energies=(6.0,),
    fluence_mode="STANDARD",
    gantry_moves=True,
)


def demand(**more: Any) -> PlanDemand:
    return PlanDemand(sop_instance_uid="1.2", rt_plan_label="P", beams=(replace(ARC, **more),))


def plan(label: str = "P", **more: Any) -> OpenPlan:
    return OpenPlan(label=label, demand=demand(**more))


def candidate(name: str = "a", priority: int | None = 1, **more: Any) -> Candidate:
    known = {
        "category": 2,
        "fractions_left": 5,
        "days_to_spare": 1,
        "begun": True,
        "plans": (plan(),),
    }
    return Candidate(id=name, name=f"Patient {name}", priority=priority, **(known | more))
