"""A collector that only encrypts, made by the real command; and what a thief of it would look for."""

from __future__ import annotations

import base64
import json
import os
import signal
import tempfile
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
from archive_site import OUR_AE, PATIENCE, rewrite
from night_site import SmallSite, at
from tests.listening import free_port

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.running import run_night
from beamkeeper.app.opening_data import close_data, open_data
from beamkeeper.app.site import load_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from hour_site import CountingArchive

READ_BYTES_MAX = 1 << 28
LETTERS_MIN = 5
"""Of a name that is looked for: four letters come up by chance in a few megabytes of noise."""


@dataclass(frozen=True)
class SealedSite:
    """A site, its archive and the objects in that, what opens its data, and its recovery cards."""

    site: SmallSite
    archive: CountingArchive
    objects: Path
    passphrase: str
    cards: tuple[tuple[str, ...], ...]

    @property
    def folder(self) -> Path:
        """Where everything of the collector lies: what a thief of its disk has."""
        return self.site.site_file.parent

    def open(self) -> bool:
        return open_data(self.site.site, self.passphrase)

    def close(self) -> bool:
        return close_data(self.site.site)


def beamkeeper(*arguments: str) -> str:
    """Return what a command prints, run in this process: its modules are here already."""
    with redirect_stdout(StringIO()) as said:
        app(arguments, standalone_mode=False)
    return said.getvalue()


@contextmanager
def sealed_site(root: Path, archive: CountingArchive, objects: Path) -> Iterator[SealedSite]:
    """Yield a site made by `beamkeeper init --encrypt-only`, its data directory open; close it at the end."""
    made = SmallSite(root)
    port = free_port()
    peer = f"{archive.ae_title}@{archive.host}:{archive.port}"
    folder = str(made.site_file.parent)
    told = json.loads(
        beamkeeper("init", folder, "--encrypt-only", "--archive", peer, "--port", str(port), "--json")
    )
    rewrite(made, {**PATIENCE, "treated_days = 7": "treated_days = 60"})
    archive.add_destination(OUR_AE, "127.0.0.1", port)
    site = SealedSite(made, archive, objects, told["data_passphrase"], tuple(map(tuple, told["cards"])))
    try:
        yield site
    finally:
        site.close()


@contextmanager
def as_it_was() -> Iterator[None]:
    """Give this process its own temporary folder back: whoever works on sealed data loses it."""
    before, kept = dict(os.environ), tempfile.tempdir
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        tempfile.tempdir = kept


class NightToBeKilled:
    """A process that will run a night and be killed in it; made before any thread runs, begun later."""

    def __init__(self, day: date, *, at_step: str) -> None:
        self._asked, self._ask = os.pipe()
        self._child = os.fork()
        if not self._child:
            try:
                self._wait_and_die(day, at_step)
            finally:
                os._exit(1)

    def _wait_and_die(self, day: date, at_step: str) -> None:
        os.close(self._ask)
        site_file = Path(os.read(self._asked, 4096).decode())

        def die(name: str, phase: str) -> None:
            if (name, phase) == (at_step, "begin"):
                os.kill(os.getpid(), signal.SIGKILL)

        run_night(load_site(site_file), at(day), day, on_step=die)

    def run(self, site_file: Path) -> int:
        """Let it begin; return the signal it was ended by."""
        os.write(self._ask, str(site_file).encode())
        os.close(self._ask)
        os.close(self._asked)
        return os.WTERMSIG(os.waitpid(self._child, 0)[1])


def told_by(source: Path) -> dict[str, tuple[bytes, ...]]:
    """Return by kind each name, Patient ID, birth date and UID of these objects, as a file may hold it."""
    told: dict[str, set[str]] = {"name": set(), "id": set(), "birth date": set(), "uid": set()}
    for path in source.rglob("*.dcm"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        told["id"].add(str(header.PatientID))
        born = str(header.PatientBirthDate)
        told["birth date"] |= {born, f"{born[:4]}-{born[4:6]}-{born[6:]}"}
        told["uid"] |= {str(value) for value in _uids(header)}
        parts = str(header.PatientName).replace("=", "^").split("^")
        told["name"] |= {part for part in parts if len(part) >= LETTERS_MIN}
    return {
        kind: tuple({form for text in texts if text for form in forms(text)}) for kind, texts in told.items()
    }


def _uids(header: pydicom.Dataset) -> Iterator[str]:
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        if value := header.get(keyword):
            yield value


def forms(text: str) -> Iterator[bytes]:
    """Yield a text as it may be written: as it is, in UTF-16, in Latin-1, in hexadecimal, in base64."""
    plain = text.encode()
    yield from (plain, text.encode("utf-16-le"), text.encode("utf-16-be"), text.encode("latin-1", "replace"))
    yield from (plain.hex().encode(), plain.hex().upper().encode())
    for shift in range(3):  # where a group of three bytes begins in the middle of it
        whole = plain[shift : shift + (len(plain) - shift) // 3 * 3]
        if len(whole) > LETTERS_MIN:
            yield base64.b64encode(whole)


def tellers(folder: Path, told: tuple[bytes, ...]) -> set[Path]:
    """Return the files and folders under `folder` in which one of these texts stands, or in whose names."""
    found = set()
    for path in folder.rglob("*"):
        data = str(path.relative_to(folder)).encode()
        if path.is_file():
            with path.open("rb") as file:
                data += file.read(READ_BYTES_MAX)
        if any(text in data for text in told):
            found.add(path.relative_to(folder))
    return found
