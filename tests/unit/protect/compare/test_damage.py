"""Whatever two copies hold, the verdict is one of ours: no exception, bounded text, no names."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.unit.protect.compare.re_encoding import BIG, EXPLICIT, IMPLICIT, encoded, whole
from tests.unit.protect.compare.synthetic_objects import OBJECTS

from beamkeeper.domain.change import SEVERITY, Grade, ObjectComparison
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.compare import (
    CompareRules,
    arrival_facts,
    compare_objects,
    content_digest,
    is_whole,
)
from beamkeeper.protect.compare.values import Value, canonical

RULES = CompareRules()
SEEDS = {name: whole(build()) for name, build in OBJECTS.items()}
OTHERS = [
    encoded(build(), syntax=syntax, rng=random.Random(seed))
    for seed, build in enumerate(OBJECTS.values())
    for syntax in (IMPLICIT, EXPLICIT, BIG)
]
MORE = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def digest(data: bytes) -> str | None:
    try:
        return content_digest(data, RULES)
    except ObjectUnreadable:
        return None


def facts(data: bytes) -> None:
    try:
        arrival_facts(data)
    except ObjectUnreadable:
        return


def check(found: ObjectComparison) -> None:
    worst = max((SEVERITY[change.grade] for change in found.changes), default=0)
    assert not found.changes or SEVERITY[found.grade] == worst
    for change in found.changes:
        assert change.text.isprintable()
        assert len(change.text) < 1000


@MORE
@given(st.sampled_from(sorted(SEEDS)), st.data())
def test_a_damaged_copy_ends_in_a_verdict_and_never_unseen(name: str, data) -> None:
    damaged = bytearray(SEEDS[name])
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(132, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    new = bytes(damaged)

    found = compare_objects(SEEDS[name], new, rules=RULES)

    check(found)
    check(compare_objects(new, SEEDS[name], rules=RULES))
    facts(new)
    if found.grade is Grade.RE_ENCODED:
        assert digest(new) == digest(SEEDS[name])


@MORE
@given(st.sampled_from(OTHERS), st.sampled_from(OTHERS))
def test_any_two_objects_end_in_a_verdict(old: bytes, new: bytes) -> None:
    found = compare_objects(old, new, rules=RULES)

    check(found)
    assert (found.grade in {Grade.IDENTICAL, Grade.RE_ENCODED}) == (digest(old) == digest(new))


@MORE
@example(b"")
@given(st.binary(max_size=300))
def test_random_bytes_against_an_object_are_unreadable(data: bytes) -> None:
    for old, new in ((SEEDS["VMAT"], data), (data, SEEDS["VMAT"]), (data, data)):
        check(compare_objects(old, new, rules=RULES))


def test_numbers_that_are_none_are_compared_without_a_word() -> None:
    quiet, signalling = bytes.fromhex("0000c07f"), bytes.fromhex("0100a07f")

    assert canonical(Value("FL", quiet)) == quiet
    assert canonical(Value("FL", signalling)) != quiet


def test_every_undamaged_object_is_whole_in_every_encoding() -> None:
    assert all(is_whole(data) for data in (*SEEDS.values(), *OTHERS))
    assert not any(is_whole(data[:-1]) for data in SEEDS.values())
