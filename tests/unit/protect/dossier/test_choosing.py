"""A plan is drawn from its own objects, and from none of another plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from beamkeeper.clock import zone
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.setup import NOTHING_STATED
from beamkeeper.protect.dossier import materials_of, pictures_of, pictures_together
from beamkeeper.rehearse.sim.realcases import load_case
from beamkeeper.wire.dicom.reader import read_object

if TYPE_CHECKING:
    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.objects import ObjectRef
    from beamkeeper.domain.plan import ControlPoint

UTC = zone("UTC")


def held(*names: str) -> dict[str, tuple[ClinicalObject, bytes]]:
    """Return every object of some shipped sets, by the digest of its file."""
    found = {}
    for name in names:
        for _, data in load_case(name).files:
            item = read_object(data, zone=UTC)
            found[item.ref.sha256] = (item, data)
    return found


def test_plans_of_two_planning_systems_get_their_own_slices_structures_and_dose() -> None:
    objects = held("monaco-hn-proknow", "monaco-tinyvmat-pymedphys")
    fetched: list[ObjectRef] = []

    def fetch(ref: ObjectRef) -> bytes:
        fetched.append(ref)
        return objects[ref.sha256][1]

    head, tiny = materials_of((item for item, _ in objects.values()), fetch)
    for material, doses in ((head, 1), (tiny, 0)):
        assert len(material.images) == 5
        assert material.structure_set is not None
        assert len(material.doses) == doses
    assert not fetched

    pictures_of(head)

    assert len({ref.patient_id for ref in fetched}) == 1


def test_a_published_case_is_drawn_with_all_it_has() -> None:
    objects = held("monaco-hn-proknow")
    (material,) = materials_of((item for item, _ in objects.values()), lambda ref: objects[ref.sha256][1])
    made = pictures_of(material)

    assert [picture.kind.value for picture in made.pictures] == [
        *("axial", "coronal", "sagittal", "dvh"),
        *["beams-eye"] * 4,
    ]
    assert made.reservations == (
        "The plan does not name its frame of reference: that of structures and dose is taken.",
    )
    axial = made.pictures[0]
    assert "100 % = 78.00 Gy, the prescription of the plan. Largest dose 85.35 Gy." in axial.caption
    assert "Dashed: PTV" in made.pictures[4].caption


def test_images_that_are_known_by_name_only_are_chosen_too() -> None:
    objects = held("monaco-hn-proknow")
    named = [
        replace(item, content=None) if item.kind is ObjectKind.IMAGE else item for item, _ in objects.values()
    ]
    (material,) = materials_of(named, lambda ref: objects[ref.sha256][1])

    assert len(material.images) == 5


@pytest.mark.parametrize("points_kept", [0, 1])
def test_a_plan_remembered_in_outline_is_drawn_from_its_file(points_kept: int) -> None:
    # Facts of before the outline hold no control point, and do not say how many there are.
    objects = held("monaco-hn-proknow")
    (material,) = materials_of((item for item, _ in objects.values()), lambda ref: objects[ref.sha256][1])
    beams = tuple(
        replace(beam, control_points=beam.control_points[:points_kept], setup=NOTHING_STATED)
        for beam in material.plan.beams
    )
    outline = replace(material, plan=replace(material.plan, beams=beams))
    whole, remembered = (
        [picture.caption for picture in pictures_of(one).pictures] for one in (material, outline)
    )

    assert remembered == whole


def test_plans_on_the_same_images_are_drawn_as_each_alone_and_every_file_is_read_once() -> None:
    objects = held("monaco-hn-proknow")
    fetched: list[str] = []

    def fetch(ref: ObjectRef) -> bytes:
        fetched.append(ref.modality)
        return objects[ref.sha256][1]

    (material,) = materials_of((item for item, _ in objects.values()), fetch)
    moved = tuple(
        replace(beam, control_points=tuple(_shifted(point) for point in beam.control_points))
        for beam in material.plan.beams
    )
    other = replace(material, plan=replace(material.plan, beams=moved))
    alone = [pictures_of(material), pictures_of(other)]
    fetched.clear()
    together = pictures_together([material, other])

    assert [made.pictures for made in together] == [made.pictures for made in alone]
    assert [made.reservations for made in together] == [made.reservations for made in alone]
    assert together[0].pictures[0].svg != together[1].pictures[0].svg
    assert (fetched.count("CT"), fetched.count("RTSTRUCT")) == (5, 1)


def _shifted(point: ControlPoint) -> ControlPoint:
    x, y, z = point.isocenter_mm or (0.0, 0.0, 0.0)
    return replace(point, isocenter_mm=(x + 7.0, y, z))
