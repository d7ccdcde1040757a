"""What is sent along with a bundle: all that lies in a cupboard of ours, as the plans sent name it."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.protect.lists.people_on_lists import HEAD, person

from beamkeeper.app.jobs.handing_over import sent_along
from beamkeeper.domain.setup import PatientSetup
from beamkeeper.protect.lists import list_rows


def test_masks_frames_and_accessories_of_the_plans_that_are_sent_are_listed_and_of_no_other() -> None:
    one = person(1)
    (sent,) = one.plans
    setup = PatientSetup(patient_setup_number=1, devices=("mask M1", "bite block B2"))
    beams = tuple(replace(beam, accessories=("accessory FRAME", "block 4")) for beam in sent.beams)
    left = replace(sent, sop_instance_uid="1.9", patient_setups=(replace(setup, devices=("mask OLD",)),))
    whole = replace(one, plans=(replace(sent, patient_setups=(setup,), beams=beams), left))
    (row,) = list_rows([one], HEAD)

    assert beams
    assert dict.fromkeys(sent_along(whole, row.plans)) == dict.fromkeys(
        ("mask M1", "bite block B2", "accessory FRAME", "block 4")
    )
