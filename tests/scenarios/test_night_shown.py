"""What the command line says of nights and people, when names are odd and nights were stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from night_site import NIGHT_1, NIGHT_2
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.domain.patient import Patient

if TYPE_CHECKING:
    from click.testing import Result
    from night_site import SmallSite

STOPPED_AT = datetime(2026, 3, 3, 2, tzinfo=UTC)


def run(site: SmallSite, *arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(
        app, [*arguments, "--site", str(site.site_file)], standalone_mode=False
    )


def test_brackets_in_a_name_are_letters(kept_site: SmallSite) -> None:
    ledger = kept_site.runtime().ledger
    row = ledger.patients()[0]
    odd = replace(row.patient, name="Smith[/x]^[red]")
    ledger.upsert_patient(row.pseudonym, odd, seen_on=NIGHT_2)
    ledger.upsert_patient("q" * 26, Patient(patient_id="[/b]1", name="X"), seen_on=NIGHT_2)
    listed, shown = run(kept_site, "patients"), run(kept_site, "patient", odd.patient_id)

    assert "Smith[/x], [red]" in listed.output
    assert "[/b]1" in listed.output
    assert "Smith[/x], [red]" in shown.output


def test_a_stopped_night_is_never_told_as_nothing_to_look_at(kept_site: SmallSite) -> None:
    ledger = kept_site.runtime().ledger
    ledger.begin_night(NIGHT_2, STOPPED_AT)
    ledger.finish_night(NIGHT_2, finished_at=STOPPED_AT, outcome="stopped", summary={})
    text, data = run(kept_site, "changes"), run(kept_site, "changes", "--json")

    assert "Nothing needs your eyes" not in text.output
    assert "stopped, not complete" in text.output
    assert (text.return_value, data.return_value) == (3, 3)
    assert json.loads(data.output)["outcome"] == "stopped"


def test_a_date_without_a_night_is_an_error_and_a_quiet_one_is_not(kept_site: SmallSite) -> None:
    none = run(kept_site, "changes", "--on", "2031-01-01")
    quiet = run(kept_site, "changes", "--on", NIGHT_1.isoformat())

    assert "There was no night on 2031-01-01" in str(none.exception)
    assert "Nothing needs your eyes." in quiet.output
    assert quiet.return_value == 0
