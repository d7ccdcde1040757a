"""state.json: what was written is read back, and nothing else is read at all."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import IntegrityError
from beamkeeper.vault import (
    PatientState,
    StoredDocument,
    StoredObject,
    object_member,
    read_state,
    state_bytes,
)
from beamkeeper.vault.tarstream import is_member_name

PSEUDONYM = "a" * 26
NIGHT = date(2026, 3, 2)
PARCEL = f"{PSEUDONYM}/2026-03-02-1.tar.zst.age"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=64)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
nights = st.dates(date(1990, 1, 1), date(2200, 1, 1))
shared = {
    "sha256": digests,
    "size_bytes": st.integers(0, 1 << 40),
    "parcel": st.just(PARCEL),
    "member": st.sampled_from(["dicom/RTPLAN/1.2.3.dcm", "dossier.pdf"]),
    "first_seen_on": nights,
    "last_seen_on": nights,
    "present": st.booleans(),
    "superseded": st.booleans(),
}
objects = st.builds(
    StoredObject,
    sop_class_uid=texts,
    sop_instance_uid=texts,
    study_instance_uid=texts,
    series_instance_uid=texts,
    patient_id=texts,
    modality=texts,
    transfer_syntax_uid=texts,
    **shared,
)
documents = st.builds(StoredDocument, document_id=texts, title=texts, media_type=texts, **shared)
facts = st.dictionaries(
    texts,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)
states = st.builds(
    PatientState,
    pseudonym=st.just(PSEUDONYM),
    night=nights,
    patient=facts,
    objects=st.lists(objects, max_size=4).map(tuple),
    documents=st.lists(documents, max_size=3).map(tuple),
)


def an_object(**changes: object) -> StoredObject:
    made = StoredObject(
        sop_class_uid="1.2",
        sop_instance_uid="1.2.3",
        study_instance_uid="1.2.4",
        series_instance_uid="1.2.5",
        patient_id="4711",
        modality="RTPLAN",
        transfer_syntax_uid="1.2.840.10008.1.2",
        sha256="0" * 64,
        size_bytes=10,
        parcel=PARCEL,
        member="dicom/RTPLAN/1.2.3.dcm",
        first_seen_on=NIGHT,
        last_seen_on=NIGHT,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def a_document(**changes: object) -> dict:
    state = PatientState(pseudonym=PSEUDONYM, night=NIGHT, patient={}, objects=(an_object(),))
    return json.loads(state_bytes(state)) | changes


@given(states)
def test_a_state_reads_back_as_it_was_written(state: PatientState) -> None:
    assert read_state(state_bytes(state)) == state


@given(states)
def test_the_same_state_is_the_same_bytes(state: PatientState) -> None:
    assert state_bytes(read_state(state_bytes(state))) == state_bytes(state)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_raise_nothing_but_our_own_error(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        read_state(data)


@given(states, st.data())
def test_a_damaged_state_is_read_or_refused_but_never_crashes(
    state: PatientState, data: st.DataObject
) -> None:
    text = bytearray(state_bytes(state))
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(IntegrityError):
        read_state(bytes(text))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(a_document())), anything)
def test_a_top_key_of_any_type_is_read_or_refused(key: str, value: object) -> None:
    try:
        read_state(json.dumps(a_document(**{key: value})).encode())
    except IntegrityError:
        return


@given(st.sampled_from(sorted(a_document()["objects"][0])), anything)
def test_an_object_key_of_any_type_is_read_or_refused(key: str, value: object) -> None:
    entry = a_document()["objects"][0] | {key: value}
    try:
        read = read_state(json.dumps(a_document(objects=[entry])).encode())
    except IntegrityError:
        return
    assert json.loads(state_bytes(read))["objects"] == [entry]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"format": "other"}, "format"),
        ({"version": 2}, "version"),
        ({"version": 1.0}, "version"),
        ({"version": True}, "version"),
        ({"extra": 1}, "extra"),
        ({"pseudonym": "Jansen"}, "another form"),
        ({"night": "2026-02-30"}, "date"),
        ({"night": "20260302"}, "another form"),
        ({"objects": {}}, "no list"),
        ({"objects": [1]}, "not an object"),
        ({"patient": []}, "facts"),
    ],
)
def test_every_departure_is_named(changes: dict, why: str) -> None:
    with pytest.raises(IntegrityError, match=why):
        read_state(json.dumps(a_document(**changes)).encode())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sha256", "0" * 63),
        ("sha256", "A" * 64),
        ("size_bytes", -1),
        ("size_bytes", True),
        ("size_bytes", (1 << 40) + 1),
        ("size_bytes", "10"),
        ("parcel", "../../etc/passwd"),
        ("parcel", f"{PSEUDONYM}/2026-03-02-1.tar.zst.age\n"),
        ("member", "/etc/passwd"),
        ("member", "dicom/../../x"),
        ("member", "dicom//x"),
        ("member", ".ssh/id"),
        ("member", "x" * 101),
        ("present", 1),
        ("modality", "x" * 1025),
        ("first_seen_on", None),
    ],
)
def test_a_dangerous_value_in_an_entry_is_refused(key: str, value: object) -> None:
    entry = a_document()["objects"][0] | {key: value}

    with pytest.raises(IntegrityError, match="cannot be trusted"):
        read_state(json.dumps(a_document(objects=[entry])).encode())


def test_a_missing_key_is_refused() -> None:
    entry = a_document()["objects"][0]
    del entry["present"]

    with pytest.raises(IntegrityError, match="present"):
        read_state(json.dumps(a_document(objects=[entry])).encode())


@pytest.mark.parametrize("text", ['{"format":"beamkeeper-state","format":"x"}', '{"a":NaN}', "[" * 100_000])
def test_json_that_means_two_things_or_none_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        read_state(text.encode())


def test_no_value_from_inside_stands_in_the_error() -> None:
    entry = a_document()["objects"][0] | {"patient_id": 5, "sha256": "Jansen^Piet"}

    with pytest.raises(IntegrityError) as caught:
        read_state(json.dumps(a_document(objects=[entry])).encode())
    assert "Jansen" not in str(caught.value)


def test_facts_nested_too_deep_are_refused() -> None:
    deep: object = 1
    for _ in range(20):
        deep = [deep]

    with pytest.raises(IntegrityError, match="nested"):
        read_state(json.dumps(a_document(patient={"a": deep})).encode())


def test_more_entries_than_any_patient_has_are_refused() -> None:
    document = a_document(objects=[{}] * 100_001)

    with pytest.raises(IntegrityError, match="more than"):
        read_state(json.dumps(document).encode())


def test_current_objects_are_those_the_source_still_lists_in_their_newest_version() -> None:
    kept, gone, old = an_object(), an_object(present=False), an_object(superseded=True)
    state = PatientState(pseudonym=PSEUDONYM, night=NIGHT, patient={}, objects=(kept, gone, old))

    assert state.current_objects() == (kept,)


@given(st.text(max_size=40), st.text(max_size=80), st.integers(1, 9))
def test_no_received_text_makes_a_dangerous_member_name(modality: str, uid: str, version: int) -> None:
    name = object_member(modality=modality, sop_instance_uid=uid, sha256="0" * 64, version=version)

    assert is_member_name(name)


def test_an_ordinary_object_lies_under_its_modality_and_uid() -> None:
    assert object_member(modality="CT", sop_instance_uid="1.2.3", sha256="") == "dicom/CT/1.2.3.dcm"
    assert (
        object_member(modality="CT", sop_instance_uid="1.2.3", sha256="", version=2) == "dicom/CT/1.2.3-2.dcm"
    )
