"""The contract of `SharedFiles` over a real Samba, and what only SMB has."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import smbclient
from tests.contract.shared_files_contract import SharedFilesContract
from tests.mirror_peers.samba_server import PASSWORD, USER, SambaServer, samba_server

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable
from beamkeeper.protect.documents import FetchLimits, Finder, Outcome, fetch
from beamkeeper.wire.share.smb_files import SmbFiles
from beamkeeper.wire.shared_files import FileRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(os.geteuid() != 0, reason="Samba's server must be started by root"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, program) -> Iterator[SambaServer]:
    with samba_server(tmp_path_factory.mktemp("samba"), program) as running:
        yield running


class SmbShare:
    def __init__(self, server: SambaServer) -> None:
        self._server = server
        self.root = server.root
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()

    def connect(self, **changed: object) -> SmbFiles:
        return SmbFiles(self._server.peer(**changed))


@pytest.fixture
def share(server: SambaServer) -> SmbShare:
    return SmbShare(server)


class TestSmb(SharedFilesContract):
    """Samba with encryption required."""


def test_a_share_of_an_unknown_name_and_a_wrong_password_are_no_answers(share: SmbShare) -> None:
    for changed in ({"share": "nowhere"}, {"password": "wrong"}, {"folder": "nowhere"}):
        files = share.connect(**changed)
        with pytest.raises(SourceUnavailable):
            files.look(("a.txt",))
        files.close()


def test_a_file_that_another_program_holds_is_refused_and_the_next_is_read(
    share: SmbShare, server: SambaServer
) -> None:
    (share.root / "held.docx").write_bytes(b"x")
    (share.root / "free.docx").write_bytes(b"y")
    cache: dict[str, object] = {}
    session = {"port": server.port, "username": USER, "password": PASSWORD, "connection_cache": cache}
    files = share.connect()
    with smbclient.open_file("\\\\127.0.0.1\\copies\\held.docx", "r+b", **session):
        with pytest.raises(FileRefused, match="Another program holds it"):
            files.open(("held.docx",))
        with files.open(("free.docx",)) as source:
            assert source.read() == b"y"
    smbclient.reset_connection_cache(connection_cache=cache)
    files.close()


def test_what_a_find_rule_finds_on_a_windows_share_is_fetched_byte_for_byte(
    share: SmbShare, tmp_path: Path
) -> None:
    (share.root / "4711" / "Briefe").mkdir(parents=True)
    letter = share.root / "4711" / "Briefe" / "Überweisung.docx"
    letter.write_bytes(os.urandom(2_500_000))
    files = share.connect()
    (found,) = Finder("docs", files, ["{patient_id}/**"], count_max=5).find("4711", [])
    limits = FetchLimits(
        size_bytes_max=1 << 30, room_bytes=1 << 30, deadline=datetime.max.replace(tzinfo=UTC)
    )
    at = (str(found.places[0]), files.look(found.places[0].segments).stamp)
    fetched = [
        fetch(found, {"docs": files}, limits=limits, known=known, staging=tmp_path, now=lambda: NOW)
        for known in (None, at)
    ]
    files.close()

    assert [one.outcome for one in fetched] == [Outcome.RECEIVED, Outcome.UNCHANGED]
    assert (tmp_path / fetched[0].sha256).read_bytes() == letter.read_bytes()


def test_who_writes_a_document_is_never_kept_from_it(share: SmbShare, server: SambaServer) -> None:
    (share.root / "note.docx").write_bytes(b"before")
    cache: dict[str, object] = {}
    session = {"port": server.port, "username": USER, "password": PASSWORD, "connection_cache": cache}
    files = share.connect()
    with files.open(("note.docx",)):
        path = "\\\\127.0.0.1\\copies\\note.docx"
        with smbclient.open_file(path, "r+b", share_access="rwd", **session) as writing:
            writing.write(b"after")
    smbclient.reset_connection_cache(connection_cache=cache)
    files.close()

    assert (share.root / "note.docx").read_bytes() == b"aftere"


def test_a_server_that_does_not_encrypt_is_asked_only_where_the_site_says_so(tmp_path: Path, program) -> None:
    with samba_server(tmp_path, program, encrypt="off") as server:
        (server.root / "a.txt").write_bytes(b"x")
        strict, lax = SmbFiles(server.peer()), SmbFiles(server.peer(), must_encrypt=False)
        with pytest.raises(SourceAnswerInvalid, match="does not encrypt"):
            strict.look(("a.txt",))
        assert lax.look(("a.txt",)).size_bytes == 1
        strict.close()
        lax.close()
