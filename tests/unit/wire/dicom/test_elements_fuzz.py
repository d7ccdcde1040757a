"""Whatever the bytes are, the scanner ends in bounded time with its own error or an answer."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.protect.compare.re_encoding import BIG, DEFLATED, EXPLICIT, IMPLICIT, encoded
from tests.unit.protect.compare.synthetic_objects import OBJECTS

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.elements import flatten, open_object

SEEDS = [
    encoded(build(), syntax=syntax, rng=random.Random(seed))
    for seed, build in enumerate(OBJECTS.values())
    for syntax in (IMPLICIT, EXPLICIT, BIG, DEFLATED)
]
MORE = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def look(data: bytes) -> int:
    """Read everything; return the bytes shown, or -1 when the object is refused."""
    try:
        return sum(len(value) for _, _, value in flatten(open_object(data).dataset))
    except ObjectUnreadable:
        return -1


@MORE
@given(st.binary(max_size=400))
def test_random_bytes_are_refused_or_read(data: bytes) -> None:
    look(data)
    look(b"\0" * 128 + b"DICM" + data)
    look(b"\x08\x00\x05\x00CS\x02\x00ab" + data)


@MORE
@given(st.sampled_from(SEEDS), st.data())
def test_damaged_objects_are_refused_or_read_and_never_show_more_than_is_there(seed: bytes, data) -> None:
    damaged = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = data.draw(st.sampled_from([0x00, 0xFF, 0xFE, 0x80, 0x41, 0xE0, 0xDD]))
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(damaged))) :]

    shown = look(bytes(damaged))

    assert shown <= 1000 * max(len(damaged), 100)  # deflated data may grow, by no more than deflate can


@MORE
@given(st.sampled_from(SEEDS), st.integers(0, 5000), st.binary(min_size=1, max_size=40))
def test_inserted_bytes_are_refused_or_read(seed: bytes, at: int, more: bytes) -> None:
    look(seed[:at] + more + seed[at:])
