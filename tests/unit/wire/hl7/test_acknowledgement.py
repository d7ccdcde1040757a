"""What a receiver of HL7 messages answers is read with suspicion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.wire.hl7 import AckCode, read_acknowledgement

PIECES = (b"MSH", b"MSA", b"|", b"^~\\&", b"\r", b"\n", b"AA", b"AE", b"BK42", b"FHS", b"{", b"\xff", b"\x00")


@pytest.mark.parametrize("separator", ["|", "#"])
@pytest.mark.parametrize("ends", ["\r", "\n", "\r\n", ""])
def test_an_acknowledgement_is_read_however_its_lines_end(separator: str, ends: str) -> None:
    lines = ["MSH|^~\\&|A|B|C", "SFT|x", "MSA|AE|BK42|unknown patient", "ERR|1"]
    text = (ends or "\r").join(lines) + ends

    found = read_acknowledgement(text.replace("|", separator).encode(), control_id="BK42")

    assert (found.code, found.text, found.is_accepted) == (AckCode.AE, "unknown patient", False)


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=30).map(b"".join))
def test_no_answer_of_a_receiver_is_a_mistake_of_ours(answer: bytes) -> None:
    try:
        found = read_acknowledgement(answer, control_id="BK42")
    except SourceAnswerInvalid:
        return
    assert found.control_id == "BK42"
    assert b"BK42" in answer
