"""A night whose documents lie on a Windows share, a real Samba: kept, told in words, given back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2, SmallSite, make_objects
from tests.mirror_peers.samba_server import PASSWORD, USER, samba_server
from tests.unit.protect.documents.test_texts import word

from beamkeeper.domain.change import DOCUMENT, Grade
from beamkeeper.domain.night import NightOutcome
from beamkeeper.rehearse.sim.documents import pdf
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(os.geteuid() != 0, reason="Samba's server must be started by root"),
]

SECTION = """
[[documents]]
name = "letters"
kind = "smb"
server = "127.0.0.1"
port = {port}
share = "copies"
folder = "Documents"
user = "{user}"
password = "file:{password}"
find = ["{{patient_id}}/**", "scans/{{patient_id}}_*.pdf"]
"""


@pytest.mark.long
def test_a_letter_that_changed_on_a_windows_share_is_told_in_words_in_the_morning(
    tmp_path: Path, program
) -> None:
    make_objects(tmp_path / "source", who=(2,), sessions=1)
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o600)
    (tmp_path / "samba").mkdir()
    with samba_server(tmp_path / "samba", program) as server:
        settings = SECTION.format(port=server.port, user=USER, password=tmp_path / "password")
        site = SmallSite.make(tmp_path, settings=settings)
        share = server.root / "Documents"
        share.mkdir()
        who = identify(next(site.source.rglob("*.dcm")).read_bytes()).patient_id
        (share / who / "Briefe").mkdir(parents=True)
        (share / "scans").mkdir()
        letter = share / who / "Briefe" / "Überweisung.docx"
        letter.write_bytes(word("Dear colleague", "shift limit 10 mm"))
        (share / "scans" / f"{who}_consent.pdf").write_bytes(pdf(("Consent", "signed")))
        (first,) = site.night(NIGHT_1).patients
        letter.write_bytes(word("Dear colleague", "shift limit 20 mm"))
        report = site.night(NIGHT_2)

        given_back = documents_of(site, tmp_path / "out")
        on_the_share = {path.read_bytes() for path in share.rglob("*.*")}

    (night,) = report.patients
    (said,) = [item for item in night.comparisons if item.kind == DOCUMENT]
    assert first.document_count == 2
    assert report.outcome is NightOutcome.COMPLETE
    assert (said.label, said.grade) == ("Überweisung.docx", Grade.ADMINISTRATIVE)
    assert [change.text for change in said.changes] == ["“shift limit 10 mm” → “shift limit 20 mm”"]
    assert "“shift limit 10 mm” → “shift limit 20 mm”" in (
        site.site.night_dir(NIGHT_2) / "report.html"
    ).read_text("utf-8")
    assert set(given_back.values()) == on_the_share


def documents_of(site: SmallSite, out: Path) -> dict[str, bytes]:
    site.restored(out)
    return {path.name: path.read_bytes() for path in out.rglob("documents/*")}
