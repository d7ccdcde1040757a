"""How an RT Plan positions the patient and what it asks of the machine (DICOM PS3.3 C.8.8.12, C.8.8.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.setup import RESPIRATION, BeamSetup, DoseReference, PatientSetup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.wire.dicom.values import DataSet

PRESCRIPTION_GY_MIN, PRESCRIPTION_GY_MAX = 1e-3, 1e3
"""A dose outside is none that a person gets (seen: 1.8e-295)."""
_SHIFTS = (
    ("vertical", "TableTopVerticalSetupDisplacement"),
    ("longitudinal", "TableTopLongitudinalSetupDisplacement"),
    ("lateral", "TableTopLateralSetupDisplacement"),
)
_COUCH = (
    ("vertical", "TableTopVerticalPosition"),
    ("longitudinal", "TableTopLongitudinalPosition"),
    ("lateral", "TableTopLateralPosition"),
)
_DEVICES = (
    ("FixationDeviceSequence", "FixationDevice"),
    ("ShieldingDeviceSequence", "ShieldingDevice"),
    ("SetupDeviceSequence", "SetupDevice"),
)


def read_patient_setups(top: DataSet) -> Iterator[PatientSetup]:
    """Yield how the patient is positioned; items without number are taken by their place."""
    for place, item in enumerate(top.items("PatientSetupSequence"), 1):
        number = item.integer("PatientSetupNumber")
        technique = (item.text("SetupTechnique"), item.text("SetupTechniqueDescription"))
        yield PatientSetup(
            patient_setup_number=place if number is None else number,
            patient_position=item.code("PatientPosition") or item.text("PatientAdditionalPosition"),
            technique=": ".join(filter(None, technique)),
            devices=tuple(_devices(item)),
            shifts_mm=_stated(item, _SHIFTS),
        )


def _devices(setup: DataSet) -> Iterator[str]:
    for sequence, prefix in _DEVICES:
        for item in setup.items(sequence):
            kind = item.text(f"{prefix}Type").replace("_", " ").lower()
            said = [item.text(f"{prefix}{part}") for part in ("Label", "Description", "Position")]
            parameter = item.number("SetupDeviceParameter") if prefix == "SetupDevice" else None
            if parameter is not None:
                said.append(f"{parameter:g}")
            yield " ".join(dict.fromkeys(filter(None, (kind, *said)))) or "device without name"
    for item in setup.items("MotionSynchronizationSequence"):
        how = item.text("RespiratoryMotionCompensationTechnique").replace("_", " ").lower()
        source = item.text("RespiratorySignalSource").replace("_", " ").lower()
        yield " by ".join(filter(None, (f"{RESPIRATION}{how or 'not said'}", source)))


def read_dose_references(top: DataSet) -> Iterator[DoseReference]:
    """Yield what shall get which dose; an implausible dose is left out and the reference stays."""
    for item in top.items("DoseReferenceSequence"):
        yield DoseReference(
            dose_reference_type=item.code("DoseReferenceType"),
            description=item.text("DoseReferenceDescription"),
            target_prescription_dose_gy=_plausible(item.number("TargetPrescriptionDose")),
            delivery_maximum_dose_gy=_plausible(item.number("DeliveryMaximumDose")),
        )


def _plausible(dose_gy: float | None) -> float | None:
    if dose_gy is None or not PRESCRIPTION_GY_MIN <= dose_gy <= PRESCRIPTION_GY_MAX:
        return None
    return dose_gy


def read_beam_setup(top: DataSet, beam: DataSet, *, ion: bool) -> BeamSetup:
    """Return what one beam asks of the machine."""
    devices = beam.items("IonBeamLimitingDeviceSequence" if ion else "BeamLimitingDeviceSequence")
    first = beam.first("IonControlPointSequence" if ion else "ControlPointSequence")
    fluence = beam.first("PrimaryFluenceModeSequence")
    return BeamSetup(
        manufacturer=beam.text("Manufacturer"),
        model=beam.text("ManufacturerModelName"),
        fluence_mode=""
        if fluence is None
        else f"{fluence.text('FluenceMode')} {fluence.text('FluenceModeID')}".strip(),
        tolerance_table=_tolerance_table(top, beam.integer("ReferencedToleranceTableNumber"), ion=ion),
        gantry_rotation="" if first is None else _rotation(first),
        patient_setup_number=beam.integer("ReferencedPatientSetupNumber"),
        leaf_boundaries_mm=next(
            (
                device.numbers("LeafPositionBoundaries")
                for device in devices
                if device.code("RTBeamLimitingDeviceType").startswith("MLC")
            ),
            (),
        ),
        couch_mm=() if first is None else _stated(first, _COUCH),
    )


def _rotation(first: DataSet) -> str:
    way = first.code("GantryRotationDirection")
    return way if way in {"CW", "CC"} else ""


def _tolerance_table(top: DataSet, number: int | None, *, ion: bool) -> str:
    if number is None:
        return ""
    for item in top.items("IonToleranceTableSequence" if ion else "ToleranceTableSequence"):
        if item.integer("ToleranceTableNumber") == number and (label := item.text("ToleranceTableLabel")):
            return label
    return f"table {number}"


def _stated(item: DataSet, elements: tuple[tuple[str, str], ...]) -> tuple[tuple[str, float], ...]:
    return tuple((word, value) for word, key in elements if (value := item.number(key)) is not None)
