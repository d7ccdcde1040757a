"""What the kernel's answer means: CLOSED and OPEN only when all of it says so."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import WindowUnavailable
from beamkeeper.protect.isolate.facts import LinkFacts, RuleFacts, WindowState, judge, read_rules
from beamkeeper.protect.isolate.rules import HOOKS, RULE_COMMENTS

UP, DOWN = LinkFacts(is_up=True, has_carrier=True), LinkFacts(is_up=False, has_carrier=False)


KEYS = ("nftables", "table", "chain", "rule", "set", "elem", "name", "hook", "policy", "val", "concat")
documents = st.recursive(
    st.none() | st.integers() | st.sampled_from(["beamkeeper", "window", "input"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


def rules(**changed: object) -> RuleFacts:
    values: dict[str, object] = {
        "policies": dict.fromkeys(HOOKS, "drop"),
        "rules": tuple(RULE_COMMENTS),
        "open_on": {},
        "peers": frozenset(),
    }
    return RuleFacts(**(values | changed))  # type: ignore[arg-type]


OPEN = rules(open_on={"eno1": 30})


@pytest.mark.parametrize(
    ("found", "link", "state"),
    [
        (rules(), DOWN, WindowState.CLOSED),
        (rules(), None, WindowState.CLOSED),
        (OPEN, UP, WindowState.OPEN),
        (rules(), UP, WindowState.UNKNOWN),
        (None, DOWN, WindowState.UNKNOWN),
        (None, UP, WindowState.UNKNOWN),
        (OPEN, DOWN, WindowState.UNKNOWN),
        (OPEN, None, WindowState.UNKNOWN),
        (rules(open_on={"eth9": 30}), UP, WindowState.UNKNOWN),
        (rules(open_on={"eno1": 30, "eth9": 30}), UP, WindowState.UNKNOWN),
        (rules(open_on={"eno1": None}), UP, WindowState.UNKNOWN),
        (rules(policies={"input": "drop", "output": "accept", "forward": "drop"}), DOWN, WindowState.UNKNOWN),
        (rules(policies={"input": "drop", "output": "drop"}), DOWN, WindowState.UNKNOWN),
        (rules(rules=(*RULE_COMMENTS, ("input", ""))), DOWN, WindowState.UNKNOWN),
        (rules(rules=tuple(RULE_COMMENTS)[1:]), DOWN, WindowState.UNKNOWN),
        (rules(rules=(*tuple(RULE_COMMENTS)[1:], ("input", "mine"))), UP, WindowState.UNKNOWN),
    ],
)
def test_the_state_is_what_rules_and_link_say_together(found, link, state) -> None:
    assert judge(found, link, "eno1").state is state


@given(documents)
def test_an_answer_that_is_none_is_never_a_state(document) -> None:
    try:
        found = read_rules(json.dumps({"nftables": document}))
    except WindowUnavailable:
        return

    assert not found.are_ours


@pytest.mark.parametrize("text", ["", "[", "[]", "{}", '{"nftables": 3}', "[" * 100_000])
def test_what_is_no_listing_is_said_to_be_none(text: str) -> None:
    with pytest.raises(WindowUnavailable):
        read_rules(text)
