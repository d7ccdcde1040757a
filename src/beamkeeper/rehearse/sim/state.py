"""What a simulated department remembers between starts; everything else is made again from the seed."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from beamkeeper.errors import ConfigError
from beamkeeper.rehearse.sim.ois_kind import OisKind
from beamkeeper.rehearse.sim.patients import cast_member, sessions_before
from beamkeeper.rehearse.sim.records import Session
from beamkeeper.rehearse.sim.seeded import Seed

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.rehearse.sim.treatments import SimPatient, Treatment

FORMAT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Replan:
    """A new version of one plan, in force from the day after `on`."""

    treatment_key: str
    version: int
    fractions: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientState:
    """How far one synthetic patient is.

    Attributes
    ----------
    joined_on
        Day the patient's plan was approved here; None for those who were there from the start.
    finished_on
        Day the course ended; None while it runs.
    shift_limit_mm
        What the setup note on the share says; nobody but its writer knows when it becomes another.
    """

    index: int
    joined_on: date | None = None
    finished_on: date | None = None
    replans: tuple[Replan, ...] = ()
    sessions: tuple[Session, ...] = ()
    shift_limit_mm: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentState:
    """The department on one evening.

    Attributes
    ----------
    first_day
        Day of the first night.
    last_day
        Last day that was played; the day before `first_day` at the start.
    ois
        In which tables its database is written.
    """

    seed: int
    first_day: date
    last_day: date
    days_played: int = 0
    patients: tuple[PatientState, ...] = field(default=())
    ois: OisKind = OisKind.SMALL

    def member(self, index: int) -> PatientState:
        """Return one patient's state."""
        return next(state for state in self.patients if state.index == index)

    def with_member(self, changed: PatientState) -> DepartmentState:
        """Return the department with one patient's state replaced."""
        kept = tuple(changed if state.index == changed.index else state for state in self.patients)
        return replace(self, patients=kept)


def patient_of(state: DepartmentState, member: PatientState) -> SimPatient:
    """Return the patient with every version of every treatment, replans included."""
    patient = cast_member(
        Seed(state.seed), member.index, state.first_day, approved_on=member.joined_on, ois=state.ois
    )
    treatments = list(patient.treatments)
    for replan in member.replans:
        first = next(t for t in treatments if t.key == replan.treatment_key)
        treatments.append(
            replace(
                first,
                version=replan.version,
                label=first.label.rstrip("0123456789") + str(replan.version),
                fractions=replan.fractions,
                total_dose_gy=round(first.dose_per_fraction_gy * replan.fractions, 4),
                approved_on=replan.on,
            )
        )
    return replace(patient, treatments=tuple(treatments))


def current_treatments(patient: SimPatient) -> tuple[Treatment, ...]:
    """Return the newest version of each treatment."""
    newest: dict[str, Treatment] = {}
    for treatment in patient.treatments:
        newest[treatment.key] = treatment  # versions stand in order
    return tuple(newest.values())


def fractions_given(member: PatientState, treatment: Treatment) -> int:
    """Return how many fractions of exactly this version were given; a continuation completes one."""
    of_plan = [
        s for s in member.sessions if (s.treatment_key, s.version) == (treatment.key, treatment.version)
    ]
    return len({session.fraction_number for session in of_plan})


def at_first(
    seed: int, synthetic_patients: int, first_day: date, last_day: date, *, ois: OisKind = OisKind.SMALL
) -> DepartmentState:
    """Return the department before the first night."""
    members = []
    for index in range(synthetic_patients):
        patient = cast_member(Seed(seed), index, first_day, ois=ois)
        members.append(PatientState(index=index, sessions=tuple(sessions_before(patient, first_day))))
    return DepartmentState(
        seed=seed, first_day=first_day, last_day=last_day, patients=tuple(members), ois=ois
    )


def write_whole(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    arriving = path.with_suffix(".part")
    with arriving.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    arriving.replace(path)


def to_json(state: DepartmentState) -> str:
    """Return the state as text."""
    return json.dumps({"format": FORMAT, **asdict(state)}, default=_day, indent=1)


def _day(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no place for {type(value).__name__} in the state")


def from_json(text: str) -> DepartmentState:
    """Return the state described by `text`.

    Raises
    ------
    ConfigError
        Written by another version.
    """
    raw = json.loads(text)
    if raw.pop("format", None) != FORMAT:
        raise ConfigError(
            f"The simulated department was made by another version (expected format {FORMAT}).",
            do_next="Start with an empty folder.",
        )
    return DepartmentState(
        seed=raw["seed"],
        first_day=date.fromisoformat(raw["first_day"]),
        last_day=date.fromisoformat(raw["last_day"]),
        days_played=raw["days_played"],
        ois=OisKind(raw["ois"]),
        patients=tuple(_member(member) for member in raw["patients"]),
    )


def _member(raw: dict[str, Any]) -> PatientState:
    return PatientState(
        index=raw["index"],
        joined_on=date.fromisoformat(raw["joined_on"]) if raw["joined_on"] else None,
        finished_on=date.fromisoformat(raw["finished_on"]) if raw["finished_on"] else None,
        replans=tuple(Replan(**{**r, "on": date.fromisoformat(r["on"])}) for r in raw["replans"]),
        shift_limit_mm=raw["shift_limit_mm"],
        sessions=tuple(Session(**{**s, "on": date.fromisoformat(s["on"])}) for s in raw["sessions"]),
    )
