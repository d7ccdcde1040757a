"""The first page says nothing that misleads somebody in a hurry."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from dossier_facts import source

from beamkeeper.domain.plan import ApprovalStatus
from beamkeeper.domain.position import Conflict, ConflictKind
from beamkeeper.protect.dossier import make_dossier, render_text


def test_what_was_called_off_for_a_day_to_come_is_no_last_session() -> None:
    here = source()
    (chart, *others) = here.entry.charts
    called_off = replace(
        chart.past_appointments[0], starts_at=here.as_of + timedelta(days=2), status="cancelled"
    )
    charts = (replace(chart, past_appointments=(called_off, *chart.past_appointments)), *others)
    text = render_text(make_dossier(replace(here, entry=replace(here.entry, charts=charts))))
    last = next(one for one in text.splitlines() if one.strip().startswith("Last ") and "LINAC 3" in one)

    assert f"{here.as_of - timedelta(days=1):%Y-%m-%d}" in last
    assert "cancelled" not in last


def test_a_finished_plan_is_never_called_enough_to_treat() -> None:
    here = source()
    assert here.position is not None
    done = tuple(
        replace(
            one, fractions_complete=one.fractions_planned or 0, fractions_partial=0, next_fraction_number=None
        )
        for one in here.position.plans
    )
    dossier = make_dossier(replace(here, position=replace(here.position, plans=done)))

    assert "Nothing is left to treat with this plan" in {one.ready for one in dossier.standings}
    assert not any("all that is needed" in one.ready for one in dossier.standings)


def test_where_something_disagrees_the_paper_does_not_say_that_all_is_there() -> None:
    here = source()
    assert here.position is not None
    doubt = Conflict(kind=ConflictKind.FOLLOWED, text="Plan B follows this one: is it replaced?")
    plans = tuple(replace(one, conflicts=(doubt,)) for one in here.position.plans)
    ready = tuple(replace(one, blocking=()) for one in here.readiness)
    dossier = make_dossier(replace(here, position=replace(here.position, plans=plans), readiness=ready))

    assert {one.ready for one in dossier.standings} == {"The files to treat are all here; clear ▲ first"}


def test_of_two_plans_that_are_treated_the_one_booked_first_stands_first() -> None:
    here = source()
    booked = here.entry.appointments[0]
    first = [one.plan for one in make_dossier(here).standings]
    machines = {plan.rt_plan_label: plan.treatment_machine_names for plan in here.plans}
    swapped = tuple(
        replace(plan, beams=tuple(replace(beam, treatment_machine_name=f"M{number}") for beam in plan.beams))
        for number, plan in enumerate(here.plans)
    )
    assert here.position is not None
    begun = tuple(
        replace(one, next_is_continuation=False, last_treated_at=here.as_of, fractions_partial=0)
        for one in here.position.plans
    )
    orders = []
    for number in range(len(swapped)):
        soon = replace(booked, machine=f"M{number}", starts_at=here.as_of + timedelta(hours=6))
        entry = replace(here.entry, appointments=(soon,))
        position = replace(here.position, plans=begun)
        made = replace(
            here,
            plans=tuple(replace(plan, approval_status=ApprovalStatus.APPROVED) for plan in swapped),
            entry=entry,
            position=position,
        )
        orders.append(make_dossier(made).standings[0].plan)

    assert len(first) == len(machines) == len(set(orders))
