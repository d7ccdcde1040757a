"""May this plan be dropped for this session: every reason against it, and what has to be looked at.

References
----------
`protocols` 4.1, consequences 1 to 5: one plan at a time, the fraction is for us to know, two identifiers and
two people, byte-identical files, real devices only by explicit activation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.clock import local_date
from beamkeeper.domain.placing import fraction_groups
from beamkeeper.domain.plan import ApprovalStatus, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.demand import PlanDemand
    from beamkeeper.domain.patient import Patient
    from beamkeeper.domain.position import PlanPosition

DECIDES: Final = (
    "Decision support: the two people who release, and the physicist of the machine, decide what is given."
)
CONTINUATION_UNKNOWN: Final = (
    "File Mode loads the whole plan. Whether the console can go on with a beam that was begun is not known."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the people say who release.

    Attributes
    ----------
    fraction_number
        The fraction they agreed on, aloud.
    born_on
        The birth date as the patient said it; None where they typed none.
    physicist
        Who decided how a begun fraction goes on; "" for nobody.
    """

    fraction_number: int
    born_on: date | None
    reason: str
    physicist: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known when somebody asks.

    Attributes
    ----------
    at
        None where the course is not known.
    blocking
        What keeps the plan from being treated from the copy: missing files, doubts that nobody settled.
    machine_refusal
        Why the machine does not give this plan directly; "" when it does.
    other_drops
        Drops of this machine or this patient that were not collected.
    other_plans
        How many RT Plans lie on the share that are not of this drop.
    """

    patient: Patient
    plan: Plan
    demand: PlanDemand
    at: PlanPosition | None
    blocking: tuple[str, ...]
    machine_name: str
    machine_profile: str
    machine_refusal: str
    other_drops: tuple[str, ...] = ()
    other_plans: int = 0


def refusals(facts: Facts, asked: Asked) -> tuple[str, ...]:
    """Return every reason why nothing is dropped; () when it may be."""
    return tuple(dict.fromkeys(_refusals(facts, asked)))


def cautions(facts: Facts, *, now: datetime, zone: ZoneInfo) -> tuple[str, ...]:
    """Return what the two people have to look at before they let the patient in."""
    return tuple(dict.fromkeys(_cautions(facts, now, zone)))


def _refusals(facts: Facts, asked: Asked) -> Iterator[str]:
    if not asked.reason.strip():
        yield "Nobody said why: a release needs a reason."
    yield from _of_identity(facts, asked)
    yield from facts.blocking
    said_so = any(text.startswith("Not approved") for text in facts.blocking)
    if facts.plan.approval_status is not ApprovalStatus.APPROVED and not said_so:
        yield f"The plan is not approved (it says {facts.plan.approval_status.value or 'nothing'})."
    if not facts.plan.is_clinical:
        yield f"The plan is for {facts.plan.plan_intent}, not for treating a patient."
    if len(fraction_groups(facts.plan)) > 1:
        yield "The plan has several fraction groups: File Mode cannot be told which one is meant."
    yield from _of_fraction(facts.at, asked)
    if not facts.machine_profile.startswith("Varian TrueBeam"):
        yield f"File Mode is known of TrueBeam only; {facts.machine_name} is a {facts.machine_profile}."
    if facts.machine_refusal:
        yield f"{facts.machine_name} does not give this plan directly: {facts.machine_refusal}"
    for text in facts.other_drops:
        yield f"One plan at a time: {text}"
    if facts.other_plans:
        yield f"One plan at a time: the share holds {facts.other_plans} already."


def _of_identity(facts: Facts, asked: Asked) -> Iterator[str]:
    known = facts.patient.birth_on
    if known is not None and asked.born_on is None:
        yield "The birth date was not typed: ask the patient, and give it with --born."
    elif asked.born_on != known:
        yield "The birth date that was typed is not this patient's: stop, and find out who this is."
    if facts.plan.patient_id.strip() != facts.patient.patient_id.strip():
        yield "The plan names another Patient ID."


def _of_fraction(at: PlanPosition | None, asked: Asked) -> Iterator[str]:
    if at is None:
        yield "Where the course stands is not known."
    elif at.is_finished:
        yield f"All {at.fractions_planned} fractions are given: the plan is complete."
    elif at.next_fraction_number is None:
        yield "Which fraction is next is not known: a person has to say."
    elif at.next_fraction_number != asked.fraction_number:
        said = "is complete" if _is_complete(at, asked.fraction_number) else "is not the next one"
        yield (
            f"Fraction {asked.fraction_number} {said}; the records say that fraction "
            f"{at.next_fraction_number} comes next."
        )
    elif at.next_is_continuation and not asked.physicist.strip():
        yield (
            f"Fraction {at.next_fraction_number} was begun. How it goes on is for a physicist to decide: "
            "name them with --physicist."
        )


def _is_complete(at: PlanPosition, number: int) -> bool:
    return any(state.fraction_number == number and state.complete for state in at.fractions)


def _cautions(facts: Facts, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    at = facts.at
    if at is not None and at.next_is_continuation:
        yield CONTINUATION_UNKNOWN
    last = None if at is None else at.last_treated_at
    if last is not None and local_date(last, zone) == local_date(now, zone):
        yield f"This plan was given today already, at {last.astimezone(zone):%H:%M}."
    others = [name for name in facts.plan.treatment_machine_names if name != facts.machine_name]
    if others:
        yield (
            f"The plan names {', '.join(others)}, not {facts.machine_name}: their beams are declared "
            "matched, and the console may refuse it."
        )
    yield from _of_setup(facts.demand)


def _of_setup(demand: PlanDemand) -> Iterator[str]:
    if not demand.patient_positions:
        yield "The plan does not say how the patient lies."
    if not demand.setup_words:
        yield "The plan names neither setup technique nor devices: look at the setup note and photos."
    for beam in demand.beams:
        named = [
            *(f"wedge {one.wedge_id or one.wedge_type}" for one in beam.wedges),
            *((f"applicator {beam.applicator}",) if beam.applicator else ()),
            *(("a block or compensator",) if beam.block_count + beam.compensator_count else ()),
            *(("bolus",) if beam.bolus_count else ()),
            *beam.accessories,
        ]
        if named:
            yield f"Beam {beam.beam_number} needs {', '.join(named)}: at the machine?"
    for technique in demand.motion_techniques:
        yield f"Motion: {technique.replace('_', ' ').lower()}. Without an OIS nothing checks that it is set."
