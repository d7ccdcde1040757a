"""The nftables rule set as text: pure, the same for every site but for what stands in its sets.

Whatever is not in a set is dropped: on every card, in both directions, IPv4 and IPv6, forwarded
packets always. There is no rule "established is accepted": each packet of each connection must find
its peer in a set, so an emptied set ends what was going on as well. Each member of a set has a timeout
that the kernel counts: without somebody who renews it (`LEASE`), the window is shut, whoever died.

A connection begins with a SYN. What began in an earlier window is not taken up in the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.protect.isolate.plan import Direction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beamkeeper.protect.isolate.plan import WindowPlan

FAMILY: Final = "inet"
TABLE: Final = "beamkeeper"
LEASE: Final = timedelta(seconds=30)
"""How long the kernel lets the window be open after the watchdog was last heard of."""

WINDOW_SET: Final = "window"
PEER_SETS: Final = {
    (Direction.INBOUND, 4): "begin_v4",
    (Direction.INBOUND, 6): "begin_v6",
    (Direction.OUTBOUND, 4): "answer_v4",
    (Direction.OUTBOUND, 6): "answer_v6",
}
"""Peers that begin to speak with us, at a port of ours; peers that answer, at a port of theirs."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one chain; its comment is how it is known again when the kernel is asked."""

    chain: str
    text: str
    comment: str


HOOKS: Final = ("input", "output", "forward")
_SYN: Final = "tcp flags & (fin | syn | rst | ack) == syn"
_ND: Final = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255"
_GROUPS_IN: Final = "icmpv6 type mld-listener-query ip6 hoplimit 1"
_GROUPS_OUT: Final = "icmpv6 type { mld-listener-report, mld2-listener-report } ip6 hoplimit 1"
"""Switches that watch IPv6 multicast lose a silent card, and with it the neighbour solicitations for it."""
_ERRORS_V4: Final = "icmp type { destination-unreachable, time-exceeded, parameter-problem }"
_ERRORS_V6: Final = (
    "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }"
)


def _rules(*, of_workers: bool) -> Iterator[Rule]:
    worker = "meta skuid @workers " if of_workers else ""
    yield Rule("input", 'iifname "lo" accept', "loopback in")
    yield Rule("input", f"iifname @{WINDOW_SET} jump from_peers", "in while open")
    yield Rule("output", 'oifname "lo" accept', "loopback out")
    yield Rule("output", f"oifname @{WINDOW_SET} jump to_peers", "out while open")
    yield Rule("from_peers", f"{_ND} accept", "neighbours in")
    yield Rule("from_peers", f"{_GROUPS_IN} accept", "groups in")
    yield Rule("from_peers", "ct state invalid drop", "no nonsense in")
    yield Rule("from_peers", f"ct state related {_ERRORS_V4} accept", "errors in, IPv4")
    yield Rule("from_peers", f"ct state related {_ERRORS_V6} accept", "errors in, IPv6")
    yield Rule("to_peers", f"{_ND} accept", "neighbours out")
    yield Rule("to_peers", f"{_GROUPS_OUT} accept", "groups out")
    yield Rule("to_peers", "ct state invalid drop", "no nonsense out")
    for ip, version in (("ip", 4), ("ip6", 6)):
        begin = PEER_SETS[Direction.INBOUND, version]
        answer = PEER_SETS[Direction.OUTBOUND, version]
        theirs_first = f"{ip} saddr . meta l4proto . th dport @{begin} accept"
        ours_back = f"{ip} daddr . meta l4proto . th sport @{begin} accept"
        ours_first = f"{ip} daddr . meta l4proto . th dport @{answer} accept"
        theirs_back = f"{ip} saddr . meta l4proto . th sport @{answer} accept"
        name = f"IPv{version}"
        yield Rule("from_peers", f"ct state new {_SYN} {theirs_first}", f"they begin, {name}")
        yield Rule(
            "from_peers", f"ct state established ct direction original {theirs_first}", f"they go on, {name}"
        )
        yield Rule(
            "to_peers", f"ct state established ct direction reply {ours_back}", f"we answer them, {name}"
        )
        yield Rule("to_peers", f"ct state new {_SYN} {worker}{ours_first}", f"we begin, {name}")
        yield Rule(
            "to_peers", f"ct state new meta l4proto udp {worker}{ours_first}", f"we begin, UDP, {name}"
        )
        yield Rule(
            "to_peers", f"ct state established ct direction original {ours_first}", f"we go on, {name}"
        )
        yield Rule(
            "from_peers", f"ct state established ct direction reply {theirs_back}", f"they answer, {name}"
        )


RULE_COMMENTS: Final = frozenset((rule.chain, rule.comment) for rule in _rules(of_workers=True))
"""What stands in the kernel while our rules do: (chain, comment)."""


def render_closed() -> str:
    """Return the rules of the closed window: nothing but loopback; the same on every machine."""
    return _render(members={}, workers=())


def render_open(plan: WindowPlan, *, lease: timedelta = LEASE) -> str:
    """Return the rules of the open window; the kernel shuts it by itself when `lease` is over."""
    seconds = max(1, int(lease.total_seconds()))
    members: dict[str, list[str]] = {WINDOW_SET: [f'"{plan.interface}"']}
    for peer in plan.peers:
        for address in peer.addresses:
            name = PEER_SETS[peer.direction, address.version]
            members.setdefault(name, []).append(f"{address} . {peer.transport.value} . {peer.port}")
    timed = {
        name: [f"{item} timeout {seconds}s" for item in sorted(set(items))] for name, items in members.items()
    }
    return _render(members=timed, workers=plan.worker_uids)


def _render(*, members: dict[str, list[str]], workers: tuple[int, ...]) -> str:
    """Return one transaction: the kernel replaces the whole table at once, or not at all."""
    lines = [
        "# Written by Beamkeeper. Replaces its own table in one transaction and touches no other.",
        f"table {FAMILY} {TABLE}",
        f"delete table {FAMILY} {TABLE}",
        f"table {FAMILY} {TABLE} {{",
        *_set(WINDOW_SET, "ifname", members.get(WINDOW_SET, ())),
    ]
    for (_, version), name in PEER_SETS.items():
        lines += _set(name, f"ipv{version}_addr . inet_proto . inet_service", members.get(name, ()))
    if workers:
        lines += _set("workers", "uid", [str(uid) for uid in sorted(set(workers))], timed=False)
    rules = tuple(_rules(of_workers=bool(workers)))
    for chain in ("from_peers", "to_peers", *HOOKS):
        lines += _chain(chain, rules)
    return "\n".join([*lines, "}", ""])


def _set(name: str, kind: str, items: Iterable[str], *, timed: bool = True) -> Iterator[str]:
    yield f"\tset {name} {{"
    yield f"\t\ttype {kind}"
    if timed:
        yield "\t\tflags timeout"
    if members := ", ".join(items):
        yield f"\t\telements = {{ {members} }}"
    yield "\t}"


def _chain(name: str, rules: Iterable[Rule]) -> Iterator[str]:
    yield f"\tchain {name} {{"
    if name in HOOKS:
        yield f"\t\ttype filter hook {name} priority filter; policy drop;"
    for rule in rules:
        if rule.chain == name:
            yield f'\t\t{rule.text} comment "{rule.comment}"'
    yield "\t}"
