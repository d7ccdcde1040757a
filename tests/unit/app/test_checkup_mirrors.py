"""`doctor` looks at every mirror, and says when the vault lies in one place only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.app.test_site import written

from beamkeeper.app.checkup_mirrors import check_mirrors
from beamkeeper.app.site import parse_site

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.finding import Finding

MIRROR = """
[[mirrors]]
name = "usb"
kind = "directory"
path = "usb"
unsafe_same_disk = {same}
"""


def look(base: Path, more: str) -> list[Finding]:
    text = written(vault_dir=base / "vault") + more
    return list(check_mirrors(parse_site(text, base=base)))


def test_a_vault_in_one_place_is_a_warning(tmp_path: Path) -> None:
    (finding,) = look(tmp_path, "")

    assert finding.verdict == "warning"
    assert "in one place only" in finding.text


def test_a_mirror_that_answers_says_its_room_and_its_lock(tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()
    (finding,) = look(tmp_path, MIRROR.format(same="true"))

    assert finding.what == "mirror usb"
    assert finding.verdict in {"good", "warning"}
    assert "GB free" in finding.text


def test_a_mirror_that_is_not_there_is_bad_and_none_is_made(tmp_path: Path) -> None:
    (finding,) = look(tmp_path, MIRROR.format(same="true"))

    assert finding.verdict == "bad"
    assert "does not answer" in finding.text
    assert not (tmp_path / "usb").exists()


def test_a_mirror_on_the_disk_of_the_vault_is_bad(tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()
    (tmp_path / "vault").mkdir()
    (finding,) = look(tmp_path, MIRROR.format(same="false"))

    assert finding.verdict == "bad"
    assert "same disk as the vault" in finding.text
    assert "unsafe_same_disk" in finding.do_next
