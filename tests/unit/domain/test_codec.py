"""Domain values survive JSON whole, and nothing else gets in."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.census import Census, CensusEntry, CensusReason, Claim, SourceReport
from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.codec import NotThisShapeError, from_json, to_json
from beamkeeper.domain.night import NightReport
from beamkeeper.domain.patient import Contact, Patient
from beamkeeper.domain.plan import Beam, ControlPoint, FractionGroup, Plan
from beamkeeper.domain.position import CoursePosition

patients = st.builds(
    Patient,
    patient_id=st.text(min_size=1),
    name=st.text(),
    birth_on=st.none() | st.dates(),
    contacts=st.lists(st.builds(Contact, relation=st.text(), name=st.text(), phone=st.text())).map(tuple),
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
plans = st.from_type(Plan)


@given(patients)
def test_a_patient_survives_json_whole(patient: Patient):
    assert from_json(Patient, json.loads(json.dumps(to_json(patient)))) == patient


@pytest.mark.parametrize("kind", [ClinicalObject, CoursePosition, NightReport])
def test_every_domain_value_survives_json_whole(kind: type):
    @given(st.data())
    def survives(data: st.DataObject) -> None:
        with_numbers = st.from_type(kind)
        value = data.draw(with_numbers)
        assert from_json(kind, json.loads(json.dumps(to_json(value)))) == value

    for type_, strategy in ((float, numbers), (datetime, st.datetimes(timezones=st.just(UTC)))):
        st.register_type_strategy(type_, strategy)
    survives()


def census() -> Census:
    entry = CensusEntry(
        patient=Patient(patient_id="1", name="Pérez^Ana", birth_on=date(1960, 2, 29)),
        claims=(Claim(source="ois", reason=CensusReason.SCHEDULED_SOON),),
    )
    return Census(
        taken_at=datetime(2026, 3, 1, 1, 0, tzinfo=UTC),
        entries=(entry,),
        sources=(SourceReport(source="ois", answered=True, patient_count=1),),
    )


def test_an_unknown_key_is_refused_by_name():
    data = to_json(census())
    assert isinstance(data, dict)

    with pytest.raises(NotThisShapeError, match="colour"):
        from_json(Census, data | {"colour": "red"})


def test_a_missing_key_is_refused_by_name():
    data = to_json(census())
    assert isinstance(data, dict)
    del data["taken_at"]

    with pytest.raises(NotThisShapeError, match="taken_at"):
        from_json(Census, data)


def test_an_instant_without_offset_is_refused():
    data = to_json(census())
    assert isinstance(data, dict)

    with pytest.raises(NotThisShapeError, match="offset"):
        from_json(Census, data | {"taken_at": "2026-03-01T01:00:00"})


def test_another_class_in_place_of_the_one_asked_for_is_refused():
    with pytest.raises(NotThisShapeError, match="Beam"):
        from_json(Plan, to_json(beam()))


def beam() -> Beam:
    point = ControlPoint(control_point_index=0, cumulative_meterset_weight=0.0, isocenter_mm=(1.0, 2.0, 3.0))
    return from_json(
        Beam,
        {
            "is": "Beam",
            "beam_number": 1,
            "beam_name": "1",
            "radiation_type": "PHOTON",
            "delivery_type": "TREATMENT",
            "treatment_machine_name": "L1",
            "primary_dosimeter_unit": "MU",
            "beam_meterset": 100,
            "control_points": [to_json(point)],
        },
    )


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_any_other_json_is_refused_and_never_crashes(data: object):
    with pytest.raises(NotThisShapeError):
        from_json(FractionGroup, data)


def test_a_refusal_says_where_it_stands():
    data = to_json(beam())
    assert isinstance(data, dict)
    (point,) = data["control_points"]
    damaged = data | {"control_points": [point, point | {"isocenter_mm": [0.0, "x", 0.0]}]}

    with pytest.raises(NotThisShapeError) as raised:
        from_json(Beam, damaged)

    assert str(raised.value) == "Beam.control_points[1].isocenter_mm[1]: expected a number, found str"
