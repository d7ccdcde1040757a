"""From what is known of patients and partners to an instance: every plan held against every machine.

The worst open plan of a patient counts: who has two plans at once goes where both can be given. Nobody is
dropped; who cannot be placed stands among `left_out` with the reason and what would change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.respond.placement.deliver import END_TO_END, DeliveryClass, classify
from beamkeeper.respond.placement.instance import Instance, Option, PatientNeed, SiteFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beamkeeper.domain.demand import PlanDemand
    from beamkeeper.respond.placement.deliver import Deliverability
    from beamkeeper.respond.placement.machine import MachineProfile
    from beamkeeper.respond.placement.partners import PartnersFile

MOST_URGENT: Final = 1
"""Of whom nobody knows the category: nobody has said that they can wait."""
FRACTIONS_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPlan:
    """A plan of which fractions are left.

    Attributes
    ----------
    demand
        None where the plan's file could not be read; `unread` says why.
    """

    label: str
    demand: PlanDemand | None
    unread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is known of one patient.

    Attributes
    ----------
    priority
        Place in the order of triage; None for who is not in it.
    category, fractions_left, days_to_spare
        None where that is not known.
    not_placed
        Why no place is looked for; "" where one is.
    warnings
        What has to be seen before anything is done: another patient of that name above all.
    """

    id: str
    name: str
    priority: int | None
    category: int | None = None
    fractions_left: int | None = None
    days_to_spare: int | None = None
    begun: bool = False
    per_day: int = 1
    plans: tuple[OpenPlan, ...] = ()
    not_placed: str = ""
    would_help: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What one machine makes of all open plans of one patient.

    Attributes
    ----------
    of_plans
        For each plan: label, class, reason.
    to_do
        What has to be done there before: an end-to-end test, a tolerance table to choose.
    """

    machine: str
    delivery_class: str
    reason: str
    of_plans: tuple[tuple[str, str, str], ...]
    to_do: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """One patient of a draft.

    Attributes
    ----------
    fits
        Every machine, the best class first.
    notes
        What was supposed.
    remarks
        What goes along to whichever machine.
    warnings
        What has to be seen before anything is done.
    """

    id: str
    name: str
    fits: tuple[Fit, ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A patient for whom no place is looked for, why, and what would change it."""

    id: str
    name: str
    reason: str
    would_help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What one placement is computed from, in words; the numbers are in the instance beside it.

    Attributes
    ----------
    first_on
        The day on which the placement begins.
    notes
        About sites and rules.
    """

    first_on: date
    made_at: datetime
    patients: tuple[Drafted, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def draft(
    candidates: Iterable[Candidate], file: PartnersFile, *, first_on: date, made_at: datetime
) -> tuple[Draft, Instance]:
    """Return the draft of a placement and its instance."""
    partners = file.partners
    needs, drafted, left_out = [], [], []
    for one in sorted(candidates, key=lambda item: (item.priority is None, item.priority or 0, item.id)):
        if gone := _left_out(one):
            left_out.append(gone)
            continue
        fits = tuple(sorted(_fits(one, file), key=lambda fit: (fit.delivery_class, fit.machine)))
        needs.append(_need(one, fits, file))
        drafted.append(
            Drafted(
                id=one.id,
                name=one.name,
                fits=fits,
                notes=_notes(one),
                remarks=_remarks(one, file),
                warnings=one.warnings,
            )
        )
    instance = Instance(
        format=1,
        first_on=first_on,
        days=partners.days,
        holidays=partners.holidays,
        attacked_domain=partners.attacked_domain,
        lead_days=partners.lead_days,
        weights=partners.weights,
        site=tuple(SiteFacts(**one.model_dump(include=set(SiteFacts.model_fields))) for one in partners.site),
        machine=partners.machine,
        patient=tuple(needs),
    )
    notes = [*_of_domains(file)]
    notes += [f"{site.title} lists no machine: nobody can go there." for site in file.without_machines]
    notes += [
        f"{one.id} has no slot for us on any day."
        for one in partners.machine
        if not any(instance.slots_on(one, first_on + timedelta(days=day)) for day in range(partners.days))
    ]
    return (
        Draft(
            first_on=first_on,
            made_at=made_at,
            patients=tuple(drafted),
            left_out=tuple(left_out),
            notes=tuple(notes),
        ),
        instance,
    )


def _of_domains(file: PartnersFile) -> Iterable[str]:
    """Yield what is not known of what falls together: a partner that fell too takes nobody."""
    if not file.partners.attacked_domain.strip():
        yield "The partners' file names no attacked_domain: no site is shut for standing in it."
        return
    for site in file.partners.site:
        if not site.own and not site.failure_domain.strip():
            yield f"{site.title}: its failure_domain is not said. Ask whether it fell with the attacked one."


def _left_out(one: Candidate) -> LeftOut | None:
    reason, would_help = one.not_placed, one.would_help
    if not reason and one.priority is None:
        reason, would_help = "not in the order of triage", "triage has to rank this patient"
    elif not reason and not one.plans:
        reason, would_help = "no open plan is held", "a plan: from the planning system, or made anew"
    elif not reason and (unread := [plan for plan in one.plans if plan.demand is None]):
        said = "; ".join(f"{plan.label}: {plan.unread}" for plan in unread)
        reason, would_help = f"not every open plan can be read ({said})", "another copy of the vault"
    elif not reason and not 1 <= (one.fractions_left or 0) <= FRACTIONS_MAX:
        left = "not known" if one.fractions_left is None else f"{one.fractions_left} by what is held"
        reason, would_help = f"how many fractions are left is {left}", "a physicist says how many are left"
    return LeftOut(id=one.id, name=one.name, reason=reason, would_help=would_help) if reason else None


def _need(one: Candidate, fits: Sequence[Fit], file: PartnersFile) -> PatientNeed:
    category = one.category or MOST_URGENT
    waits = 0 if one.begun else file.partners.spare_not_begun_days[category - 1]
    spare = waits if one.days_to_spare is None else one.days_to_spare
    travel = {machine: file.site(profile.site) for machine, profile in file.profiles.items()}
    return PatientNeed(
        id=one.id,
        priority=one.priority or 1,
        category=category,
        fractions_left=one.fractions_left or 1,
        days_to_spare=max(-100, min(100, spare)),
        per_day=one.per_day,
        options=tuple(
            Option.model_validate(
                {
                    "machine": fit.machine,
                    "class": fit.delivery_class,
                    "travel_min": travel[fit.machine].travel_min,
                    "qa": not travel[fit.machine].own,
                    "why": fit.reason,
                }
            )
            for fit in fits
        ),
    )


def _notes(one: Candidate) -> tuple[str, ...]:
    said = list(one.notes)
    if one.category is None:
        said.append("The category is not known: counted as 1 until a physician says.")
    if one.begun and one.days_to_spare is None:
        said.append("How many days can be spared is not known: none are counted.")
    if len(one.plans) > 1:
        said.append(f"{len(one.plans)} open plans: the machine has to give all of them.")
    return tuple(said)


def _remarks(one: Candidate, file: PartnersFile) -> tuple[str, ...]:
    """Return what goes along to whichever machine."""
    machine = next(iter(file.profiles.values()), None)
    if machine is None:
        return ()
    said = [
        (plan.label, text)
        for plan in one.plans
        if plan.demand
        for text in classify(plan.demand, machine).remarks
    ]
    return tuple(dict.fromkeys(f"{label}: {text}" if len(one.plans) > 1 else text for label, text in said))


# One patient on every machine ------------------------------------------------------------------------


def _fits(one: Candidate, file: PartnersFile) -> Iterable[Fit]:
    for machine in file.profiles.values():
        judged = [(plan.label, classify(plan.demand, machine)) for plan in one.plans if plan.demand]
        yield fit(judged, machine, untested=file.partners.untested)


def fit(judged: Sequence[tuple[str, Deliverability]], machine: MachineProfile, *, untested: str) -> Fit:
    """Return what a machine makes of all plans together, by the rule for what nobody has tested there."""
    of_plans = [_of_plan(label, one, machine, untested=untested) for label, one in judged]
    worst = max(of_plans, key=lambda item: item[1])
    prefix = f"{worst[0]}: " if len(of_plans) > 1 else ""
    tests = dict.fromkeys(text for _, _, _, text in of_plans if text)
    tests |= dict.fromkeys(text for _, one in judged for text in one.to_do)
    return Fit(
        machine=machine.machine_id,
        delivery_class=worst[1].name,
        reason=f"{prefix}{worst[2]}",
        of_plans=tuple((label, kind.name, reason) for label, kind, reason, _ in of_plans),
        to_do=tuple(tests) if worst[1] < DeliveryClass.D else (),
    )


def _of_plan(
    label: str, one: Deliverability, machine: MachineProfile, *, untested: str
) -> tuple[str, DeliveryClass, str, str]:
    """Return label, class, reason, and which test has to be done first."""
    if one.delivery_class is DeliveryClass.D:
        return label, one.delivery_class, one.reason, ""
    if one.delivery_class is DeliveryClass.C:  # another plan can use a technique that was tested
        missing = "" if machine.commissioned else "any technique"
    else:
        missing = ", ".join(
            dict.fromkeys(
                item.needed.partition(",")[0] for item in one.findings if item.element == END_TO_END
            )
        )
    if not missing:
        return label, one.delivery_class, one.reason, ""
    test = f"no end-to-end test of {missing} was done on {machine.machine_id}"
    if untested == "refuse":
        return label, DeliveryClass.D, test, ""
    return label, one.delivery_class, one.reason, f"{test}: do it before the first patient"
