"""Synthetic images: planning CT, cone-beam CT, and the registration between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beamkeeper.rehearse.sim.anatomy import BODY_PART, hounsfield_volume
from beamkeeper.rehearse.sim.objects import CT, REGISTRATION, da, ds, encode, header, item, reference, tm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from beamkeeper.rehearse.sim.anatomy import Grid
    from beamkeeper.rehearse.sim.treatments import SimPatient


def planning_ct(patient: SimPatient, made_at: datetime) -> Iterator[tuple[str, bytes]]:
    """Yield (SOP Instance UID, file) of every slice of the planning CT."""
    grid = patient.detail.ct_grid
    volume = hounsfield_volume(patient.anatomy(), grid, patient.seed.rng(patient.index, "ct"), noise=9)
    template = header(patient, CT, "", "CT", made_at=made_at, series=patient.uid("ct series"))
    _image_pixels(template, grid, patient.frame_uid, made_at)
    template.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    template.SeriesDescription = "Planning CT"
    template.BodyPartExamined = BODY_PART[patient.site]
    template.KVP = "120"
    for index, plane in enumerate(volume):
        yield _slice(template, grid, index, plane, patient.ct_uid(index))


def cbct(patient: SimPatient, made_at: datetime, *name: object) -> Iterator[tuple[str, bytes]]:
    """Yield (SOP Instance UID, file) of every slice of one cone-beam CT, named by what it was taken for."""
    grid = patient.detail.cbct_grid
    rng = patient.seed.rng(patient.index, "cbct", *name)
    volume = hounsfield_volume(patient.anatomy(), grid, rng, noise=28)
    template = header(
        patient,
        CT,
        "",
        "CT",
        made_at=made_at,
        series=patient.uid("cbct series", *name),
        study=patient.uid("cbct study", *name),
        series_number=2,
    )
    _image_pixels(template, grid, patient.uid("cbct frame", *name), made_at)
    template.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    template.SeriesDescription = "Cone-beam CT"
    template.BodyPartExamined = BODY_PART[patient.site]
    template.KVP = "110"
    for index, plane in enumerate(volume):
        yield _slice(template, grid, index, plane, patient.uid("cbct", *name, index))


def _image_pixels(template: Dataset, grid: Grid, frame: str, made_at: datetime) -> None:
    """Fill what all slices of a series share."""
    _, rows, columns = grid.shape
    template.SeriesDate = template.AcquisitionDate = template.ContentDate = da(made_at)
    template.SeriesTime = template.AcquisitionTime = template.ContentTime = tm(made_at)
    template.FrameOfReferenceUID = frame
    template.PositionReferenceIndicator = ""
    template.PatientPosition = "HFS"
    template.SliceThickness = ds(grid.spacing_mm[1])
    template.AcquisitionNumber = "1"
    template.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    template.SamplesPerPixel = 1
    template.PhotometricInterpretation = "MONOCHROME2"
    template.Rows, template.Columns = rows, columns
    template.PixelSpacing = [ds(grid.spacing_mm[0], 4)] * 2
    template.BitsAllocated, template.BitsStored, template.HighBit = 16, 12, 11
    template.PixelRepresentation = 0
    template.RescaleIntercept, template.RescaleSlope, template.RescaleType = "-1024", "1", "HU"
    template.WindowCenter, template.WindowWidth = "40", "400"


def _slice(
    template: Dataset, grid: Grid, index: int, hounsfield: NDArray[np.int16], uid: str
) -> tuple[str, bytes]:
    """Return one slice made from the template of its series."""
    x, y, _ = grid.origin_mm
    template.SOPInstanceUID = uid
    template.InstanceNumber = str(index + 1)
    template.ImagePositionPatient = [ds(x), ds(y), ds(grid.z_mm(index))]
    template.SliceLocation = ds(grid.z_mm(index))
    template.PixelData = np.clip(hounsfield + 1024, 0, 4095).astype("<u2").tobytes()
    template["PixelData"].VR = "OW"
    return uid, encode(template)


def registration(patient: SimPatient, made_at: datetime, *name: object) -> tuple[str, bytes]:
    """Return (SOP Instance UID, file) of the match of one cone-beam CT to the planning CT."""
    uid = patient.uid("registration", *name)
    shift = patient.seed.rng(patient.index, "match", *name).uniform(-4, 4, 3)
    dataset = header(
        patient,
        REGISTRATION,
        uid,
        "REG",
        made_at=made_at,
        series=patient.uid("registration series", *name),
        study=patient.uid("cbct study", *name),
        series_number=3,
    )
    dataset.SeriesDate = dataset.ContentDate = da(made_at)
    dataset.SeriesTime = dataset.ContentTime = tm(made_at)
    dataset.BodyPartExamined = BODY_PART[patient.site]
    dataset.InstanceNumber = "1"
    dataset.ContentLabel = "MATCH"
    dataset.ContentDescription = "Cone-beam CT to planning CT"
    dataset.ContentCreatorName = "Operator^Simulated"
    dataset.FrameOfReferenceUID = patient.frame_uid
    dataset.PositionReferenceIndicator = ""
    planning = [patient.ct_uid(index) for index in range(patient.detail.ct_slices)]
    daily = [patient.uid("cbct", *name, index) for index in range(patient.detail.cbct_slices)]
    dataset.RegistrationSequence = [
        _registered(patient.frame_uid, planning, (0.0, 0.0, 0.0)),
        _registered(patient.uid("cbct frame", *name), daily, tuple(shift)),
    ]
    dataset.ReferencedSeriesSequence = [_series(patient.uid("cbct series", *name), daily)]
    dataset.StudiesContainingOtherReferencedInstancesSequence = [
        item(
            StudyInstanceUID=patient.study_uid,
            ReferencedSeriesSequence=[_series(patient.uid("ct series"), planning)],
        )
    ]
    return uid, encode(dataset)


def _series(series: str, images: list[str]) -> Dataset:
    return item(
        SeriesInstanceUID=series, ReferencedInstanceSequence=[reference(CT, image) for image in images]
    )


def _registered(frame: str, images: list[str], shift_mm: tuple[float, ...]) -> Dataset:
    """Return one item of the Registration Sequence: a frame of reference and how it is moved."""
    x, y, z = (ds(v, 3) for v in shift_mm)
    matrix = ["1", "0", "0", x, "0", "1", "0", y, "0", "0", "1", z, "0", "0", "0", "1"]
    transformation = item(
        FrameOfReferenceTransformationMatrixType="RIGID", FrameOfReferenceTransformationMatrix=matrix
    )
    return item(
        FrameOfReferenceUID=frame,
        ReferencedImageSequence=[reference(CT, image) for image in images],
        MatrixRegistrationSequence=[item(RegistrationTypeCodeSequence=[], MatrixSequence=[transformation])],
    )
