"""Values kept as text are read strictly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.ledger_contract import CENSUS

from beamkeeper.domain.census import Census
from beamkeeper.domain.change import Change, Grade, ObjectComparison
from beamkeeper.domain.codec import canonical
from beamkeeper.errors import IntegrityError
from beamkeeper.ledger.documents import read_document, write_document

TEXT = st.text(max_size=20)
CHANGES = st.builds(
    Change, path=TEXT, old=st.none() | TEXT, new=st.none() | TEXT, text=TEXT, grade=st.sampled_from(Grade)
)


@given(
    st.builds(
        ObjectComparison,
        sop_instance_uid=TEXT,
        sop_class_uid=TEXT,
        modality=TEXT,
        kind=TEXT,
        label=TEXT,
        grade=st.sampled_from(Grade),
        changes=st.lists(CHANGES, max_size=3).map(tuple),
        expected=TEXT,
    )
)
def test_any_verdict_comes_back_as_it_was(comparison: ObjectComparison) -> None:
    assert read_document(ObjectComparison, write_document(comparison)) == comparison


def test_a_list_comes_back_as_it_was() -> None:
    assert read_document(Census, write_document(CENSUS)) == CENSUS


def changed(**changes: object) -> str:
    document = json.loads(write_document(CENSUS))
    return canonical(document | changes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        changed(value=None),
        changed(value={"is": "Census"}),
        changed(value={"is": "Patient"}),
        write_document(CENSUS).replace('"stale":true', '"stale":"yes"'),
        write_document(CENSUS).replace('"stale":true', '"stale":true,"surprise":1'),
        write_document(CENSUS).replace("T01:00:00.123456+00:00", "T01:00:00"),
    ],
)
def test_a_damaged_document_is_never_half_read(text: str) -> None:
    with pytest.raises(IntegrityError, match="cannot be read back") as caught:
        read_document(Census, text)

    assert "vault rebuild" in caught.value.do_next
    assert "Peeters" not in str(caught.value)


def test_a_document_of_another_format_says_which() -> None:
    with pytest.raises(IntegrityError, match="has format 2; this version reads 1"):
        read_document(Census, changed(format=2))


def test_the_same_value_is_always_the_same_text() -> None:
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == '{"a":"\\u00e9","b":1}'
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical({"dose": float("nan")})
