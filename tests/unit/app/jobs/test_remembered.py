"""What is remembered of a plan is enough for a table of its beams, and no leaf of it."""

from __future__ import annotations

import pytest

from beamkeeper.app.jobs.remembered import in_outline
from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.objects import ObjectKind, ObjectRef
from beamkeeper.domain.plan import Beam, ControlPoint, DeliveryType, DosimeterUnit, Plan, RadiationType


def beam(*points: tuple[float | None, float | None]) -> Beam:
    """A beam of (gantry, energy) at each control point."""
    return Beam(
        beam_number=1,
        beam_name="",
        radiation_type=RadiationType.PROTON,
        delivery_type=DeliveryType.TREATMENT,
        treatment_machine_name="",
        primary_dosimeter_unit=DosimeterUnit.MU,
        beam_meterset=1,
        control_points=tuple(
            ControlPoint(
                control_point_index=place,
                cumulative_meterset_weight=float(place),
                gantry_angle_deg=gantry,
                nominal_beam_energy=energy,
                leaf_positions_mm=(-1.0, 1.0),
            )
            for place, (gantry, energy) in enumerate(points)
        ),
    )


def remembered(*points: tuple[float | None, float | None]) -> tuple[ControlPoint, ...]:
    plan = Plan(sop_instance_uid="1", patient_id="1", rt_plan_label="", beams=(beam(*points),))
    ref = ObjectRef(
        sop_class_uid="",
        sop_instance_uid="1",
        study_instance_uid="",
        series_instance_uid="",
        patient_id="1",
        modality="RTPLAN",
        transfer_syntax_uid="",
        sha256="",
        size_bytes=0,
    )
    content = in_outline(ClinicalObject(ref=ref, kind=ObjectKind.PLAN, label="", content=plan)).content
    assert isinstance(content, Plan)
    return content.beams[0].control_points


@pytest.mark.parametrize(
    ("points", "kept"),
    [
        ([], []),
        ([(0.0, 6.0)], [0]),
        ([(None, None)] * 9, [0, 8]),
        ([(180.0, 6.0), (90.0, 6.0), (0.0, 6.0), (270.0, 6.0), (180.0, 6.0)], [0, 2, 3, 4]),
        ([(0.0, 120.0), (0.0, 160.0), (0.0, 90.0), (0.0, 100.0)], [0, 1, 2, 3]),
    ],
)
def test_ends_and_extremes_are_remembered_without_leaves(
    points: list[tuple[float | None, float | None]], kept: list[int]
) -> None:
    outline = remembered(*points)

    assert [point.control_point_index for point in outline] == kept
    assert all(point.leaf_positions_mm == () for point in outline)
