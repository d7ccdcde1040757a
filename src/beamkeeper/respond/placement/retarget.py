"""A copy of a class A plan for a matched machine, with everything that differs, for two people to sign.

The machine's name changes and what makes it a copy: nothing else, and that is shown, not promised. The
copy is unapproved; the physicist of the machine approves it in the planning system or nobody does. Why:
`docs/decisions/0079-retargeted-copy.md`.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beamkeeper.clock import zone
from beamkeeper.domain.plan import Plan
from beamkeeper.errors import ConfigError, IntegrityError, NotDeliverable, SourceAnswerInvalid
from beamkeeper.protect.compare import CompareRules, compare_objects
from beamkeeper.respond.placement.deliver import DeliveryClass, classify
from beamkeeper.wire.dicom.reader import read_object_and_patient
from beamkeeper.wire.dicom.reader_demand import read_demand
from beamkeeper.wire.dicom.retargeting import (
    SHORT_CHARACTERS_MAX,
    foreign_differences,
    retargeted_plan,
    said_of_machine,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from beamkeeper.domain.change import Change
    from beamkeeper.domain.demand import PlanDemand
    from beamkeeper.domain.patient import Patient
    from beamkeeper.respond.placement.machine import BeamMatch, MachineProfile

NOT_APPROVED: Final = (
    "Not approved: the physicist of the machine approves it in the treatment planning system."
)
SIGNERS: Final = 2
MARK_CHARACTERS_MAX: Final = 7
_EVERYTHING_COUNTS: Final = CompareRules(volatile=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Retargeted:
    """The copy of a plan for another machine, and what two people need to judge it.

    Attributes
    ----------
    beam_numbers
        Beams whose machine name changed, setup beams included.
    changes
        Everything that differs between original and copy, as the night's comparison tells it.
    looks
        What goes along unchanged and has to be looked at, in sentences.
    words
        What both sign.
    """

    data: bytes
    patient: Patient
    original_uid: str
    original_label: str
    sop_instance_uid: str
    series_instance_uid: str
    rt_plan_label: str
    machine_before: str
    machine: MachineProfile
    matches: tuple[BeamMatch, ...]
    beam_numbers: tuple[int, ...]
    changes: tuple[Change, ...]
    looks: tuple[str, ...]
    signers: tuple[str, ...]
    words: str
    made_at: datetime


def retarget(
    data: bytes, machine: MachineProfile, *, signers: Sequence[str], made_at: datetime
) -> Retargeted:
    """Return a plan's unapproved copy for another machine, proved to differ in nothing else.

    Raises
    ------
    NotDeliverable
        The machine does not give the plan directly, or the plan is not for one other machine.
    ConfigError
        Not two different people, or a name that cannot stand in a plan.
    SourceAnswerInvalid, ObjectUnreadable
        No plan that can be copied.
    IntegrityError
        The copy differs in something else; it is not handed out.
    """
    people = two_people(signers)
    demand = read_demand(data, zone=zone("UTC"))
    _verify_direct(demand, machine)
    before = _machine_before(demand, machine)
    made = retargeted_plan(
        data,
        machine_before=before,
        machine=machine.treatment_machine_name,
        rt_plan_label=label_on(demand.rt_plan_label, machine.treatment_machine_name),
        made_at=made_at,
    )
    _verify_nothing_else(data, made.data, machine)
    plan, patient = _read(made.data)
    return Retargeted(
        data=made.data,
        patient=patient,
        original_uid=demand.sop_instance_uid,
        original_label=demand.rt_plan_label,
        sop_instance_uid=made.sop_instance_uid,
        series_instance_uid=made.series_instance_uid,
        rt_plan_label=plan.rt_plan_label,
        machine_before=before,
        machine=machine,
        matches=tuple(match for match in machine.matches if match.machine == before),
        beam_numbers=made.beam_numbers,
        changes=compare_objects(data, made.data, rules=_EVERYTHING_COUNTS).changes,
        looks=(
            *_of_fractions(plan),
            *(f"Beam {number} names {name or 'no machine'}, and stays so." for number, name in made.others),
            *said_of_machine(data, before),
            *classify(demand, machine).remarks,
        ),
        signers=people,
        words=_words(machine, before),
        made_at=made_at,
    )


def two_people(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of two different people, blanks joined.

    Raises
    ------
    ConfigError
        Fewer or more, or twice the same.
    """
    people = tuple(" ".join(unicodedata.normalize("NFKC", name).split()) for name in names)
    different = {name.casefold() for name in people if name}
    if len(people) != SIGNERS or len(different) != SIGNERS:
        raise ConfigError(
            f"A copy needs {SIGNERS} different people who sign it; {len(different)} named.",
            do_next='Name both: --by "A. Jansen" --by "B. Peeters".',
        )
    return people


def label_on(label: str, machine: str) -> str:
    """Return a plan's label with the machine behind it, in the 16 characters of RT Plan Label.

    A long label loses its middle, not its end: "Prostate_phase1" and "Prostate_phase2" stay apart.
    """
    mark = f"@{machine[-MARK_CHARACTERS_MAX:]}"
    room = SHORT_CHARACTERS_MAX - len(mark)
    if len(label) > room:
        tail = (room - 1) // 2
        label = f"{label[: room - 1 - tail]}~{label[-tail:]}"
    return label + mark


def _verify_direct(demand: PlanDemand, machine: MachineProfile) -> None:
    found = classify(demand, machine)
    if found.delivery_class is not DeliveryClass.A:
        raise NotDeliverable(
            f"{machine.machine_id} does not give this plan directly: class {found.delivery_class.name}, "
            f"{found.delivery_class.said}: {found.reason}",
            do_next="`beamkeeper deliverable` says everything that is in the way; no copy was made.",
        )


def _machine_before(demand: PlanDemand, machine: MachineProfile) -> str:
    """Return the one machine the plan names, another one than `machine`."""
    names = tuple(dict.fromkeys(name.strip() for name in demand.treatment_machine_names))
    if len(names) != 1:
        raise NotDeliverable(
            f"The plan is for {len(names)} machines; a copy is made of a plan for one.",
            do_next="Let the planning system make the copy.",
        )
    if names[0] == machine.treatment_machine_name:
        raise NotDeliverable(
            f"The plan names {names[0]} already: there is nothing to change.",
            do_next="Another machine of the same name is not told from it: its physicist decides.",
        )
    return names[0]


def _verify_nothing_else(original: bytes, copy: bytes, machine: MachineProfile) -> None:
    """Hold the copy against the original, byte by byte, and read it as the machine's plan."""
    if foreign := foreign_differences(original, copy):
        raise IntegrityError(
            f"Writing the copy changed something else: {', '.join(foreign[:5])}; it was thrown away.",
            do_next="Let the planning system make the copy, and send us this sentence.",
        )
    again = read_demand(copy, zone=zone("UTC"))
    found = classify(again, replace(machine, is_own=True))
    if again.treatment_machine_names != (machine.treatment_machine_name,) or found.findings:
        raise IntegrityError(
            f"Read again, the copy is for {', '.join(again.treatment_machine_names)}, class "
            f"{found.delivery_class.name}: {found.reason} It was thrown away.",
            do_next="Let the planning system make the copy, and send us this sentence.",
        )


def _read(data: bytes) -> tuple[Plan, Patient]:
    item, patient = read_object_and_patient(data, zone=zone("UTC"))
    if not isinstance(item.content, Plan) or patient is None:
        raise SourceAnswerInvalid(
            "The plan does not say whose it is: it has no Patient ID.", do_next="Ask its source for it again."
        )
    return item.content, patient


def _of_fractions(plan: Plan) -> tuple[str, ...]:
    planned = plan.number_of_fractions_planned
    said = "no stated number of" if planned is None else str(planned)
    given = (
        f"The copy plans {said} fractions, as the original does. What was given on the original is not taken "
        "off: the record system there has to begin at the first one that is still open."
    )
    counted = (
        "Records of the copy name the copy, and the original's count does not see them. Once the copy is "
        "approved, the original is not ready until a person says which of them is valid."
    )
    return given, counted, "No dose names the copy: the dose sent along is the original's."


def _words(machine: MachineProfile, before: str) -> str:
    return (
        f"I have held this list against the plan. {before} and {machine.treatment_machine_name} are matched "
        "for its beams as declared. The copy may go to the physicist of the machine, who decides."
    )
