"""Treatment records: what was delivered, by which beam, in which fraction."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from reader_objects import BRACHY_RECORD, RECORD, file_of, identity

from beamkeeper.domain.plan import DeliveryType, DosimeterUnit
from beamkeeper.domain.record import TerminationStatus
from beamkeeper.wire.dicom.reader import read_object

BRUSSELS = ZoneInfo("Europe/Brussels")


def session(**more: object):
    return {
        "ReferencedBeamNumber": "1",
        "BeamName": "one",
        "CurrentFractionNumber": "7",
        "TreatmentDeliveryType": "TREATMENT",
        "TreatmentTerminationStatus": "NORMAL",
        "SpecifiedPrimaryMeterset": "100",
        "DeliveredPrimaryMeterset": "99.99",
        **more,
    }


def record(*sessions: object, kind=RECORD, **more: object):
    content = identity(
        kind,
        "RTRECORD",
        TreatmentDate="20260701",
        TreatmentTime="0830",
        PrimaryDosimeterUnit="MU",
        NumberOfFractionsPlanned="25",
        ReferencedRTPlanSequence=[{"ReferencedSOPInstanceUID": "1.5"}],
        TreatmentMachineSequence=[{"TreatmentMachineName": "LINAC1"}],
        TreatmentSessionBeamSequence=list(sessions),
    )
    return read_object(file_of(content | more), zone=BRUSSELS)


def points(*delivered: str, specified=("0", "100")):
    return [
        {
            "TreatmentControlPointDate": "20260701",
            "TreatmentControlPointTime": "083112",
            "SpecifiedMeterset": specified[0] if index == 0 else specified[-1],
            "DeliveredMeterset": value,
        }
        for index, value in enumerate(delivered)
    ]


def test_a_record_says_what_was_given():
    item = record(session(), session(ReferencedBeamNumber="2"))
    first, second = item.content.deliveries

    assert item.label == "fraction 7, 2 beams"
    assert item.content.referenced_plan_uid == "1.5"
    assert item.content.treated_at == datetime(2026, 7, 1, 6, 30, tzinfo=UTC)
    assert (first.referenced_beam_number, second.referenced_beam_number) == (1, 2)
    assert (first.specified_meterset, first.delivered_meterset) == (100.0, 99.99)
    assert first.primary_dosimeter_unit is DosimeterUnit.MU
    assert (first.current_fraction_number, first.termination_status) == (7, TerminationStatus.NORMAL)
    assert first.treatment_machine_name == "LINAC1"


def test_an_empty_plan_reference_is_none():
    assert record(session(), ReferencedRTPlanSequence=[]).content.referenced_plan_uid is None


def test_a_missing_delivered_meterset_is_taken_from_the_control_points():
    item = record(
        session(
            DeliveredPrimaryMeterset="",
            SpecifiedPrimaryMeterset="",
            ControlPointDeliverySequence=points("0", "40", "99"),
        )
    )
    (delivery,) = item.content.deliveries

    assert (delivery.specified_meterset, delivery.delivered_meterset) == (100.0, 99.0)
    assert delivery.started_at == datetime(2026, 7, 1, 6, 31, 12, tzinfo=UTC)


def test_a_continuation_counts_only_what_it_gave_itself():
    item = record(
        session(
            TreatmentDeliveryType="CONTINUATION",
            DeliveredPrimaryMeterset="",
            ControlPointDeliverySequence=points("46", "46", "100"),
        )
    )
    (delivery,) = item.content.deliveries

    assert delivery.delivery_type is DeliveryType.CONTINUATION
    assert delivery.delivered_meterset == pytest.approx(54.0)


def test_nothing_stated_is_none_and_never_zero():
    (delivery,) = record(
        session(
            DeliveredPrimaryMeterset="",
            ReferencedBeamNumber="",
            CurrentFractionNumber="",
            TreatmentTerminationStatus="",
            TreatmentDeliveryType="",
        )
    ).content.deliveries

    assert delivery.delivered_meterset is None
    assert delivery.referenced_beam_number is None
    assert delivery.current_fraction_number is None
    assert delivery.termination_status is TerminationStatus.UNKNOWN
    assert delivery.delivery_type is DeliveryType.UNKNOWN


def test_a_record_without_time_of_its_own_has_that_of_its_first_beam():
    item = record(session(ControlPointDeliverySequence=points("0", "1")), TreatmentDate="")

    assert item.content.treated_at == datetime(2026, 7, 1, 6, 31, 12, tzinfo=UTC)


def test_a_time_that_clocks_skip_is_the_first_after_it():
    item = record(session(), TreatmentDate="20260329", TreatmentTime="023000")

    assert item.content.treated_at == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_an_ion_record_is_read():
    item = record(
        kind="481.9",
        TreatmentSessionIonBeamSequence=[
            session(
                DeliveredPrimaryMeterset="",
                IonControlPointDeliverySequence=points("0", "12", specified=("0", "9")),
            )
        ],
    )

    assert [d.delivered_meterset for d in item.content.deliveries] == [12.0]


def test_a_brachytherapy_record_counts_channel_time_in_minutes():
    item = record(
        kind=BRACHY_RECORD,
        TreatmentSessionApplicationSetupSequence=[
            {
                "ReferencedBrachyApplicationSetupNumber": "3",
                "CurrentFractionNumber": "2",
                "TreatmentDeliveryType": "TREATMENT",
                "TreatmentTerminationStatus": "OPERATOR",
                "RecordedChannelSequence": [
                    {"SpecifiedChannelTotalTime": "90", "DeliveredChannelTotalTime": "60"},
                    {"SpecifiedChannelTotalTime": "30", "DeliveredChannelTotalTime": "30"},
                ],
            }
        ],
    )
    (delivery,) = item.content.deliveries

    assert (delivery.referenced_beam_number, delivery.current_fraction_number) == (3, 2)
    assert (delivery.specified_meterset, delivery.delivered_meterset) == (2.0, 1.5)
    assert delivery.primary_dosimeter_unit is DosimeterUnit.MINUTE


def test_a_summary_says_somebody_elses_count():
    item = record(
        kind="481.7",
        CurrentTreatmentStatus="ON_TREATMENT",
        FractionGroupSummarySequence=[
            {
                "NumberOfFractionsPlanned": "20",
                "NumberOfFractionsDelivered": "3",
                "FractionStatusSummarySequence": [
                    {
                        "ReferencedFractionNumber": "1",
                        "TreatmentDate": "20260701",
                        "TreatmentTime": "12",
                        "TreatmentTerminationStatus": "NORMAL",
                    }
                ],
            },
            {"NumberOfFractionsPlanned": "5", "NumberOfFractionsDelivered": "0"},
        ],
    )

    assert item.label == "summary, on treatment"
    assert item.content.number_of_fractions_planned == 25
    assert item.content.number_of_fractions_delivered == 3
    assert [f.fraction_number for f in item.content.fractions] == [1]
    assert item.content.fractions[0].treated_at == datetime(2026, 7, 1, 10, tzinfo=UTC)
