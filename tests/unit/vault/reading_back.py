"""Reading a folder and a vault back, for the tests of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PLAN, REPLAN, RECORD = b"plan " * 500, b"replan " * 400, b"record " * 300


def bytes_under(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def restored(site, patient: str, out: Path, **options: object) -> dict[str, bytes]:
    options.setdefault("identities", site.keys.identities)
    report = site.vault().restore_patient(site.keys.pseudonym("", patient), out_dir=out, **options)
    assert report.is_complete, report.failures
    files = bytes_under(out)
    assert (report.written_count, report.there_count) == (len(files), 0)
    return {name: data for name, data in files.items() if name != "state.json"}
