"""The watcher reads a mirror on a real SFTP server, with a key of its own, and fetches nothing."""

from __future__ import annotations

import getpass
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.mirror_peers.sftp_server import SftpServer, sftp_server
from tests.unit.vault.small_vault import Site

from beamkeeper.app.jobs.watching import Watcher
from beamkeeper.app.site_watch import WatchFile
from beamkeeper.protect.watch import FindingKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.peer

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def server(program, tmp_path: Path) -> Iterator[SftpServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    with sftp_server(folder, program) as running:
        yield running


def test_a_mirror_behind_sftp_is_watched_where_it_is(server: SftpServer, tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    entry = site.play("A", 1, {"1.2.1": b"plan"})
    far = server.root / "site-a"
    shutil.copytree(site.folder / "vault", far)
    watcher = Watcher(
        WatchFile.model_validate(
            {
                "format": 1,
                "name": "elsewhere",
                "time_zone": "Europe/Brussels",
                "root_key": site.keys.root_public_key,
                "memory_dir": tmp_path / "memory",
                "read_again_days": 1,
                "mirror": {
                    "kind": "sftp",
                    "name": "far",
                    "host": "127.0.0.1",
                    "port": server.port,
                    "user": getpass.getuser(),
                    "folder": str(far),
                    "host_keys": (server.host_key.strip(),),
                    "key": f"file:{server.folder / 'user_key'}",
                },
            }
        )
    )

    def found(after: timedelta = timedelta()) -> list[FindingKind]:
        notes, _ = watcher.look(MORNING + after)
        return [finding.kind for finding in notes.look.findings]

    assert found() == []
    notes = watcher.notes()
    assert notes is not None
    assert notes.look.read_count == notes.look.parcel_count == 2
    parcel = far / entry.storage_name
    parcel.chmod(0o600)
    data = bytearray(parcel.read_bytes())
    data[-1] ^= 1
    parcel.write_bytes(data)
    assert FindingKind.PARCEL_ALTERED in found(timedelta(days=2))
    parcel.unlink()
    assert FindingKind.PARCEL_MISSING in found(timedelta(days=2))
    (far / "metadata" / "timestamp.json").unlink()
    assert found(timedelta(days=2)) == [FindingKind.NOT_AS_SIGNED]
    shutil.rmtree(far)
    assert found(timedelta(days=2)) == [FindingKind.UNREACHABLE]
