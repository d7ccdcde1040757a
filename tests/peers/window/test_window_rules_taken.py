"""The kernel takes every rule set we write, and reads back what we meant."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from tests.unit.protect.isolate.plans import plan, plans

from beamkeeper.protect.isolate import WindowPlan, WindowState, render_closed, render_open
from beamkeeper.protect.isolate.facts import LinkFacts, judge, read_rules

if TYPE_CHECKING:
    from tests.peers.window.ground import Ground

pytestmark = pytest.mark.peer
UP = LinkFacts(is_up=True, has_carrier=True)


def load(ground: Ground, text: str) -> str:
    """Load the rules in the collector's namespace; return the kernel's listing."""
    subprocess.run(
        ["ip", "netns", "exec", ground.collector, "nft", "-f", "-"], input=text, text=True, check=True
    )
    return ground.run(ground.collector, "nft", "-j", "list", "table", "inet", "beamkeeper").stdout


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_plan=plans)
def test_the_kernel_takes_the_rules_of_any_plan_and_says_open(ground: Ground, any_plan: WindowPlan) -> None:
    facts = read_rules(load(ground, render_open(any_plan, lease=timedelta(seconds=60))))
    reading = judge(facts, UP, any_plan.interface)

    assert facts.are_ours
    assert facts.peers == {f"{a} . {p.transport} . {p.port}" for p in any_plan.peers for a in p.addresses}
    assert reading.state is WindowState.OPEN
    assert reading.shuts_in_s is not None
    assert reading.shuts_in_s <= 60


def test_the_kernel_takes_the_closed_rules_and_says_closed(ground: Ground) -> None:
    facts = read_rules(load(ground, render_closed()))

    assert judge(facts, None, "card0").state is WindowState.CLOSED


def test_closing_replaces_whatever_was_open_in_one_step(ground: Ground) -> None:
    load(ground, render_open(plan()))
    facts = read_rules(load(ground, render_closed()))

    assert facts.are_ours
    assert not facts.open_on
    assert not facts.peers


def test_rules_of_others_are_left_alone(ground: Ground) -> None:
    ground.run(ground.collector, "nft", "add", "table", "inet", "somebody")
    load(ground, render_closed())

    assert "table inet somebody" in ground.rules()


def test_a_rule_that_somebody_adds_is_seen(ground: Ground) -> None:
    load(ground, render_closed())
    ground.run(ground.collector, "nft", "add", "rule", "inet", "beamkeeper", "input", "accept")
    listing = ground.run(ground.collector, "nft", "-j", "list", "table", "inet", "beamkeeper").stdout

    assert not read_rules(listing).are_ours
    assert judge(read_rules(listing), None, "card0").state is WindowState.UNKNOWN
