"""What was delivered: treatment records and the beam deliveries in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from beamkeeper.domain.plan import DeliveryType, DosimeterUnit

BY_HAND: Final = "hand:"
"""So begins what stands for the UID of a record that people typed in from paper: no machine made one."""


class TerminationStatus(StrEnum):
    """Treatment Termination Status (3008,002A)."""

    NORMAL = "NORMAL"
    OPERATOR = "OPERATOR"
    MACHINE = "MACHINE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamDelivery:
    """One item of a Treatment Session Beam Sequence: one beam, or part of one, once.

    Attributes
    ----------
    referenced_beam_number
        Referenced Beam Number (300C,0006); None when absent (type 3): `beam_name` may still tell.
    current_fraction_number
        Current Fraction Number (3008,0022); None when empty (type 2).
    specified_meterset
        Specified Primary Meterset (3008,0032): the whole beam, also in a continuation.
    delivered_meterset
        Delivered Primary Meterset (3008,0036), or the last control point's Delivered Meterset where
        the former is absent: given in this item alone. None when neither is there.
    """

    referenced_beam_number: int | None
    beam_name: str
    current_fraction_number: int | None
    delivery_type: DeliveryType
    termination_status: TerminationStatus
    specified_meterset: float | None
    delivered_meterset: float | None
    primary_dosimeter_unit: DosimeterUnit = DosimeterUnit.UNKNOWN
    treatment_machine_name: str = ""
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentRecord:
    """One RT Beams, RT Ion Beams or RT Brachy Treatment Record.

    Attributes
    ----------
    referenced_plan_uid
        SOP Instance UID of the plan; None when the reference is empty (type 2): the record is
        "unassigned" until a person says where it belongs.
    treated_at
        Treatment Date and Time (3008,0250/0251) in UTC; None when the record does not say.
    """

    sop_instance_uid: str
    patient_id: str
    referenced_plan_uid: str | None
    treated_at: datetime | None
    number_of_fractions_planned: int | None = None
    referenced_fraction_group_number: int | None = None
    treatment_machine_name: str = ""
    deliveries: tuple[BeamDelivery, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FractionStatus:
    """One fraction as a Treatment Summary Record states it (3008,0240)."""

    fraction_number: int
    termination_status: TerminationStatus
    treated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentSummary:
    """An RT Treatment Summary Record: somebody else's count, a second opinion for ours.

    Attributes
    ----------
    current_treatment_status
        Current Treatment Status (3008,0200): NOT_STARTED, ON_TREATMENT, ON_BREAK, …
    """

    sop_instance_uid: str
    patient_id: str
    referenced_plan_uid: str | None
    current_treatment_status: str
    number_of_fractions_planned: int | None = None
    number_of_fractions_delivered: int | None = None
    fractions: tuple[FractionStatus, ...] = ()
