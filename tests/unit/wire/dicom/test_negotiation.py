"""What we agree to: nothing is transcoded needlessly, nobody comes in who should not."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.wire.dicom.negotiation import answer_contexts, choose_transfer_syntax, is_kept, refusal
from beamkeeper.wire.dicom.pdu import AssociateRequest, ContextResult, ProposedContext, Rejection

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
JPEG, JPEG2000, PRIVATE = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90", "1.2.3.4"
CT = "1.2.840.10008.5.1.4.1.1.2"


def request(*contexts: tuple[int, str, tuple[str, ...]], **more: object) -> AssociateRequest:
    settings: dict[str, object] = {
        "protocol_version": 1,
        "called_ae_title": "US",
        "calling_ae_title": "PEER",
        "application_context_uid": "1.2.840.10008.3.1.1.1",
        "contexts": tuple(
            ProposedContext(context_id=number, abstract_syntax_uid=sop, transfer_syntax_uids=syntaxes)
            for number, sop, syntaxes in contexts
        ),
        "max_pdu_bytes": 0,
        "to_echo": bytes(64),
    }
    return AssociateRequest(**(settings | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("offered", "taken", "chosen"),
    [
        ((IMPLICIT, EXPLICIT, BIG), (), EXPLICIT),
        ((IMPLICIT,), (), IMPLICIT),
        ((BIG, IMPLICIT), (), IMPLICIT),
        ((BIG,), (), BIG),
        ((BIG, IMPLICIT, EXPLICIT), (EXPLICIT,), IMPLICIT),
        ((EXPLICIT,), (EXPLICIT,), EXPLICIT),
        ((JPEG2000, EXPLICIT), (), JPEG2000),
        ((PRIVATE, EXPLICIT), (), PRIVATE),
        ((EXPLICIT, JPEG), (EXPLICIT,), EXPLICIT),
        ((IMPLICIT, JPEG), (IMPLICIT,), IMPLICIT),
    ],
)
def test_the_choice_of_a_transfer_syntax(
    offered: tuple[str, ...], taken: tuple[str, ...], chosen: str
) -> None:
    assert choose_transfer_syntax(offered, taken) == chosen


@given(
    st.lists(st.sampled_from([EXPLICIT, IMPLICIT, BIG, JPEG, PRIVATE]), min_size=1, max_size=5),
    st.sets(st.sampled_from([EXPLICIT, IMPLICIT, BIG])),
)
def test_what_is_chosen_was_offered_and_never_compresses_by_our_wish(
    offered: list[str], taken: set[str]
) -> None:
    chosen = choose_transfer_syntax(offered, taken)

    assert chosen in offered
    assert chosen != JPEG or offered[0] == JPEG


def test_two_contexts_for_one_class_get_two_syntaxes() -> None:
    """What DCMTK's storescu proposes for each class."""
    answers = answer_contexts(request((1, CT, (EXPLICIT,)), (3, CT, (EXPLICIT, BIG, IMPLICIT))))

    assert [answer.transfer_syntax_uid for answer in answers] == [EXPLICIT, IMPLICIT]


def test_classes_do_not_influence_one_another() -> None:
    answers = answer_contexts(request((1, CT, (EXPLICIT,)), (3, "1.2.3", (IMPLICIT, EXPLICIT))))

    assert [answer.transfer_syntax_uid for answer in answers] == [EXPLICIT, EXPLICIT]
    assert {answer.result for answer in answers} == {ContextResult.ACCEPTANCE}


@pytest.mark.parametrize(
    ("uid", "kept"),
    [
        (CT, True),
        ("1.2.840.10008.5.1.4.1.1.481.25", True),
        ("1.2.840.10008.5.1.4.34.7", True),
        ("1.2.840.10008.5.1.4.34.10", True),
        ("1.2.840.10008.5.1.4.34.6.1", True),
        ("1.2.840.10008.5.1.4.1.1.99999", True),
        ("1.3.12.2.1107.5.9.1", True),
        ("1.2.840.10008.1.1", True),
        ("1.2.840.10008.1.20.1", False),
        ("1.2.840.10008.5.1.4.1.2.1.2", False),
        ("1.2.840.10008.5.1.4.31", False),
        ("1.2.840.10008.3.1.2.3.3", False),
    ],
)
def test_objects_are_kept_and_services_are_not_served(uid: str, kept: bool) -> None:
    assert is_kept(uid) is kept


def test_nobody_comes_in_who_fails_any_check() -> None:
    for called, calling, address, busy in product(
        ("US", "us"), ("PEER", "OTHER"), (True, False), (True, False)
    ):
        reason = refusal(
            request(called_ae_title=called, calling_ae_title=calling),
            ae_title="US",
            allowed_calling_ae_titles={"PEER"},
            is_address_allowed=address,
            is_busy=busy,
        )

        assert (reason is None) == (called == "US" and calling == "PEER" and address and not busy)


def test_a_stranger_is_not_told_that_we_are_busy() -> None:
    reason = refusal(
        request(calling_ae_title="OTHER"),
        ae_title="US",
        allowed_calling_ae_titles={"PEER"},
        is_address_allowed=True,
        is_busy=True,
    )

    assert reason is Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED
