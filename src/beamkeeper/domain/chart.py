"""What an OIS's chart says of a patient besides orders and counts: whom to ask, what to heed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Physician:
    """Somebody who answers for the patient.

    Attributes
    ----------
    role
        "primary oncologist", "referring", … as the source writes it.
    """

    role: str
    name: str
    phone: str = ""


class NoteKind(StrEnum):
    """How a note is to be read."""

    ALERT = "alert"
    """Before anything else: allergy, pacemaker, infection, fall risk."""
    SETUP = "setup"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note, its text as plain text, cut by whoever read it when it was longer than anybody reads.

    Attributes
    ----------
    written_at
        None when the source gives no time.
    """

    kind: NoteKind
    text: str
    subject: str = ""
    author: str = ""
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """How urgent somebody of the department called the treatment, before there was an emergency.

    Attributes
    ----------
    code
        As the department writes it (Iridium: "1" urgent … "5" alternatives available).
    reason
        "" when none was given.
    given_by, given_at
        Who chose it and when; "" and None when the source does not say.
    """

    code: str
    reason: str = ""
    given_by: str = ""
    given_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPlan:
    """One plan as the OIS lists it.

    Attributes
    ----------
    plan_uid
        SOP Instance UID of the RT Plan; "" when the OIS does not know it.
    status
        `unapproved`, `approved`, `rejected`, `superseded`, `done`, "" or `unknown:<as written>`.
    revision
        Which version of the plan this is, as the OIS numbers them; "" where it does not.
    """

    plan_id: str
    course_id: str
    plan_uid: str = ""
    status: str = ""
    intent: str = ""
    approved_by: str = ""
    approved_at: datetime | None = None
    fractions_planned: int | None = None
    machine: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartField:
    """One field of a plan as the OIS lists it: what the therapist would read on its screen.

    Attributes
    ----------
    beam_number
        Beam Number (300A,00C0); None where the OIS numbers its fields otherwise.
    energy
        As written ("6X", "10 FFF").
    beam_meterset
        In MU; None for setup fields and where it is not said.
    """

    plan_uid: str
    field_id: str
    name: str = ""
    beam_number: int | None = None
    machine: str = ""
    energy: str = ""
    beam_meterset: float | None = None
    gantry_angle_deg: float | None = None
    gantry_stop_angle_deg: float | None = None
    collimator_angle_deg: float | None = None
    couch_angle_deg: float | None = None
    tolerance: str = ""
    accessories: tuple[str, ...] = ()
    is_setup: bool = False
    setup_note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartAppointment:
    """One appointment that was, or that did not come to be.

    Attributes
    ----------
    status
        `planned`, `open`, `in_progress`, `partial`, `done`, `cancelled`, `no_show` or `unknown:<as written>`.
    """

    starts_at: datetime
    activity: str
    machine: str = ""
    status: str = ""
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartDocument:
    """A document the OIS knows of: where it lies, not what it says.

    Attributes
    ----------
    document_id
        How the source names it; its versions share it.
    path
        As the OIS writes it (often a UNC path, or a bare file name); never opened by the name alone.
    revised_at
        When the present version was written; None when it is the first, or the source does not say.
    """

    document_id: str
    title: str
    path: str
    kind: str = ""
    created_at: datetime | None = None
    revised_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanExport:
    """What a treatment planning system says of sending one approved plan to one place.

    Attributes
    ----------
    case, plan_name
        As the planning system names them; a label may occur in several cases.
    rt_plan_label
        RT Plan Label (300A,0002) of the plan that was sent.
    reviewed_at
        When it was approved; None when the planning system does not say.
    destination
        As the site names it.
    error
        Why it failed, in the planning system's words; "" when it says that the plan was sent.
    """

    case: str
    plan_name: str
    rt_plan_label: str
    destination: str
    exported_at: datetime
    reviewed_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What one source's chart says of one patient.

    Attributes
    ----------
    past_appointments
        The latest first.
    exports
        The last word on each plan and destination.
    """

    source: str
    physicians: tuple[Physician, ...] = ()
    notes: tuple[Note, ...] = ()
    triage: Triage | None = None
    plans: tuple[ChartPlan, ...] = ()
    fields: tuple[ChartField, ...] = ()
    past_appointments: tuple[ChartAppointment, ...] = ()
    documents: tuple[ChartDocument, ...] = ()
    exports: tuple[PlanExport, ...] = ()
