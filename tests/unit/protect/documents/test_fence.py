"""The process that reads hostile documents can do nothing but read what it was given and answer."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from beamkeeper.wire import fence

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_DESCRIPTOR = {errno.EMFILE}
REFUSED = {errno.EACCES, errno.EPERM}

READER = """
import ctypes, json, os, socket, subprocess, sys
from beamkeeper.protect.documents import reader_main

def hostile(data, media_type):
    words = {}
    for name, attempt in ATTEMPTS.items():
        try:
            attempt()
        except OSError as error:
            words[name] = error.errno
        else:
            words[name] = 0
    print(json.dumps(words), flush=True)
    os._exit(0)

def connect(kind, family=socket.AF_INET):
    return lambda: socket.socket(family, kind).connect(("127.0.0.1", 9))

file, parent = sys.argv.pop(), os.getppid()
other = ctypes.CDLL(None, use_errno=True)

def start():
    done = other.execv(b"/bin/true", (ctypes.c_char_p * 2)(b"true", None))
    raise OSError(ctypes.get_errno(), "exec")

ATTEMPTS = {
    "open": lambda: open("/etc/passwd").close(),
    "open its own code": lambda: open(reader_main.__file__).close(),
    "write": lambda: open(file, "w").close(),
    "list": lambda: os.listdir("/"),
    "tcp": connect(socket.SOCK_STREAM),
    "udp": connect(socket.SOCK_DGRAM),
    "unix": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "fork": lambda: os.fork() or os._exit(0),
    "start": start,
    "signal": lambda: os.kill(parent, 0),
    "empty": lambda: os.truncate(file, 0),
    "rename": lambda: os.rename(file, file + ".x"),
    "remove": lambda: os.remove(file),
    "make a folder": lambda: os.mkdir(file + ".d"),
    "more descriptors": lambda: raise_limit(),
}

def raise_limit():
    import resource
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    except ValueError as error:
        raise OSError(1, "limit") from error

reader_main.lines_of = hostile
reader_main.main()
"""


@pytest.fixture
def somebodys_file() -> Iterator[Path]:
    """A file that anybody may write and remove: what keeps a process from it is the fence alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "kept").write_text("supine")
        (folder / "kept").chmod(0o666)
        yield folder / "kept"


@pytest.fixture
def tried(somebodys_file: Path) -> dict[str, int]:
    """What a reader that a hostile document has taken over tries, and which error each attempt ends with."""
    with somebodys_file.open("rb") as given:
        words = [sys.executable, "-I", "-c", READER, *map(str, [given.fileno()] * 2), "text/plain"]
        done = subprocess.run(
            [*words, "text/plain", str(somebodys_file)],
            pass_fds=(given.fileno(),),
            capture_output=True,
            text=True,
            check=True,
        )
    return {name: int(number) for name, number in json.loads(done.stdout).items()}


def test_a_reader_that_was_taken_over_opens_no_file_and_no_line(tried: dict[str, int]) -> None:
    for name in ("open", "open its own code", "write", "list", "tcp", "udp", "unix"):
        assert tried[name] in NO_DESCRIPTOR | REFUSED, name
    assert tried["more descriptors"] in REFUSED


def test_a_reader_that_was_taken_over_starts_nothing(tried: dict[str, int]) -> None:
    assert tried["fork"] == errno.EAGAIN


@pytest.mark.skipif(
    fence.landlock_version() < fence.TRUNCATE_VERSION, reason="this kernel cannot keep a process from it"
)
def test_a_reader_that_was_taken_over_harms_no_file_and_no_process(
    tried: dict[str, int], somebodys_file: Path
) -> None:
    for name in ("start", "signal", "empty", "rename", "remove", "make a folder"):
        assert tried[name] in REFUSED, name
    assert somebodys_file.read_text() == "supine"


@pytest.mark.parametrize(
    ("version", "said"), [(0, "gives no Landlock"), (1, "older than"), (2, "older than"), (3, ""), (7, "")]
)
def test_what_a_kernel_cannot_shut_is_said(version: int, said: str) -> None:
    assert said in fence.what_stays_open(version)
    assert bool(said) == bool(fence.what_stays_open(version))
