"""What one OIS answered, row by row, in our types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import date, datetime

    from beamkeeper.domain.chart import NoteKind


NOT_COMING = frozenset({"cancelled", "no_show", "done"})
NOT_CLINICAL = frozenset({"verification", "machine_qa", "research", "service"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OisPatient:
    """A row of `patient`; `patient_id` may be empty, and such a row cannot be kept."""

    key: Hashable
    patient_id: str
    issuer: str
    name: str
    birth_on: date | None
    sex: str
    language: str
    phones: tuple[tuple[str, str], ...]
    is_deceased: bool
    is_test: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OisContact:
    """A row of `contact`."""

    patient_key: Hashable
    relation: str
    name: str
    phone: str
    is_primary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OisCourse:
    """A row of `course`; `status` is our word, or `unknown:…`."""

    key: Hashable
    patient_key: Hashable
    course_id: str
    status: str
    diagnosis: str
    intent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OisPrescription:
    """A row of `prescription`."""

    course_key: Hashable
    name: str
    dose_per_fraction_gy: float | None
    total_dose_gy: float | None
    fractions: int | None
    target: str
    technique: str
    status: str
    pattern: str
    approved_by: str
    approved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OisPlan:
    """A row of `plan`; `status` is our word, or `unknown:…`."""

    key: Hashable
    course_key: Hashable
    plan_id: str
    plan_uid: str
    status: str
    approved_by: str
    approved_at: datetime | None
    intent: str
    planned_fractions: int | None
    machine: str
    revision: str

    @property
    def is_clinical(self) -> bool:
        """Whether a patient is to be treated with it: no verification, no machine QA, no research."""
        return self.intent.casefold() not in NOT_CLINICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class OisAppointment:
    """A row of `appointment`; `status` is our word, or `unknown:…`.

    Attributes
    ----------
    kind
        `treatment`, `simulation` or anything else where the OIS itself knows; else "".
    """

    patient_key: Hashable
    starts_at: datetime
    ends_at: datetime | None
    activity: str
    machine: str
    status: str
    is_active: bool
    kind: str = ""

    @property
    def is_coming(self) -> bool:
        """Whether nothing says that it will not take place."""
        return self.is_active and self.status not in NOT_COMING


@dataclass(frozen=True, slots=True, kw_only=True)
class OisTreated:
    """A row of `treated`: somebody was under the beam."""

    patient_key: Hashable
    treated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OisFractions:
    """What one method counts for one plan: a row of `fraction_count`, or the sum of rows of `fraction`.

    Attributes
    ----------
    open
        Sessions that the OIS says are still to be delivered; None where it does not say.
    unclear
        States of sessions that the mapping does not know; these are counted nowhere.
    """

    plan_key: Hashable
    done: int | None
    planned: int | None
    partial: int | None
    last_treated_at: datetime | None
    open: int | None = None
    method: str = ""
    unclear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OisFraction:
    """A row of `fraction`: one session of one plan; `status` is our word, or `unknown:…`."""

    plan_key: Hashable
    session_key: Hashable
    status: str
    delivered_at: datetime | None
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OisPhysician:
    """A row of `physician`."""

    patient_key: Hashable
    role: str
    name: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OisField:
    """A row of `field`; one field has several rows where it has several accessories."""

    plan_key: Hashable
    field_id: str
    number: int | None
    name: str
    machine: str
    energy: str
    beam_meterset: float | None
    gantry_angle_deg: float | None
    gantry_stop_angle_deg: float | None
    collimator_angle_deg: float | None
    couch_angle_deg: float | None
    tolerance: str
    accessories: tuple[str, ...]
    is_setup: bool
    setup_note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OisNote:
    """A row of `note`."""

    patient_key: Hashable
    kind: NoteKind
    text: str
    subject: str
    author: str
    written_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OisTriage:
    """A row of `triage`."""

    patient_key: Hashable
    code: str
    reason: str
    given_by: str
    given_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OisDocument:
    """A row of `document`."""

    patient_key: Hashable
    doc_key: str
    title: str
    path: str
    kind: str
    created_at: datetime | None
    revised_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OisRows:
    """Everything one OIS answered."""

    patients: tuple[OisPatient, ...] = ()
    contacts: tuple[OisContact, ...] = ()
    physicians: tuple[OisPhysician, ...] = ()
    courses: tuple[OisCourse, ...] = ()
    prescriptions: tuple[OisPrescription, ...] = ()
    plans: tuple[OisPlan, ...] = ()
    fields: tuple[OisField, ...] = ()
    appointments: tuple[OisAppointment, ...] = ()
    treated: tuple[OisTreated, ...] = ()
    fractions: tuple[OisFractions, ...] = ()
    notes: tuple[OisNote, ...] = ()
    triages: tuple[OisTriage, ...] = ()
    documents: tuple[OisDocument, ...] = ()
