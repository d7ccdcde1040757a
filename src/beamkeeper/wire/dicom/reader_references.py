"""Where an object points: the reference chain, each target once, in the order it is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.objects import Reference, ReferenceRole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.wire.dicom.values import DataSet

TOP_LEVEL = (
    ("ReferencedRTPlanSequence", ReferenceRole.PLAN),
    ("ReferencedStructureSetSequence", ReferenceRole.STRUCTURE_SET),
    ("ReferencedDoseSequence", ReferenceRole.DOSE),
    ("ReferencedTreatmentRecordSequence", ReferenceRole.TREATMENT_RECORD),
)


def read_references(top: DataSet, *, images: bool) -> tuple[Reference, ...]:
    """Return what the object refers to.

    Parameters
    ----------
    images
        Whether its image references count: True for structure sets and registrations. CT slices
        name scouts and neighbours that no treatment stands on.
    """
    found: dict[Reference, None] = {}
    for keyword, role in TOP_LEVEL:
        for item in top.items(keyword):
            _add(found, item, role)
    if images:
        for item in _image_items(top):
            _add(found, item, ReferenceRole.IMAGE)
    return tuple(found)


def referenced_uids(references: tuple[Reference, ...], role: ReferenceRole) -> tuple[str, ...]:
    """Return the SOP Instance UIDs of one role, each once."""
    return tuple(dict.fromkeys(r.sop_instance_uid for r in references if r.role is role))


def _add(found: dict[Reference, None], item: DataSet, role: ReferenceRole) -> None:
    uid = item.uid("ReferencedSOPInstanceUID")
    if uid:
        reference = Reference(
            role=role, sop_instance_uid=uid, sop_class_uid=item.uid("ReferencedSOPClassUID")
        )
        found[reference] = None


def _image_items(top: DataSet) -> Iterator[DataSet]:
    """Yield every item that names an image, in structure sets and registrations."""
    yield from top.items("ReferencedImageSequence")
    for frame in top.items("ReferencedFrameOfReferenceSequence"):
        for study in frame.items("RTReferencedStudySequence"):
            for series in study.items("RTReferencedSeriesSequence"):
                yield from series.items("ContourImageSequence")
    for roi in top.items("ROIContourSequence"):
        for contour in roi.items("ContourSequence"):
            yield from contour.items("ContourImageSequence")
    for series in top.items("ReferencedSeriesSequence"):
        yield from series.items("ReferencedInstanceSequence")
    for study in top.items("StudiesContainingOtherReferencedInstancesSequence"):
        for series in study.items("ReferencedSeriesSequence"):
            yield from series.items("ReferencedInstanceSequence")
    for registration in (*top.items("RegistrationSequence"), *top.items("DeformableRegistrationSequence")):
        yield from registration.items("ReferencedImageSequence")
