"""`[[documents]]` of the site file: what is refused before anything starts, and who it leads to."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.checkup_documents import check_documents, reader_finding
from beamkeeper.app.jobs.document_shares import share_rules
from beamkeeper.app.site import parse_site
from beamkeeper.app.site_template import SiteAnswers, site_text
from beamkeeper.app.window_plan import named_peers
from beamkeeper.errors import ConfigError
from beamkeeper.rehearse.sim import aria

if TYPE_CHECKING:
    from beamkeeper.app.site import Site

FOLDER = '[[documents]]\nname = "aria"\nkind = "folder"\npath = "docs"\n'
SMB = '[[documents]]\nname = "aria"\nkind = "smb"\nserver = "aria01"\nshare = "va_docs$"\nuser = "r"\n'
PHOTOS = '[[documents]]\nname = "photos"\nkind = "ois"\nsource = "ois"\n'
ARIA = '[[sources]]\nkind = "aria"\nname = "ois"\nurl = "sqlite:///{}"\ntimezone = "UTC"\nschema = ""\n'
PASSWORD = 'password = "env:X"\n'


def site(text: str, base: Path = Path("/srv")) -> Site:
    answers = SiteAnswers(
        name="Test",
        time_zone="Europe/Brussels",
        data_dir=Path("data"),
        vault_dir=Path("vault"),
        keys_dir=Path("keys"),
        archive=("ARCHIVE", "192.0.2.1", 104),
    )
    return parse_site(f"{site_text(answers)}\n{text}", base=base)


def test_a_share_says_how_paths_lead_to_it() -> None:
    more = "ois_roots = ['\\\\aria01\\va_docs$\\Documents', 'V:\\']\nquarters_since = 2018-05-14\n"
    (rules,) = share_rules(site(FOLDER + more))

    assert (rules.name, rules.zone.key) == ("aria", "Europe/Brussels")
    assert rules.ois_roots == ("\\\\aria01\\va_docs$\\Documents", "V:\\")
    assert site(FOLDER).documents[0].path == Path("/srv/docs")
    assert site(SMB + PASSWORD).documents[0].servers == (("aria01", 445),)


def test_the_window_lets_the_share_through() -> None:
    window = '[window]\ninterface = "eno1"\naddresses = ["192.0.2.20/24"]\nworker = "beamkeeper"\n'
    named = {(what, host, port) for what, _, host, port, _ in named_peers(site(SMB + PASSWORD + window))}

    assert ("documents aria", "aria01", 445) in named


@pytest.mark.parametrize(
    "text",
    [
        FOLDER + FOLDER,
        FOLDER + 'ois_roots = ["Documents"]',
        FOLDER + 'time_zone = "Mars/Phobos"',
        FOLDER + "size_mib_max = 0",
        FOLDER + 'find = ["{patient_id}*"]',
        FOLDER + "colour = 1",
        SMB,
        SMB.replace("va_docs$", "a/b") + PASSWORD,
        PHOTOS,
        PHOTOS.replace('source = "ois"', 'source = "archive"') + ARIA,
        PHOTOS + 'find = ["x/{patient_id}"]\n' + ARIA,
        PHOTOS + "size_mib_max = 9\n" + ARIA,
    ],
)
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        site(text)


def test_the_look_at_the_shares_says_what_each_answers(tmp_path: Path) -> None:
    absent, _ = check_documents(site(FOLDER, tmp_path))
    (tmp_path / "docs").mkdir()
    empty, _ = check_documents(site(FOLDER, tmp_path))
    (tmp_path / "docs" / "a.txt").write_bytes(b"x")
    rootless, _ = check_documents(site(FOLDER, tmp_path))
    by_name, _ = check_documents(site(FOLDER + 'find = ["{patient_id}/**"]', tmp_path))
    good, _ = check_documents(site(FOLDER + "ois_roots = ['\\\\aria01\\docs']", tmp_path))

    assert [one.verdict for one in (absent, empty)] == ["bad", "bad"]
    assert [one.verdict for one in (rootless, by_name, good)] == ["warning", "good", "good"]
    assert "not mounted" in empty.text


def test_photos_are_asked_of_a_source_and_nothing_else_is_looked_for_there(tmp_path: Path) -> None:
    clinic = aria.Clinic()
    clinic.patient("1", "A", "B")
    aria.TABLES.write_sqlite(tmp_path / "ois.db", clinic.rows)
    good, _ = check_documents(site(PHOTOS + ARIA.format(tmp_path / "ois.db")))
    with closing(sqlite3.connect(tmp_path / "ois.db")) as connection:
        connection.execute("DROP TABLE Photo")
        connection.commit()
    bad, _ = check_documents(site(PHOTOS + ARIA.format(tmp_path / "ois.db")))

    assert (good.verdict, bad.verdict) == ("good", "bad")
    assert share_rules(site(PHOTOS + ARIA)) == ()


def test_what_a_kernel_leaves_open_to_a_hostile_document_is_said() -> None:
    none, old, whole = map(reader_finding, (0, 2, 7))

    assert (none.verdict, old.verdict, whole.verdict) == ("warning", "warning", "good")
    assert "no Landlock" in none.text
    assert "6.2" in old.text
