"""PDUs: what a requestor means is understood, what breaks PS3.8 is refused, nothing else is raised."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ, A_RELEASE_RP, P_DATA_TF
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import build_context

from beamkeeper.wire.dicom.pdu import (
    AbortReason,
    AnsweredContext,
    AssociateRequest,
    ContextResult,
    ProtocolViolation,
    Rejection,
    encode_abort,
    encode_associate_ac,
    encode_associate_rj,
    encode_command_pdus,
    encode_release_rp,
    parse_associate_rq,
    parse_uid,
)

PLAN, CT = "1.2.840.10008.5.1.4.1.1.481.5", "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


def request_of_pynetdicom() -> bytes:
    """Return an A-ASSOCIATE-RQ that another implementation wrote."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = "SENDER", "BEAMKEEPER"
    contexts = [build_context(PLAN, [EXPLICIT, IMPLICIT]), build_context(CT, [IMPLICIT])]
    contexts[0].context_id, contexts[1].context_id = 1, 3
    primitive.presentation_context_definition_list = contexts
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received, implementation.implementation_class_uid = 16382, "1.2.3.4"
    primitive.user_information = [length, implementation]
    rq = A_ASSOCIATE_RQ()
    rq.from_primitive(primitive)
    return bytes(rq.encode())


REQUEST = request_of_pynetdicom()


def test_a_request_written_by_pynetdicom_is_understood() -> None:
    request = parse_associate_rq(REQUEST[6:])

    assert (request.called_ae_title, request.calling_ae_title) == ("BEAMKEEPER", "SENDER")
    assert (request.protocol_version, request.max_pdu_bytes) == (1, 16382)
    assert [(c.context_id, c.abstract_syntax_uid, c.transfer_syntax_uids) for c in request.contexts] == [
        (1, PLAN, (EXPLICIT, IMPLICIT)),
        (3, CT, (IMPLICIT,)),
    ]


def answer(request: AssociateRequest) -> bytes:
    contexts = [
        AnsweredContext(
            context_id=1,
            result=ContextResult.ACCEPTANCE,
            abstract_syntax_uid=PLAN,
            transfer_syntax_uid=EXPLICIT,
        ),
        AnsweredContext(
            context_id=3,
            result=ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED,
            abstract_syntax_uid=CT,
            transfer_syntax_uid=IMPLICIT,
        ),
    ]
    return encode_associate_ac(request, contexts, max_pdu_bytes=131072)


def test_our_acceptance_is_understood_by_pynetdicom() -> None:
    accepted = A_ASSOCIATE_AC()
    accepted.decode(answer(parse_associate_rq(REQUEST[6:])))

    assert [(c.context_id, c.result) for c in accepted.presentation_context] == [(1, 0), (3, 3)]
    assert accepted.presentation_context[0].transfer_syntax == EXPLICIT
    assert accepted.user_information.maximum_length == 131072
    assert accepted.calling_ae_title.strip() == "SENDER"


@pytest.mark.parametrize("rejection", list(Rejection))
def test_our_rejection_is_understood_by_pynetdicom(rejection: Rejection) -> None:
    rejected = A_ASSOCIATE_RJ()
    rejected.decode(encode_associate_rj(rejection))

    assert (rejected.result, rejected.source, rejected.reason_diagnostic) == rejection.value
    assert rejected.reason_str


@pytest.mark.parametrize("reason", [None, *AbortReason])
def test_our_abort_is_understood_by_pynetdicom(reason: AbortReason | None) -> None:
    aborted = A_ABORT_RQ()
    aborted.decode(encode_abort(reason))

    assert (aborted.source, aborted.reason_diagnostic) == ((0, 0) if reason is None else (2, reason))


def test_our_release_answer_is_understood_by_pynetdicom() -> None:
    A_RELEASE_RP().decode(encode_release_rp())
    assert encode_release_rp() == b"\x06\0\0\0\0\x04\0\0\0\0"


@given(st.binary(min_size=1, max_size=300), st.integers(0, 400))
def test_a_command_cut_into_pdus_is_put_together_by_pynetdicom(command: bytes, peer_max: int) -> None:
    stream = BytesIO(encode_command_pdus(5, command, peer_max_pdu_bytes=peer_max))
    joined, last = b"", False
    while header := stream.read(6):
        length = struct.unpack(">I", header[2:])[0]
        pdu = P_DATA_TF()
        pdu.decode(header + stream.read(length))
        (value,) = pdu.presentation_data_value_items
        assert not last
        assert length <= max(peer_max or length, 7)
        assert (value.presentation_context_id, value.presentation_data_value[0] & 1) == (5, 1)
        last = bool(value.presentation_data_value[0] & 2)
        joined += value.presentation_data_value[1:]

    assert last
    assert joined == command


@given(st.binary(max_size=400))
def test_any_bytes_are_a_request_or_a_violation(body: bytes) -> None:
    try:
        request = parse_associate_rq(body)
    except ProtocolViolation:
        return
    assert len(request.to_echo) == 64


@given(st.lists(st.tuples(st.integers(0, len(REQUEST) - 7), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_mutated_request_is_a_request_or_a_violation(changes: list[tuple[int, int]]) -> None:
    body = bytearray(REQUEST[6:])
    for where, what in changes:
        body[where] = what
    try:
        request = parse_associate_rq(bytes(body))
    except ProtocolViolation:
        return
    assert all(context.context_id % 2 for context in request.contexts)
    answer(request)


@given(st.integers(0, len(REQUEST) - 7))
def test_a_request_cut_short_is_a_violation_unless_it_ends_between_items(end: int) -> None:
    try:
        request = parse_associate_rq(REQUEST[6 : 6 + end])
    except ProtocolViolation:
        return
    assert len(request.contexts) < 3


@pytest.mark.parametrize("uid", [b"1.2.3", b"1.2.3\0", b"1.2.3 ", b"01.2", b"1" * 64])
def test_a_uid_with_padding_or_sloppy_parts_is_a_uid(uid: bytes) -> None:
    assert parse_uid(uid, "UID") == uid.decode().rstrip("\0 ")


@pytest.mark.parametrize("uid", [b"", b"\0", b"1" * 65, b"1.2.x", b"../1", b"1.2\n", b"\xb2", "١".encode()])
def test_what_is_no_uid_is_refused(uid: bytes) -> None:
    with pytest.raises(ProtocolViolation, match="digits and dots"):
        parse_uid(uid, "UID")
