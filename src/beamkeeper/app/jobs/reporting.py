"""The facts of a night put together, and the files people read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.notes import read_note, write_note, write_whole
from beamkeeper.domain.codec import to_json
from beamkeeper.domain.night import NightOutcome, NightReport
from beamkeeper.protect.report import render_html, render_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from beamkeeper.app.jobs.looked import TonightList
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.domain.night import PatientNight

HTML_NAME = "report.html"
TEXT_NAME = "report.txt"
JSON_NAME = "report.json"
NOTE_NAME = "report.note"


def build_report(
    runtime: Runtime,
    run_on: date,
    tonight: TonightList,
    nights: Sequence[PatientNight],
    *,
    alarm: str,
    stopped: bool,
    losses: Sequence[str],
    warnings: Sequence[str],
    remarks: Sequence[str],
    page_only: Sequence[str],
) -> NightReport:
    """Return the report of a night from what its steps left.

    Parameters
    ----------
    losses
        What should have been kept and belongs to no patient: the night is not whole.
    warnings
        What is wrong and is no loss.
    remarks
        What is worth a line and is no loss.
    page_only
        Names of files, which may be called after patients.
    """
    now = runtime.clock.now()
    row = runtime.ledger.night(run_on)
    census = tonight.census
    before = [
        night.run_on for night in runtime.ledger.nights() if night.run_on < run_on and night.finished_at
    ]
    entries = runtime.vault.entries()
    return NightReport(
        run_on=run_on,
        site_name=runtime.site.site.name,
        time_zone=runtime.site.site.time_zone,
        started_at=row.started_at if row else now,
        finished_at=now,
        outcome=_outcome(nights, tonight, stopped=stopped, lost=bool(losses)),
        sources=census.sources,
        patients=tuple(
            sorted(nights, key=lambda night: (-len(night.eyes), night.patient_name, night.patient_id))
        ),
        compared_with=max(before, default=None),
        stale_census=census.stale,
        alarm=alarm,
        warnings=(*losses, *warnings, *tonight.warnings),
        remarks=tuple(remarks),
        page_only=tuple(page_only),
        vault_directory=str(runtime.site.vault.directory),
        vault_parcels=len(entries),
        vault_bytes=sum(entry.size_bytes for entry in entries),
        audit_head=runtime.ledger.audit.head(),
    )


def _outcome(
    nights: Sequence[PatientNight], tonight: TonightList, *, stopped: bool, lost: bool
) -> NightOutcome:
    if stopped:
        return NightOutcome.STOPPED
    whole = nights and all(night.is_whole for night in nights)
    answered = all(source.answered for source in tonight.census.sources)
    if whole and answered and not tonight.census.stale and not lost:
        return NightOutcome.COMPLETE
    return NightOutcome.INCOMPLETE


def write_report(folder: Path, report: NightReport, *, list_digest: str = "") -> None:
    """Write the page, the text, the JSON, and the note the collector reads back.

    Parameters
    ----------
    list_digest
        Of what people vote on, so that they see that page and mail speak of the same; "" once something
        of it was taken out.
    """
    write_whole(folder / HTML_NAME, render_html(report, list_digest=list_digest).encode())
    write_whole(folder / TEXT_NAME, render_text(report, list_digest=list_digest).encode())
    data = {"format": "beamkeeper-night-report", "version": 1, "report": to_json(report)}
    write_whole(folder / JSON_NAME, json.dumps(data, ensure_ascii=False, indent=1).encode())
    write_note(folder / NOTE_NAME, report)


def last_report(site: Site, run_on: date) -> NightReport | None:
    """Return the report of one night; None when there is none yet."""
    return read_note(site.night_dir(run_on) / NOTE_NAME, NightReport)


def nights_ahead(nights: Iterable[date], run_on: date) -> tuple[str, ...]:
    """Return the sentence about nights of the vault that are later than this one; () without any."""
    ahead = [night for night in nights if night > run_on]
    if not ahead:
        return ()
    said = (
        f"The vault holds a night of {max(ahead)}, later than this one: a clock ran ahead, or another "
        "date was asked for. What is sealed tonight is counted as newer all the same."
    )
    return (said,)
