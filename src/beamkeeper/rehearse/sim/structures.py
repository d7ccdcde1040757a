"""Synthetic structure sets: every contour lies on a slice of the planning CT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.rehearse.sim.objects import (
    CT,
    RT_STRUCTURE_SET,
    approval,
    da,
    encode,
    header,
    item,
    put_decimals,
    reference,
    tm,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pydicom.dataset import Dataset

    from beamkeeper.rehearse.sim.anatomy import Organ
    from beamkeeper.rehearse.sim.treatments import SimPatient

_STUDY_COMPONENT = "1.2.840.10008.3.1.2.3.1"


def structure_set(patient: SimPatient, made_at: datetime, version: int = 1) -> tuple[str, bytes]:
    """Return (SOP Instance UID, file) of the structure set plans of that version refer to."""
    uid = patient.structure_set_uid(version)
    dataset = header(
        patient,
        RT_STRUCTURE_SET,
        uid,
        "RTSTRUCT",
        made_at=made_at,
        series=patient.uid("structure series", version),
        series_number=3,
    )
    structures = patient.anatomy(version).structures
    dataset.SeriesDescription = "Structures"
    dataset.StructureSetLabel = f"STRUCT{version}"
    dataset.StructureSetDate, dataset.StructureSetTime = da(made_at), tm(made_at)
    dataset.InstanceNumber = "1"
    dataset.FrameOfReferenceUID = patient.frame_uid
    dataset.PositionReferenceIndicator = ""
    dataset.ReferencedFrameOfReferenceSequence = [_drawn_on(patient)]
    dataset.StructureSetROISequence = [
        item(
            ROINumber=str(organ.roi_number),
            ReferencedFrameOfReferenceUID=patient.frame_uid,
            ROIName=organ.roi_name,
            ROIGenerationAlgorithm="MANUAL",
        )
        for organ in structures
    ]
    dataset.ROIContourSequence = [_contours(patient, organ) for organ in structures]
    dataset.RTROIObservationsSequence = [
        item(
            ObservationNumber=str(organ.roi_number),
            ReferencedROINumber=str(organ.roi_number),
            RTROIInterpretedType=organ.interpreted_type,
            ROIInterpreter="",
        )
        for organ in structures
    ]
    for keyword, value in approval(made_at).items():
        setattr(dataset, keyword, value)
    return uid, encode(dataset)


def _drawn_on(patient: SimPatient) -> Dataset:
    """Return the item that lists the planning CT."""
    images = [reference(CT, patient.ct_uid(index)) for index in range(patient.detail.ct_slices)]
    series = item(SeriesInstanceUID=patient.uid("ct series"), ContourImageSequence=images)
    study = reference(_STUDY_COMPONENT, patient.study_uid)
    study.RTReferencedSeriesSequence = [series]
    return item(FrameOfReferenceUID=patient.frame_uid, RTReferencedStudySequence=[study])


def _contours(patient: SimPatient, organ: Organ) -> Dataset:
    """Return one ROI Contour item."""
    return item(
        ROIDisplayColor=[str(part) for part in organ.colour],
        ContourSequence=list(_planes(patient, organ)),
        ReferencedROINumber=str(organ.roi_number),
    )


def _planes(patient: SimPatient, organ: Organ) -> Iterator[Dataset]:
    """Yield a contour for every slice the structure reaches."""
    grid = patient.detail.ct_grid
    for index in range(grid.shape[0]):
        points = organ.contour(grid.z_mm(index), patient.detail.contour_points)
        if points:
            contour = item(
                ContourImageSequence=[reference(CT, patient.ct_uid(index))],
                ContourGeometricType="CLOSED_PLANAR",
                NumberOfContourPoints=str(len(points)),
            )
            put_decimals(contour, "ContourData", (value for point in points for value in point))
            yield contour
