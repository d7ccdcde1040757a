"""Images, structures, doses: what a plan stands on, as far as rules and people need it."""

from __future__ import annotations

from dataclasses import dataclass

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roi:
    """One region of interest of a structure set."""

    roi_number: int
    roi_name: str
    interpreted_type: str = ""
    contour_count: int = 0
    point_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureSet:
    """An RT Structure Set.

    Attributes
    ----------
    referenced_image_uids
        SOP Instance UIDs of every image it was drawn on: the list a copy is complete by.
    """

    sop_instance_uid: str
    patient_id: str
    structure_set_label: str
    rois: tuple[Roi, ...] = ()
    referenced_image_uids: tuple[str, ...] = ()
    frame_of_reference_uids: tuple[str, ...] = ()
    approval_status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """An RT Dose.

    Attributes
    ----------
    grid_shape
        (frames, rows, columns).
    maximum_dose_gy
        Largest value of the grid times Dose Grid Scaling; None when the units are not Gy, the pixels
        are compressed, or the grid was not read.
    """

    sop_instance_uid: str
    patient_id: str
    dose_units: str
    dose_type: str
    dose_summation_type: str
    grid_shape: tuple[int, int, int] = (0, 0, 0)
    dose_grid_scaling: float | None = None
    maximum_dose_gy: float | None = None
    referenced_plan_uids: tuple[str, ...] = ()
    referenced_structure_set_uids: tuple[str, ...] = ()
    has_dvh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One CT, CBCT, MR or PET image, or one RT image.

    Attributes
    ----------
    image_position_mm, pixel_spacing_mm
        Image Position (Patient) (0020,0032) and Pixel Spacing (0028,0030); None when not stated.
    referenced_plan_uid, referenced_beam_number
        RT images only: the plan and beam they belong to.
    """

    sop_instance_uid: str
    patient_id: str
    modality: str
    rows: int = 0
    columns: int = 0
    frame_of_reference_uid: str = ""
    image_position_mm: Vector | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    instance_number: int | None = None
    description: str = ""
    referenced_plan_uid: str | None = None
    referenced_beam_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A Spatial Registration: which frames of reference it joins."""

    sop_instance_uid: str
    patient_id: str
    frame_of_reference_uids: tuple[str, ...] = ()
