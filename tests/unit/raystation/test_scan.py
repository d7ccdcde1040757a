"""The script as a scheduled scan: what was approved lately goes everywhere once, and nothing is forgotten."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.raystation.conftest import Clinic


def went(clinic: Clinic) -> Counter[str]:
    return Counter(export.patient_id for export in clinic.department.exports)


def test_what_was_approved_lately_goes_everywhere_and_only_once(clinic: Clinic, yesterday: datetime) -> None:
    clinic.department.add("P1", "HN1", approved_at=yesterday, modified=yesterday)

    assert clinic.scan()
    assert clinic.scan()

    assert went(clinic) == {"P1": 3}
    assert {receipt["mode"] for receipt in clinic.receipts()} == {"scheduled"}


def test_a_scan_saves_nothing(clinic: Clinic, yesterday: datetime) -> None:
    clinic.department.add("P1", "HN1", approved_at=yesterday, modified=yesterday)
    clinic.scan()

    assert clinic.department.patients[0].saves == 0


def test_a_patient_who_has_not_changed_since_is_not_opened_again(
    clinic: Clinic, yesterday: datetime, now: datetime
) -> None:
    clinic.department.add("P1", "HN1", approved_at=yesterday, modified=yesterday)
    clinic.department.add("P2", "PELVIS", approved_at=None, modified=yesterday)
    clinic.scan()
    clinic.department.modified["P2"] = now
    clinic.scan()

    assert clinic.department.loads == ["P1", "P2", "P2"]


def test_a_new_approval_of_the_same_plan_goes_out_again(
    clinic: Clinic, yesterday: datetime, now: datetime
) -> None:
    beam_set = clinic.department.add("P1", "HN1", approved_at=yesterday, modified=yesterday)
    clinic.scan()
    assert beam_set.Review is not None
    beam_set.Review.ReviewTime = now
    clinic.department.modified["P1"] = now
    clinic.scan()

    assert went(clinic) == {"P1": 6}


def test_a_patient_locked_by_somebody_is_skipped_and_taken_the_next_time(
    clinic: Clinic, yesterday: datetime
) -> None:
    clinic.department.add("P1", "HN1", approved_at=yesterday, modified=yesterday)
    clinic.department.add("P2", "PELVIS", approved_at=yesterday, modified=yesterday)
    clinic.department.locked.add("P1")

    assert not clinic.scan()
    assert went(clinic) == {"P2": 3}
    assert "open elsewhere or locked" in clinic.log()
    assert "P1" not in clinic.log()
    clinic.department.locked.clear()

    assert clinic.scan()
    assert went(clinic) == {"P1": 3, "P2": 3}


def test_only_the_destination_that_failed_is_tried_again(clinic: Clinic, yesterday: datetime) -> None:
    clinic.department.add("P1", "HN1", approved_at=yesterday, modified=yesterday)
    clinic.department.down.add("SUNCHECK")
    assert not clinic.scan()
    clinic.department.down.clear()
    before = len(clinic.department.exports)

    assert clinic.scan()

    assert [export.where for export in clinic.department.exports[before:]] == ["SUNCHECK"]


def test_old_approvals_stay_where_they_are_even_when_the_patient_was_locked(
    clinic: Clinic, yesterday: datetime
) -> None:
    long_ago = yesterday - timedelta(days=700)
    clinic.department.add("P1", "OLD", approved_at=long_ago, modified=yesterday)
    clinic.department.locked.add("P1")
    clinic.scan()
    clinic.department.locked.clear()

    assert clinic.scan()

    assert went(clinic) == {}


def test_what_changed_long_ago_is_not_opened(clinic: Clinic, yesterday: datetime) -> None:
    clinic.department.add("P1", "HN1", approved_at=yesterday, modified=yesterday - timedelta(days=15))
    clinic.scan()

    assert clinic.department.loads == []


def test_what_was_not_approved_waits(clinic: Clinic, yesterday: datetime) -> None:
    clinic.department.add("P1", "HN1", approved_at=None, modified=yesterday)

    assert clinic.scan()

    assert clinic.department.exports == []


def test_a_plan_that_cannot_be_read_does_not_stop_the_other_patients(
    clinic: Clinic, yesterday: datetime
) -> None:
    broken = clinic.department.add("P1", "HN1", approved_at=yesterday, modified=yesterday)
    broken.Review = "what is this"  # type: ignore[assignment]
    clinic.department.add("P2", "PELVIS", approved_at=yesterday, modified=yesterday)

    assert not clinic.scan()

    assert went(clinic) == {"P2": 3}


def test_what_the_button_sent_the_scan_does_not_send_again(clinic: Clinic, yesterday: datetime) -> None:
    clinic.department.add("P1", "HN1", approved_at=yesterday, modified=yesterday)
    clinic.department.open("P1")
    clinic.press()

    assert clinic.scan()

    assert went(clinic) == {"P1": 3}


def test_a_scan_that_is_killed_goes_on_where_it_was(clinic: Clinic, yesterday: datetime) -> None:
    for number in range(3):
        clinic.department.add(f"P{number}", "HN1", approved_at=yesterday, modified=yesterday)

    class Killed(BaseException):
        pass

    class Dying(dict[str, str]):
        def __contains__(self, where: object) -> bool:
            if len(clinic.department.exports) > 4:
                raise Killed
            return False

    clinic.department.warns = Dying()
    with pytest.raises(Killed):
        clinic.scan()
    clinic.department.warns = {}

    assert clinic.scan()

    assert went(clinic) == {"P0": 3, "P1": 4, "P2": 3}  # the one that was under way goes once more


def test_a_memory_that_cannot_be_read_exports_again_rather_than_not_at_all(
    clinic: Clinic, yesterday: datetime
) -> None:
    clinic.department.add("P1", "HN1", approved_at=yesterday, modified=yesterday)
    (clinic.folder / "state" / "scan.json").write_text('{"format": 1, "se')

    assert clinic.scan()

    assert went(clinic) == {"P1": 3}
    assert json.loads((clinic.folder / "state" / "scan.json").read_text())["pending"] == {}


def test_a_log_that_grew_large_is_put_aside(clinic: Clinic) -> None:
    (clinic.folder / "export.log").write_text("x" * 5_000_001)
    clinic.scan()
    clinic.scan()

    assert (clinic.folder / "export.log.old").stat().st_size == 5_000_001
    assert "scan ended" in clinic.log()
