"""A placement on paper: by patient, by site, by day; each with the reason, or why not and what would help."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.words import plural
from beamkeeper.protect.lists.page import Cell, Column, Group, Line, Page, PageRow, Style, cell, headed
from beamkeeper.respond.placement.solving import DECIDES, MOVED, WORDS
from beamkeeper.respond.placement.times import clock_times
from beamkeeper.respond.placement.timetable import MachineDay, timetable
from beamkeeper.respond.placement.version import Made, differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from beamkeeper.protect.lists import ListHead
    from beamkeeper.respond.placement.drafting import Draft, Drafted, Fit
    from beamkeeper.respond.placement.instance import Instance, PatientNeed
    from beamkeeper.respond.placement.partners import PartnersFile
    from beamkeeper.respond.placement.solving import Placed
    from beamkeeper.respond.placement.times import Session
    from beamkeeper.respond.placement.version import Version

TO_DO: Final = {
    "A": "copy of the plan for this machine, checked and approved there",
    "B": "recalculate, check, approve",
    "C": "plan again on the same images (about an hour), check, approve",
}
BY_PATIENT: Final = (
    Column("#", 0.7),
    Column("Patient", 3.2),
    Column("Goes to", 2.4),
    Column("From", 1.9),
    Column("Class", 0.8),
    Column("Sessions", 1.2),
    Column("Lost", 0.9),
    Column("Because", 4.0),
    Column("Physician signs", 2.0),
)
BY_SITE: Final = (
    Column("From", 1.9),
    Column("Patient", 3.4),
    Column("Class", 0.8),
    Column("What has to be done there", 5.5),
    Column("Sessions", 1.4),
    Column("Physicist signs", 2.0),
)
BY_DAY: Final = (
    Column("Machine", 2.2),
    Column("Slots", 1.0),
    Column("Free", 0.8),
    Column("Begin", 4.5),
    Column("Go on", 1.0),
    Column("Last session", 3.5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything a page of a version says.

    Attributes
    ----------
    before
        The version before it, against which changes are marked; None for the first.
    times
        The sessions of each patient with their times of day.
    """

    head: ListHead
    version: Version
    instance: Instance
    draft: Draft
    file: PartnersFile
    summary: str
    before: Version | None = None
    times: Mapping[str, tuple[Session, ...]] = field(default_factory=dict)

    @property
    def needs(self) -> Mapping[str, PatientNeed]:
        """By patient."""
        return {one.id: one for one in self.instance.patient}

    @property
    def drafted(self) -> Mapping[str, Drafted]:
        """By patient."""
        return {one.id: one for one in self.draft.patients}

    def place(self, machine: str) -> str:
        """Return a machine with its site, as people call them; the id of one that is not there any more."""
        if machine not in self.file.profiles:
            return machine
        site = self.file.site(self.file.profiles[machine].site)
        return f"{self.file.profiles[machine].treatment_machine_name}, {site.title}"

    def at(self, patient: str, day: date | None) -> str:
        """Return at what time of day a patient comes on a day; "" where nobody knows it."""
        return clock_times(self.times.get(patient, ()), day)

    def fit(self, one: Placed) -> Fit | None:
        """Return what the patient's machine makes of the plans."""
        return next((fit for fit in self.drafted[one.patient].fits if fit.machine == one.machine), None)


NOBODY: Final = (plural(0, "patient"), f"{plural(0, 'patient')}, in the order of triage")
"""Said of groups that are left out when nobody is in them; a site without anybody stays."""
TIMES: Final = (
    "Times of day are those of the slots as the partners' file has them, on the clock there. They are agreed "
    "where a bundle asked for them: call before you tell them to anybody."
)
PAGES: Final = ("patients", "sites", "days")


def pages(told: Told) -> dict[str, Page]:
    """Return the pages of a version, by name."""
    return dict(zip(PAGES, (patients_page(told), sites_page(told), days_page(told)), strict=True))


def patients_page(told: Told) -> Page:
    """Return everybody in the order of triage: where to, from when, why; or why not."""
    drafted, needs = told.drafted, told.needs
    was = {} if told.before is None else {one.patient: one for one in differences(told.before, told.version)}
    placed = [one for one in told.version.placed if one.machine]
    refused = [one for one in told.version.placed if not one.machine]

    def row(one: Placed) -> PageRow:
        patient, need = drafted[one.patient], needs[one.patient]
        under = [
            *(Line(text, Style.MARK) for text in patient.warnings),
            *(Line(text, Style.SMALL) for text in (*patient.notes, *patient.remarks)),
        ]
        if one.would_help:
            under.insert(0, Line(f"Would help: {one.would_help}."))
        if (change := was.get(one.patient)) is not None and change.in_both:
            before = (
                f"{told.place(change.machine_before)} from {change.first_before}"
                if change.first_before
                else "no place"
            )
            under.insert(0, Line(f"Changed: was {before}.", Style.MARK))
        return PageRow(
            (
                cell(Line(str(need.priority), Style.BIG)),
                cell(Line(patient.name, Style.STRONG), Line(f"category {need.category}")),
                cell(Line(told.place(one.machine) if one.machine else "no place", Style.STRONG)),
                _first(told, one),
                cell(Line(one.delivery_class or "–", Style.BIG)),
                cell(_sessions(need)),
                cell(f"{one.loss:.1f} %"),
                cell(one.reason),
                cell(Line("☐ as proposed"), Line("☐ otherwise: ___")),
            ),
            under=tuple(under),
        )

    left_out = tuple(
        PageRow(
            (cell("–"), cell(Line(one.name, Style.STRONG)), *([()] * 5), cell(one.reason), ()),
            under=cell(Line(f"Would help: {one.would_help}.")) if one.would_help else (),
        )
        for one in told.version.left_out
    )
    return _page(
        told,
        "Who goes where",
        BY_PATIENT,
        (
            Group("No place", f"{plural(len(refused), 'patient')}", tuple(map(row, refused))),
            Group(
                "Placed", f"{plural(len(placed), 'patient')}, in the order of triage", tuple(map(row, placed))
            ),
            Group("No place is looked for", f"{plural(len(left_out), 'patient')}", left_out),
        ),
    )


def sites_page(told: Told) -> Page:
    """Return for each site and machine who comes, from when, and what has to be done before."""
    drafted, needs = told.drafted, told.needs
    by_machine: dict[str, list[Placed]] = defaultdict(list)
    for one in told.version.placed:
        by_machine[one.machine].append(one)
    groups = []
    for site in told.file.partners.site:
        machines = [one for one in told.file.partners.machine if one.site == site.id]
        if not machines:
            groups.append(Group(site.title, "lists no machine: nobody can go there", ()))
        for machine in machines:
            if shut := told.instance.shut(machine):
                groups.append(Group(told.place(machine.id), f"not used: {shut}", ()))
                continue
            coming = sorted(
                by_machine[machine.id],
                key=lambda one: (
                    str(one.first_on),
                    told.at(one.patient, one.first_on),
                    needs[one.patient].priority,
                ),
            )
            contact = f"; phone {site.contact}" if site.contact else ""
            groups.append(
                Group(
                    told.place(machine.id),
                    f"{plural(len(coming), 'patient')}; {site.travel_min:g} minutes away{contact}",
                    tuple(
                        PageRow(
                            (
                                _first(told, one),
                                cell(Line(drafted[one.patient].name, Style.STRONG)),
                                cell(Line(one.delivery_class, Style.BIG)),
                                _to_do(told, one),
                                cell(_sessions(needs[one.patient])),
                                cell("☐ done: ___"),
                            ),
                            under=(
                                *(Line(text, Style.MARK) for text in drafted[one.patient].warnings),
                                *(Line(text, Style.SMALL) for text in drafted[one.patient].remarks),
                            ),
                        )
                        for one in coming
                    ),
                )
            )
    return _page(told, "Who comes to each site", BY_SITE, tuple(groups))


def days_page(told: Told) -> Page:
    """Return for each day and machine who begins, who has the last session, and how many slots are free."""
    days: dict[date, list[MachineDay]] = defaultdict(list)
    for one in timetable(told.instance, told.version.placed):
        days[one.day].append(one)
    return _page(
        told,
        "Day by day",
        BY_DAY,
        tuple(
            Group(
                f"{day:%A %Y-%m-%d}",
                _of_a_day(machines),
                tuple(_machine_day(told, one) for one in machines),
            )
            for day, machines in days.items()
        ),
    )


def _of_a_day(machines: list[MachineDay]) -> str:
    treated, free = sum(len(one.sessions) for one in machines), sum(one.free for one in machines)
    return f"{treated} treated, {free} free"


def _machine_day(told: Told, one: MachineDay) -> PageRow:
    drafted = told.drafted
    first = [
        (told.at(item.patient, one.day), drafted[item.patient].name)
        for item in one.sessions
        if item.number == 1
    ]
    begin = [f"{at} {name}".strip() for at, name in sorted(first, key=lambda pair: pair[0])]
    last = [drafted[item.patient].name for item in one.sessions if item.number == item.count]
    return PageRow(
        (
            cell(Line(told.place(one.machine), Style.STRONG)),
            cell(str(one.slots)),
            cell(str(one.free)),
            cell(*(Line(name, Style.STRONG) for name in begin)),
            cell(str(len(one.sessions) - len(begin))),
            cell(*last),
        )
    )


def _to_do(told: Told, one: Placed) -> Cell:
    fit = told.fit(one)
    if fit is None:
        return ()
    own = told.file.site(told.file.profiles[one.machine].site).own
    said = "own plan on its own machine" if own and one.delivery_class == "A" else TO_DO[one.delivery_class]
    tests = (Line(text, Style.MARK) for text in fit.to_do)
    why = "" if one.delivery_class == "A" else fit.reason
    return cell(Line(said, Style.STRONG), Line(why), *tests)


def _first(told: Told, one: Placed) -> Cell:
    at = told.at(one.patient, one.first_on)
    return cell(Line(_day(one.first_on), Style.STRONG), *([Line(at, Style.STRONG)] if at else []))


def _sessions(need: PatientNeed) -> str:
    twice = f", {need.per_day} a day" if need.per_day > 1 else ""
    return f"{need.fractions_left} left{twice}"


def _day(day: date | None) -> str:
    return "–" if day is None else f"{day:%a %Y-%m-%d}"


def _page(told: Told, title: str, columns: tuple[Column, ...], groups: tuple[Group, ...]) -> Page:
    version = told.version
    by = f"Version {version.number}, {version.made}, by {version.made_by}"
    reason = f": {version.said}" if version.said else ""
    return headed(
        told.head,
        title=f"{title} · version {version.number}",
        summary=(told.summary, f"{by}{reason}."),
        columns=columns,
        groups=tuple(one for one in groups if one.rows or one.said not in NOBODY),
        notes=tuple(_notes(told)),
        decides=DECIDES,
        empty="Nobody is placed.",
    )


def _notes(told: Told) -> Iterator[str]:
    weights = told.instance.weights
    a_day = ", ".join(f"{one:g}" for one in weights.loss_a_day)
    yield WORDS
    yield (
        f"Weights: lost a day beyond what can be spared {a_day} "
        f"percent points for category 1, 2, 3; no place {weights.refused:g}; a day of waiting for the first "
        f"in the order {weights.priority_a_day:g}; an hour on the road {weights.travel_a_visit_hour:g}; a "
        f"change of what was announced {weights.change:g}."
    )
    if told.before is not None and told.version.made is Made.SOLVED:
        yield (
            f"Begun from version {told.before.number}: another place than there counts {MOVED:g} percent "
            "points, so that few have to move."
        )
    yield "Class A direct, B recalculate, C plan again, D not there: the worst open plan of a patient counts."
    rule = told.file.partners.untested
    yield f"Where nobody has tested a technique on a machine from image to dose, the rule is: {rule}."
    if any(at is not None for sessions in told.times.values() for _, at in sessions):
        yield TIMES
    yield from told.version.notes
    yield from told.draft.notes
