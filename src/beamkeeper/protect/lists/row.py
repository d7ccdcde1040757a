"""What a list is made from, and what stands in it: one row a patient, one line a plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from zoneinfo import ZoneInfo

from beamkeeper.domain.census import Appointment, CensusEntry
from beamkeeper.domain.chart import Physician, Triage
from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.namesakes import Namesake
from beamkeeper.domain.patient import Contact, Patient
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.position import CoursePosition
from beamkeeper.domain.readiness import Readiness

DECIDES = "Decision support: a physician decides who is treated, a physicist which fraction is next."


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Everything that is held of one patient of the night.

    Attributes
    ----------
    objects
        What every RT object says that is kept.
    position
        None when it could not be counted.
    night
        The night whose copy this is.
    as_of
        When records were last added after that night; None when these are the night's facts.
    passed_over
        Later nights whose copy of this patient nobody has confirmed.
    newer
        Where the patient stands by the newest copy, when that is one of those passed over.
    doubts
        What is doubtful about who this is or what is kept, in words.
    namesakes
        Whom else of that night's list they may be taken for; None when nobody looked.
    """

    pseudonym: str
    entry: CensusEntry
    night: date
    plans: tuple[Plan, ...] = ()
    objects: tuple[ClinicalObject, ...] = ()
    position: CoursePosition | None = None
    readiness: tuple[Readiness, ...] = ()
    as_of: datetime | None = None
    passed_over: tuple[date, ...] = ()
    newer: CoursePosition | None = None
    doubts: tuple[str, ...] = ()
    namesakes: tuple[Namesake, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListHead:
    """What stands above every list.

    Attributes
    ----------
    night
        The night the list is of.
    trust
        Who confirmed it or why nobody did, in one sentence.
    confirmed_by
        The people who confirmed it; () when it is not confirmed, or nothing of it needed to be.
    warnings
        What a reader must know before the first row: a stale list, a vault nobody fed.
    not_read
        Patients of the night whose facts cannot be read, each with the reason.
    night_phone
        Of the department at night; "" where neither site file nor copy says it.
    shares
        From which share of normal capacity on a triage code is treated, in a sentence.
    """

    site_name: str
    zone: ZoneInfo
    night: date
    trust: str
    made_at: datetime
    confirmed_by: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    not_read: tuple[str, ...] = ()
    night_phone: str = ""
    shares: str = ""

    @property
    def today(self) -> date:
        """The local date on which the list was made."""
        return self.made_at.astimezone(self.zone).date()


class Section(Enum):
    """Where in the list a patient stands; in this order."""

    ON_TREATMENT = "On treatment"
    READY = "Ready to start"
    NOT_READY = "Not ready to start: what is missing"
    FINISHED = "Finished"

    @property
    def place(self) -> int:
        """Its place among the sections, from 0."""
        return list(Section).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """One plan of one patient.

    Attributes
    ----------
    given
        "12 of 25 given".
    next_fraction
        What is next, short: "13", "13?" where the count is in doubt, "finish 13", "none", "?".
    next_said
        The same in words, with what is missing of a fraction that was begun.
    conflicts
        What the evidence does not agree on.
    days_since
        Days since the last fraction, by the calendar of the site; None without any.
    machine
        As the plan or the OIS names it.
    needs
        What a machine must have to give it, from what is held; "" when nothing is.
    missing
        What keeps the plan from being treated from the copy.
    """

    plan_uid: str
    label: str
    section: Section
    given: str
    next_fraction: str
    next_said: str
    is_continuation: bool = False
    conflicts: tuple[str, ...] = ()
    last_treated_at: datetime | None = None
    days_since: int | None = None
    dose: str = ""
    intent: str = ""
    machine: str = ""
    needs: str = ""
    missing: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether nothing keeps it from being treated from the copy."""
        return not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A category of the Royal College of Radiologists, as a suggestion.

    Attributes
    ----------
    number
        1, 2 or 3; None when the facts held do not say.
    reason
        What it is derived from, or why it is not.
    """

    number: int | None
    reason: str

    @property
    def word(self) -> str:
        """How it is written: "1?", never without its question mark."""
        return "not known" if self.number is None else f"{self.number}?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """One patient.

    Attributes
    ----------
    rank
        Place in the list, from 1.
    because
        Why the patient stands before the next one.
    warnings
        What must be seen before anything is done: another patient of that name, a copy that is not the
        newest, sources that disagree.
    remarks
        What is worth knowing.
    triage
        None where nobody gave a code.
    next_appointment
        The first one after the list was made.
    """

    pseudonym: str
    patient: Patient
    section: Section
    plans: tuple[PlanLine, ...]
    category: Category
    triage: Triage | None = None
    physicians: tuple[Physician, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    rank: int = 0
    because: str = ""

    @property
    def next_appointment(self) -> Appointment | None:
        """The first appointment to come; None without any."""
        return self.appointments[0] if self.appointments else None

    @property
    def own_phones(self) -> tuple[Contact, ...]:
        """The patient's own numbers."""
        return tuple(item for item in self.patient.contacts if item.phone and is_own(item))

    @property
    def other_contacts(self) -> tuple[Contact, ...]:
        """Next of kin and others."""
        return tuple(item for item in self.patient.contacts if item not in self.own_phones)

    @property
    def first_call(self) -> Contact | None:
        """Whom to call first: the patient, else the first other who has a number; None without any."""
        with_phone = (*self.own_phones, *(item for item in self.other_contacts if item.phone))
        return next(iter(with_phone), None)


def is_own(contact: Contact) -> bool:
    """Whether a number is the patient's own."""
    relation = contact.relation.strip().casefold()
    return relation in _OWN or (not contact.name.strip() and relation in _OWN_PHONES)


_OWN = frozenset({"self", "patient"})
_OWN_PHONES = frozenset({"", "home", "mobile", "work"})
