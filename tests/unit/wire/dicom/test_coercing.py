"""A copy under another hospital's number differs in what identifies, says so, and in nothing else."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence as Items
from tests.unit.protect.compare.re_encoding import BIG, DEFLATED, EXPLICIT, IMPLICIT, encoded, whole
from tests.unit.protect.compare.synthetic_objects import OBJECTS, structure_set

from beamkeeper.clock import zone
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import (
    BeamkeeperError,
    ConfigError,
    IntegrityError,
    ObjectUnreadable,
    PatientMismatch,
    SourceAnswerInvalid,
)
from beamkeeper.wire.dicom import coercing
from beamkeeper.wire.dicom.coercing import Coerced, Coercion, coerced, read_stated
from beamkeeper.wire.dicom.elements import flatten, open_object
from beamkeeper.wire.dicom.reader import read_stated_patient

UTC_ZONE = zone("UTC")
HOME = Patient(
    patient_id="4711", issuer_of_patient_id="HOME", name="Doe^Jane", birth_on=date(1970, 1, 31), sex="F"
)
PARTNER = Patient(patient_id="P-77", issuer_of_patient_id="PARTNER", name="")
AT = datetime(2026, 11, 22, 20, 15, tzinfo=timezone(timedelta(hours=1)))
COERCION = Coercion(home=HOME, partner=PARTNER, source="Home", system="Beamkeeper", at=AT)
CHANGED = {0x00100010, 0x00100020, 0x00100021, 0x00100030, 0x00101002, 0x04000561, 0x00080005, 0x00100024}


def of_home(dataset: Dataset, charset: object = None) -> Dataset:
    dataset.pop("SpecificCharacterSet", None)
    if charset is not None:
        dataset.SpecificCharacterSet = charset
    dataset.PatientID, dataset.IssuerOfPatientID = HOME.patient_id, HOME.issuer_of_patient_id
    dataset.PatientName, dataset.PatientBirthDate = HOME.name, "19700131"
    return dataset


def read(data: bytes) -> Dataset:
    return dcmread(io.BytesIO(data), force=True)


def former(data: bytes) -> Dataset:
    return read(data).OriginalAttributesSequence[-1].ModifiedAttributesSequence[0]


def rest(data: bytes) -> list[object]:
    return [one for one in flatten(open_object(data).dataset) if one[0][0] not in CHANGED]


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("kind", OBJECTS)
def test_a_copy_of_any_object_in_any_form_keeps_everything_but_the_number(kind: str, syntax: str) -> None:
    original = encoded(of_home(OBJECTS[kind]()), syntax=syntax, rng=random.Random(kind + syntax))
    made = coerced(original, COERCION)
    copy = read(made.data)

    assert (copy.PatientID, copy.IssuerOfPatientID, str(copy.PatientName)) == ("P-77", "PARTNER", "Doe^Jane")
    assert copy.SOPInstanceUID == read(original).SOPInstanceUID == made.sop_instance_uid
    assert [(one.PatientID, one.IssuerOfPatientID) for one in copy.OtherPatientIDsSequence][-1] == (
        "4711",
        "HOME",
    )
    assert (former(made.data).PatientID, former(made.data).IssuerOfPatientID) == ("4711", "HOME")
    assert rest(made.data) == rest(original)
    assert made.data[:128] == original[:128]


def test_outside_what_changes_the_file_is_the_same_byte_for_byte() -> None:
    original = whole(of_home(structure_set()))
    made = coerced(original, COERCION)
    first, behind = original.index(b"\x10\x00\x20\x00LO"), original.index(b"\x20\x00\x0d\x00UI")
    last = original.index(b"\x06\x30\x02\x00SH")  # the first group above 0400

    assert made.data.startswith(original[:first])
    assert made.data.endswith(original[last:])
    assert original[behind:last] in made.data


def test_the_list_of_differences_is_everything_that_differs() -> None:
    original = whole(of_home(structure_set()))
    made = coerced(
        original, replace(COERCION, partner=replace(PARTNER, name="Doë^Jane", birth_on=date(1970, 1, 13)))
    )
    one, other = read(original), read(made.data)
    differs = {int(tag) for tag in {*one.keys(), *other.keys()} if one.get(tag) != other.get(tag)}

    assert {found.tag for found in made.differences} == differs
    assert [(found.element, found.before, found.after) for found in made.differences][:5] == [
        ("Specific Character Set (0008,0005)", "", "ISO_IR 192"),
        ("Patient's Name (0010,0010)", "Doe^Jane", "Doë^Jane"),
        ("Patient ID (0010,0020)", "4711", "P-77"),
        ("Issuer of Patient ID (0010,0021)", "HOME", "PARTNER"),
        ("Patient's Birth Date (0010,0030)", "19700131", "19700113"),
    ]


def test_the_copy_says_who_changed_what_when_and_where_it_came_from() -> None:
    (said,) = read(coerced(whole(of_home(structure_set())), COERCION).data).OriginalAttributesSequence

    assert said.AttributeModificationDateTime == "20261122201500+0100"
    assert (said.ModifyingSystem, said.SourceOfPreviousValues) == ("Beamkeeper", "Home")
    assert said.ReasonForTheAttributeModification == "COERCE"


def test_from_the_former_values_the_original_comes_back() -> None:
    partner = replace(PARTNER, name="Doë^Jane", birth_on=date(1970, 1, 13))
    original = whole(of_home(structure_set()))
    copy = read(coerced(original, replace(COERCION, partner=partner)).data)
    said = copy.OriginalAttributesSequence[-1].ModifiedAttributesSequence[0]
    for tag in list(said.keys()):
        copy[tag] = said[tag]
    if not copy.SpecificCharacterSet:
        del copy.SpecificCharacterSet
    del copy.OriginalAttributesSequence, copy.OtherPatientIDsSequence

    assert whole(copy) == original


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
@pytest.mark.parametrize("seed", range(6))
def test_what_earlier_hospitals_wrote_down_stays_and_ours_comes_last(syntax: str, seed: int) -> None:
    dataset = of_home(structure_set())
    dataset.OtherPatientIDsSequence = Items([Dataset()])
    dataset.OtherPatientIDsSequence[0].PatientID = "OLD"
    dataset.OriginalAttributesSequence = Items([Dataset()])
    dataset.OriginalAttributesSequence[0].ModifyingSystem = "PACS"
    made = coerced(encoded(dataset, syntax=syntax, rng=random.Random(seed)), COERCION)
    copy = read(made.data)

    assert [one.PatientID for one in copy.OtherPatientIDsSequence] == ["OLD", "4711"]
    assert [one.ModifyingSystem for one in copy.OriginalAttributesSequence] == ["PACS", "Beamkeeper"]


def test_a_sequence_of_unknown_vr_takes_our_item_in_its_own_way() -> None:
    inside = b"\xfe\xff\x00\xe0\x0c\x00\x00\x00" + b"\x10\x00\x20\x00\x04\x00\x00\x00OLD "
    dataset = of_home(structure_set())
    data = whole(dataset)
    at = data.index(b"\x20\x00\x0d\x00UI")
    unknown = b"\x10\x00\x02\x10UN\x00\x00" + len(inside).to_bytes(4, "little") + inside
    copy = read(coerced(data[:at] + unknown + data[at:], COERCION).data)

    assert [one.PatientID for one in copy.OtherPatientIDsSequence] == ["OLD", "4711"]


def test_an_issuer_never_stays_that_did_not_give_the_number() -> None:
    dataset = of_home(structure_set())
    dataset.TypeOfPatientID = "RFID"
    dataset.IssuerOfPatientIDQualifiersSequence = Items([Dataset()])
    dataset.IssuerOfPatientIDQualifiersSequence[0].UniversalEntityID = "1.2.3"
    copy = coerced(whole(dataset), replace(COERCION, partner=Patient(patient_id="P-77", name="")))
    there = read(copy.data)

    assert "IssuerOfPatientID" not in there
    assert "IssuerOfPatientIDQualifiersSequence" not in there
    assert "TypeOfPatientID" not in there
    assert former(copy.data).IssuerOfPatientID == "HOME"
    assert former(copy.data).IssuerOfPatientIDQualifiersSequence[0].UniversalEntityID == "1.2.3"


def test_the_partners_authority_can_be_said_by_oid() -> None:
    (said,) = read(
        coerced(whole(of_home(structure_set())), replace(COERCION, authority_uid="2.16.56.2")).data
    ).IssuerOfPatientIDQualifiersSequence

    assert (said.UniversalEntityID, said.UniversalEntityIDType) == ("2.16.56.2", "ISO")


NAMES = [
    (None, "Doe^Janet", None),
    ("ISO_IR 100", "Doë^Jane", None),
    ("ISO_IR 101", "Łódź^Jane", None),
    ("ISO_IR 144", "Люкceмбypг^Jane", None),
    ("ISO_IR 126", "Διονυσιος^Jane", None),
    ("ISO_IR 192", "Doë^Jané=別^名", None),
    (["", "ISO 2022 IR 87"], "Doe^Jane=山田^太郎", None),
    (["", "ISO 2022 IR 149"], "Doe^Jane=洪^吉洞", None),
    ("GB18030", "Doe^Jane=王^小东", None),
    ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ", None),
    (None, "Doë^Jane=別^名", "ISO_IR 192"),
    ("ISO_IR 100", "Łódź^Jane", "ISO_IR 192"),
]


@pytest.mark.parametrize(("charset", "name", "becomes"), NAMES)
def test_the_partners_spelling_is_written_in_the_objects_character_set(
    charset: object, name: str, becomes: str | None
) -> None:
    coercion = replace(COERCION, partner=replace(PARTNER, name=name))
    made = coerced(whole(of_home(structure_set(), charset)), coercion)
    copy = read(made.data)

    assert str(copy.PatientName) == name
    assert copy.get("SpecificCharacterSet") == (becomes or charset)
    assert str(former(made.data).PatientName) == HOME.name
    assert made.remarks == ()


def test_another_character_set_never_changes_what_other_texts_say() -> None:
    dataset = of_home(structure_set(), "ISO_IR 100")
    dataset.StructureSetROISequence[0].ROIName = "Périnée"
    made = coerced(whole(dataset), replace(COERCION, partner=replace(PARTNER, name="Łódź^Jane")))
    copy = read(made.data)

    assert (str(copy.PatientName), copy.PatientID) == ("Doe^Jane", "P-77")
    assert copy.StructureSetROISequence[0].ROIName == "Périnée"
    assert "stays" in made.remarks[0]
    assert "Łódź" not in made.remarks[0]


def test_our_own_site_is_named_without_accents_where_the_object_has_none() -> None:
    coercion = replace(COERCION, source="Hôpital de Liège\\x", system="Łódź" * 40)
    (said,) = read(coerced(whole(of_home(structure_set())), coercion).data).OriginalAttributesSequence

    assert said.SourceOfPreviousValues == "Hopital de Liegex"
    assert len(said.ModifyingSystem) <= 64


@pytest.mark.parametrize(
    "stated",
    [
        {"PatientID": "4712"},
        {"PatientID": ""},
        {"PatientName": "Roe^John", "PatientBirthDate": "19550505"},
    ],
)
def test_a_record_of_another_patient_inside_is_not_copied(stated: dict[str, str]) -> None:
    dataset = of_home(structure_set())
    for keyword, value in stated.items():
        setattr(dataset, keyword, value)
    with pytest.raises(PatientMismatch) as caught:
        coerced(whole(dataset), COERCION)

    assert "Roe" not in caught.value.message


def test_a_copy_is_not_copied_again() -> None:
    once = coerced(whole(of_home(structure_set())), COERCION)
    with pytest.raises(PatientMismatch):
        coerced(once.data, COERCION)


def test_an_object_that_stands_under_that_number_already_stays_as_it_is() -> None:
    original = whole(of_home(structure_set()))
    made = coerced(original, replace(COERCION, partner=replace(HOME, name="")))

    assert made.data == original
    assert made.differences == ()


def test_a_number_of_somebody_else_there_is_refused_before_anything_is_copied() -> None:
    with pytest.raises(PatientMismatch) as caught:
        replace(COERCION, partner=replace(PARTNER, name="Roe^John", birth_on=date(1955, 5, 5)))

    assert "Roe" not in caught.value.message


@pytest.mark.parametrize("number", ["A\\B", " 7", "7" * 65, "7\n", "7\x00"])
def test_a_number_that_is_no_dicom_value_is_refused(number: str) -> None:
    with pytest.raises(ConfigError):
        replace(COERCION, partner=replace(PARTNER, patient_id=number))


def test_a_number_that_the_object_cannot_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match="character set"):
        coerced(
            whole(of_home(structure_set(), "ISO_IR 100")),
            replace(COERCION, partner=replace(PARTNER, patient_id="Ł7")),
        )


def test_an_object_that_names_its_patient_twice_is_refused() -> None:
    data = whole(of_home(structure_set()))
    at = data.index(b"\x10\x00\x20\x00LO")
    with pytest.raises(SourceAnswerInvalid, match="twice"):
        coerced(data[:at] + b"\x10\x00\x20\x00LO\x04\x004711" + data[at:], COERCION)


def test_a_signed_object_is_refused() -> None:
    dataset = of_home(structure_set())
    dataset.DigitalSignaturesSequence = Items([Dataset()])
    with pytest.raises(SourceAnswerInvalid, match="signature"):
        coerced(whole(dataset), COERCION)


def test_group_lengths_say_the_new_length() -> None:
    data = whole(of_home(structure_set()))
    first, last = data.index(b"\x10\x00\x10\x00PN"), data.index(b"\x20\x00\x0d\x00UI")
    length = (last - first).to_bytes(4, "little")
    copy = coerced(data[:first] + b"\x10\x00\x00\x00UL\x04\x00" + length + data[first:], COERCION).data
    at = copy.index(b"\x10\x00\x00\x00UL\x04\x00") + 8

    assert int.from_bytes(copy[at : at + 4], "little") == copy.index(b"\x20\x00\x0d\x00UI") - at - 4


def test_a_copy_that_came_out_otherwise_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    write = coercing.spliced
    monkeypatch.setattr(coercing, "spliced", lambda *given: write(*given).replace(b"Bladder", b"BLADDER"))
    with pytest.raises(IntegrityError, match="3006,0020"):
        coerced(whole(of_home(structure_set())), COERCION)


SEEDS = [
    encoded(of_home(build()), syntax=syntax, rng=random.Random(seed))
    for seed, build in enumerate(OBJECTS.values())
    for syntax in (IMPLICIT, EXPLICIT, BIG, DEFLATED)
]


def tried(data: bytes) -> Coerced | str:
    try:
        return coerced(data, COERCION)
    except BeamkeeperError as error:
        return f"{error} {error.do_next} {error.facts}"


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SEEDS), st.data())
def test_damaged_objects_end_in_a_sentence_or_in_a_copy_that_changes_nothing_else(
    seed: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = data.draw(st.sampled_from([0x00, 0xFF, 0xFE, 0x80, 0x41, 0xE0, 0xDD, 0x10]))
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(damaged))) :]
    made = tried(bytes(damaged))
    if isinstance(made, str):
        assert "Doe" not in made
        return
    found = read_stated_patient(made.data, zone=UTC_ZONE)

    assert found is not None
    assert found.patient_id == "P-77"


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_that_are_no_object_are_refused(data: bytes) -> None:
    for one in (data, bytes(128) + b"DICM" + data, b""):
        with pytest.raises(BeamkeeperError):
            coerced(one, COERCION)


def test_what_is_no_stored_object_is_refused() -> None:
    dataset = of_home(structure_set())
    del dataset.SOPInstanceUID
    with pytest.raises(ObjectUnreadable, match="no stored object"):
        coerced(encoded(dataset), COERCION)


def test_a_copy_states_both_numbers_and_its_plan() -> None:
    record = of_home(next(build() for kind, build in OBJECTS.items() if "record" in kind.lower()))
    stated = read_stated(coerced(whole(record), COERCION).data, zone=UTC_ZONE)

    assert stated.patient is not None
    assert stated.patient.patient_id == "P-77"
    assert stated.other_ids == (("4711", "HOME"),)
    assert stated.plan_uids == (record.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID,)
