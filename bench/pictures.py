"""The pictures of one simulated patient: CPU, memory, bytes.

    python bench/pictures.py [--slices 150] [--regions 20] [--plans 2] [--json FILE]

A ball of water in a slab of air, 512 by 512 pixels a slice, regions around and inside it, a dose with 3 mm
voxels. Each object is a file that is opened when it is asked for, as it is from a vault.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pydicom import Dataset

from beamkeeper.domain.plan import (
    Beam,
    ControlPoint,
    DeliveryType,
    DosimeterUnit,
    Plan,
    RadiationType,
)
from beamkeeper.protect.dossier import PlanMaterial, pictures_together
from beamkeeper.rehearse.sim.objects import encode

FRAME = "2.25.100"
STEP_MM = 2.0
PIXEL_MM = 0.9766
CORNER_MM = (-249.5, -249.5)


def new(sop_class: str, uid: str, modality: str) -> Dataset:
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = f"1.2.840.10008.5.1.4.1.1.{sop_class}", uid
    data.Modality, data.PatientID, data.PatientName = modality, "BENCH", "Bench"
    data.StudyInstanceUID, data.SeriesInstanceUID = "2.25.1", "2.25.2"
    data.FrameOfReferenceUID = FRAME
    return data


def with_pixels(data: Dataset, stored: np.ndarray) -> bytes:
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = stored.shape[-2:]
    data.BitsAllocated = data.BitsStored = stored.dtype.itemsize * 8
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, 0
    data.PixelData = stored.tobytes()
    data["PixelData"].VR = "OW"
    return encode(data)


def slices(folder: Path, count: int) -> list[Path]:
    """Write the images; noise, so that they do not compress better than a patient does."""
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(*[CORNER_MM[0] + PIXEL_MM * np.arange(512)] * 2)
    found = []
    for index in range(count):
        z = (index - count // 2) * STEP_MM
        body = (x / 190) ** 2 + (y / 120) ** 2 <= 1
        hounsfield = np.where(body, 30 + rng.normal(0, 15, x.shape), -1000)
        data = new("2", f"2.25.3.{index}", "CT")
        data.ImagePositionPatient = [str(CORNER_MM[0]), str(CORNER_MM[1]), str(z)]
        data.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
        data.PixelSpacing, data.PatientPosition = [str(PIXEL_MM)] * 2, "HFS"
        data.RescaleSlope, data.RescaleIntercept = "1", "-1024"
        found.append(folder / f"ct{index}.dcm")
        found[-1].write_bytes(with_pixels(data, (hounsfield + 1024).clip(0, 4095).astype("<u2")))
    return found


def structures(folder: Path, count: int, slice_count: int) -> Path:
    """Write regions: the body, and balls of 10 to 60 mm, each contour of 200 points."""
    data = new("481.3", "2.25.4", "RTSTRUCT")
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    rois, drawn, seen = [], [], []
    for number in range(1, count + 1):
        roi, contours, observation = Dataset(), Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = str(number), f"Region {number}", FRAME
        contours.ReferencedROINumber = str(number)
        contours.ROIDisplayColor = [str(60 + 9 * number), "120", str(240 - 9 * number)]
        observation.ReferencedROINumber = str(number)
        observation.RTROIInterpretedType = "EXTERNAL" if number == 1 else "PTV" if number == 2 else "ORGAN"
        rings = []
        for index in range(slice_count):
            z = (index - slice_count // 2) * STEP_MM
            size = (190.0, 120.0) if number == 1 else (10 + 2.5 * number,) * 2
            inside = 1.0 if number == 1 else 1 - (z / size[0]) ** 2
            if inside <= 0:
                continue
            centre = 0.0 if number == 1 else 6.0 * (number - count / 2)
            x, y = (
                (centre + size[0] * np.sqrt(inside) * np.cos(angle)),
                size[1] * np.sqrt(inside) * np.sin(angle),
            )
            points = np.stack([x, y, np.full(200, z)], axis=1).ravel()
            ring = Dataset()
            ring.ContourGeometricType, ring.ContourData = "CLOSED_PLANAR", [f"{v:.2f}" for v in points]
            rings.append(ring)
        contours.ContourSequence = rings
        rois.append(roi)
        drawn.append(contours)
        seen.append(observation)
    data.StructureSetROISequence, data.ROIContourSequence, data.RTROIObservationsSequence = rois, drawn, seen
    path = folder / "rs.dcm"
    path.write_bytes(encode(data))
    return path


def dose(folder: Path, slice_count: int) -> Path:
    data = new("481.2", "2.25.5", "RTDOSE")
    length = slice_count * STEP_MM
    z, y, x = np.meshgrid(
        np.arange(-length / 2, length / 2, 3),
        np.arange(-130, 130, 3.0),
        np.arange(-200, 200, 3.0),
        indexing="ij",
    )
    gray = 60 * np.exp(-((x / 60) ** 2 + (y / 50) ** 2 + (z / 50) ** 2) / 2)
    data.ImagePositionPatient, data.PixelSpacing = ["-200", "-130", str(-length / 2)], ["3", "3"]
    data.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    data.NumberOfFrames = str(len(z))
    data.GridFrameOffsetVector = [str(3 * frame) for frame in range(len(z))]
    data.DoseUnits, data.DoseType, data.DoseSummationType, data.DoseGridScaling = (
        "GY",
        "PHYSICAL",
        "PLAN",
        "1e-6",
    )
    path = folder / "rd.dcm"
    path.write_bytes(with_pixels(data, (gray * 1e6).astype("<u4")))
    return path


def plan_and_file(folder: Path, number: int) -> tuple[Plan, Path]:
    """Return a plan of two arcs, 178 control points each."""
    data = new("481.5", f"2.25.6.{number}", "RTPLAN")
    items, beams = [], []
    for beam_number in (1, 2):
        beam, device = Dataset(), Dataset()
        beam.BeamNumber, beam.BeamName = str(beam_number), f"Arc {beam_number}"
        device.RTBeamLimitingDeviceType, device.NumberOfLeafJawPairs = "MLCX", "60"
        device.LeafPositionBoundaries = [str(-150 + 5 * at) for at in range(61)]
        beam.BeamLimitingDeviceSequence = [device]
        points, shown = [], []
        for index in range(178):
            point, jaws, leaves = Dataset(), Dataset(), Dataset()
            jaws.RTBeamLimitingDeviceType, jaws.LeafJawPositions = "ASYMY", ["-60", "60"]
            leaves.RTBeamLimitingDeviceType = "MLCX"
            leaves.LeafJawPositions = [str(-20 - index % 30)] * 60 + [str(20 + index % 25)] * 60
            point.ControlPointIndex, point.GantryAngle = str(index), str(2 * index)
            point.BeamLimitingDevicePositionSequence = [jaws, leaves]
            points.append(point)
            shown.append(
                ControlPoint(
                    control_point_index=index,
                    cumulative_meterset_weight=index / 177,
                    gantry_angle_deg=2.0 * index,
                    collimator_angle_deg=15.0,
                    couch_angle_deg=0.0,
                    isocenter_mm=(3.0 * number, 1.0, 2.0),
                )
            )
        beam.ControlPointSequence = points
        items.append(beam)
        beams.append(
            Beam(
                beam_number=beam_number,
                beam_name=f"Arc {beam_number}",
                radiation_type=RadiationType.PHOTON,
                delivery_type=DeliveryType.TREATMENT,
                treatment_machine_name="L1",
                primary_dosimeter_unit=DosimeterUnit.MU,
                beam_meterset=300.0,
                control_points=tuple(shown),
            )
        )
    data.BeamSequence = items
    path = folder / f"rp{number}.dcm"
    path.write_bytes(encode(data))
    plan = Plan(
        sop_instance_uid=f"2.25.6.{number}",
        patient_id="BENCH",
        rt_plan_label=f"P{number}",
        target_prescription_dose_gy=50.0,
        beams=tuple(beams),
    )
    return plan, path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=150)
    parser.add_argument("--regions", type=int, default=20)
    parser.add_argument("--plans", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="beamkeeper-bench-") as name:
        folder = Path(name)
        images = [path.read_bytes for path in slices(folder, asked.slices)]
        structure_bytes = structures(folder, asked.regions, asked.slices).read_bytes
        grid = dose(folder, asked.slices)
        plans = [plan_and_file(folder, number) for number in range(asked.plans)]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        runs = []
        for _ in range(asked.repeat):
            began, size, count = time.process_time(), 0, 0
            materials = [
                PlanMaterial(
                    plan=plan,
                    plan_bytes=path.read_bytes,
                    images=images,
                    structure_set=structure_bytes,
                    doses=(grid.read_bytes,),
                )
                for plan, path in plans
            ]
            for made in pictures_together(materials):
                size += sum(len(picture.svg) for picture in made.pictures)
                count += len(made.pictures)
                assert not made.reservations, made.reservations
            runs.append(time.process_time() - began)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    result = {
        "slices": asked.slices,
        "regions": asked.regions,
        "plans": asked.plans,
        "pictures": count,
        "cpu_s": round(min(runs), 2),
        "cpu_s_all": [round(run, 2) for run in runs],
        "svg_kb": size // 1024,
        "memory_grown_mb": round(grown, 1),
    }
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
