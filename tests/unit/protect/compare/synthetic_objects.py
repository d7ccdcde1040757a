"""Small but whole RT objects of every other kind, and the list of all."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.unit.protect.compare.synthetic_plans import PHOTON_PLAN, PLANS, ROOT, STRUCTURES, base, item

if TYPE_CHECKING:
    from pydicom import Dataset

RECORD, DOSE = (f"1.2.840.10008.5.1.4.1.1.481.{n}" for n in (4, 2))
CT = "1.2.840.10008.5.1.4.1.1.2"


def structure_set(rois: int = 3, slices: int = 4) -> Dataset:
    structures = base(STRUCTURES, "RTSTRUCT", 3)
    structures.StructureSetLabel = "SS1"
    frame = f"{ROOT}.1.3"
    structures.ReferencedFrameOfReferenceSequence = [item(FrameOfReferenceUID=frame)]
    names = ["Rectum", "Bladder", "PTV", "Cord", "Body"]
    structures.StructureSetROISequence = [
        item(
            ROINumber=str(n),
            ReferencedFrameOfReferenceUID=frame,
            ROIName=names[n - 1],
            ROIGenerationAlgorithm="",
        )
        for n in range(1, rois + 1)
    ]
    structures.ROIContourSequence = [
        item(
            ROIDisplayColor=["255", "0", "0"],
            ReferencedROINumber=str(n),
            ContourSequence=[
                item(
                    ContourGeometricType="CLOSED_PLANAR",
                    NumberOfContourPoints="4",
                    ContourData=[
                        f"{c:g}"
                        for x, y in ((0, 0), (10 * n, 0), (10 * n, 10), (0, 10))
                        for c in (x, y, -12.5 + 2.5 * k)
                    ],
                )
                for k in range(slices)
            ],
        )
        for n in range(1, rois + 1)
    ]
    structures.RTROIObservationsSequence = [
        item(
            ObservationNumber=str(n),
            ReferencedROINumber=str(n),
            RTROIInterpretedType="ORGAN",
            ROIInterpreter="",
        )
        for n in range(1, rois + 1)
    ]
    return structures


def record(fraction: int = 7) -> Dataset:
    treated = base(RECORD, "RTRECORD", 70 + fraction)
    treated.TreatmentDate, treated.TreatmentTime = "20260310", "091500"
    treated.PrimaryDosimeterUnit = "MU"
    treated.NumberOfFractionsPlanned = "30"
    treated.ReferencedRTPlanSequence = [
        item(ReferencedSOPClassUID=PHOTON_PLAN, ReferencedSOPInstanceUID=f"{ROOT}.1")
    ]
    treated.TreatmentSessionBeamSequence = [
        item(
            ReferencedBeamNumber=str(beam),
            BeamName=f"B{beam}",
            CurrentFractionNumber=str(fraction),
            TreatmentDeliveryType="TREATMENT",
            TreatmentTerminationStatus="NORMAL",
            DeliveredPrimaryMeterset="250.5",
            ControlPointDeliverySequence=[
                item(ReferencedControlPointIndex=str(k), DeliveredMeterset=f"{250.5 * k}", GantryAngle=f"{k}")
                for k in (0, 1)
            ],
        )
        for beam in (1, 2)
    ]
    return treated


def dose(shape: tuple[int, int, int] = (3, 4, 5)) -> Dataset:
    grid = base(DOSE, "RTDOSE", 8)
    frames, rows, columns = shape
    grid.update(
        item(
            ImagePositionPatient=["-10", "-20", "-30"],
            ImageOrientationPatient=["1", "0", "0", "0", "1", "0"],
            SamplesPerPixel=1,
            PhotometricInterpretation="MONOCHROME2",
            NumberOfFrames=str(frames),
            Rows=rows,
            Columns=columns,
            PixelSpacing=["2.5", "2.5"],
            BitsAllocated=32,
            BitsStored=32,
            HighBit=31,
            PixelRepresentation=0,
            DoseUnits="GY",
            DoseType="PHYSICAL",
            DoseSummationType="PLAN",
            GridFrameOffsetVector=["0", "2.5", "5"],
            DoseGridScaling="0.001",
        )
    )
    grid.PixelData = struct.pack(f"<{frames * rows * columns}I", *range(1000, 1000 + frames * rows * columns))
    grid["PixelData"].VR = "OW"
    return grid


def ct_slice(number: int = 3) -> Dataset:
    image = base(CT, "CT", 900 + number)
    image.update(
        item(
            InstanceNumber=str(number),
            ImagePositionPatient=["-10", "-20", f"{number}"],
            ImageOrientationPatient=["1", "0", "0", "0", "1", "0"],
            SamplesPerPixel=1,
            PhotometricInterpretation="MONOCHROME2",
            Rows=4,
            Columns=4,
            PixelSpacing=["1", "1"],
            SliceThickness="2",
            BitsAllocated=16,
            BitsStored=16,
            HighBit=15,
            PixelRepresentation=1,
            RescaleSlope="1",
            RescaleIntercept="-1024",
        )
    )
    image.PixelData = struct.pack("<16h", *range(16))
    image["PixelData"].VR = "OW"
    return image


OBJECTS = {**PLANS, "structures": structure_set, "record": record, "dose": dose, "CT": ct_slice}
