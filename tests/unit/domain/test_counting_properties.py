"""Properties of counting: no order, repetition or cutting of records changes where a patient stands."""

from __future__ import annotations

from datetime import timedelta

import pytest
from course_builders import (
    CONTINUATION,
    MACHINE,
    MONDAY,
    NORMAL,
    TREATMENT,
    delivery,
    fraction,
    plan,
    position,
    record,
    stands,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from beamkeeper.domain.plan import DeliveryType
from beamkeeper.domain.record import TerminationStatus, TreatmentRecord

METERSETS = st.sampled_from([None, 0.0, 25.0, 46.3, 50.0, 53.7, 99.95, 100.0, 102.0])
TIMES = st.none() | st.integers(0, 6).map(lambda hours: MONDAY + timedelta(hours=hours))
DELIVERIES = st.builds(
    delivery,
    st.sampled_from([1, 2, None, 7]),
    st.sampled_from([None, 1, 2, 3, 30, 31]),
    METERSETS,
    delivery_type=st.sampled_from(list(DeliveryType)),
    termination_status=st.sampled_from(list(TerminationStatus)),
    started_at=TIMES,
    beam_name=st.sampled_from(["", "Arc 1"]),
)


@st.composite
def histories(draw: st.DrawFn) -> list[TreatmentRecord]:
    sets = draw(st.lists(st.lists(DELIVERIES, max_size=3), max_size=7))
    return [
        record(
            f"9.{number}",
            *deliveries,
            at=draw(TIMES),
            plan_uid=draw(st.sampled_from(["1.1", "1.1", "1.1", "1.2", None])),
            patient_id=draw(st.sampled_from(["P1", "P1", "P1", "P2"])),
        )
        for number, deliveries in enumerate(sets)
    ]


@given(histories(), st.data())
def test_neither_order_nor_repetition_of_records_changes_anything(
    records: list[TreatmentRecord],
    data: st.DataObject,
) -> None:
    shuffled = data.draw(
        st.permutations(records + data.draw(st.lists(st.sampled_from(records or [fraction(1)])))),
    )
    plans = (plan(), plan("1.2"))

    assert position(*shuffled, *records, plans=plans[::-1]) == position(*records, *shuffled, plans=plans)


@given(histories())
def test_one_more_record_never_lowers_the_count(records: list[TreatmentRecord]) -> None:
    counts = [stands(*records[:upto]).fractions_complete for upto in range(len(records) + 1)]

    assert counts == sorted(counts)


@given(histories())
def test_every_record_is_counted_unassigned_or_known_not_to_count(records: list[TreatmentRecord]) -> None:
    found = position(*records)
    seen = set(found.unassigned_record_uids)
    for at in found.plans:
        seen |= {uid for state in at.fractions for uid in state.record_uids}
        seen |= {film.record_uid for film in at.open_portfilms}

    for one in records:
        ignorable = {DeliveryType.SETUP, DeliveryType.VERIFICATION}
        assert one.sop_instance_uid in seen or {d.delivery_type for d in one.deliveries} <= ignorable


@settings(max_examples=60)
@given(
    st.integers(1, 5),
    st.lists(st.floats(0.05, 0.95), min_size=0, max_size=4, unique=True),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_cutting_deliveries_into_parts_and_regrouping_records_changes_no_position(
    whole: int,
    cuts: list[float],
    together: bool,
    dice: object,
) -> None:
    edges = [0.0, *sorted(cuts), 1.0]
    last = len(edges) - 2
    whole_records = [fraction(number) for number in range(1, whole + 1)]
    records = []
    for number in range(1, whole + 1):
        start = MONDAY + timedelta(days=number - 1)
        parts = [
            delivery(
                beam_number,
                number,
                100.0 * (edges[n + 1] - edges[n]),
                delivery_type=CONTINUATION if n else TREATMENT,
                termination_status=NORMAL if n == last else MACHINE,
                started_at=start + timedelta(minutes=n),
            )
            for beam_number in (1, 2)
            for n in range(len(edges) - 1)
        ]
        dice.shuffle(parts)  # type: ignore[attr-defined]
        if together:
            records.append(record(f"8.{number}", *parts, at=start))
        else:
            records += [record(f"8.{number}.{n}", part, at=start) for n, part in enumerate(parts)]
    in_parts, at_once = stands(*records), stands(*whole_records)

    assert not in_parts.conflicts
    assert in_parts.dose_so_far_gy == pytest.approx(at_once.dose_so_far_gy)
    assert [(s.fraction_number, s.complete) for s in in_parts.fractions] == [
        (s.fraction_number, s.complete) for s in at_once.fractions
    ]
    assert (in_parts.next_fraction_number, in_parts.fractions_complete) == (
        at_once.next_fraction_number,
        at_once.fractions_complete,
    )


@given(histories())
def test_what_is_shown_as_next_is_never_a_complete_or_unplanned_fraction(
    records: list[TreatmentRecord],
) -> None:
    at = stands(*records)
    complete = {state.fraction_number for state in at.fractions if state.complete}

    assert at.next_fraction_number not in complete
    if at.next_fraction_number is not None and not at.next_is_continuation:
        assert at.next_fraction_number <= 30
