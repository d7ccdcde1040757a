"""The end of the audit log stands outside the log, so that a log written anew is found."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2, NIGHT_3, SmallSite, at

from beamkeeper.app.checkup import check_site
from beamkeeper.app.jobs.audited import audit_report
from beamkeeper.app.jobs.reporting import last_report
from beamkeeper.domain.audit import FIRST_PREVIOUS
from beamkeeper.domain.codec import canonical
from beamkeeper.domain.night import NightOutcome
from beamkeeper.protect.report import render_html, render_text

if TYPE_CHECKING:
    from beamkeeper.app.checkup import Finding


def rewrite_log(site: SmallSite, *, cut_off: int = 0, actor: str = "") -> None:
    """What an intruder on the collector does: every digest is right, and it is another story."""
    with closing(sqlite3.connect(site.site.data_dir / "ledger.db")) as database, database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            database.execute(f"DROP TRIGGER {name}")
        rows = database.execute("SELECT line FROM ledger_auditentry ORDER BY sequence").fetchall()
        database.execute("DELETE FROM ledger_auditentry")
        previous = FIRST_PREVIOUS
        for (line,) in rows[: len(rows) - cut_off]:
            body = json.loads(line) | {"previous": previous}
            told = canonical(body | ({"actor": actor} if actor else {}))
            previous = hashlib.sha256(told.encode()).hexdigest()
            database.execute(
                "INSERT INTO ledger_auditentry (sequence, line, sha256) VALUES (?, ?, ?)",
                (body["sequence"], told, previous),
            )


def ledger_finding(site: SmallSite) -> Finding:
    (finding,) = [item for item in check_site(site.site, at(NIGHT_2, 12)) if item.what == "ledger"]
    return finding


def test_the_report_and_the_signed_metadata_carry_the_end_of_the_audit_log(kept_site: SmallSite) -> None:
    report = last_report(kept_site.site, NIGHT_1)
    runtime = kept_site.runtime()

    assert report is not None
    assert report.audit_head is not None
    assert runtime.vault.audit_head is not None
    for head in (report.audit_head, runtime.vault.audit_head):
        assert runtime.ledger.audit.verify_chain(head).is_whole
    assert 0 < runtime.vault.audit_head.sequence < report.audit_head.sequence
    for form in (render_text(report), render_html(report)):
        assert report.audit_head.sha256 in form
    assert ledger_finding(kept_site).text.endswith("unbroken, as the vault saw it.")


@pytest.mark.parametrize(("cut_off", "actor"), [(0, "somebody else"), (3, "")])
def test_a_log_that_was_written_anew_is_found_and_the_next_night_says_so_once(
    kept_site: SmallSite, cut_off: int, actor: str
) -> None:
    report = last_report(kept_site.site, NIGHT_1)
    rewrite_log(kept_site, cut_off=cut_off, actor=actor)
    runtime = kept_site.runtime()
    by_itself, by_the_vault = runtime.ledger.audit.verify_chain(), audit_report(runtime)
    finding = ledger_finding(kept_site)
    told, after = kept_site.night(NIGHT_2), kept_site.night(NIGHT_3)

    assert by_itself.is_whole, "the chain alone shows nothing"
    assert not by_the_vault.is_whole
    assert report is not None
    assert not runtime.ledger.audit.verify_chain(report.audit_head).is_whole
    assert finding.verdict == "bad"
    assert "audit log" in finding.text
    assert told.outcome is NightOutcome.COMPLETE
    assert "audit log is not what was written" in " ".join(told.warnings)
    assert "audit log is not" not in " ".join(after.warnings)
    assert audit_report(kept_site.runtime()).is_whole
