"""Folders are compared object by object, wherever the files lie and whatever they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydicom import Dataset
from tests.unit.protect.compare.re_encoding import IMPLICIT, encoded, whole
from tests.unit.protect.compare.synthetic_objects import ct_slice, record, structure_set
from tests.unit.protect.compare.synthetic_plans import vmat_plan

from beamkeeper.domain.change import Grade
from beamkeeper.errors import ConfigError
from beamkeeper.protect.compare import CompareRules, PathComparison, compare_paths

if TYPE_CHECKING:
    from pathlib import Path

RULES = CompareRules()
PLAN, TREATED, SLICE = whole(vmat_plan()), whole(record()), whole(ct_slice())


def folder(root: Path, **files: bytes) -> Path:
    for name, data in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def compared(tmp_path: Path, old: dict[str, bytes], new: dict[str, bytes]) -> PathComparison:
    for side in ("old", "new"):
        (tmp_path / side).mkdir()
    return compare_paths(folder(tmp_path / "old", **old), folder(tmp_path / "new", **new), rules=RULES)


def counted(found: PathComparison) -> dict[str, int]:
    return {grade: count for grade, count in found.summary.items() if count}


def altered_plan() -> bytes:
    plan = vmat_plan()
    plan.BeamSequence[0].ControlPointSequence[3].GantryAngle = "1"
    return whole(plan)


def test_objects_are_matched_by_uid_not_by_file_name(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a.dcm": PLAN, "b.dcm": SLICE}, {"deep__er__x": PLAN, "y": SLICE})

    assert counted(found) == {"identical": 2}
    assert found.is_quiet


def test_every_grade_is_counted_under_its_key(tmp_path: Path) -> None:
    old = {"plan": PLAN, "ct": SLICE, "gone": whole(structure_set())}
    new = {"plan": altered_plan(), "ct": encoded(ct_slice(), syntax=IMPLICIT), "new": TREATED}
    found = compared(tmp_path, old, new)

    assert list(found.summary) == [
        "identical",
        "re_encoded",
        "administrative",
        "clinical",
        "new",
        "missing",
        "unreadable",
    ]
    assert counted(found) == {"re_encoded": 1, "clinical": 1, "new": 1, "missing": 1}
    assert found.objects[0].grade is Grade.CLINICAL
    assert not found.is_quiet


def test_exact_copies_count_once_and_are_said(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a": PLAN, "b": PLAN}, {"c": PLAN})

    assert counted(found) == {"identical": 1}
    assert found.remarks == ("Exact copies on the old side, counted once: 1 file.",)


def test_two_contents_under_one_uid_are_both_compared_and_said(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a": PLAN}, {"a": PLAN, "b": altered_plan()})

    assert counted(found) == {"clinical": 1}
    assert "several contents" in found.remarks[0]


def test_two_contents_under_one_uid_on_both_sides_are_identical(tmp_path: Path) -> None:
    both = {"a": PLAN, "b": altered_plan()}

    assert counted(compared(tmp_path, both, both)) == {"identical": 1}


def test_files_that_are_not_dicom_are_matched_by_their_bytes(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a.txt": b"licence", "b": b"gone"}, {"c.txt": b"licence", "d": b"come"})

    assert counted(found) == {"identical": 1, "missing": 1, "unreadable": 1}


def test_messages_without_uid_are_matched_by_their_place(tmp_path: Path) -> None:
    message = Dataset()
    message.PatientID = "1"
    other = Dataset()
    other.PatientID = "2"
    old = {"q.dcm": encoded(message, bare=True), "r.dcm": encoded(message, bare=True)}
    new = {"q.dcm": encoded(message, bare=True), "r.dcm": encoded(other, bare=True)}

    assert counted(compared(tmp_path, old, new)) == {"identical": 1, "clinical": 1}


def test_two_files_are_compared_whatever_their_uids(tmp_path: Path) -> None:
    again = vmat_plan()
    again.SOPInstanceUID += ".1"
    place = folder(tmp_path, old=PLAN, new=whole(again))

    found = compare_paths(place / "old", place / "new", rules=RULES)

    assert counted(found) == {"clinical": 1}
    assert [change.path for change in found.objects[0].changes] == ["SOPInstanceUID"]


def test_an_empty_file_is_unreadable(tmp_path: Path) -> None:
    place = folder(tmp_path, old=PLAN, new=b"")

    assert counted(compare_paths(place / "old", place / "new", rules=RULES)) == {"unreadable": 1}


@pytest.mark.parametrize(("old", "new"), [("here", "nowhere"), ("nowhere", "here"), ("here", "here/file")])
def test_a_wrong_path_is_a_config_error(tmp_path: Path, old: str, new: str) -> None:
    folder(tmp_path / "here", file=PLAN)

    with pytest.raises(ConfigError):
        compare_paths(tmp_path / old, tmp_path / new, rules=RULES)


def test_the_two_ihe_ro_releases_differ_in_two_objects_and_only_by_an_operator(real_data: Path) -> None:
    found = compare_paths(
        real_data / "ihero-brto-older-release" / "dicom",
        real_data / "ihero-brto-fullrefset" / "dicom",
        rules=RULES,
    )
    changed = [one for one in found.objects if one.grade not in {Grade.RE_ENCODED, Grade.NEW}]

    assert found.summary["re_encoded"] == 41
    assert sorted(one.modality for one in changed) == ["RTDOSE", "RTSTRUCT"]
    assert {change.path for one in changed for change in one.changes} == {"OperatorsName"}
    assert {one.grade for one in changed} == {Grade.ADMINISTRATIVE}
    assert found.summary["missing"] == 0


@pytest.mark.slow
def test_every_real_file_compared_with_itself_is_identical(real_data: Path) -> None:
    found = compare_paths(real_data, real_data, rules=RULES)

    assert set(counted(found)) == {"identical"}
    assert sum(found.summary.values()) > 200
