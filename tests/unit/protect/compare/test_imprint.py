"""Imprints: a change is named, and nothing of the old value can be read from one without its key."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict

import pytest
from tests.unit.protect.compare.re_encoding import whole
from tests.unit.protect.compare.synthetic_objects import OBJECTS
from tests.unit.protect.compare.synthetic_plans import PLANS

from beamkeeper.app.jobs.imprints import Imprints
from beamkeeper.domain.change import Grade
from beamkeeper.protect.compare import CompareRules, compare_with_imprint, imprint_of

KEY, RULES = b"k" * 32, CompareRules()
PLAN = next(iter(PLANS.values()))


def told(old, new, *, rules: CompareRules = RULES) -> tuple[Grade, list[str]]:
    found = compare_with_imprint(imprint_of(whole(old), KEY, rules), whole(new), key=KEY, rules=rules)
    return found.grade, [change.text for change in found.changes]


def test_nothing_readable_is_left_in_an_imprint() -> None:
    plan = PLAN()
    plan.PatientName, plan.PatientID = "JANSSENS^AN", "BK-20418"
    kept = json.dumps(asdict(imprint_of(whole(plan), KEY, RULES)))

    assert not [text for text in ("JANSSENS", "20418", str(plan.SOPInstanceUID)) if text in kept]


def test_equal_values_of_two_objects_or_under_two_keys_leave_different_digests() -> None:
    one, other = PLAN(), PLAN()
    other.SOPInstanceUID = "1.2.3.4"
    first, second = (imprint_of(whole(plan), KEY, RULES).level for plan in (one, other))
    keyed = imprint_of(whole(one), b"x" * 32, RULES).level

    assert first is not None
    assert second is not None
    assert keyed is not None
    digests = [
        {value for value in level.values() if isinstance(value, str) and value}
        for level in (first, second, keyed)
    ]
    assert not (digests[0] & digests[1])
    assert not (digests[0] & digests[2])


def test_a_moved_leaf_is_named_and_its_old_place_is_sealed() -> None:
    old = PLAN()
    new = copy.deepcopy(old)
    point = new.BeamSequence[0].ControlPointSequence[0]
    device = point.BeamLimitingDevicePositionSequence[-1]
    before = [str(value) for value in device.LeafJawPositions]
    device.LeafJawPositions = [*before[:-1], "77.5"]
    grade, texts = told(old, new)

    assert grade is Grade.CLINICAL
    assert len(texts) == 1
    assert texts[0].startswith("Beam 1, control point 0, ")
    assert texts[0].endswith("sealed → 77.5 mm")


def test_what_was_added_and_what_was_removed_is_said() -> None:
    old = PLAN()
    new = copy.deepcopy(old)
    beam = new.BeamSequence.pop()
    new.PrescriptionDescription = "boost"
    grade, texts = told(old, new)

    assert grade is Grade.CLINICAL
    assert f"Beam {beam.BeamNumber} removed" in texts
    assert any("Prescription Description" in text for text in texts)


def test_a_removed_value_is_no_mere_formality() -> None:
    old = PLAN()
    new = copy.deepcopy(old)
    new.BeamSequence[0].ControlPointSequence[0].GantryAngle = None

    assert told(old, new)[0] is Grade.CLINICAL


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_the_same_object_is_re_encoded_at_most_whatever_it_is(name: str) -> None:
    assert told(OBJECTS[name](), OBJECTS[name]()) == (Grade.RE_ENCODED, [])


def test_what_a_site_calls_volatile_counts_in_no_imprint() -> None:
    old, new = PLAN(), PLAN()
    old.InstanceCreationTime, new.InstanceCreationTime = "101010", "111111"

    assert told(old, new)[0] is Grade.RE_ENCODED


def test_an_imprint_comes_back_from_its_file_and_goes_with_its_bytes(tmp_path) -> None:
    data = whole(PLAN())
    kept = Imprints(tmp_path / "p.json", KEY, RULES)
    kept.take("aa", data)
    kept.take("bb", data)
    kept.take("cc", b"no object")
    kept.save({"aa", "cc"})
    again = Imprints(tmp_path / "p.json", KEY, RULES)

    assert again.of("aa") == imprint_of(data, KEY, RULES)
    assert (again.of("bb"), again.of("cc")) == (None, None)


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"format": 2}', b'{"format": 1, "imprints": {"a": 1}}'])
def test_a_damaged_file_of_imprints_is_as_if_there_were_none(tmp_path, damage) -> None:
    (tmp_path / "p.json").write_bytes(damage)

    assert Imprints(tmp_path / "p.json", KEY, RULES).of("a") is None
