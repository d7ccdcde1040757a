"""A night beside RayStation's receipts: what was approved and sent must be in the vault, or it is named."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from night_site import NIGHT_1, NIGHT_2, SmallSite
from pydicom import dcmread
from tests.unit.protect.census.receipt_builders import TRIAGE, write_receipt

from beamkeeper.domain.night import NightOutcome
from beamkeeper.protect.report import render_html, render_text
from beamkeeper.protect.report.words import headline

if TYPE_CHECKING:
    from pathlib import Path


def with_receipts(site: SmallSite, folder: Path) -> None:
    source = f'[[sources]]\nkind = "receipts"\nname = "raystation"\npath = "{folder}"\n\n[[sources]]'
    text = site.site_file.read_text(encoding="utf-8")
    site.site_file.write_text(text.replace("[[sources]]", source, 1), "utf-8")
    folder.mkdir()


def test_an_approved_plan_that_was_sent_and_did_not_arrive_is_named_until_it_does(
    small_site: SmallSite, tmp_path: Path
) -> None:
    with_receipts(small_site, tmp_path / "receipts")
    plan = dcmread(next(small_site.source.glob("p2/RTPLAN-*.dcm")))
    of = {
        "patient_id": str(plan.PatientID),
        "patient_name": str(plan.PatientName),
        "beam_set": str(plan.RTPlanLabel),
        "written_at": f"{NIGHT_1}T00:05:00Z",
        "reviewed_at": "",
        "triage": TRIAGE | {"given_at": f"{NIGHT_1}T00:04:00Z"},
    }
    write_receipt(tmp_path / "receipts", **of)
    lost = write_receipt(tmp_path / "receipts", **of | {"beam_set": "BOOST", "destination": "mim"})
    failed = {"destination": "suncheck", "result": "failed", "error": "No connection."}
    refused = write_receipt(tmp_path / "receipts", **of | failed)

    first = small_site.night(NIGHT_1)
    lost.unlink()
    refused.unlink()
    second = small_site.night(NIGHT_2)

    assert first.outcome is NightOutcome.INCOMPLETE
    (found,) = [night for night in first.patients if night.not_kept]
    assert [item.reason for item in found.not_kept] == ["plan 'BOOST' was sent to mim and is not here"]
    assert "approved plan: plan 'BOOST' was sent to mim and is not here" in " ".join(
        render_text(first, list_digest="").split()
    )
    said = f"plan {plan.RTPlanLabel!r} could not be sent to suncheck: No connection."
    assert [text for night in first.patients for text in night.unsent] == [said]
    assert said in " ".join(render_text(first, list_digest="").split())
    assert said in html.unescape(render_html(first))
    assert headline(first).endswith("1 export of approved plans failed.")
    assert second.unsent_count == 0
    assert second.outcome is NightOutcome.COMPLETE
    codes = [chart.triage.code for entry in _entries(small_site) for chart in entry.charts if chart.triage]
    assert codes == ["2"]


def _entries(site: SmallSite):
    census = site.runtime().ledger.last_census()
    assert census is not None
    return census.entries
