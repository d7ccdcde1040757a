"""An incident is declared on a laptop: a copy of the vault, a key, nothing else."""

from __future__ import annotations

import html
import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite
from pypdf import PdfReader
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.retention_facts import look
from beamkeeper.errors import ConfigError
from beamkeeper.vault.hold import HOLD_NAME, Hold, hold_bytes

if TYPE_CHECKING:
    from pathlib import Path


def squeezed(text: str) -> str:
    return "".join(text.split())


def beamkeeper(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(map(str, arguments)), standalone_mode=False, env={"COLUMNS": "80"})
    if done.exception is not None:
        raise done.exception
    return done.return_value or 0, done.stdout


@pytest.fixture
def incident(kept_site: SmallSite, tmp_path: Path) -> Path:
    folder = tmp_path / "incident"
    status, said = beamkeeper(
        "declare", "--site", kept_site.site_file, "--out", folder, "--by", "A. Jansen", "--known", "all dark"
    )
    assert status == 0
    assert "3  on treatment" in said
    assert max(map(len, said.replace(str(folder), "").splitlines())) <= 80
    return folder


def test_declaring_gives_lists_sheets_and_a_journal(incident: Path) -> None:
    opened = IncidentFolder.open(incident)
    deeds = [row.action for row in opened.journal.rows()]
    first = "".join(page.extract_text() for page in PdfReader(incident / "incident.pdf").pages)

    assert deeds == ["declared", "removal frozen", "inventory made", "vault read"]
    assert len(opened.inventory().persons) == 3
    assert "every digest as signed" in first
    assert "On treatment" in first
    assert {path.name for path in incident.iterdir()} >= {
        "checklist.pdf",
        "role-cards.pdf",
        "journal.pdf",
        "lists",
    }
    said = squeezed("codes are treated from this share of normal capacity on: 1 (urgent) from 10 %; 2")
    for name in ("triage-list", "contact-list", "day-schedule"):
        pages = PdfReader(incident / "lists" / f"{name}.pdf").pages
        printed = [(incident / "lists" / f"{name}.{kind}").read_text() for kind in ("html", "txt")]
        assert all(
            said in squeezed(text) for text in ("".join(one.extract_text() for one in pages), *printed)
        )
    assert {path.stat().st_mode & 0o077 for path in incident.rglob("*")} == {0}


def test_while_an_incident_is_open_nothing_is_removed(kept_site: SmallSite, incident: Path) -> None:
    runtime = kept_site.runtime(NIGHT_1)
    said = " ".join(freeze.reason for freeze in look(runtime).plan.freezes)
    assert IncidentFolder.open(incident).incident().incident_id in said

    assert "--lift" in beamkeeper("incident", "close", "--incident", incident, "--said", "back")[1]
    assert "CLOSED" in beamkeeper("incident", "show", "--incident", incident)[1]
    assert (kept_site.vault_dir / HOLD_NAME).is_file()
    beamkeeper("incident", "close", "--incident", incident, "--said", "back", "--lift", kept_site.vault_dir)
    assert "incident" not in " ".join(freeze.reason for freeze in look(runtime).plan.freezes)
    assert [row.action for row in IncidentFolder.open(incident).journal.rows()][-1] == "closed"


def test_a_second_incident_in_the_same_folder_is_refused(kept_site: SmallSite, incident: Path) -> None:
    before = {path: path.read_bytes() for path in incident.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match="holds an incident already"):
        beamkeeper("declare", "--site", kept_site.site_file, "--out", incident)

    assert {path: path.read_bytes() for path in incident.rglob("*") if path.is_file()} == before


def test_what_people_do_stands_in_the_journal_with_who_and_when(incident: Path) -> None:
    beamkeeper(
        "incident", "tick", "h3", "--incident", incident, "--by", "B. Peeters", "--said", "TB1 and TB2"
    )
    beamkeeper("incident", "note", "Console of TB3 is dark", "--incident", incident, "--by", "C")
    beamkeeper("incident", "decide", "No new courses: list not safe", "--incident", incident, "--by", "D")
    beamkeeper("incident", "reported", "gdpr-72h", "--said", "ref 1", "--incident", incident, "--by", "E")
    status, said = beamkeeper("incident", "show", "--incident", incident, "--json")
    told = json.loads(said)

    assert status == 0
    assert told["standing"]["ticked"]["h3"]["by"] == "B. Peeters"
    assert told["standing"]["reported"]["gdpr-72h"]["said"] == "ref 1"
    assert "4 lines" not in beamkeeper("incident", "log", "--incident", incident)[1]
    with pytest.raises(ConfigError, match="no 'zz'"):
        beamkeeper("incident", "tick", "zz", "--incident", incident)


def test_a_vault_that_is_not_sound_is_told_and_the_lists_are_there(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    name = kept_site.runtime(NIGHT_1).vault.pseudonyms()[0]
    entry = kept_site.runtime(NIGHT_1).vault.latest(name)
    assert entry is not None
    (kept_site.vault_dir / entry.storage_name).write_bytes(b"x")
    status, said = beamkeeper("declare", "--site", kept_site.site_file, "--out", tmp_path / "i")

    assert status == 20
    assert "NOT SOUND: 1 of" in said
    assert (tmp_path / "i" / "lists" / "triage-list.pdf").is_file()


def test_a_copy_that_may_not_be_written_is_named_and_stops_nothing(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    _, said = beamkeeper(
        "declare",
        "--site",
        kept_site.site_file,
        "--out",
        tmp_path / "i",
        "--quick",
        "--hold",
        tmp_path / "none",
    )

    assert "Removal could not be frozen" in said
    assert (kept_site.vault_dir / HOLD_NAME).is_file()


def test_the_mirrors_of_the_site_and_places_far_away_are_frozen_and_the_dead_ones_named(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    there = [tmp_path / name for name in ("usb", "line", "other")]
    for folder in there:
        folder.mkdir()
    text = kept_site.site_file.read_text()
    mirror = 'name = "{0}"\nkind = "directory"\npath = "{1}"\nunsafe_same_disk = true\n'
    kept_site.site_file.write_text(
        text.replace("[[sources]]", f"[[mirrors]]\n{mirror.format('usb', there[0])}\n[[sources]]", 1)
    )
    other = tmp_path / "other.toml"
    other.write_text(kept_site.site_file.read_text().replace(str(there[0]), str(there[2])))
    line, dead, wrong = (tmp_path / f"{name}.toml" for name in ("line", "dead", "wrong"))
    line.write_text(f'name = "line"\nkind = "directory"\npath = "{there[1]}"\n')
    dead.write_text(f'name = "dead"\nkind = "directory"\npath = "{tmp_path / "gone"}"\n')
    wrong.write_text("[site]\n")
    holds = [item for path in (line, other, dead, wrong) for item in ("--hold", path)]
    site = ("--site", kept_site.site_file)
    status, said = beamkeeper("declare", *site, "--out", tmp_path / "i", "--quick", *holds, "--json")
    told = json.loads(said)

    assert status == 0
    assert told["held"] == ["this copy of the vault", str(line), "mirror usb", "mirror usb"]
    assert [text.partition(":")[0] for text in told["not_held"]] == [str(dead), str(wrong)]
    notes = [folder / HOLD_NAME for folder in (kept_site.vault_dir, *there)]
    assert len({note.read_bytes() for note in notes}) == 1
    rows = IncidentFolder.open(tmp_path / "i").journal.rows()
    frozen = [row.outcome for row in rows if row.action == "removal frozen"]
    assert sorted(frozen) == ["failed", "failed", "ok", "ok", "ok", "ok"]

    lifts = [item for path in (kept_site.site_file, line, other) for item in ("--lift", path)]
    kept = notes[2].read_bytes()
    notes[2].write_bytes(hold_bytes(Hold(incident_id="2026-01-01-real", declared_at=datetime.now(UTC))))
    there[2].rename(tmp_path / "away")
    status, _ = beamkeeper("incident", "close", "--incident", tmp_path / "i", "--said", "drill", *lifts)
    assert (status, [note.exists() for note in notes[:3]]) == (3, [False, False, True])
    (tmp_path / "away").rename(there[2])
    notes[2].write_bytes(kept)
    status, _ = beamkeeper("incident", "close", "--incident", tmp_path / "i", "--said", "back", *lifts)
    assert (status, [note.exists() for note in notes]) == (0, [False] * 4)


def test_an_instant_in_the_future_is_refused_before_anything_is_written(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="future"):
        beamkeeper(
            "declare", "--site", kept_site.site_file, "--out", tmp_path / "i", "--aware", "2199-01-01 10:00"
        )

    assert not list((tmp_path / "i").iterdir())
    shutil.rmtree(tmp_path / "i")


def test_a_copy_is_not_opened_before_somebody_says_which_clock_counts(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="by which clock"):
        beamkeeper("declare", "--vault", kept_site.vault_dir, "--words", "--out", tmp_path / "i")

    assert not (tmp_path / "i").exists()


def test_sessions_until_now_are_asked_whenever_somebody_knew(kept_site: SmallSite, tmp_path: Path) -> None:
    arguments = ("declare", "--site", kept_site.site_file, "--out", tmp_path / "i", "--quick")
    beamkeeper(*arguments, "--aware", "2024-01-01 10:00")
    opened = IncidentFolder.open(tmp_path / "i")
    first = " ".join((tmp_path / "i" / "incident.html").read_text().split())

    assert opened.incident().aware_at.year == 2024
    assert opened.incident().declared_at - opened.inventory().attacked_at < timedelta(minutes=1)
    assert opened.inventory().warnings
    assert all(html.escape(said) in first for said in opened.inventory().warnings)


def test_treatment_cannot_have_stopped_before_the_last_record(kept_site: SmallSite, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds a treatment of"):
        beamkeeper(
            "declare",
            "--site",
            kept_site.site_file,
            "--out",
            tmp_path / "i",
            "--worked-until",
            "2024-01-01 10:00",
        )


def test_nothing_that_was_typed_is_cut_off_or_breaks_the_journal(incident: Path) -> None:
    beamkeeper("incident", "note", "\U0001f600" * 5000, "--incident", incident, "--by", "é" * 200)
    before = len(IncidentFolder.open(incident).journal.rows())
    for arguments in (("note", "x" * 5001), ("note", "x", "--by", "A" * 201)):
        with pytest.raises(ConfigError, match="at most"):
            beamkeeper("incident", *arguments, "--incident", incident)

    assert len(IncidentFolder.open(incident).journal.rows()) == before


def test_the_order_says_who_first_and_a_physicians_word_stands_above_it(incident: Path) -> None:
    opened = IncidentFolder.open(incident)
    last = json.loads(beamkeeper("triage", "show", "--incident", incident, "--json")[1])["ranked"][-1]
    person = next(one for one in opened.inventory().persons if one.pseudonym == last["facts"]["pseudonym"])
    patient_id = person.entry.patient.patient_id
    beamkeeper(
        "triage",
        "say",
        patient_id,
        "within_hours",
        "yes",
        "--reason",
        "cord",
        "--by",
        "Dr. P",
        "--incident",
        incident,
    )
    status, said = beamkeeper("triage", "show", "--incident", incident, "--places", "1", "--json")
    told = json.loads(said)

    assert told["ranked"][0]["facts"]["pseudonym"] == person.pseudonym
    assert told["cut"] == ["has a place", *["waits: the places are taken by others before"] * 2]
    assert status in {0, 3}
    page = "".join(page.extract_text() for page in PdfReader(incident / "triage" / "order.pdf").pages)
    shown = beamkeeper("triage", "show", "--incident", incident)[1]
    assert all(squeezed("from 25 %; 3 (standard) from 50 %") in squeezed(text) for text in (page, shown))
    assert f"ID {patient_id}" in page
    assert "physician decides" in page
    with pytest.raises(ConfigError, match="without a reason"):
        beamkeeper("triage", "say", patient_id, "level", "1", "--reason", " ", "--incident", incident)
