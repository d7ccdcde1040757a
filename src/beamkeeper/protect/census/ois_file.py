"""Everything one OIS answered, sorted by patient."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from beamkeeper.protect.census.ois_rows import (
        OisAppointment,
        OisContact,
        OisCourse,
        OisDocument,
        OisField,
        OisFractions,
        OisNote,
        OisPatient,
        OisPhysician,
        OisPlan,
        OisPrescription,
        OisRows,
        OisTreated,
        OisTriage,
    )

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OisFile:
    """Everything the OIS holds of one patient; what belongs to a plan stands beside it."""

    patient: OisPatient
    contacts: tuple[OisContact, ...]
    physicians: tuple[OisPhysician, ...]
    courses: tuple[OisCourse, ...]
    prescriptions: tuple[OisPrescription, ...]
    plans: tuple[OisPlan, ...]
    fields: tuple[tuple[OisPlan, OisField], ...]
    fractions: tuple[tuple[OisPlan, OisFractions], ...]
    appointments: tuple[OisAppointment, ...]
    treated: tuple[OisTreated, ...]
    notes: tuple[OisNote, ...]
    triages: tuple[OisTriage, ...]
    documents: tuple[OisDocument, ...]


def grouped(rows: Iterable[T], key: Callable[[T], Hashable]) -> dict[Hashable, tuple[T, ...]]:
    """Return rows by their key, each group in the order its rows came."""
    groups: dict[Hashable, list[T]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return {found: tuple(members) for found, members in groups.items()}


def in_order(key: Hashable) -> tuple[bool, Any]:
    """Return what sorts keys, numbers before text: a database answers in an order of its own each time."""
    return (isinstance(key, str), key)


def files(rows: OisRows) -> Iterable[OisFile]:
    """Yield the file of each patient, everything in it in the order of its keys."""
    contacts = grouped(rows.contacts, lambda row: row.patient_key)
    physicians = grouped(rows.physicians, lambda row: row.patient_key)
    courses = grouped(sorted(rows.courses, key=lambda row: in_order(row.key)), lambda row: row.patient_key)
    plans = grouped(sorted(rows.plans, key=lambda row: in_order(row.key)), lambda row: row.course_key)
    prescriptions = grouped(
        sorted(rows.prescriptions, key=lambda row: (row.name, row.target, row.status)),
        lambda row: row.course_key,
    )
    fields = grouped(rows.fields, lambda row: row.plan_key)
    fractions = grouped(rows.fractions, lambda row: row.plan_key)
    appointments = grouped(rows.appointments, lambda row: row.patient_key)
    treated = grouped(rows.treated, lambda row: row.patient_key)
    notes = grouped(rows.notes, lambda row: row.patient_key)
    triages = grouped(rows.triages, lambda row: row.patient_key)
    documents = grouped(rows.documents, lambda row: row.patient_key)
    for patient in rows.patients:
        key = patient.key
        of_patient = courses.get(key, ())
        in_courses = tuple(plan for course in of_patient for plan in plans.get(course.key, ()))
        yield OisFile(
            patient=patient,
            contacts=contacts.get(key, ()),
            physicians=physicians.get(key, ()),
            courses=of_patient,
            prescriptions=tuple(rx for course in of_patient for rx in prescriptions.get(course.key, ())),
            plans=in_courses,
            fields=tuple((plan, row) for plan in in_courses for row in fields.get(plan.key, ())),
            fractions=tuple((plan, row) for plan in in_courses for row in fractions.get(plan.key, ())),
            appointments=appointments.get(key, ()),
            treated=treated.get(key, ()),
            notes=notes.get(key, ()),
            triages=triages.get(key, ()),
            documents=documents.get(key, ()),
        )
