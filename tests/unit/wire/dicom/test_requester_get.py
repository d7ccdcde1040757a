"""What C-GET proposes: as many transfer syntaxes as possible may be accepted side by side."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.wire.dicom.requester_get import OFFERS_MAX, USUAL, offers

CT, PLAN = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.481.5"
JPEG_LOSSLESS, JPEG_2000 = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.90"
PLAIN = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}


def alone(found: list[tuple[str, tuple[str, ...]]], sop_class_uid: str) -> set[str]:
    """Return the transfer syntaxes that have a context to themselves."""
    return {syntaxes[0] for uid, syntaxes in found if uid == sop_class_uid and len(syntaxes) == 1}


@given(st.lists(st.integers(1, 400), max_size=300))
def test_there_are_never_more_contexts_than_fit_and_no_listed_kind_is_left_out(numbers: list[int]) -> None:
    listed = [f"1.2.{number}" for number in numbers]
    found = offers(listed)
    kinds = list(dict.fromkeys(listed))

    assert len(found) <= OFFERS_MAX
    assert set(kinds[:OFFERS_MAX]) <= {uid for uid, _ in found}
    assert all(syntaxes and len(set(syntaxes)) == len(syntaxes) for _, syntaxes in found)


@given(st.integers(0, OFFERS_MAX // 2))
def test_every_transfer_syntax_of_a_listed_kind_is_offered_once(count: int) -> None:
    listed = [f"1.2.{number}" for number in range(count)]
    offered = Counter((uid, syntax) for uid, syntaxes in offers(listed) for syntax in syntaxes)

    assert set(offered.values()) <= {1}
    for uid in listed:
        assert {syntax for kind, syntax in offered if kind == uid} >= PLAIN | {JPEG_LOSSLESS, JPEG_2000}


def test_an_archive_that_does_not_transcode_may_send_each_of_what_it_listed() -> None:
    found = offers([CT, PLAN])

    assert alone(found, CT) >= PLAIN | {JPEG_LOSSLESS, JPEG_2000}
    assert alone(found, PLAN) >= PLAIN
    assert not [syntaxes for uid, syntaxes in found if uid == PLAN and JPEG_2000 in syntaxes]


@pytest.mark.parametrize("listed", [[], [CT]])
def test_what_is_usual_may_come_in_both_plain_encodings_though_it_was_not_listed(listed: list[str]) -> None:
    found = offers(listed)

    for uid in USUAL:
        assert alone(found, uid) >= PLAIN
