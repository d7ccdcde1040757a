"""The lists come from what a site holds, from a rebuilt ledger, and from a copy of the vault alone."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2, NIGHT_3, SmallSite, at
from pypdf import PdfReader
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.lists import gather_by_site, gather_elsewhere
from beamkeeper.app.jobs.rebuilding import rebuild_ledger
from beamkeeper.app.jobs.vault_dossiers import Wanted, vault_dossier
from beamkeeper.app.opened import open_by_site
from beamkeeper.errors import ConfigError
from beamkeeper.protect.lists import ListRow, list_rows
from beamkeeper.protect.lists.contacts import contact_page

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.jobs.lists import Gathered


def rows_of(found: Gathered) -> tuple[ListRow, ...]:
    return list_rows(found.persons, found.head)


def by_site(site: SmallSite) -> Gathered:
    return gather_by_site(site.runtime(NIGHT_1))


def damage(site: SmallSite, *, of: int) -> str:
    """Forget what is remembered of a patient, and damage what is sealed; return the pseudonym."""
    runtime = site.runtime(NIGHT_1)
    name = runtime.vault.pseudonyms()[of]
    runtime.facts_path(name).unlink()
    entry = runtime.vault.latest(name)
    assert entry is not None
    (site.vault_dir / entry.storage_name).write_bytes(b"not what was sealed")
    return name


def test_everybody_of_the_night_is_listed_with_what_is_given_and_next(kept_site: SmallSite) -> None:
    found = by_site(kept_site)
    lines = {line.label: (line.given, line.next_fraction) for row in rows_of(found) for line in row.plans}

    assert (found.head.night, found.head.trust) == (NIGHT_1, "Nobody was asked to confirm it.")
    assert len(found.persons) == 3
    assert all(given.startswith("2 of ") and after == "3" for given, after in lines.values()), lines


def test_a_copy_of_the_vault_gives_the_same_rows_as_the_site(kept_site: SmallSite) -> None:
    opened = open_by_site(kept_site.site, at(NIGHT_1, 12))
    elsewhere = gather_elsewhere(opened, zone=kept_site.site.zone, now=at(NIGHT_1, 12).now())

    assert rows_of(elsewhere) == rows_of(by_site(kept_site))
    assert elsewhere.head.site_name == kept_site.site.site.name


def numbered(site: SmallSite, phone: str) -> None:
    """Write the department's number at night into the site file, in the place of an older one."""
    lines = site.site_file.read_text(encoding="utf-8").splitlines()
    kept = [text for text in lines if not text.startswith("night_phone")]
    kept.insert(kept.index("[site]") + 1, f'night_phone = "{phone}"')
    site.site_file.write_text("\n".join(kept), encoding="utf-8")


def test_lists_and_dossiers_from_a_copy_alone_say_whom_to_call_at_night(kept_site: SmallSite) -> None:
    said = []
    for night, number in ((NIGHT_2, "+32 3 555 00 00"), (NIGHT_3, "+32 3 555 11 11")):
        numbered(kept_site, number)
        kept_site.night(night)
        opened = open_by_site(kept_site.site, at(night, 12))
        found = gather_elsewhere(opened, zone=kept_site.site.zone, now=at(night, 12).now())
        wanted = Wanted(zone=kept_site.site.zone, now=at(night, 12).now(), scratch=None)
        name = opened.vault.pseudonyms()[0]
        said.append((found.head.night_phone, vault_dossier(opened, name, None, wanted).night_phone))

    assert said == [("+32 3 555 00 00",) * 2, ("+32 3 555 11 11",) * 2]
    assert "The department at night: +32 3 555 11 11." in contact_page(found.head, rows_of(found)).summary


def test_a_rebuilt_ledger_gives_the_same_rows(kept_site: SmallSite) -> None:
    before = rows_of(by_site(kept_site))
    for name in ("facts", "nights"):
        shutil.rmtree(kept_site.site.data_dir / name, ignore_errors=True)
    for path in kept_site.site.data_dir.glob("ledger.db*"):
        path.unlink()
    rebuild_ledger(kept_site.site, at(NIGHT_1, 12))

    assert rows_of(by_site(kept_site)) == before


def test_what_is_not_remembered_is_read_from_the_vault(kept_site: SmallSite) -> None:
    before = rows_of(by_site(kept_site))
    shutil.rmtree(kept_site.site.data_dir / "facts")

    assert rows_of(by_site(kept_site)) == before


def test_who_cannot_be_read_is_named_above_the_list_and_stops_nobody(kept_site: SmallSite) -> None:
    name = damage(kept_site, of=1)
    found = by_site(kept_site)
    row = kept_site.runtime(NIGHT_1).ledger.patient(name)

    assert row is not None
    assert len(found.persons) == 2
    assert len(found.head.not_read) == 1
    assert found.head.not_read[0].startswith(f"Patient ID {row.patient.patient_id}: ")


def test_a_night_before_the_first_is_an_error_and_no_empty_list(kept_site: SmallSite) -> None:
    with pytest.raises(ConfigError, match="no night up to"):
        gather_by_site(kept_site.runtime(NIGHT_1), night=NIGHT_1.replace(year=2020))


def test_an_old_night_says_that_there_is_a_newer_one(kept_site: SmallSite) -> None:
    kept_site.night(NIGHT_2)
    found = gather_by_site(kept_site.runtime(NIGHT_2), night=NIGHT_1)

    assert found.head.night == NIGHT_1
    assert f"the newest is of {NIGHT_2}" in " ".join(found.head.warnings)
    assert len(found.persons) == 3


def beamkeeper(site: SmallSite, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(
        app, [*arguments, "--site", str(site.site_file)], standalone_mode=False, env={"COLUMNS": "80"}
    )
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.stdout  # type: ignore[return-value]


def test_the_command_writes_every_form_for_its_owner_alone(kept_site: SmallSite, tmp_path: Path) -> None:
    status, said = beamkeeper(kept_site, "lists", "--out", str(tmp_path / "out"))
    files = sorted((tmp_path / "out").iterdir())

    assert status == 0
    assert len(files) == 13
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert "3 patients in this night" in said
    assert max(map(len, said.replace(str(tmp_path / "out"), "").splitlines())) <= 80


def test_the_command_says_who_is_not_listed_and_ends_with_20(kept_site: SmallSite, tmp_path: Path) -> None:
    damage(kept_site, of=0)
    status, said = beamkeeper(kept_site, "lists", "--out", str(tmp_path / "out"), "--json")
    told = json.loads(said)

    assert status == 20
    assert (len(told["rows"]), len(told["not_read"])) == (2, 1)
    assert "NOT LISTED" in (tmp_path / "out" / "triage-list.txt").read_text("utf-8")


def bound(site: SmallSite, out: Path, *options: str) -> dict[str, object]:
    status, said = beamkeeper(site, "binder", "--out", str(out), "--json", *options)
    assert status == 0
    return json.loads(said)  # type: ignore[no-any-return]


def test_the_binder_makes_only_the_sheets_anew_whose_facts_changed(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    out, folder = tmp_path / "binder.pdf", kept_site.site.data_dir / "binder"
    first = bound(kept_site, out)
    (folder / f"{'0' * 64}.pdf").write_bytes(b"of a binder before")
    again = bound(kept_site, out)
    next(iter(folder.glob("*.pdf"))).write_bytes(b"damaged")
    mended = bound(kept_site, out)

    assert (first["patients"], again["patients"]) == (3, 3)
    assert (first["sheets_made"], again["sheets_made"], mended["sheets_made"]) == (6, 0, 1)
    assert not (folder / f"{'0' * 64}.pdf").exists()
    assert out.read_bytes().startswith(b"%PDF-")
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_dossier_at_hand_is_bound_and_one_that_cannot_be_read_is_replaced_and_named(
    kept_site: SmallSite, tmp_path: Path
) -> None:
    names = kept_site.runtime(NIGHT_1).vault.pseudonyms()
    sheet = bound(kept_site, tmp_path / "without.pdf")
    dossiers = tmp_path / "dossiers"
    dossiers.mkdir()
    shutil.copy(tmp_path / "without.pdf", dossiers / f"{names[0]}.pdf")
    (dossiers / f"{names[1]}.pdf").write_bytes(b"%PDF-1.7 but no more")
    with_them = bound(kept_site, tmp_path / "binder.pdf", "--dossiers", str(dossiers))

    assert with_them["bytes"] > sheet["bytes"]  # type: ignore[operator]
    titles = [item["/Title"] for item in outline_of(tmp_path / "binder.pdf")]
    assert titles.count("Dossier") == 3
    front = PdfReader(tmp_path / "binder.pdf").pages
    said = " ".join(" ".join(page.extract_text() for page in front[:2]).split())
    assert "3 dossiers (2 made for this binder, without pictures)" in said
    assert said.count("the dossier at hand cannot be read") == 1


def test_a_folder_of_dossiers_that_is_not_there_is_an_error(kept_site: SmallSite, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a folder"):
        beamkeeper(kept_site, "binder", "--out", str(tmp_path / "b.pdf"), "--dossiers", str(tmp_path / "no"))


def outline_of(path: Path) -> list[dict[str, str]]:
    """Return the bookmarks of a PDF, those of patients' parts included."""

    def flat(items: list[object]) -> list[dict[str, str]]:
        return [one for item in items for one in (flat(item) if isinstance(item, list) else [item])]  # type: ignore[misc]

    return flat(PdfReader(path).outline)
