"""Restore prefers what people confirmed, patient by patient, and says when it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner
from voting_site import (
    MORNING,
    NIGHT_1,
    NIGHT_2,
    SmallSite,
    ask_people,
    ballot,
    ledger_of,
    lose_a_structure_set,
)

from beamkeeper.app.cli.main import app
from beamkeeper.app.cli.status import where_nights_stand
from beamkeeper.app.jobs.lists import gather_by_site
from beamkeeper.app.jobs.quorum import cast, take_reports
from beamkeeper.app.jobs.quorum_duty import look_at_shares
from beamkeeper.clock import MovableClock
from beamkeeper.errors import ConfigError
from beamkeeper.protect.lists import list_rows

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from click.testing import Result


@pytest.fixture(scope="module")
def voting_root(kept_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = SmallSite.copied(kept_root, tmp_path_factory.mktemp("voting") / "site")
    ask_people(site)
    day_one = MORNING - timedelta(days=1)
    take_reports(site.site, ledger_of(site), day_one)
    confirm(site, NIGHT_1, day_one)
    lose_a_structure_set(site)
    site.night(NIGHT_2)
    sign(site, MORNING)
    return site.root


@pytest.fixture
def voting(voting_root: Path, tmp_path: Path) -> SmallSite:
    """Two nights: the first confirmed by two, the second with an unconfirmed change of one patient."""
    return SmallSite.copied(voting_root, tmp_path / "voting")


def confirm(site: SmallSite, night: date, at: datetime) -> None:
    for person in ("an", "bo"):
        given = ballot(site, person, night=night)
        cast(site.site, ledger_of(site), given, max(at, given.at))


def sign(site: SmallSite, at: datetime) -> None:
    found = look_at_shares(site.site, ledger_of(site), MovableClock(at))
    assert found.errors == ()


def beamkeeper(site: SmallSite, *arguments: str) -> Result:
    named = [*arguments, "--site", str(site.site_file)]
    return CliRunner().invoke(app, named, standalone_mode=False, env={"COLUMNS": "200"})


def restored(site: SmallSite, name: str, *options: str) -> tuple[dict[str, str], str]:
    """Return the night each patient came back as of, by pseudonym, and what was said."""
    done = beamkeeper(site, "restore", "--all", "--out", str(site.root / name), "--json", *options)
    assert done.return_value == 0, done.stderr
    return {item["pseudonym"]: item["night"] for item in json.loads(done.stdout)["reports"]}, done.stderr


def test_only_the_patient_with_the_open_change_comes_back_as_of_the_confirmed_night(
    voting: SmallSite,
) -> None:
    (changed,) = ledger_of(voting).votes.facts(NIGHT_2).items  # type: ignore[union-attr]
    nights, said = restored(voting, "good")
    newest, said_newest = restored(voting, "newest", "--newest")

    assert nights[changed] == NIGHT_1.isoformat()
    assert newest[changed] == NIGHT_2.isoformat()
    assert {name: night for name, night in nights.items() if name != changed} == {
        name: night for name, night in newest.items() if name != changed
    }
    assert changed[:10] in said
    assert NIGHT_2.isoformat() in said
    assert "▲ patient" not in said_newest


def test_the_lists_take_the_confirmed_copy_and_say_in_the_row_that_there_is_a_newer_one(
    voting: SmallSite,
) -> None:
    (changed,) = ledger_of(voting).votes.facts(NIGHT_2).items  # type: ignore[union-attr]
    runtime = voting.runtime(NIGHT_2)
    good, newest = gather_by_site(runtime), gather_by_site(runtime, newest=True)
    of_night = {person.pseudonym: person.night for person in good.persons}
    rows = {row.pseudonym: row for row in list_rows(good.persons, good.head)}

    assert of_night[changed] == NIGHT_1
    assert good.head.trust == "NOT CONFIRMED by 2 people yet."
    assert f"nobody has confirmed what later nights brought ({NIGHT_2})" in " ".join(rows[changed].warnings)
    assert "1 patient with later data that nobody has confirmed" in " ".join(good.head.warnings)
    assert [name for name, row in rows.items() if "nobody has confirmed" in " ".join(row.warnings)] == [
        changed
    ]
    assert not any(person.passed_over for person in newest.persons)


def test_where_the_confirmed_copy_cannot_be_read_the_newest_is_listed_and_called_unconfirmed(
    voting: SmallSite,
) -> None:
    (changed,) = ledger_of(voting).votes.facts(NIGHT_2).items  # type: ignore[union-attr]
    runtime = voting.runtime(NIGHT_2)
    blind = replace(runtime, keys=replace(runtime.keys, collector_identity=None))
    found = gather_by_site(blind)
    rows = {row.pseudonym: row for row in list_rows(found.persons, found.head)}

    assert len(rows) == 3
    assert "NOBODY HAS CONFIRMED THIS (2026-03-03)" in " ".join(rows[changed].warnings)
    assert found.head.not_read == ()


def test_the_lists_name_who_confirmed_the_night(voting: SmallSite) -> None:
    confirm(voting, NIGHT_2, MORNING)

    assert gather_by_site(voting.runtime(NIGHT_2)).head.trust.startswith(
        "Confirmed by An Peeters and Bo Claes, 2026-03-03 "
    )


def test_beside_an_older_copy_a_damaged_one_is_told_and_stops_nobody(voting: SmallSite) -> None:
    (changed,) = ledger_of(voting).votes.facts(NIGHT_2).items  # type: ignore[union-attr]
    vault = voting.runtime(NIGHT_2).vault
    damaged, whole = (name for name in vault.pseudonyms() if name != changed)
    newest = vault.latest(damaged)
    assert newest is not None
    (voting.vault_dir / newest.storage_name).write_bytes(b"not what was sealed")
    done = beamkeeper(voting, "restore", "--all", "--out", str(voting.root / "out"), "--json")

    told = {item["pseudonym"]: item for item in json.loads(done.stdout)["reports"]}
    assert done.return_value == 20
    assert told[damaged]["failures"]
    assert {name: told[name]["failures"] for name in (changed, whole)} == {changed: [], whole: []}
    assert all(told[name]["written_count"] for name in (changed, whole))


def test_everything_of_everybody_comes_back_with_what_is_gone_at_the_source(voting: SmallSite) -> None:
    def structure_sets(name: str, *options: str) -> int:
        restored(voting, name, "--newest", *options)
        return len(list((voting.root / name).rglob("dicom/RTSTRUCT/*.dcm")))

    assert structure_sets("all", "--everything") == structure_sets("now") + 1


def test_nobody_up_to_a_night_is_an_error_and_not_a_silent_success(voting: SmallSite) -> None:
    early = (NIGHT_1 - timedelta(days=9)).isoformat()
    done = beamkeeper(voting, "restore", "--all", "--out", str(voting.root / "out"), "--night", early)

    assert isinstance(done.exception, ConfigError)
    assert f"nobody up to the night of {early}" in done.exception.message


def test_once_confirmed_the_newest_is_taken_and_nothing_is_said(voting: SmallSite) -> None:
    confirm(voting, NIGHT_2, MORNING)
    sign(voting, MORNING + timedelta(minutes=1))
    nights, said = restored(voting, "good")

    assert NIGHT_2.isoformat() in nights.values()
    assert "▲ patient" not in said


def test_the_vault_list_and_the_status_say_what_is_open(voting: SmallSite) -> None:
    listed = json.loads(beamkeeper(voting, "vault", "list", "--json").stdout)
    (changed,) = ledger_of(voting).votes.facts(NIGHT_2).items  # type: ignore[union-attr]

    assert listed["asked"]
    assert listed["unconfirmed"] == {NIGHT_2.isoformat(): [changed]}
    good = {row["pseudonym"]: row["good_night"] for row in listed["patients"]}
    assert good.pop(changed) == NIGHT_1.isoformat()
    assert set(good.values()) == {NIGHT_2.isoformat()}
    assert where_nights_stand(voting.runtime(NIGHT_2), MORNING) == {
        NIGHT_1.isoformat(): "confirmed",
        NIGHT_2.isoformat(): "unverified",
    }
    assert "not confirmed, or disputed" in beamkeeper(voting, "vault", "list").stdout


def test_a_site_that_asks_nobody_restores_the_newest_as_before(kept_site: SmallSite) -> None:
    lose_a_structure_set(kept_site)
    kept_site.night(NIGHT_2)
    nights, said = restored(kept_site, "plain")

    assert NIGHT_2.isoformat() in nights.values()
    assert "▲ patient" not in said
    assert not json.loads(beamkeeper(kept_site, "vault", "list", "--json").stdout)["asked"]


def test_when_nobody_confirmed_anything_the_newest_is_taken_and_that_is_said(kept_site: SmallSite) -> None:
    ask_people(kept_site)
    sign(kept_site, MORNING - timedelta(days=1))
    nights, said = restored(kept_site, "none")

    assert set(nights.values()) == {NIGHT_1.isoformat()}
    assert said.count("NO night of this patient is confirmed") == len(nights)
