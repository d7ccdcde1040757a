"""What a run has to do, as a rule: nothing is left out, nothing done twice, everything read again in turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.protect.mirror.plan import REREAD_NOT_WITHIN, Plan, Proof, Wanted, plan
from beamkeeper.wire.destination import Listed

NOW = datetime(2026, 3, 2, tzinfo=UTC)
NAMES = st.sampled_from([f"targets/a/{number}" for number in range(6)])
SIZES = st.integers(0, 3)
STAMPS = st.sampled_from(["1", "2"])
DIGESTS = st.sampled_from(["aa", "bb"])


def wanted(name: str, size: int) -> Wanted:
    return Wanted(name=name, sha256="aa", size_bytes=size)


def proof(name: str, size: int, digest: str, stamp: str, age_h: int) -> Proof:
    at = NOW - timedelta(hours=age_h)
    return Proof(name=name, sha256=digest, size_bytes=size, stamp=stamp, proved_at=at)


@given(
    st.dictionaries(NAMES, SIZES),
    st.dictionaries(NAMES, st.tuples(SIZES, STAMPS)),
    st.dictionaries(NAMES, st.tuples(SIZES, DIGESTS, STAMPS, st.integers(0, 500))),
    st.integers(1, 30),
)
def test_every_wanted_object_is_dealt_with_once(
    names: dict[str, int],
    there: dict[str, tuple[int, str]],
    proved: dict[str, tuple[int, str, str, int]],
    days: int,
) -> None:
    listed = {name: Listed(name=name, size_bytes=size, stamp=stamp) for name, (size, stamp) in there.items()}
    proofs = {name: proof(name, *facts) for name, facts in proved.items()}
    items = [wanted(name, size) for name, size in names.items()]

    made = plan(items, listed, proofs, now=NOW, reread_days=days)

    dealt = [item.name for item in (*made.send, *made.prove, *made.wrong_size)] + list(made.stand)
    assert sorted(dealt) == sorted(names)
    assert {item.name for item in made.reread} <= made.stand
    ours = {name for name, one in proofs.items() if one.sha256 == "aa"}
    assert {item.name for item in made.gone} == {item.name for item in made.send} & ours
    for name in made.stand:
        size, stamp = there[name]
        assert (proofs[name].sha256, proofs[name].stamp, proofs[name].size_bytes) == ("aa", stamp, size)


def one(**changed: object) -> Plan:
    facts: dict[str, object] = {"size": 3, "digest": "aa", "stamp": "1", "age_h": 24}
    facts |= changed
    listed = {"targets/a/1": Listed(name="targets/a/1", size_bytes=3, stamp="1")}
    proofs = {"targets/a/1": proof("targets/a/1", **facts)}  # type: ignore[arg-type]
    return plan([wanted("targets/a/1", 3)], listed, proofs, now=NOW, reread_days=7)


def test_a_proof_of_other_bytes_or_of_another_listing_proves_nothing() -> None:
    assert one().stand
    assert one(digest="bb").prove
    assert one(stamp="2").prove
    assert one(size=2).prove


def test_what_was_just_read_is_not_read_again_in_turn() -> None:
    hours = REREAD_NOT_WITHIN.total_seconds() / 3600

    assert not one(age_h=int(hours) - 1).reread
    assert one(age_h=int(hours)).reread


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=20), st.integers(1, 10))
def test_within_the_days_everything_is_read_again(sizes: list[int], days: int) -> None:
    items = [wanted(f"targets/a/{number}", size) for number, size in enumerate(sizes)]
    listed = {item.name: Listed(name=item.name, size_bytes=item.size_bytes) for item in items}
    read = {item.name: NOW for item in items}
    for day in range(1, 3 * days + 1):
        now = NOW + timedelta(days=day)
        proofs = {
            item.name: Proof(
                name=item.name, sha256="aa", size_bytes=item.size_bytes, stamp="", proved_at=read[item.name]
            )
            for item in items
        }
        for item in plan(items, listed, proofs, now=now, reread_days=days).reread:
            read[item.name] = now

        assert all(now - at <= timedelta(days=days) for at in read.values())
