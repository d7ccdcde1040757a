"""What RayStation's script left: read strictly, by whoever may write into that folder."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from census_builders import NOW
from receipt_builders import TRIAGE, write_receipt

from beamkeeper.domain.census import CensusReason, Claim
from beamkeeper.domain.chart import PlanExport, Triage
from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable
from beamkeeper.protect.census import CensusWindow, ReceiptSource, SourceAnswer, receipts

if TYPE_CHECKING:
    from pathlib import Path

BRUSSELS = ZoneInfo("Europe/Brussels")
WINDOW = CensusWindow()


def ask(folder: Path, now: datetime = NOW, days: int = 60) -> SourceAnswer:
    return ReceiptSource("raystation", folder, zone=BRUSSELS, days=days).ask(now, WINDOW)


def test_a_plan_that_was_approved_lately_puts_its_patient_on_the_list(tmp_path: Path) -> None:
    write_receipt(tmp_path)
    answer = ask(tmp_path)

    (entry,) = answer.entries
    assert (entry.patient.patient_id, entry.patient.name) == ("P1", "Peeters^Jan")
    assert entry.claims == (Claim(source="raystation", reason=CensusReason.PLANNED_NOT_STARTED),)
    assert answer.warnings == ()


def test_the_chart_holds_the_code_and_what_went_where(tmp_path: Path) -> None:
    write_receipt(tmp_path)
    write_receipt(tmp_path, destination="aria", result="failed", error="No\nconnection.")
    ((_, chart),) = ask(tmp_path).charts

    approved = datetime(2026, 11, 20, 13, 3, tzinfo=UTC)  # the wall in Brussels said 14:03
    sent = datetime(2026, 11, 20, 13, 5, tzinfo=UTC)
    assert chart.triage == Triage(
        code="2", reason="head and neck", given_by="peeters", given_at=sent - timedelta(minutes=1)
    )
    assert set(chart.exports) == {
        PlanExport(
            case="Case 1", plan_name="HN", rt_plan_label="HN1", destination=where, exported_at=sent,
            reviewed_at=approved, error=error,
        )
        for where, error in (("suncheck", ""), ("aria", "No connection."))
    }  # fmt: skip


def test_the_last_word_on_a_destination_and_the_last_code_count(tmp_path: Path) -> None:
    write_receipt(tmp_path, result="failed", error="No connection.")
    later = {"written_at": "2026-11-20T15:00:00Z", "triage": None, "mode": "scheduled"}
    write_receipt(tmp_path, **later)
    ((_, chart),) = ask(tmp_path).charts

    assert [export.error for export in chart.exports] == [""]
    assert chart.triage is not None
    assert chart.triage.code == "2"


def test_after_two_weeks_it_says_who_is_urgent_and_lists_nobody(tmp_path: Path) -> None:
    write_receipt(tmp_path)
    answer = ask(tmp_path, NOW + timedelta(days=20))

    assert answer.entries == ()
    assert [patient.patient_id for patient, _ in answer.charts] == ["P1"]


def test_old_receipts_say_nothing_any_more(tmp_path: Path) -> None:
    write_receipt(tmp_path)

    assert ask(tmp_path, days=1).charts == ()


def test_what_was_exported_without_approval_says_nothing_of_who_is_treated(tmp_path: Path) -> None:
    write_receipt(tmp_path, approval="")

    assert ask(tmp_path).charts == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"format": 2}, "format"),
        ({"kind": "receipt"}, "kind"),
        ({"patient_id": ""}, "patient_id"),
        ({"patient_id": "P1\x1b[2J"}, "patient_id"),
        ({"patient_id": "P" * 65}, "patient_id"),
        ({"patient_name": "A\nB"}, "patient_name"),
        ({"beam_set": "B" * 201}, "beam_set"),
        ({"written_at": "2026-11-20T13:05:00"}, "written_at"),
        ({"reviewed_at": "2026-11-20T13:05:00Z"}, "reviewed_at"),
        ({"result": "gone"}, "result"),
        ({"warnings": ["w"] * 101}, "warnings"),
        ({"error": "e" * 2001}, "error"),
        ({"triage": TRIAGE | {"code": ""}}, "triage"),
        ({"triage": TRIAGE | {"more": 1}}, "triage"),
        ({"Peeters^Jan": 1}, "another key"),
        ({"receipt": "0" * 32, "written_at": "2031-01-01T00:00:00Z"}, "future"),
    ],
)
def test_what_is_no_receipt_is_said_without_its_words_and_stops_no_other(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    write_receipt(tmp_path, patient_id="P2", patient_name="Claes^An")
    write_receipt(tmp_path, **changed)
    answer = ask(tmp_path)

    assert [patient.patient_id for patient, _ in answer.charts] == ["P2"]
    assert "1 receipts cannot be read" in answer.warnings[0]
    assert said in answer.warnings[0]
    assert "Peeters" not in answer.warnings[0]


@pytest.mark.parametrize(
    "content", [b"", b"[" * 500_000, b"\xff\xfe", b"null", b"{}", b'{"format": 1' * 3, b"1" * 1_000_001]
)
def test_whatever_bytes_lie_there_are_no_receipt(tmp_path: Path, content: bytes) -> None:
    path = write_receipt(tmp_path)
    path.write_bytes(content)

    assert len(ask(tmp_path).warnings) == 1


def test_links_pipes_and_folders_are_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "receipts"
    folder.mkdir()
    elsewhere = write_receipt(tmp_path)
    (folder / elsewhere.name).symlink_to(elsewhere)
    os.mkfifo(folder / ("1" * 32 + ".json"))
    (folder / ("2" * 32 + ".json")).mkdir()
    answer = ask(folder)

    assert answer.charts == ()
    assert answer.warnings[0].startswith("3 receipts cannot be read")


def test_a_receipt_under_another_name_is_none(tmp_path: Path) -> None:
    path = write_receipt(tmp_path)
    path.rename(tmp_path / ("f" * 32 + ".json"))

    assert "another's" in ask(tmp_path).warnings[0]


def test_other_files_are_counted_and_not_opened(tmp_path: Path) -> None:
    (tmp_path / "Peeters Jan.txt").write_text("hello")
    (tmp_path / ("1" * 32 + ".json.part")).write_text("{")

    assert ask(tmp_path).warnings == ("1 other files lie among the receipts.",)


def test_more_than_a_department_writes_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "RECEIPTS_MAX", 2)
    for number in range(3):
        write_receipt(tmp_path, patient_id=f"P{number}")

    with pytest.raises(SourceAnswerInvalid, match="more than 2"):
        ask(tmp_path)


def test_a_share_that_is_away_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        ask(tmp_path / "unplugged")


def test_the_sites_test_patients_are_told(tmp_path: Path) -> None:
    write_receipt(tmp_path, patient_id="$QA")
    source = ReceiptSource(
        "raystation",
        tmp_path,
        zone=BRUSSELS,
        days=60,
        is_test_patient=lambda patient_id: patient_id.startswith("$"),
    )

    assert source.ask(NOW, WINDOW).test_patient_ids == {"$QA"}


def test_the_format_page_names_every_key() -> None:
    from tests.unit.raystation.conftest import DEPLOY

    page = (DEPLOY.parents[1] / "docs" / "formats" / "raystation-receipt.md").read_text(encoding="utf-8")
    missing = [key for key in receipts._Written.model_fields if f"`{key}`" not in page]

    assert json.dumps(missing) == "[]"
