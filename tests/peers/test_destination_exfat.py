"""The contract of `Destination` on exFAT, as USB sticks have it: no links, coarse times."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.contract.destination_contract import DestinationContract, FolderPlace, ResumingContract

from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.wire.destination import Destination

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


@pytest.fixture
def place(stick: Path) -> FolderPlace:
    root = stick / f"copies-{len(list(stick.iterdir()))}"
    return FolderPlace(root, lambda: DirectoryDestination(root), coarse_times=True)


@pytest.fixture
def destination(place: FolderPlace) -> Destination:
    return place.connect()


class TestExfat(DestinationContract, ResumingContract):
    """exfat-fuse."""


def test_it_is_a_file_system_without_links(stick: Path) -> None:
    (stick / "one").write_bytes(b"x")

    with pytest.raises(OSError, match=r"not permitted|not implemented|not supported"):
        (stick / "two").hardlink_to(stick / "one")
