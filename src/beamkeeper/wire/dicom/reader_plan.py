"""RT Plan and RT Ion Plan into `Plan` (DICOM PS3.3 A.20, A.49; `protocols` 2.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from beamkeeper.domain.objects import ObjectRef, Reference, ReferenceRole
from beamkeeper.domain.plan import (
    ApprovalStatus,
    Beam,
    ControlPoint,
    DeliveryType,
    DosimeterUnit,
    FractionGroup,
    Plan,
    RadiationType,
)
from beamkeeper.wire.dicom.reader_references import referenced_uids
from beamkeeper.wire.dicom.reader_setup import (
    PRESCRIPTION_GY_MAX,
    PRESCRIPTION_GY_MIN,
    read_beam_setup,
    read_dose_references,
    read_patient_setups,
)
from beamkeeper.wire.dicom.reader_technique import brachy_technique, ion_technique, photon_technique

if TYPE_CHECKING:
    from collections.abc import Iterator
    from enum import StrEnum

    from beamkeeper.wire.dicom.values import DataSet

    _Enum = TypeVar("_Enum", bound=StrEnum)

_JAWS = frozenset({"X", "Y", "ASYMX", "ASYMY"})
_ACCESSORIES = (
    ("WedgeSequence", "wedge", ("WedgeID", "AccessoryCode", "WedgeNumber")),
    ("ApplicatorSequence", "applicator", ("ApplicatorID", "AccessoryCode")),
    ("BlockSequence", "block", ("BlockName", "BlockTrayID", "BlockNumber")),
    ("IonBlockSequence", "block", ("BlockName", "BlockTrayID", "BlockNumber")),
    ("CompensatorSequence", "compensator", ("CompensatorID", "CompensatorNumber")),
    ("IonRangeCompensatorSequence", "range compensator", ("CompensatorID", "CompensatorNumber")),
    ("ReferencedBolusSequence", "bolus ROI", ("ReferencedROINumber",)),
    ("RangeShifterSequence", "range shifter", ("RangeShifterID", "RangeShifterNumber")),
    ("RangeModulatorSequence", "range modulator", ("RangeModulatorID", "RangeModulatorNumber")),
    ("SnoutSequence", "snout", ("SnoutID",)),
    ("GeneralAccessorySequence", "accessory", ("GeneralAccessoryID", "GeneralAccessoryNumber")),
)


def read_plan(top: DataSet, ref: ObjectRef, references: tuple[Reference, ...]) -> Plan:
    """Return the plan an RT Plan or RT Ion Plan object states."""
    approval = choose(ApprovalStatus, top.code("ApprovalStatus"), ApprovalStatus.UNKNOWN)
    structure_sets = referenced_uids(references, ReferenceRole.STRUCTURE_SET)
    groups, dosed = _read_fraction_groups(top)
    return Plan(
        sop_instance_uid=ref.sop_instance_uid,
        patient_id=ref.patient_id,
        rt_plan_label=top.text("RTPlanLabel"),
        rt_plan_name=top.text("RTPlanName"),
        plan_intent=top.code("PlanIntent"),
        approval_status=approval,
        approved_at=top.instant("ReviewDate", "ReviewTime") if approval is ApprovalStatus.APPROVED else None,
        planned_on=top.day("RTPlanDate"),
        geometry=top.code("RTPlanGeometry"),
        referenced_structure_set_uid=structure_sets[0] if structure_sets else None,
        referenced_dose_uids=referenced_uids(references, ReferenceRole.DOSE),
        related_plan_uids=tuple(
            (item.code("RTPlanRelationship"), uid)
            for item in top.items("ReferencedRTPlanSequence")
            if (uid := item.uid("ReferencedSOPInstanceUID"))
        ),
        target_prescription_dose_gy=_target_prescription_gy(top),
        fraction_groups=groups,
        beams=tuple(_with_meterset(beam, dosed, top) for beam in _read_beams(top)),
        approved_by=top.text("ReviewerName") if approval is ApprovalStatus.APPROVED else "",
        prescription_description=top.text("PrescriptionDescription"),
        treatment_sites=tuple(filter(None, map(str.strip, top.text("TreatmentSites").split("\\")))),
        dose_references=tuple(read_dose_references(top)),
        patient_setups=tuple(read_patient_setups(top)),
    )


def choose(kind: type[_Enum], code: str, otherwise: _Enum) -> _Enum:
    """Return the member with that value, or `otherwise`."""
    try:
        return kind(code)
    except ValueError:
        return otherwise


_Dosed = dict[tuple[str, int], tuple[float | None, float | None]]
"""("beam" or "setup", number) → meterset, dose in Gy, as the fraction group states them."""


def _read_fraction_groups(top: DataSet) -> tuple[tuple[FractionGroup, ...], _Dosed]:
    groups = []
    dosed: _Dosed = {}
    for position, item in enumerate(top.items("FractionGroupSequence"), 1):
        numbers: list[int] = []
        for kind, number, meterset, dose_gy in _referenced_in(item):
            numbers.append(number)
            if dosed.setdefault((kind, number), (meterset, dose_gy)) != (meterset, dose_gy):
                top.context.warn(f"beam {number} has different metersets or doses in its fraction groups")
        stated = item.integer("FractionGroupNumber")
        if stated is None:
            top.context.warn("a fraction group has no number: its position is used")
        groups.append(
            FractionGroup(
                fraction_group_number=position if stated is None else stated,
                number_of_fractions_planned=item.integer("NumberOfFractionsPlanned"),
                beam_numbers=tuple(numbers),
            )
        )
    return tuple(groups), dosed


def _referenced_in(group: DataSet) -> Iterator[tuple[str, int, float | None, float | None]]:
    for item in group.items("ReferencedBeamSequence"):
        number = item.integer("ReferencedBeamNumber")
        if number is None:
            group.context.warn("a fraction group refers to a beam without number: ignored")
            continue
        yield "beam", number, item.number("BeamMeterset"), item.number("BeamDose")
    for item in group.items("ReferencedBrachyApplicationSetupSequence"):
        number = item.integer("ReferencedBrachyApplicationSetupNumber")
        if number is not None:
            yield "setup", number, None, item.number("BrachyApplicationSetupDose")


def _target_prescription_gy(top: DataSet) -> float | None:
    doses = []
    for item in top.items("DoseReferenceSequence"):
        dose_gy = item.number("TargetPrescriptionDose")
        if item.code("DoseReferenceType") != "TARGET" or dose_gy is None:
            continue
        if PRESCRIPTION_GY_MIN <= dose_gy <= PRESCRIPTION_GY_MAX:
            doses.append(dose_gy)
        else:
            top.context.warn(f"a target prescription dose of {dose_gy:g} Gy is implausible: ignored")
    return max(doses, default=None)


def _read_beams(top: DataSet) -> Iterator[tuple[str, Beam]]:
    seen = set()
    for kind, beam in _every_beam(top):
        if (kind, beam.beam_number) in seen:
            top.context.warn(f"beam number {beam.beam_number} is used twice: only the first is kept")
            continue
        seen.add((kind, beam.beam_number))
        yield kind, beam


def _every_beam(top: DataSet) -> Iterator[tuple[str, Beam]]:
    for keyword, ion in (("BeamSequence", False), ("IonBeamSequence", True)):
        for item in top.items(keyword):
            number = item.integer("BeamNumber")
            if number is None:
                top.context.warn("a beam has no number: ignored")
            else:
                yield "beam", _read_beam(top, item, number, ion=ion)
    machine = _brachy_machine(top)
    for item in top.items("ApplicationSetupSequence"):
        number = item.integer("ApplicationSetupNumber")
        if number is None:
            top.context.warn("an application setup has no number: ignored")
        else:
            yield "setup", _read_application_setup(item, number, machine, top.code("BrachyTreatmentType"))


def _with_meterset(found: tuple[str, Beam], dosed: _Dosed, top: DataSet) -> Beam:
    kind, beam = found
    meterset, dose_gy = dosed.get((kind, beam.beam_number), (None, None))
    if kind == "beam" and meterset is None and (beam.delivery_type is DeliveryType.TREATMENT):
        top.context.warn(f"beam {beam.beam_number} has no meterset in any fraction group")
    return replace(
        beam, beam_meterset=meterset if kind == "beam" else beam.beam_meterset, beam_dose_gy=dose_gy
    )


def _read_beam(top: DataSet, item: DataSet, number: int, *, ion: bool) -> Beam:
    radiation = choose(RadiationType, item.code("RadiationType"), RadiationType.UNKNOWN)
    delivery = choose(DeliveryType, item.code("TreatmentDeliveryType"), DeliveryType.UNKNOWN)
    points = tuple(_control_points(item, "IonControlPointSequence" if ion else "ControlPointSequence"))
    devices = item.items("IonBeamLimitingDeviceSequence" if ion else "BeamLimitingDeviceSequence")
    if delivery is DeliveryType.SETUP:
        technique = "setup"
    elif ion:
        technique = ion_technique(radiation, item.code("ScanMode"))
    elif radiation is RadiationType.ELECTRON:
        technique = "electron"
    else:
        technique = photon_technique(points, delivery_type=delivery)
    return Beam(
        beam_number=number,
        beam_name=item.text("BeamName"),
        radiation_type=radiation,
        delivery_type=delivery,
        treatment_machine_name=item.text("TreatmentMachineName"),
        primary_dosimeter_unit=choose(
            DosimeterUnit, item.code("PrimaryDosimeterUnit"), DosimeterUnit.UNKNOWN
        ),
        beam_meterset=None,
        technique=technique,
        mlc_leaf_pairs=sum(
            device.integer("NumberOfLeafJawPairs") or 0
            for device in devices
            if device.code("RTBeamLimitingDeviceType").startswith("MLC")
        ),
        accessories=tuple(_accessories(item)),
        control_points=points,
        setup=replace(read_beam_setup(top, item, ion=ion), control_point_count=len(points)),
    )


def _control_points(beam: DataSet, keyword: str) -> Iterator[ControlPoint]:
    """Yield control points; what one does not state is carried forward (PS3.3 C.8.8.14)."""
    gantry = collimator = couch = energy = None
    isocenter: tuple[float, float, float] | None = None
    jaws: dict[str, tuple[float, float]] = {}
    leaves: dict[str, tuple[float, ...]] = {}
    all_leaves: tuple[float, ...] = ()
    all_jaws: tuple[tuple[str, float, float], ...] = ()
    for position, item in enumerate(beam.items(keyword)):
        gantry = _newer(item.number("GantryAngle"), gantry)
        collimator = _newer(item.number("BeamLimitingDeviceAngle"), collimator)
        couch = _newer(item.number("PatientSupportAngle"), couch)
        energy = _newer(item.number("NominalBeamEnergy"), energy)
        if len(centre := item.numbers("IsocenterPosition")) == 3:  # noqa: PLR2004 - x, y, z
            isocenter = (centre[0], centre[1], centre[2])
        if _read_devices(item, jaws, leaves):
            all_jaws = tuple((device, *pair) for device, pair in jaws.items())
            all_leaves = tuple(value for bank in leaves.values() for value in bank)
        index = item.integer("ControlPointIndex")
        yield ControlPoint(
            control_point_index=position if index is None else index,
            cumulative_meterset_weight=item.number("CumulativeMetersetWeight"),
            gantry_angle_deg=gantry,
            collimator_angle_deg=collimator,
            couch_angle_deg=couch,
            nominal_beam_energy=energy,
            isocenter_mm=isocenter,
            jaw_positions_mm=all_jaws,
            leaf_positions_mm=all_leaves,
        )


def _newer(stated: float | None, carried: float | None) -> float | None:
    return carried if stated is None else stated


def _read_devices(
    point: DataSet, jaws: dict[str, tuple[float, float]], leaves: dict[str, tuple[float, ...]]
) -> bool:
    """Note the positions a control point states; return whether it states any."""
    any_stated = False
    for device in point.items("BeamLimitingDevicePositionSequence"):
        kind, positions = device.code("RTBeamLimitingDeviceType"), device.numbers("LeafJawPositions")
        if kind in _JAWS and len(positions) == 2:  # noqa: PLR2004 - a pair
            jaws[kind] = (positions[0], positions[1])
            any_stated = True
        elif positions:
            leaves[kind] = positions
            any_stated = True
    return any_stated


def _accessories(beam: DataSet) -> Iterator[str]:
    for keyword, word, names in _ACCESSORIES:
        for item in beam.items(keyword):
            name = next((text for name in names if (text := item.text(name))), "")
            yield f"{word} {name}".strip()


def _brachy_machine(top: DataSet) -> str:
    machine = top.first("TreatmentMachineSequence")
    return "" if machine is None else machine.text("TreatmentMachineName")


def _read_application_setup(item: DataSet, number: int, machine: str, treatment_type: str) -> Beam:
    """Return an application setup as a beam whose meterset is its channels' time together, in minutes."""
    times_s = [channel.number("ChannelTotalTime") for channel in item.items("ChannelSequence")]
    stated_s = [seconds for seconds in times_s if seconds is not None]
    return Beam(
        beam_number=number,
        beam_name=item.text("ApplicationSetupName") or item.text("ApplicationSetupType"),
        radiation_type=RadiationType.BRACHY,
        delivery_type=DeliveryType.TREATMENT,
        treatment_machine_name=machine,
        primary_dosimeter_unit=DosimeterUnit.MINUTE,
        beam_meterset=sum(stated_s) / 60 if stated_s else None,
        technique=brachy_technique(treatment_type),
    )
