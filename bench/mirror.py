"""Mirror a vault beside rclone and smbclient, to the same servers, with the same files, in one run.

    python bench/mirror.py [--parcels 8] [--mb 32] [--runs 3] [--json FILE]

A vault of random parcels is mirrored to a directory, to OpenSSH and to Samba (encrypted) on loopback. Two
things are measured: sending alone, and sending with everything read back and compared, which is what
Beamkeeper does every time (rclone: `copy`, then `check --download`; smbclient: `mput`, then `mget` and
SHA-256). The result is the ratio of times within a run, as a median; above 1 ours is faster. Needs root for
Samba, and rclone, smbclient, samba and openssh-server.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.mirror_peers.samba_server import PASSWORD, USER, samba_server  # noqa: E402
from tests.mirror_peers.sftp_server import sftp_server  # noqa: E402
from tests.mirror_peers.small_vault import Mirror, SmallVault  # noqa: E402

from beamkeeper.wire.share.directory import DirectoryDestination  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.wire.destination import Destination

WORDS = subprocess.DEVNULL


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        sys.exit(f"{name} is not here; ./dev bench installs it")
    return found


def empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def send(vault: SmallVault, connect: Callable[[], Destination]) -> None:
    """Put every parcel, without reading any back."""
    destination = connect()
    for entry in vault.publication().entries:
        with (vault.root / entry.storage_name).open("rb") as source:
            destination.put(entry.storage_name, source, size_bytes=entry.size_bytes)
    destination.close()


def mirror(vault: SmallVault, connect: Callable[[], Destination]) -> None:
    outcome = Mirror(vault, connect).run()
    assert outcome.is_mirrored, outcome


def rclone(command: str, vault: SmallVault, remote: str, *more: str) -> None:
    arguments = [program("rclone"), command, str(vault.root), remote, "--config", os.devnull, *more]
    subprocess.run(arguments, check=True, stdout=WORDS, stderr=WORDS)


def rclone_mirror(vault: SmallVault, remote: str) -> None:
    rclone("copy", vault, remote)
    rclone("check", vault, remote, "--download", "--one-way")


def smbclient(port: int, *commands: str, folder: Path) -> None:
    arguments = [program("smbclient"), "//127.0.0.1/copies", "-p", str(port), "-U", f"{USER}%{PASSWORD}"]
    arguments += [
        "--client-protection=encrypt",
        "-c",
        "; ".join(["prompt off", "recurse on", f"lcd {folder}", *commands]),
    ]
    subprocess.run(arguments, check=True, stdout=WORDS, stderr=WORDS)


def smbclient_mirror(vault: SmallVault, port: int, back: Path) -> None:
    smbclient(port, "mput *", folder=vault.root)
    empty(back)
    smbclient(port, "mget *", folder=back)
    for entry in vault.publication().entries:
        with (back / entry.storage_name).open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256


def sftp_remote(server: object) -> str:
    peer = server.peer()  # type: ignore[attr-defined]
    key = server.folder / "user_key"  # type: ignore[attr-defined]
    return f":sftp,host=127.0.0.1,port={peer.port},user={peer.user},key_file={key}:{peer.path}"


def measure(args: argparse.Namespace, folder: Path) -> dict[str, dict[str, list[float]]]:
    vault = SmallVault(folder / "site")
    for _ in range(args.parcels):
        vault.night(os.urandom(args.mb << 20))
    with ExitStack() as running:
        for name in ("ssh", "smb", "back", "disk"):
            (folder / name).mkdir()
        ssh = running.enter_context(sftp_server(folder / "ssh", program))
        smb = running.enter_context(samba_server(folder / "smb", program))
        disk = folder / "disk"
        cases: dict[str, tuple[Path, dict[str, Callable[[], object]]]] = {
            "directory": (
                disk,
                {
                    "send": lambda: send(vault, lambda: DirectoryDestination(disk)),
                    "mirror": lambda: mirror(vault, lambda: DirectoryDestination(disk)),
                    "rclone send": lambda: rclone("copy", vault, str(disk)),
                    "rclone mirror": lambda: rclone_mirror(vault, str(disk)),
                },
            ),
            "sftp": (
                ssh.root,
                {
                    "send": lambda: send(vault, ssh.connect),
                    "mirror": lambda: mirror(vault, ssh.connect),
                    "rclone send": lambda: rclone("copy", vault, sftp_remote(ssh)),
                    "rclone mirror": lambda: rclone_mirror(vault, sftp_remote(ssh)),
                },
            ),
            "smb": (
                smb.root,
                {
                    "send": lambda: send(vault, smb.connect),
                    "mirror": lambda: mirror(vault, smb.connect),
                    "smbclient send": lambda: smbclient(smb.port, "mput *", folder=vault.root),
                    "smbclient mirror": lambda: smbclient_mirror(vault, smb.port, folder / "back"),
                },
            ),
        }
        found: dict[str, dict[str, list[float]]] = {kind: {} for kind in cases}
        for _ in range(args.runs):
            for kind, (place, works) in cases.items():
                for what, work in works.items():
                    empty(place)
                    found[kind].setdefault(what, []).append(timed(work))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Mirror a vault beside rclone and smbclient.")
    parser.add_argument("--parcels", type=int, default=8)
    parser.add_argument("--mb", type=int, default=32, help="size of a parcel, MiB")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mirror-bench-") as scratch:
        found = measure(args, Path(scratch))
    total_mb = args.parcels * args.mb * 1.048576
    ratios: dict[str, float] = {}
    for kind, works in found.items():
        for what in ("send", "mirror"):
            peer = "smbclient" if kind == "smb" else "rclone"
            pairs = zip(works[f"{peer} {what}"], works[what], strict=True)
            ratios[f"{kind} {what} / {peer}"] = ratio = statistics.median(t / o for t, o in pairs)
            ours, theirs = statistics.median(works[what]), statistics.median(works[f"{peer} {what}"])
            speeds = f"ours {total_mb / ours:6.0f} MB/s  {peer:<9} {total_mb / theirs:6.0f} MB/s"
            print(f"{kind:<10} {what:<7} {speeds}  ratio {ratio:.2f}")
    if args.json:
        args.json.write_text(json.dumps({"total_mb": total_mb, "seconds": found, "ratios": ratios}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
