"""A placement as tables for programs: one line a patient, and one line a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.protect.lists.sheet import Sheet
from beamkeeper.respond.placement.deliver import DECIDES as DECIDES_PLAN
from beamkeeper.respond.placement.solving import DECIDES
from beamkeeper.respond.placement.timetable import timetable

if TYPE_CHECKING:
    from beamkeeper.respond.placement.drafting import Draft
    from beamkeeper.respond.placement.pages import Told


def patient_sheet(told: Told) -> Sheet:
    """Return one line for each patient, who has no place included."""
    needs, drafted = told.needs, told.drafted
    rows: list[tuple[str, ...]] = []
    for one in told.version.placed:
        need, fit = needs[one.patient], told.fit(one)
        site = told.file.site(one.site).title if one.site else ""
        rows.append(
            (
                str(need.priority),
                drafted[one.patient].name,
                one.patient,
                site,
                one.machine,
                str(one.first_on or ""),
                told.at(one.patient, one.first_on),
                one.delivery_class,
                str(need.fractions_left),
                str(need.per_day),
                str(need.category),
                str(one.waited_days),
                f"{one.loss:.2f}",
                one.reason,
                one.would_help,
                "; ".join(fit.to_do) if fit else "",
            )
        )
    rows += [
        ("", one.name, one.id, *([""] * 10), one.reason, one.would_help, "") for one in told.version.left_out
    ]
    return Sheet(
        name=f"Placement, version {told.version.number}",
        about=(("note", DECIDES),),
        columns=(
            "no.",
            "patient",
            "folder",
            "site",
            "machine",
            "from",
            "at",
            "class",
            "fractions left",
            "a day",
            "category",
            "treatment days waited",
            "tumour control lost %",
            "because",
            "would help",
            "to do before",
        ),
        rows=tuple(rows),
    )


def fit_sheet(draft: Draft) -> Sheet:
    """Return one line for each patient and machine: in which class it gives all open plans, and why."""
    return Sheet(
        name="Which machine can give which plans",
        about=(("note", DECIDES_PLAN),),
        columns=("patient", "folder", "machine", "class", "because", "to do before"),
        rows=tuple(
            (one.name, one.id, fit.machine, fit.delivery_class, fit.reason, "; ".join(fit.to_do))
            for one in draft.patients
            for fit in one.fits
        ),
    )


def session_sheet(told: Told) -> Sheet:
    """Return one line for each patient and day inside the horizon."""
    drafted = told.drafted
    return Sheet(
        name=f"Sessions, version {told.version.number}",
        about=(("note", DECIDES),),
        columns=("date", "site", "machine", "patient", "folder", "visit", "of", "fractions that day", "at"),
        rows=tuple(
            (
                str(one.day),
                told.file.profiles[one.machine].site,
                one.machine,
                drafted[item.patient].name,
                item.patient,
                str(item.number),
                str(item.count),
                str(item.per_day),
                told.at(item.patient, one.day),
            )
            for one in timetable(told.instance, told.version.placed)
            for item in one.sessions
        ),
    )
