"""The storage receivers that are compared, each started on a port with a folder for what it keeps."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from beamkeeper.wire.dicom.receiver import Receiver, ReceiverConfig
from beamkeeper.wire.dicom.spool import SpoolReader

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")
AE_TITLE = "ANY-SCP"
START_LIMIT_S = 60
SENDERS = frozenset({"FASTSCU", "STORESCU", "ORTHANC"})


def program(name: str) -> str:
    """Return the path of a system program; pynetdicom installs scripts of the names DCMTK has."""
    path = shutil.which(name, path="/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin")
    if path is None:
        sys.exit(f"{name} is not installed: it is one of the peers to compare with.")
    return path


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def orthanc_settings(folder: Path, port: int, **more: object) -> Path:
    """Write settings of an Orthanc as it is shipped, but that knows its places and lets everybody in."""
    settings = {
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "DicomPort": port,
        "HttpServerEnabled": False,
        "DicomAet": "ORTHANC",
        "DicomCheckCalledAet": False,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowMove": True,
        "Plugins": [],
        **more,
    }
    path = folder / "orthanc.json"
    path.write_text(json.dumps(settings))
    return path


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    """Run a program that listens on `port`; yields its process number."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        try:
            wait_for_port(port)
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGTERM)


@contextlib.contextmanager
def beamkeeper(folder: Path, port: int, originators: frozenset[str]) -> Iterator[int]:
    config = ReceiverConfig(
        ae_title=AE_TITLE, allowed_calling_ae_titles=SENDERS, port=port, own_move_originators=originators
    )
    with (
        (folder / "log").open("wb") as log,
        Receiver(config, spool_dir=folder / "spool", log=log) as receiver,
    ):
        yield receiver.pid


@contextlib.contextmanager
def receiver(name: str, folder: Path, port: int) -> Iterator[int]:
    """Run the receiver of that name."""
    if name == "beamkeeper":
        with beamkeeper(folder, port, frozenset({"BEAMKEEPER"})) as pid:
            yield pid
        return
    if name == "beamkeeper-unasked":
        with beamkeeper(folder, port, frozenset()) as pid:
            yield pid
        return
    commands = {
        "storescp": lambda: [program("storescp"), "-od", str(folder), str(port)],
        "orthanc": lambda: [program("Orthanc"), str(orthanc_settings(folder, port))],
        "pynetdicom": lambda: [sys.executable, str(HERE / "pynetdicom_receiver.py"), str(port), str(folder)],
    }
    with running(commands[name](), port) as pid:
        yield pid


RECEIVERS = ("beamkeeper", "beamkeeper-unasked", "storescp", "orthanc", "pynetdicom")


def kept_count(name: str, folder: Path) -> int:
    """Return how many objects a receiver kept; for ours, those whose bytes and journal line are on disk."""
    if name.startswith("beamkeeper"):
        return len(SpoolReader(folder / "spool").poll())
    if name == "orthanc":
        return sum(path.stat().st_size > 0 for path in (folder / "db").rglob("*-*-*") if path.is_file())
    return sum(path.name not in ("log", "orthanc.json") for path in folder.iterdir())


def tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for one in found:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return found


def cpu_s(pid: int) -> float:
    """Return the processor time of a process tree, ended children included."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))
    return total / TICKS


def peak_mb(pid: int) -> float:
    """Return the peak memory of the processes of a tree that live now, added up."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, StopIteration):
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return total / 1024
