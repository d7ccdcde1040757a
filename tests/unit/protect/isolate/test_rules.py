"""The rules let through what the plan names, and nothing else: held for every plan."""

from __future__ import annotations

import re
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.protect.isolate.plans import plans

from beamkeeper.protect.isolate import WindowPlan, render_closed, render_open
from beamkeeper.protect.isolate.plan import Direction
from beamkeeper.protect.isolate.rules import HOOKS, PEER_SETS, RULE_COMMENTS

LEASE = timedelta(seconds=30)


def blocks(text: str, kind: str) -> dict[str, list[str]]:
    """Return the lines of each set or chain by name."""
    found = re.findall(rf"^\t{kind} (\w+) {{\n(.*?)^\t}}", text, flags=re.MULTILINE | re.DOTALL)
    return {name: [line.strip() for line in body.splitlines()] for name, body in found}


def members(text: str) -> dict[str, set[str]]:
    found = {}
    for name, lines in blocks(text, "set").items():
        elements = [line for line in lines if line.startswith("elements = {")]
        found[name] = {item.strip() for line in elements for item in line[12:-1].split(",")}
    return found


def policies(text: str) -> dict[str, str]:
    pattern = r"type filter hook (\w+) priority filter; policy (\w+);"
    return dict(match.groups() for match in re.finditer(pattern, text))


@given(plans)
def test_every_hook_drops_what_no_rule_accepts_open_or_closed(plan: WindowPlan) -> None:
    for text in (render_closed(), render_open(plan)):
        assert policies(text) == dict.fromkeys(HOOKS, "drop")


@given(plans)
def test_the_open_window_holds_exactly_the_peers_of_the_plan(plan: WindowPlan) -> None:
    expected = {
        (PEER_SETS[peer.direction, address.version], f"{address} . {peer.transport.value} . {peer.port}")
        for peer in plan.peers
        for address in peer.addresses
    }
    found = members(render_open(plan, lease=LEASE))
    there = {(name, item.removesuffix(" timeout 30s")) for name in PEER_SETS.values() for item in found[name]}

    assert there == expected
    assert found["window"] == {f'"{plan.interface}" timeout 30s'}


@given(plans, st.integers(1, 86_400))
def test_nothing_in_the_open_window_stays_without_being_renewed(plan: WindowPlan, seconds: int) -> None:
    text = render_open(plan, lease=timedelta(seconds=seconds))
    timed = members(text)
    timed.pop("workers", None)

    assert all(item.endswith(f" timeout {seconds}s") for items in timed.values() for item in items)
    assert all("flags timeout" in lines for name, lines in blocks(text, "set").items() if name != "workers")


def test_the_closed_window_has_nobody_in_any_set() -> None:
    assert set(members(render_closed())) == {"window", *PEER_SETS.values()}
    assert not any(members(render_closed()).values())


@given(plans)
def test_whatever_is_accepted_beyond_loopback_is_behind_the_window_set(plan: WindowPlan) -> None:
    chains = blocks(render_open(plan), "chain")

    for hook, (way, target) in {
        "input": ("iifname", "from_peers"),
        "output": ("oifname", "to_peers"),
    }.items():
        loopback, jump = chains[hook][1:]
        assert loopback.startswith(f'{way} "lo" accept ')
        assert jump.startswith(f"{way} @window jump {target} ")
    assert len(chains["forward"]) == 1


@given(plans)
def test_no_packet_of_a_connection_is_accepted_without_its_peer_in_a_set(plan: WindowPlan) -> None:
    chains = blocks(render_open(plan), "chain")
    accepting = [line for name in ("from_peers", "to_peers") for line in chains[name] if " accept " in line]
    of_peers = [line for line in accepting if any(f"@{name} " in line for name in PEER_SETS.values())]
    others = [line for line in accepting if line not in of_peers]

    assert all(
        line.startswith(
            ("icmpv6 type { nd-neighbor", "icmpv6 type mld-", "icmpv6 type { mld-", "ct state related icmp")
        )
        for line in others
    )
    assert all("ct state new" in line or "ct state established ct direction" in line for line in of_peers)


@given(plans)
def test_only_the_workers_users_begin_a_connection(plan: WindowPlan) -> None:
    text = render_open(plan)
    begins = [line for line in blocks(text, "chain")["to_peers"] if "ct state new" in line]

    assert begins
    assert all(("meta skuid @workers" in line) == bool(plan.worker_uids) for line in begins)
    assert members(text).get("workers", set()) == {str(uid) for uid in plan.worker_uids}


@given(plans)
def test_a_purpose_never_stands_in_the_rules(plan: WindowPlan) -> None:
    assert "purpose" not in render_open(plan)


@given(plans)
def test_every_rule_is_known_again_by_its_comment(plan: WindowPlan) -> None:
    chains = blocks(render_open(plan), "chain")
    found = {
        (chain, match.group(1))
        for chain, lines in chains.items()
        for line in lines
        if (match := re.search(r' comment "([^"]+)"$', line))
    }

    assert found == RULE_COMMENTS


def test_peers_come_in_only_by_a_set_of_their_own() -> None:
    assert len({PEER_SETS[direction, version] for direction in Direction for version in (4, 6)}) == 4
