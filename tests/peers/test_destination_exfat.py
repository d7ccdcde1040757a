"""The contract of `Destination` on exFAT, as USB sticks have it: no links, coarse times."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.contract.destination_contract import DestinationContract, ResumingContract

from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE_BYTES = 256 << 20

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        os.geteuid() != 0 or not Path("/dev/fuse").exists(),
        reason="exFAT is NOT tried: mounting it takes root and FUSE",
    ),
]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def stick(tmp_path_factory: pytest.TempPathFactory, program) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("exfat")
    image, mounted = folder / "image", folder / "stick"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(SIZE_BYTES)
    assert run(program("mkfs.exfat"), str(image)).returncode == 0
    loop = run("losetup", "-f", "--show", str(image))
    if loop.returncode != 0:
        pytest.skip("exFAT is NOT tried: there is no loop device here")
    device = loop.stdout.strip()
    try:
        if run(program("mount.exfat-fuse"), device, str(mounted)).returncode != 0:
            pytest.skip("exFAT is NOT tried: it cannot be mounted here")
        yield mounted
        run("umount", str(mounted))
    finally:
        run("losetup", "-d", device)


class StickPlace:
    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()

    def connect(self) -> DirectoryDestination:
        return DirectoryDestination(self.root)

    def read(self, name: str) -> bytes | None:
        path = self.root / name
        return path.read_bytes() if path.exists() else None

    def write(self, name: str, data: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        later = path.stat().st_mtime + 60  # its times are too coarse for tests that take less
        os.utime(path, (later, later))


@pytest.fixture
def place(stick: Path) -> StickPlace:
    return StickPlace(stick / f"copies-{len(list(stick.iterdir()))}")


@pytest.fixture
def destination(place: StickPlace) -> DirectoryDestination:
    return place.connect()


class TestExfat(DestinationContract, ResumingContract):
    """exfat-fuse."""


def test_it_is_a_file_system_without_links(stick: Path) -> None:
    (stick / "one").write_bytes(b"x")

    with pytest.raises(OSError, match=r"not permitted|not implemented|not supported"):
        (stick / "two").hardlink_to(stick / "one")
