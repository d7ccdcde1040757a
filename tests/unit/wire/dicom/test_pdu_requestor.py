"""PDUs of the side that asks: other implementations read ours, we read theirs, nonsense is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.pdu import A_ASSOCIATE_RQ, P_DATA_TF

from beamkeeper.wire.dicom.pdu import (
    PDU_HEADER,
    AnsweredContext,
    ContextResult,
    ProposedContext,
    ProtocolViolation,
    Rejection,
    encode_associate_ac,
    encode_associate_rj,
    parse_associate_rq,
)
from beamkeeper.wire.dicom.pdu_requestor import (
    Refusal,
    encode_associate_rq,
    encode_message_pdus,
    encode_release_rq,
    parse_associate_ac,
    parse_associate_rj,
)

FIND, PLAN = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.1.481.5"
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
PROPOSED = (
    ProposedContext(context_id=1, abstract_syntax_uid=FIND, transfer_syntax_uids=(IMPLICIT, EXPLICIT)),
    ProposedContext(context_id=3, abstract_syntax_uid=PLAN, transfer_syntax_uids=(EXPLICIT,)),
)
REQUEST = encode_associate_rq(
    called_ae_title="PEER",
    calling_ae_title="BEAMKEEPER",
    contexts=PROPOSED,
    max_pdu_bytes=131_072,
    storage_roles=[PLAN],
)


def answer(*contexts: tuple[int, int, str], max_pdu_bytes: int = 16_384) -> bytes:
    """Return the variable field of an A-ASSOCIATE-AC as our own receiver would write it."""
    answered = [
        AnsweredContext(
            context_id=number,
            result=ContextResult(result),
            abstract_syntax_uid="",
            transfer_syntax_uid=transfer_syntax_uid,
        )
        for number, result, transfer_syntax_uid in contexts
    ]
    request = parse_associate_rq(REQUEST[PDU_HEADER.size :])
    return encode_associate_ac(request, answered, max_pdu_bytes=max_pdu_bytes)[PDU_HEADER.size :]


ACCEPTED = answer((1, 0, EXPLICIT), (3, 0, EXPLICIT))


def test_our_request_is_understood_by_our_receiver() -> None:
    request = parse_associate_rq(REQUEST[PDU_HEADER.size :])

    assert (request.called_ae_title, request.calling_ae_title) == ("PEER", "BEAMKEEPER")
    assert request.contexts == PROPOSED
    assert request.max_pdu_bytes == 131_072


def test_our_request_and_its_roles_are_understood_by_pynetdicom() -> None:
    pdu = A_ASSOCIATE_RQ()
    pdu.decode(REQUEST)
    primitive = pdu.to_primitive()
    roles = {
        str(item.sop_class_uid): (item.scu_role, item.scp_role)
        for item in primitive.user_information
        if hasattr(item, "scp_role")
    }

    assert [c.abstract_syntax for c in primitive.presentation_context_definition_list] == [FIND, PLAN]
    assert roles == {PLAN: (False, True)}


def test_what_is_accepted_is_known_by_its_context() -> None:
    agreed = parse_associate_ac(answer((1, 0, EXPLICIT), (3, 3, "")), PROPOSED)

    assert list(agreed.contexts) == [1]
    assert agreed.contexts[1].abstract_syntax_uid == FIND
    assert agreed.contexts[1].transfer_syntax_uid == EXPLICIT
    assert agreed.max_pdu_bytes == 16_384


@pytest.mark.parametrize("context", [(5, 0, EXPLICIT), (3, 0, IMPLICIT), (1, 0, "")])
def test_a_context_accepted_other_than_proposed_is_a_violation(context: tuple[int, int, str]) -> None:
    with pytest.raises(ProtocolViolation):
        parse_associate_ac(answer(context), PROPOSED)


def test_a_rejection_says_who_and_why() -> None:
    rejection = encode_associate_rj(Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED)

    assert parse_associate_rj(rejection[PDU_HEADER.size :]) == Refusal(source=1, reason=7)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_an_answer_or_a_violation(body: bytes) -> None:
    for parse in (lambda: parse_associate_ac(body, PROPOSED), lambda: parse_associate_rj(body)):
        with contextlib.suppress(ProtocolViolation):
            parse()


@given(st.integers(0, len(ACCEPTED) - 1), st.integers(0, 255))
def test_an_answer_with_one_byte_changed_is_an_answer_or_a_violation(position: int, byte: int) -> None:
    changed = ACCEPTED[:position] + bytes([byte]) + ACCEPTED[position + 1 :]

    with contextlib.suppress(ProtocolViolation):
        agreed = parse_associate_ac(changed, PROPOSED)
        assert set(agreed.contexts) <= {1, 3}


@given(st.binary(min_size=1, max_size=400), st.binary(max_size=400), st.integers(0, 200))
def test_a_message_in_fragments_is_put_together_by_pynetdicom(
    command: bytes, data_set: bytes, peer_max: int
) -> None:
    sent = encode_message_pdus(3, command, data_set, peer_max_pdu_bytes=peer_max)
    found: dict[int, bytes] = {1: b"", 0: b""}
    last: list[int] = []
    while sent:
        length = int.from_bytes(sent[2:6], "big")
        assert length <= max(peer_max, 7) or not peer_max
        pdu = P_DATA_TF()
        pdu.decode(sent[: 6 + length])
        (value,) = pdu.presentation_data_value_items
        control = value.presentation_data_value[0]
        found[control & 1] += value.presentation_data_value[1:]
        last += [control] if control & 2 else []
        assert value.presentation_context_id == 3
        sent = sent[6 + length :]

    assert (found[1], found[0]) == (command, data_set)
    assert last == ([3, 2] if data_set else [3])


def test_a_release_is_asked_for_as_the_standard_writes_it() -> None:
    assert encode_release_rq() == bytes.fromhex("05 00 00000004 00000000")
