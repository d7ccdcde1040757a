"""What pydicom reads of plans and records, as the rows of the paper have to say it: not our own reader."""

from __future__ import annotations

import hashlib
import warnings
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
from pdf_tables import Head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom import Dataset

Figures = tuple[str, ...]

BEAMS = Head("No. Name Gantry ° Coll. ° Couch ° Energy Meterset Jaws mm Accessories", "No.", "Name")
POINTS = Head("No. Name Points Isocentre x, y, z mm Final weight Open leaves MLC", "No.", "Name")
DELIVERED = Head("Fraction Begun Beam Delivered Ended Machine At", "Ended", "Machine")
PRESCRIBED = Head("Plan Intent Prescribed Fractions Per fraction Approved", "Intent", "Prescribed")
SETUP = Head("Plan Lies Technique Devices Shift to isocentre Tolerance Couch", "Lies", "Technique")
MACHINES = Head("Plan Machine Beams Energies MLC Fluence Accessories", "Beams", "Energies")
MADE_FROM = Head("Kind What Count Digest UID of the object or series", "Digest", "UID")
WAYS = ("Vertical", "Longitudinal", "Lateral")
BEAMS_SHOWN, DOSES_SHOWN = 60, 12


def objects_in(folder: Path) -> dict[str, Dataset]:
    """Return every plan and record by SOP Instance UID."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd values are what the sets are for
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                try:
                    item = pydicom.dcmread(path, force=True)
                    if item.get("Modality") in {"RTPLAN", "RTRECORD"} and "SOPInstanceUID" in item:
                        found[str(item.SOPInstanceUID)] = item
                except (pydicom.errors.InvalidDicomError, ValueError, AttributeError, NotImplementedError):
                    continue
    return found


def digest_of(item: Dataset) -> str:
    """Return how the paper names the bytes of a file."""
    return hashlib.sha256(Path(str(item.filename)).read_bytes()).hexdigest()[:16]


def beams_of(plan: Dataset) -> list[Dataset]:
    return [*plan.get("BeamSequence", ()), *plan.get("IonBeamSequence", ())][:BEAMS_SHOWN]


def _points(beam: Dataset) -> list[Dataset]:
    return list(beam.get("ControlPointSequence") or beam.get("IonControlPointSequence") or ())


def beam_rows(plan: Dataset) -> Iterator[tuple[str, Figures]]:
    """Yield number and figures of each beam."""
    metersets = {
        int(ref.ReferencedBeamNumber): ref.get("BeamMeterset")
        for group in plan.get("FractionGroupSequence", ())
        for ref in group.get("ReferencedBeamSequence", ())
    }
    for beam in beams_of(plan):
        points = _points(beam)
        angles = ("GantryAngle", "BeamLimitingDeviceAngle", "PatientSupportAngle")
        stated = [points[0].get(keyword) for keyword in angles] if points else []
        figures = [f"{float(angle):.1f}" for angle in stated if angle is not None]
        figures += str(beam.get("BeamName") or "").split()[:1]
        if (meterset := metersets.get(int(beam.BeamNumber))) is not None:
            figures.append(f"{float(meterset):.2f}")
        for device in points[0].get("BeamLimitingDevicePositionSequence", ()) if points else ():
            if not device.RTBeamLimitingDeviceType.startswith("MLC"):
                figures += [f"{float(value):.1f}" for value in device.LeafJawPositions]
        yield str(beam.BeamNumber), tuple(figures)


def point_rows(plan: Dataset) -> Iterator[tuple[str, Figures]]:
    """Yield number and figures of each beam's control points."""
    for beam in beams_of(plan):
        if points := _points(beam):
            figures = [str(len(points))]
            if centre := points[0].get("IsocenterPosition"):
                figures += [f"{float(centre[0]):.1f},", f"{float(centre[1]):.1f},", f"{float(centre[2]):.1f}"]
            if (weight := points[-1].get("CumulativeMetersetWeight")) is not None:
                figures.append(f"{float(weight):.3f}")
            yield str(beam.BeamNumber), tuple(figures)


def prescribed_row(plan: Dataset) -> Figures:
    """Return label, fractions and doses of a plan."""
    figures = str(plan.get("RTPlanLabel") or "").split()
    for group in plan.get("FractionGroupSequence", ())[:1]:
        if group.get("NumberOfFractionsPlanned") is not None:
            figures.append(str(group.NumberOfFractionsPlanned))
    for item in plan.get("DoseReferenceSequence", ())[:DOSES_SHOWN]:
        for keyword in ("TargetPrescriptionDose", "DeliveryMaximumDose"):
            if (dose := item.get(keyword)) is not None and 1e-3 < float(dose) < 1e3:
                figures.append(f"{float(dose):.2f}")
                break
    return tuple(figures)


def setup_rows(plan: Dataset) -> Iterator[Figures]:
    """Yield position, shifts and tolerance table of each way the beams have the patient lie."""
    tables = [*plan.get("ToleranceTableSequence", ()), *plan.get("IonToleranceTableSequence", ())]
    labels = {item.get("ToleranceTableNumber"): item.get("ToleranceTableLabel") for item in tables}
    setups = {item.get("PatientSetupNumber"): item for item in plan.get("PatientSetupSequence", ())}
    for beam in beams_of(plan):
        if (setup := setups.get(beam.get("ReferencedPatientSetupNumber"))) is not None:
            figures = str(setup.get("PatientPosition") or "").split()[:1]
            shifts = (setup.get(f"TableTop{way}SetupDisplacement") for way in WAYS)
            figures += [f"{float(shift):.1f}" for shift in shifts if shift is not None]
            figures += str(labels.get(beam.get("ReferencedToleranceTableNumber")) or "").split()
            yield tuple(figures)


def machine_rows(plan: Dataset) -> Iterator[Figures]:
    """Yield machine, energies and leaf pairs of each beam that treats, as far as the file states them."""
    for beam in beams_of(plan):
        if beam.get("TreatmentDeliveryType", "TREATMENT") in {"TREATMENT", "CONTINUATION"}:
            figures = str(beam.get("TreatmentMachineName") or "").split()
            devices = beam.get("BeamLimitingDeviceSequence", ())
            pairs = [
                int(one.NumberOfLeafJawPairs)
                for one in devices
                if one.RTBeamLimitingDeviceType.startswith("MLC")
            ]
            if pairs and max(pairs) > 1:
                figures.append(str(sum(pairs)))
            energies = {point.NominalBeamEnergy for point in _points(beam) if "NominalBeamEnergy" in point}
            if len(energies) == 1 and beam.get("RadiationType") == "PHOTON":
                figures.append(f"{float(energies.pop()):g}")
            yield tuple(figures)


def delivered_rows(record: Dataset) -> Iterator[tuple[str, Figures]]:
    """Yield fraction and figures of each beam that was given; the fraction is "" where nothing says it."""
    beams = chain(
        record.get("TreatmentSessionBeamSequence", ()), record.get("TreatmentSessionIonBeamSequence", ())
    )
    for beam in beams:
        figures = [str(beam.ReferencedBeamNumber)] if "ReferencedBeamNumber" in beam else []
        metersets = (beam.get(f"{which}PrimaryMeterset") for which in ("Delivered", "Specified"))
        figures += [f"{float(meterset):.2f}" for meterset in metersets if meterset is not None]
        if beam.get("TreatmentTerminationStatus"):
            figures.append(str(beam.TreatmentTerminationStatus))
        yield str(beam.get("CurrentFractionNumber") or ""), tuple(figures)
