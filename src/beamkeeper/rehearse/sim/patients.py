"""The cast: who is treated with what, how far they are, and every object that says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from beamkeeper.rehearse.sim.doses import dose
from beamkeeper.rehearse.sim.images import cbct, planning_ct, registration
from beamkeeper.rehearse.sim.ionplans import ion_plan
from beamkeeper.rehearse.sim.ois_kind import OisKind
from beamkeeper.rehearse.sim.people import person
from beamkeeper.rehearse.sim.plans import plan
from beamkeeper.rehearse.sim.records import Session, records
from beamkeeper.rehearse.sim.structures import structure_set
from beamkeeper.rehearse.sim.treatments import Detail, SimPatient, Technique, Treatment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from beamkeeper.rehearse.sim.seeded import Seed

SimObject = tuple[str, bytes]
"""SOP Instance UID and file."""

SMALL = Detail()
"""Drawn small: a demonstration makes ten patients in seconds."""

_ANGLES = {
    Technique.VMAT: (181.0, 179.0),
    Technique.IMRT: (0.0, 51.0, 103.0, 154.0, 206.0, 257.0, 309.0),
    Technique.WEDGED: (300.0, 122.0, 60.0),
    Technique.ELECTRON: (0.0,),
    Technique.PROTON: (90.0, 270.0),
}

# site, technique, machine, total Gy, fractions, fractions given so far, boost, CBCT every n, REG
_ROLES: tuple[tuple[str, Technique, str, float, int, int, bool, int, bool], ...] = (
    ("prostate", Technique.VMAT, "LINAC1", 60.0, 20, 8, False, 2, True),
    ("head and neck", Technique.IMRT, "LINAC2", 70.0, 35, 6, False, 3, False),
    ("breast", Technique.WEDGED, "LINAC2", 40.05, 15, 7, False, 0, False),
    ("skin", Technique.ELECTRON, "LINAC2", 20.0, 5, 2, False, 0, False),
    ("brain", Technique.PROTON, "PROTON1", 54.0, 30, 5, False, 3, True),
    ("head and neck", Technique.VMAT, "LINAC1", 54.0, 30, 5, True, 0, False),
    ("lung", Technique.VMAT, "LINAC1", 55.0, 20, 19, False, 5, False),
    ("prostate", Technique.VMAT, "LINAC1", 36.25, 5, 2, False, 1, False),
)


def cast_member(
    seed: Seed,
    index: int,
    first_day: date,
    *,
    approved_on: date | None = None,
    detail: Detail = SMALL,
    ois: OisKind = OisKind.SMALL,
) -> SimPatient:
    """Return the synthetic patient number `index`.

    Parameters
    ----------
    first_day
        The day of the first night; treatment so far lies before it.
    approved_on
        The day the plan was approved, for a patient who joins later; None for one who is on treatment.
    ois
        What gives out the Patient IDs.
    """
    site, technique, machine, total, fractions, _, boost, cbct_every, registered = _ROLES[index % len(_ROLES)]
    started = working_day(first_day, -fractions_before(index) - 1)
    approved = approved_on or working_day(started, -3)
    label = {Technique.WEDGED: "TANGENTS", Technique.ELECTRON: "ELECTRON"}.get(
        technique, technique.value.upper()
    )
    treatments = [
        Treatment(
            key="plan",
            version=1,
            label=f"{label}1",
            technique=technique,
            machine=machine,
            total_dose_gy=total,
            fractions=fractions,
            gantry_angles_deg=_ANGLES[technique],
            approved_on=approved,
        )
    ]
    if boost:
        treatments.append(
            Treatment(
                key="boost",
                version=1,
                label="BOOST1",
                technique=Technique.IMRT,
                machine="LINAC2",
                total_dose_gy=16.0,
                fractions=8,
                gantry_angles_deg=_ANGLES[Technique.IMRT][:5],
                target_index=1,
                approved_on=approved,
            )
        )
    return SimPatient(
        seed=seed,
        index=index,
        person=person(index, id_length_max=ois.patient_id_length_max),
        site=site,
        simulated_on=working_day(approved, -4),
        treatments=tuple(treatments),
        cbct_every=cbct_every,
        registered=registered,
        detail=detail,
    )


def fractions_before(index: int) -> int:
    """Return how many fractions that patient has had before the first night."""
    return _ROLES[index % len(_ROLES)][5]


def working_day(day: date, count: int) -> date:
    """Return the day `count` working days (Monday to Friday) after `day`; negative counts go back."""
    step = timedelta(days=1 if count > 0 else -1)
    left = abs(count)
    while left:
        day += step
        left -= day.weekday() < 5  # noqa: PLR2004 - Saturday is 5
    return day


def sessions_before(patient: SimPatient, first_day: date) -> list[Session]:
    """Return the sessions given before the first night, oldest first.

    The boost of a patient with two plans began two fractions ago, treated after the main plan on the
    same days. One step-and-shoot patient was interrupted in the third fraction and had the rest of
    it on the next day.
    """
    count = fractions_before(patient.index)
    sessions: list[Session] = []
    for fraction in range(1, count + 1):
        on = working_day(first_day, fraction - count - 1)
        for treatment in patient.treatments:
            number = fraction if treatment.key == "plan" else fraction - (count - 2)
            if number >= 1:
                sessions.append(
                    Session(treatment_key=treatment.key, version=1, fraction_number=number, on=on)
                )
    if patient.treatments[0].technique is Technique.IMRT:
        return _interrupted(sessions)
    return sessions


def _interrupted(sessions: list[Session]) -> list[Session]:
    """Split the third session in two days: all later fractions count one less."""
    split: list[Session] = []
    for session in sessions:
        number = session.fraction_number
        part = {3: "first", 4: "rest"}.get(number, "whole")
        split.append(
            Session(
                treatment_key=session.treatment_key,
                version=session.version,
                fraction_number=number if number <= 3 else number - 1,  # noqa: PLR2004 - as said above
                on=session.on,
                part=part,
            )
        )
    return split


def at(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    """Return a moment on the department's wall clock."""
    return datetime.combine(day, time(hour, minute), tzinfo=UTC).replace(tzinfo=zone)


def planning_objects(patient: SimPatient, zone: ZoneInfo) -> Iterator[SimObject]:
    """Yield every object made before the first fraction: CT, structures, plans, doses."""
    yield from planning_ct(patient, at(patient.simulated_on, 8, 15, zone))
    yield from plan_objects(patient, patient.treatments, zone)


def plan_objects(
    patient: SimPatient, treatments: tuple[Treatment, ...], zone: ZoneInfo
) -> Iterator[SimObject]:
    """Yield the structure set, the plans and the doses of one version of treatments."""
    approved_at = at(treatments[0].approved_on, 15, 30, zone)
    yield structure_set(patient, approved_at - timedelta(hours=4), treatments[0].version)
    for treatment in treatments:
        make = ion_plan if treatment.technique is Technique.PROTON else plan
        yield make(patient, treatment, approved_at)
        yield dose(patient, treatment, approved_at)


def session_objects(patient: SimPatient, session: Session, zone: ZoneInfo) -> Iterator[SimObject]:
    """Yield what one session leaves behind: records, and a cone-beam CT when it is the day for one."""
    treatment = treatment_of(patient, session)
    treated_at = session_time(patient, session, zone)
    yield from records(patient, treatment, session, treated_at)
    every = patient.cbct_every
    if every and session.treatment_key == "plan" and session.fraction_number % every == 0:
        name = (session.version, session.fraction_number, session.part)
        yield from cbct(patient, treated_at - timedelta(minutes=6), *name)
        if patient.registered:
            yield registration(patient, treated_at - timedelta(minutes=4), *name)


def treatment_time(patient: SimPatient, treatment_key: str, on: date, zone: ZoneInfo) -> datetime:
    """Return when that patient is booked on the machine; a boost follows the main plan."""
    minutes = 8 * 60 + 20 * patient.index % (9 * 60) + (15 if treatment_key == "boost" else 0)
    return at(on, minutes // 60, minutes % 60, zone)


def session_time(patient: SimPatient, session: Session, zone: ZoneInfo) -> datetime:
    """Return when a session truly began."""
    booked = treatment_time(patient, session.treatment_key, session.on, zone)
    return (booked.astimezone(UTC) + timedelta(minutes=session.minutes_late)).astimezone(zone)


def treatment_of(patient: SimPatient, session: Session) -> Treatment:
    """Return the treatment a session belongs to."""
    for treatment in patient.treatments:
        if (treatment.key, treatment.version) == (session.treatment_key, session.version):
            return treatment
    raise LookupError(f"patient {patient.index} has no {session.treatment_key} version {session.version}")
