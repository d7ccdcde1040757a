"""A house of a drill: a process with a network of its own, in which commands are typed.

Where we may, it is a network namespace with nothing in it but loopback, and a mount namespace in which the
folders of other houses are empty: two houses then share nothing but the disk that is carried between them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Self

from beamkeeper.errors import IntegrityError
from beamkeeper.rehearse.sim.hl7_receiver import Booked, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

_ERROR_CHARACTERS: Final = 2000
_STOP_TIMEOUT_S: Final = 60.0
_ENCLOSE: Final = """
ip link set lo up || exit
while [ "$1" != -- ]; do mount -t tmpfs -o ro none "$1" || exit; shift; done
shift
exec "$@"
"""


@cache
def is_enclosing() -> bool:
    """Return whether a process can be given a network and a file system of its own here."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return not subprocess.run([*_enclosed(()), "true"], capture_output=True, check=False).returncode


def enclosed(hidden: Iterable[Path]) -> list[str]:
    """Return what runs a command without any network and without these folders; [] where we may not."""
    return _enclosed(hidden) if is_enclosing() else []


def _enclosed(hidden: Iterable[Path]) -> list[str]:
    alone = ["unshare", "--net", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",))]
    return [*alone, "sh", "-c", _ENCLOSE, "sh", *map(str, hidden), "--"]


def surroundings(home: Path) -> dict[str, str]:
    """Return the environment of a computer that was never here."""
    return {"HOME": str(home), "PATH": os.environ["PATH"]}


def last_words(folder: Path) -> str:
    """Return what a process that ended left in its folder: its log, and the trace of a mistake of ours."""
    left = [path for path in (*folder.glob("*.log"), *folder.glob("beamkeeper-crash-*")) if path.is_file()]
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in left)
    return "\n".join(text[-_ERROR_CHARACTERS:] for text in texts)


class House:
    """A house; a context manager that runs its process.

    Parameters
    ----------
    folder
        Its home directory, made where it is not there.
    hidden
        Folders of other houses.
    """

    def __init__(self, folder: Path, *, hidden: Sequence[Path] = ()) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._command = [*enclosed(hidden), sys.executable, "-m", "beamkeeper.app.drill.keyboard"]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        with (self.folder / "keyboard.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.folder,
                env=surroundings(self.folder),
                text=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.communicate(timeout=_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()

    def type(
        self, *arguments: object, at: datetime, keys: str = "", ends: Sequence[int] = (0,)
    ) -> tuple[int, str]:
        """Type a command by a clock that shows `at`; return its exit status and what it printed.

        Raises
        ------
        IntegrityError
            It ended otherwise than with one of `ends`.
        """
        done = self._ask(
            {"type": list(map(str, arguments)), "at": at.isoformat(), "keys": keys, "account": ""}
        )
        if done["status"] not in ends:
            what = " ".join(map(str, arguments[:2]))
            raise IntegrityError(f"{what} ended with {done['status']}: {done['err'][-_ERROR_CHARACTERS:]}")
        return done["status"], done["out"]

    def told(self, *arguments: object, at: datetime, keys: str = "", ends: Sequence[int] = (0,)) -> Any:
        """Type a command with --json; return what it printed. Raises as `type`."""
        return json.loads(self.type(*arguments, "--json", at=at, keys=keys, ends=ends)[1])

    def starts_archive(self, folder: Path, ae_title: str) -> int:
        """Start an Orthanc in the house's own network; return its port."""
        port: int = self._ask({"archive": str(folder), "ae_title": ae_title})["port"]
        return port

    def starts_ois(self) -> int:
        """Start the house's OIS, as far as it takes HL7; return its port."""
        port: int = self._ask({"ois": True})["port"]
        return port

    def schedule(self) -> Schedule:
        """Return what the OIS knows by now."""
        said = self._ask({"schedule": True})
        booked = {number: Booked(**one) for number, one in said.pop("booked").items()}
        return Schedule(**said, booked=booked)

    def stores(self, paths: Iterable[Path]) -> None:
        """Let the house's machines export objects to its archive."""
        self._ask({"store": list(map(str, paths))})

    def held(self, patient_id: str) -> frozenset[str]:
        """Return the SOP Instance UIDs of what the archive holds under a number."""
        return frozenset(self._ask({"held": patient_id})["held"])

    def _ask(self, what: dict[str, Any]) -> dict[str, Any]:
        process = self._process
        assert process is not None, "a house is entered first"  # noqa: S101
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(json.dumps(what) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise IntegrityError(f"The house in {self.folder.name} went dark. {last_words(self.folder)}")
        answer: dict[str, Any] = json.loads(line)
        return answer
