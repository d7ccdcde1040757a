"""What the kernel says about the window, as facts, and the state they mean. Rules; no I/O.

A state is never assumed from what was done last: CLOSED takes both the rules that let nothing pass and a
link that is down or gone; OPEN takes the rules whole, the card in the window's set, and the link up.
Everything else is UNKNOWN and says what was found.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING

from beamkeeper.errors import WindowUnavailable
from beamkeeper.protect.isolate.rules import HOOKS, PEER_SETS, RULE_COMMENTS, TABLE, WINDOW_SET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class WindowState(StrEnum):
    """Where the window stands, as the kernel says."""

    CLOSED = "closed"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """Our table as the kernel holds it.

    Attributes
    ----------
    policies
        By hook, what happens to a packet that no rule accepts.
    rules
        (chain, comment) of every rule; comment "" for a rule that is not ours.
    open_on
        By network card, seconds until the kernel shuts the window on it; None when it never would.
    peers
        Members of the sets of peers.
    """

    policies: Mapping[str, str]
    rules: tuple[tuple[str, str], ...]
    open_on: Mapping[str, int | None]
    peers: frozenset[str]

    @property
    def are_ours(self) -> bool:
        """Whether every hook drops what no rule accepts, and the rules are ours, all of them and no other."""
        return (
            dict(self.policies) == dict.fromkeys(HOOKS, "drop")
            and len(self.rules) == len(RULE_COMMENTS)
            and frozenset(self.rules) == RULE_COMMENTS
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """One network card as the kernel sees it.

    Attributes
    ----------
    is_up
        It is switched on.
    has_carrier
        There is somebody at the other end of the cable.
    """

    is_up: bool
    has_carrier: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowReading:
    """One look at the kernel.

    Attributes
    ----------
    text
        What was found, in words.
    shuts_in_s
        Seconds after which the kernel shuts an open window by itself; None when it is not open.
    """

    state: WindowState
    text: str
    shuts_in_s: int | None = None


def read_rules(listing: str) -> RuleFacts:
    """Return the facts in the answer of `nft -j list table`.

    Raises
    ------
    WindowUnavailable
        It is not what nft writes.
    """
    policies: dict[str, str] = {}
    rules: list[tuple[str, str]] = []
    open_on: dict[str, int | None] = {}
    peers: set[str] = set()
    try:
        for kind, item in _ours(listing):
            if kind == "chain" and "hook" in item:
                policies[str(item["hook"])] = str(item.get("policy", "accept"))
            elif kind == "rule":
                rules.append((str(item["chain"]), str(item.get("comment", ""))))
            elif kind == "set" and item["name"] == WINDOW_SET:
                open_on = dict(_member(member) for member in _members(item))
            elif kind == "set" and item["name"] in PEER_SETS.values():
                peers |= {_member(member)[0] for member in _members(item)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WindowUnavailable(
            f"What nft says of the rules cannot be read: {type(error).__name__}.",
            do_next="Look at `nft list ruleset`; the nftables of Debian 12 and later is known to work.",
        ) from error
    return RuleFacts(policies=policies, rules=tuple(rules), open_on=open_on, peers=frozenset(peers))


def _ours(listing: str) -> Iterator[tuple[str, dict[str, object]]]:
    for entry in json.loads(listing)["nftables"]:
        for kind, item in entry.items():
            if item.get("table") == TABLE:
                yield kind, item


def _members(item: dict[str, object]) -> list[object]:
    members = item.get("elem", [])
    if not isinstance(members, list):
        raise TypeError
    return members


def _member(member: object) -> tuple[str, int | None]:
    """Return (value as text, seconds until it expires; None without a timeout)."""
    if not isinstance(member, dict):
        return _as_text(member), None
    if "elem" not in member:
        return _as_text(member), None
    elem = member["elem"]
    expires = elem.get("expires", elem.get("timeout"))
    return _as_text(elem["val"]), None if expires is None else int(expires)


def _as_text(value: object) -> str:
    if isinstance(value, dict):
        return " . ".join(_written_once(str(part)) for part in value["concat"])
    return str(value)


def _written_once(part: str) -> str:
    """Return an address as we write it (the kernel writes `::ffff:0.0.0.0`), anything else as it is."""
    try:
        return str(ip_address(part))
    except ValueError:
        return part


def judge(rules: RuleFacts | None, link: LinkFacts | None, interface: str) -> WindowReading:
    """Return what the facts mean.

    Parameters
    ----------
    rules
        None when our table is not there.
    link
        None when the card is not there.
    """
    card = _link_in_words(link, interface)
    if rules is None:
        return WindowReading(state=WindowState.UNKNOWN, text=f"our rules are not in the kernel; {card}")
    if not rules.are_ours:
        return WindowReading(
            state=WindowState.UNKNOWN, text=f"the rules in the kernel are not the ones we wrote; {card}"
        )
    is_down = link is None or not link.is_up
    if not rules.open_on and is_down:
        return WindowReading(state=WindowState.CLOSED, text=f"nothing passes; {card}")
    if not rules.open_on:
        return WindowReading(state=WindowState.UNKNOWN, text=f"nothing passes, but {card}")
    if set(rules.open_on) != {interface} or None in rules.open_on.values():
        return WindowReading(
            state=WindowState.UNKNOWN, text=f"another card is in the window, or for ever; {card}"
        )
    if is_down:
        return WindowReading(state=WindowState.UNKNOWN, text=f"the rules let peers pass, but {card}")
    return WindowReading(
        state=WindowState.OPEN,
        text=f"{len(rules.peers)} peers may pass; {card}",
        shuts_in_s=rules.open_on[interface],
    )


def _link_in_words(link: LinkFacts | None, interface: str) -> str:
    if link is None:
        return f"{interface} is not there"
    if not link.is_up:
        return f"{interface} is down"
    return f"{interface} is up" if link.has_carrier else f"{interface} is up, without a carrier"
