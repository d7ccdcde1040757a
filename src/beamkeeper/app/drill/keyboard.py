"""A house's keyboard: commands are typed one after the other, by a clock that can be set.

    python -m beamkeeper.app.drill.keyboard

reads one JSON object a line and answers with one: commands with their exit status and what they printed;
and the house's own archive, an Orthanc, and OIS, a receiver of HL7, which are started, given objects by its
machines, and looked into.
A drill cannot wait for five days, so the clock stands where it is set while a command runs.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.app.cli.main import main as beamkeeper
from beamkeeper.clock import SystemClock
from beamkeeper.rehearse.sim.hl7_receiver import Hl7Receiver
from beamkeeper.rehearse.sim.orthanc import OrthancArchive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

ACCOUNT: Final = ("LOGNAME", "SUDO_USER")
"""By which of these the program knows who is logged in, root or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What a command came to.

    Attributes
    ----------
    status
        Exit status.
    """

    status: int
    out: str
    err: str


def typed(arguments: Sequence[str], *, at: datetime, keys: str = "", account: str = "") -> Typed:
    """Type one command in this process; return what it came to.

    Parameters
    ----------
    at
        What the clock shows.
    keys
        What is typed when it asks.
    account
        Who is logged in; "" for whoever runs the drill.
    """
    out, err, status = io.StringIO(), io.StringIO(), 0
    with (
        _keyboard(arguments, keys),
        _clock(at),
        _account(account),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            beamkeeper()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Typed(status=status, out=out.getvalue(), err=err.getvalue())


@contextmanager
def _keyboard(arguments: Sequence[str], keys: str) -> Iterator[None]:
    before, sys.argv, sys.stdin = (sys.argv, sys.stdin), ["beamkeeper", *arguments], io.StringIO(keys)
    try:
        yield
    finally:
        sys.argv, sys.stdin = before


@contextmanager
def _clock(at: datetime) -> Iterator[None]:
    real = SystemClock.now
    SystemClock.now = lambda _self: at  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        SystemClock.now = real  # type: ignore[method-assign]


@contextmanager
def _account(name: str) -> Iterator[None]:
    before = {variable: os.environ.get(variable) for variable in ACCOUNT}
    if name:
        os.environ.update(dict.fromkeys(ACCOUNT, name))
    try:
        yield
    finally:
        for variable, value in before.items():
            os.environ.pop(variable, None)
            if value is not None:
                os.environ[variable] = value


class _Room:
    """What stands in the house besides the keyboard: its archive and its OIS."""

    def __init__(self) -> None:
        self._archive: OrthancArchive | None = None
        self._ois = Hl7Receiver()

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do what was asked and return what came of it."""
        if "type" in asked:
            done = typed(
                asked["type"],
                at=datetime.fromisoformat(asked["at"]),
                keys=asked["keys"],
                account=asked["account"],
            )
            return {"status": done.status, "out": done.out, "err": done.err}
        if "archive" in asked:
            self._archive = OrthancArchive(Path(asked["archive"]), ae_title=asked["ae_title"])
            self._archive.start()
            return {"port": self._archive.port}
        if "ois" in asked:
            self._ois.start()
            return {"port": self._ois.port}
        if "schedule" in asked:
            return asdict(self._ois.schedule)
        if self._archive is None:
            raise LookupError("no archive stands here")
        if "store" in asked:
            return {"stored": [self._archive.store(Path(path).read_bytes()) for path in asked["store"]]}
        return {"held": self._archive.uids_of(asked["held"])}

    def close(self) -> None:
        """Stop both."""
        self._ois.stop()
        if self._archive is not None:
            self._archive.stop()


def _attend(asking: TextIO, answers: TextIO) -> None:
    room = _Room()
    try:
        for line in asking:
            answers.write(json.dumps(room.answer(json.loads(line))) + "\n")
            answers.flush()
    finally:
        room.close()


if __name__ == "__main__":
    # What programs started here print must not come between the answers.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answering:
        os.dup2(2, 1)
        _attend(sys.stdin, answering)
