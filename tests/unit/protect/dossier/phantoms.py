"""A patient made of a ball in a dose that grows steadily, for any way of lying and any grid.

Everything is known in the patient frame: the ball's centre and radius, the dose at every point, and a small
bright rod of bone at a known place. Images, contours and dose come as DICOM bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from beamkeeper.domain.plan import (
    Beam,
    ControlPoint,
    DeliveryType,
    DosimeterUnit,
    FractionGroup,
    Plan,
    RadiationType,
)
from beamkeeper.domain.setup import PatientSetup
from beamkeeper.protect.dossier import PlanMaterial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Points = NDArray[np.float64]

FRAME = "1.2.826.1"
CT, STRUCTURES, DOSE, PLAN = (f"1.2.840.10008.5.1.4.1.1.{kind}" for kind in ("2", "481.3", "481.2", "481.5"))
ORIENTATIONS = {
    "HFS": ((1, 0, 0), (0, 1, 0)),
    "HFP": ((-1, 0, 0), (0, -1, 0)),
    "HFDR": ((0, 1, 0), (-1, 0, 0)),
    "HFDL": ((0, -1, 0), (1, 0, 0)),
    "FFS": ((-1, 0, 0), (0, 1, 0)),
    "FFP": ((1, 0, 0), (0, -1, 0)),
    "FFDR": ((0, -1, 0), (-1, 0, 0)),
    "FFDL": ((0, 1, 0), (1, 0, 0)),
}
"""Row and column direction as Eclipse writes them for each position of the patient."""


def directions(position: str = "HFS") -> tuple[Points, Points, Points]:
    row, column = (np.array(way, dtype=np.float64) for way in ORIENTATIONS[position])
    return row, column, np.cross(row, column)


def tilted(angle_deg: float, axis: Sequence[float] = (1, 1, 0.3)) -> tuple[Points, Points, Points]:
    """Return row, column and normal of a grid turned about an axis."""
    k = np.array(axis, dtype=np.float64) / np.linalg.norm(axis)
    cross = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    angle = np.radians(angle_deg)
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turn[:, 0], turn[:, 1], turn[:, 2]


@dataclass(kw_only=True)
class Ball:
    """The patient.

    Attributes
    ----------
    gradient_gy_mm
        Dose is `dose_gy` at the ball's centre and grows by that along x, y, z.
    rod_mm
        Where a rod of bone, 4 mm thick, stands along the slices' normal.
    """

    centre_mm: tuple[float, float, float] = (12.0, -31.0, 47.0)
    radius_mm: float = 30.0
    dose_gy: float = 50.0
    gradient_gy_mm: tuple[float, float, float] = (0.2, 0.0, 0.0)
    rod_mm: tuple[float, float, float] = (42.0, -1.0, 47.0)
    images: tuple[Points, Points, Points] = field(default_factory=directions)
    dose_way: tuple[Points, Points, Points] = field(default_factory=directions)
    position: str = "HFS"
    slice_mm: float = 3.0
    pixel_mm: tuple[float, float] = (3.0, 3.0)
    half_mm: float = 66.0
    image_frame: str = FRAME
    structure_frame: str = FRAME
    dose_frame: str = FRAME
    missing: tuple[int, ...] = ()

    @property
    def centre(self) -> Points:
        return np.array(self.centre_mm)

    def dose_at(self, points: Points) -> Points:
        return self.dose_gy + (points - self.centre) @ np.array(self.gradient_gy_mm)

    # Objects --------------------------------------------------------------------------------------

    @property
    def slice_count(self) -> int:
        return 2 * int(self.half_mm / self.slice_mm) + 1

    def slices(self) -> Iterator[bytes]:
        row, column, normal = self.images
        rows, columns = (2 * int(self.half_mm / step) + 1 for step in self.pixel_mm)
        corner = (
            self.centre
            - normal * self.slice_mm * (self.slice_count // 2)
            - column * self.pixel_mm[0] * (rows // 2)
            - row * self.pixel_mm[1] * (columns // 2)
        )
        for index in range(self.slice_count):
            if index in self.missing:
                continue
            position = corner + normal * self.slice_mm * index
            j, i = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
            points = (
                position + j[..., None] * self.pixel_mm[0] * column + i[..., None] * self.pixel_mm[1] * row
            )
            yield self._slice(index, position, points)

    def _slice(self, index: int, position: Points, points: Points) -> bytes:
        row, column, normal = self.images
        away = points - self.centre
        hounsfield = np.where(np.linalg.norm(away, axis=-1) <= self.radius_mm, 40, -1000)
        to_rod = points - np.array(self.rod_mm)
        to_rod = to_rod - (to_rod @ normal)[..., None] * normal
        hounsfield = np.where(np.linalg.norm(to_rod, axis=-1) <= 4, 1200, hounsfield)
        data = new(CT, f"1.2.3.{index + 1}", "CT")
        data.SeriesInstanceUID, data.FrameOfReferenceUID = "1.2.30", self.image_frame
        data.PatientPosition = self.position
        data.ImagePositionPatient = numbers(position)
        data.ImageOrientationPatient = numbers([*row, *column])
        data.PixelSpacing = numbers(self.pixel_mm)
        data.RescaleSlope, data.RescaleIntercept = "1", "-1024"
        return pixels(data, (hounsfield + 1024).astype("<u2"))

    def structures(self, *, colour: tuple[int, int, int] = (255, 0, 0), points: int = 180) -> bytes:
        data = new(STRUCTURES, "1.2.4.1", "RTSTRUCT")
        roi, drawn, seen = Dataset(), Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = "7", "Ball", self.structure_frame
        drawn.ReferencedROINumber, drawn.ROIDisplayColor = "7", [str(part) for part in colour]
        drawn.ContourSequence = [contour(ring) for ring in self.rings(points)]
        seen.ReferencedROINumber, seen.RTROIInterpretedType = "7", "PTV"
        data.StructureSetROISequence, data.ROIContourSequence = [roi], [drawn]
        data.RTROIObservationsSequence = [seen]
        return encoded(data)

    def rings(self, points: int = 180) -> list[Points]:
        """Return the ball's outline on each slice it meets."""
        row, column, normal = self.images
        angle = np.linspace(0, 2 * np.pi, points, endpoint=False)[:, None]
        found = []
        for index in range(self.slice_count):
            height = (index - self.slice_count // 2) * self.slice_mm
            if abs(height) < self.radius_mm and index not in self.missing:
                radius = np.sqrt(self.radius_mm**2 - height**2)
                middle = self.centre + normal * height
                found.append(middle + radius * (np.cos(angle) * row + np.sin(angle) * column))
        return found

    def dose(
        self,
        *,
        step_mm: tuple[float, float, float] = (2.5, 3.0, 2.0),
        absolute: bool = False,
        bits: int = 32,
        half_mm: float = 60.0,
        summation: str = "PLAN",
    ) -> bytes:
        """Return the dose on a grid of its own; `step_mm` along frames, rows, columns."""
        row, column, normal = self.dose_way
        counts = [2 * int(half_mm / step) + 1 for step in step_mm]
        corner = (
            self.centre
            + 0.7
            - sum(
                way * step * (count // 2)
                for way, step, count in zip((normal, column, row), step_mm, counts, strict=True)
            )
        )
        k, j, i = np.meshgrid(*(np.arange(count) for count in counts), indexing="ij")
        points = corner + sum(
            index[..., None] * step * way
            for index, step, way in zip((k, j, i), step_mm, (normal, column, row), strict=True)
        )
        gray = np.maximum(self.dose_at(points), 0)
        scaling = gray.max() / (2**bits - 2) if bits == 16 else 1e-6
        data = new(DOSE, "1.2.5.1", "RTDOSE")
        data.FrameOfReferenceUID = self.dose_frame
        data.ImagePositionPatient, data.PixelSpacing = numbers(corner), numbers(step_mm[1:])
        data.ImageOrientationPatient = numbers([*row, *column])
        data.NumberOfFrames = str(counts[0])
        offsets = np.arange(counts[0]) * step_mm[0]
        data.GridFrameOffsetVector = numbers(corner[2] + normal[2] * offsets if absolute else offsets)
        data.DoseUnits, data.DoseType, data.DoseSummationType = "GY", "PHYSICAL", summation
        data.DoseGridScaling = f"{scaling:.10g}"
        return pixels(data, np.round(gray / float(data.DoseGridScaling)).astype(f"<u{bits // 8}"))

    def plan(self, *, isocentre_mm: tuple[float, float, float] | None = None, **angles: float) -> Plan:
        point = ControlPoint(
            control_point_index=0,
            cumulative_meterset_weight=0.0,
            gantry_angle_deg=angles.get("gantry", 0.0),
            collimator_angle_deg=angles.get("collimator", 0.0),
            couch_angle_deg=angles.get("couch", 0.0),
            isocenter_mm=isocentre_mm or self.centre_mm,
        )
        beam = Beam(
            beam_number=1,
            beam_name="Front",
            radiation_type=RadiationType.PHOTON,
            delivery_type=DeliveryType.TREATMENT,
            treatment_machine_name="L1",
            primary_dosimeter_unit=DosimeterUnit.MU,
            beam_meterset=100.0,
            control_points=(point,),
        )
        return Plan(
            sop_instance_uid="1.2.6.1",
            patient_id="BALL",
            rt_plan_label="Ball",
            target_prescription_dose_gy=self.dose_gy,
            fraction_groups=(
                FractionGroup(fraction_group_number=1, number_of_fractions_planned=5, beam_numbers=(1,)),
            ),
            beams=(beam,),
            patient_setups=(PatientSetup(patient_setup_number=1, patient_position=self.position),),
        )

    def plan_bytes(self, *, gantry: float = 0.0) -> bytes:
        """Return the plan's file: jaws 40 by 60 mm, six leaf pairs, the upper left one shut."""
        data = new(PLAN, "1.2.6.1", "RTPLAN")
        data.FrameOfReferenceUID = FRAME
        beam, mlc, point = Dataset(), Dataset(), Dataset()
        beam.BeamNumber, beam.BeamName = "1", "Front"
        mlc.RTBeamLimitingDeviceType, mlc.NumberOfLeafJawPairs = "MLCX", "6"
        mlc.LeafPositionBoundaries = ["-30", "-20", "-10", "0", "10", "20", "30"]
        beam.BeamLimitingDeviceSequence = [mlc]
        devices = []
        for kind, positions in (
            ("X", ["-20", "20"]),
            ("Y", ["-30", "30"]),
            ("MLCX", [*["-15"] * 5, "0", *["15"] * 5, "0"]),
        ):
            device = Dataset()
            device.RTBeamLimitingDeviceType, device.LeafJawPositions = kind, positions
            devices.append(device)
        point.ControlPointIndex, point.GantryAngle = "0", str(gantry)
        point.BeamLimitingDevicePositionSequence = devices
        beam.ControlPointSequence = [point]
        data.BeamSequence = [beam]
        return encoded(data)

    def material(self, **changes: object) -> PlanMaterial:
        """Return all of it; `structures`, `doses` or `images` None or other bytes instead."""
        structures = changes.get("structures", self.structures)
        doses = changes.get("doses", (self.dose,))
        images = changes.get("images")
        own = [opener(data) for data in (self.slices() if images is None else images)]  # type: ignore[attr-defined]
        return PlanMaterial(
            plan=changes.get("plan", self.plan()),  # type: ignore[arg-type]
            plan_bytes=self.plan_bytes,
            images=own,
            structure_set=structures,  # type: ignore[arg-type]
            doses=doses,  # type: ignore[arg-type]
        )


def opener(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def new(sop_class: str, uid: str, modality: str) -> Dataset:
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = sop_class, uid, modality
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.31", "1.2.32"
    data.PatientID, data.PatientName = "BALL", "Ball"
    return data


def contour(points: Points) -> Dataset:
    found = Dataset()
    found.ContourGeometricType = "CLOSED_PLANAR"
    found.ContourData = numbers(points.ravel())
    return found


def numbers(values: object) -> list[str]:
    return [f"{value:.10g}" for value in np.round(np.asarray(values, dtype=np.float64), 6).ravel()]


def pixels(data: Dataset, stored: NDArray[np.generic]) -> bytes:
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = stored.shape[-2:]
    data.BitsAllocated = data.BitsStored = stored.dtype.itemsize * 8
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, 0
    data.PixelData = stored.tobytes()
    data["PixelData"].VR = "OW"
    return encoded(data)


def encoded(data: Dataset) -> bytes:
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = BytesIO()
    dcmwrite(buffer, data, enforce_file_format=True)
    return buffer.getvalue()
