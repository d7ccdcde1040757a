"""The content digest is equal exactly where the comparison finds nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.protect.compare.re_encoding import BIG, DEFLATED, EXPLICIT, IMPLICIT, encoded, whole
from tests.unit.protect.compare.synthetic_objects import OBJECTS, ct_slice
from tests.unit.protect.compare.synthetic_plans import vmat_plan

from beamkeeper.domain.change import Grade
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.compare import CompareRules, compare_objects, content_digest

RULES = CompareRules()


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(OBJECTS)),
    st.sampled_from([IMPLICIT, EXPLICIT, BIG, DEFLATED]),
    st.integers(0, 10_000),
)
def test_every_form_of_one_content_has_one_digest(name: str, syntax: str, seed: int) -> None:
    plain = content_digest(whole(OBJECTS[name]()), RULES)

    assert content_digest(encoded(OBJECTS[name](), syntax=syntax, rng=random.Random(seed)), RULES) == plain


def test_another_element_another_value_and_another_place_have_other_digests() -> None:
    def digest(**elements: str) -> str:
        plan = vmat_plan()
        for keyword, value in elements.items():
            setattr(plan, keyword, value)
        return content_digest(whole(plan), RULES)

    digests = {digest(), digest(RTPlanName="x"), digest(RTPlanLabel="x"), digest(RTPlanName="xx")}

    assert len(digests) == 4


def test_volatile_elements_do_not_enter() -> None:
    later = vmat_plan()
    later.InstanceCreationTime = "235959"

    assert content_digest(whole(later), RULES) == content_digest(whole(vmat_plan()), RULES)


@pytest.mark.parametrize(("one", "other"), [(0, 1), (0x2000, 0), (0x2041, 0x41)])
def test_a_private_binary_number_is_not_taken_for_padded_text(one: int, other: int) -> None:
    def with_number(number: int) -> bytes:
        image = ct_slice()
        image.private_block(0x3253, "VENDOR", create=True).add_new(1, "US", number)
        return whole(image)

    assert compare_objects(with_number(one), with_number(other), rules=RULES).grade is not Grade.RE_ENCODED


def test_what_cannot_be_read_has_no_digest() -> None:
    with pytest.raises(ObjectUnreadable):
        content_digest(whole(vmat_plan())[:2000], RULES)


def test_a_wrongly_written_vr_of_a_text_is_the_same_content():
    right = whole(vmat_plan())
    wrong = right.replace(b"\x0a\x30\x12\x00IS", b"\x0a\x30\x12\x00AS", 1)  # Dose Reference Number
    assert wrong != right

    assert compare_objects(right, wrong, rules=RULES).grade is Grade.RE_ENCODED
    assert content_digest(wrong, RULES) == content_digest(right, RULES)
