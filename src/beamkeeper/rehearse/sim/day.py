"""The day between two nights: decided as a value first, carried out afterwards.

Exactly nine things happen: fractions are delivered, a plan is exported again in other bytes, a
replan takes place, one leaf of one control point is altered, a structure set is deleted, a patient
is new, a patient finishes, one treatment record names no plan, and one number of a setup note on the
share becomes another.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.rehearse.sim.alterations import MovedLeaf, re_encoded, with_one_leaf_moved
from beamkeeper.rehearse.sim.documents import SETUP_TITLE
from beamkeeper.rehearse.sim.patients import plan_objects, planning_objects, session_objects
from beamkeeper.rehearse.sim.records import Session
from beamkeeper.rehearse.sim.seeded import Seed
from beamkeeper.rehearse.sim.state import (
    DepartmentState,
    PatientState,
    Replan,
    current_treatments,
    fractions_given,
    patient_of,
)
from beamkeeper.rehearse.sim.treatments import MACHINES, Technique

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from zoneinfo import ZoneInfo

    from beamkeeper.rehearse.sim.treatments import SimPatient, Treatment


class DayEventKind(StrEnum):
    """What happened."""

    FRACTION_DELIVERED = "fraction delivered"
    PLAN_RE_ENCODED = "plan re-encoded"
    REPLAN = "replan"
    LEAF_ALTERED = "leaf altered"
    STRUCTURE_SET_DELETED = "structure set deleted"
    PATIENT_NEW = "patient new"
    PATIENT_FINISHED = "patient finished"
    RECORD_WITHOUT_PLAN = "record without plan"
    DOCUMENT_ALTERED = "document altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEvent:
    """One thing that happened on the day between two nights.

    Attributes
    ----------
    text
        One plain sentence; no patient's name.
    sop_instance_uids
        The objects concerned: new, altered or removed.
    leaf
        Which leaf, for `LEAF_ALTERED`; None otherwise.
    document
        Title of the document, for `DOCUMENT_ALTERED`; "" otherwise.
    """

    kind: DayEventKind
    patient_id: str
    text: str
    sop_instance_uids: tuple[str, ...] = ()
    leaf: MovedLeaf | None = None
    document: str = ""


@dataclass(slots=True)
class DayWork:
    """A day being put together: the state after it, files to put and to remove, and what to tell."""

    state: DepartmentState
    on: date
    put: dict[str, bytes] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    events: list[DayEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """To whom the day's events happen, by index of the patient."""

    leaf: int
    re_encoded: int
    replan: int
    deleted: int
    document: int
    unnamed: int
    finishing: int
    joining: int


def fractions_left(patient: SimPatient, member: PatientState) -> int:
    """Return the fractions still to give over all current plans."""
    return sum(
        treatment.fractions - fractions_given(member, treatment) for treatment in current_treatments(patient)
    )


def cast_of(state: DepartmentState, holds: Callable[[str], bool]) -> Cast:
    """Decide to whom each event happens: different patients where there are enough of them.

    Parameters
    ----------
    holds
        Whether the archive holds an object of that UID.
    """
    active = [(patient_of(state, m), m) for m in state.patients if m.finished_on is None]
    if len(active) < 2:  # noqa: PLR2004 - one finishes, one stays
        raise LookupError("the department has too few patients under treatment for another day")
    treated = [(p, m) for p, m in active if m.sessions]
    finishing = min(treated or active, key=lambda pair: fractions_left(*pair))[0].index
    taken = [finishing]

    def choose(suits: Callable[[SimPatient, PatientState], bool]) -> int:
        fitting = [p.index for p, m in active if p.index != finishing and suits(p, m)]
        fitting = fitting or [p.index for p, _ in active if p.index != finishing]
        turn = state.days_played % len(fitting)
        in_turn = fitting[turn:] + fitting[:turn]
        chosen = next((index for index in in_turn if index not in taken), in_turn[0])
        taken.append(chosen)
        return chosen

    return Cast(
        leaf=choose(lambda p, _: p.treatments[0].technique is Technique.VMAT),
        replan=choose(lambda p, m: len(p.treatments) == 1 and fractions_left(p, m) > 3),  # noqa: PLR2004
        unnamed=choose(_writes_one_record),
        re_encoded=choose(lambda p, _: p.treatments[0].technique is not Technique.PROTON),
        deleted=choose(lambda p, _: holds(p.structure_set_uid(p.treatments[-1].version))),
        document=choose(lambda *_: True),
        finishing=finishing,
        joining=1 + max(member.index for member in state.patients),
    )


def _writes_one_record(patient: SimPatient, member: PatientState) -> bool:
    """Whether today's treatment of the patient leaves exactly one record."""
    first = patient.treatments[0]
    single = not MACHINES[first.machine].record_per_beam or len(first.gantry_angles_deg) == 1
    return single and len(patient.treatments) == 1 and fractions_left(patient, member) > 0


def play(state: DepartmentState, on: date, zone: ZoneInfo, held: Callable[[str], bytes | None]) -> DayWork:
    """Return everything that happens on `on`; nothing is written.

    Parameters
    ----------
    held
        Gives the file the archive holds for a SOP Instance UID; None when it holds none.
    """
    cast = cast_of(state, lambda uid: held(uid) is not None)
    work = DayWork(state=replace(state, last_day=on, days_played=state.days_played + 1), on=on)
    for member in state.patients:
        if member.finished_on is None:
            _treat(work, member, zone, names_plan=member.index != cast.unnamed)
    _finish(work, cast.finishing)
    _replan(work, cast.replan, zone)
    _re_encode(work, cast.re_encoded, held)
    _alter_leaf(work, cast.leaf, held)
    _delete_structures(work, cast.deleted)
    _alter_document(work, cast.document)
    _join(work, cast.joining, zone)
    return work


def _treat(work: DayWork, member: PatientState, zone: ZoneInfo, *, names_plan: bool) -> None:
    """Give today's fraction of every current plan."""
    patient = patient_of(work.state, member)
    for treatment in current_treatments(patient):
        number = fractions_given(member, treatment) + 1
        if number > treatment.fractions or treatment.approved_on >= work.on:
            continue
        session = Session(
            treatment_key=treatment.key,
            version=treatment.version,
            fraction_number=number,
            on=work.on,
            names_plan=names_plan,
        )
        member = replace(member, sessions=(*member.sessions, session))
        objects = dict(session_objects(patient, session, zone))
        work.put |= objects
        text = f"Fraction {number} of {treatment.fractions} of {treatment.label} was delivered."
        kind = DayEventKind.FRACTION_DELIVERED
        if not names_plan:
            kind = DayEventKind.RECORD_WITHOUT_PLAN
            text += " Its treatment record leaves the plan reference empty."
        work.events.append(
            DayEvent(kind=kind, patient_id=patient.patient_id, text=text, sop_instance_uids=tuple(objects))
        )
    work.state = work.state.with_member(member)


def _finish(work: DayWork, index: int) -> None:
    """Close the course of the patient who is nearest to its end."""
    member = work.state.member(index)
    patient = patient_of(work.state, member)
    left = fractions_left(patient, member)
    work.state = work.state.with_member(replace(member, finished_on=work.on))
    how = "after the last planned fraction" if not left else f"early, {left} planned fractions were not given"
    work.events.append(
        DayEvent(
            kind=DayEventKind.PATIENT_FINISHED,
            patient_id=patient.patient_id,
            text=f"The course was completed {how}.",
        )
    )


def _replan(work: DayWork, index: int, zone: ZoneInfo) -> None:
    """Approve a new plan, structure set and dose for the fractions that are left."""
    member = work.state.member(index)
    patient = patient_of(work.state, member)
    old: Treatment = current_treatments(patient)[0]
    version = old.version + 1
    left = max(1, old.fractions - fractions_given(member, old))
    new = Replan(treatment_key=old.key, version=version, fractions=left, on=work.on)
    member = replace(member, replans=(*member.replans, new))
    work.state = work.state.with_member(member)
    patient = patient_of(work.state, member)
    treatment = next(t for t in current_treatments(patient) if t.key == old.key)
    objects = dict(plan_objects(patient, (treatment,), zone))
    work.put |= objects
    work.events.append(
        DayEvent(
            kind=DayEventKind.REPLAN,
            patient_id=patient.patient_id,
            text=f"{treatment.label} replaces {old.label} for the {left} fractions that are left.",
            sop_instance_uids=tuple(objects),
        )
    )


def _re_encode(work: DayWork, index: int, held: Callable[[str], bytes | None]) -> None:
    """Export one plan again: other bytes, the same meaning."""
    patient = patient_of(work.state, work.state.member(index))
    treatment = patient.treatments[0]
    uid = patient.plan_uid(treatment)
    data = _held(held, uid)
    work.put[uid] = re_encoded(data)
    work.events.append(
        DayEvent(
            kind=DayEventKind.PLAN_RE_ENCODED,
            patient_id=patient.patient_id,
            text=f"{treatment.label} was exported again in another encoding, with no change of meaning.",
            sop_instance_uids=(uid,),
        )
    )


def _alter_leaf(work: DayWork, index: int, held: Callable[[str], bytes | None]) -> None:
    """Move one leaf of one control point and keep the SOP Instance UID."""
    patient = patient_of(work.state, work.state.member(index))
    treatment = patient.treatments[0]
    uid = patient.plan_uid(treatment)
    rng = Seed(work.state.seed).rng("leaf", work.state.days_played)
    work.put[uid], leaf = with_one_leaf_moved(_held(held, uid), rng)
    work.events.append(
        DayEvent(
            kind=DayEventKind.LEAF_ALTERED,
            patient_id=patient.patient_id,
            text=(
                f"{treatment.label}, beam {leaf.beam_number}, control point {leaf.control_point_index}, "
                f"leaf pair {leaf.leaf_pair} (bank {leaf.bank}) went from {leaf.old_mm:g} to "
                f"{leaf.new_mm:g} mm under the same SOP Instance UID."
            ),
            sop_instance_uids=(uid,),
            leaf=leaf,
        )
    )


def _delete_structures(work: DayWork, index: int) -> None:
    """Delete the structure set the patient's newest plan refers to."""
    patient = patient_of(work.state, work.state.member(index))
    uid = patient.structure_set_uid(patient.treatments[-1].version)
    work.removed.append(uid)
    work.events.append(
        DayEvent(
            kind=DayEventKind.STRUCTURE_SET_DELETED,
            patient_id=patient.patient_id,
            text="The structure set of the plan was deleted from the archive.",
            sop_instance_uids=(uid,),
        )
    )


def _alter_document(work: DayWork, index: int) -> None:
    """Let somebody write another shift limit into a setup note, and nobody knows of it."""
    member = work.state.member(index)
    old, new = member.shift_limit_mm, 2 * member.shift_limit_mm
    work.state = work.state.with_member(replace(member, shift_limit_mm=new))
    work.events.append(
        DayEvent(
            kind=DayEventKind.DOCUMENT_ALTERED,
            patient_id=patient_of(work.state, member).patient_id,
            text=f"A setup note on the share was altered: the shift limit went from {old} to {new} mm.",
            document=SETUP_TITLE,
        )
    )


def _join(work: DayWork, index: int, zone: ZoneInfo) -> None:
    """Let one more patient be simulated, planned and approved; treatment starts on the next day."""
    member = PatientState(index=index, joined_on=work.on)
    work.state = replace(work.state, patients=(*work.state.patients, member))
    patient = patient_of(work.state, member)
    objects = dict(planning_objects(patient, zone))
    work.put |= objects
    work.events.append(
        DayEvent(
            kind=DayEventKind.PATIENT_NEW,
            patient_id=patient.patient_id,
            text=f"A patient is new: {patient.treatments[0].label}, approved, first fraction tomorrow.",
            sop_instance_uids=tuple(objects),
        )
    )


def _held(held: Callable[[str], bytes | None], uid: str) -> bytes:
    data = held(uid)
    if data is None:
        raise LookupError(f"the archive holds no {uid}")
    return data


def next_day(state: DepartmentState, today: date) -> date:
    """Return the day to play: today, or the day after the last one played if that is later."""
    return max(today, state.last_day + timedelta(days=1))
