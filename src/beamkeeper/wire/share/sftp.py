"""An SFTP server as a destination, over asyncssh: only with the host keys that were pinned.

OpenSSH's rename of protocol version 3 links and unlinks, so a name that is taken stays as it is;
`posix-rename` is used for the timestamp alone. Files are flushed by `fsync@openssh.com` where the
server has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

from beamkeeper.errors import (
    BeamkeeperError,
    ConfigError,
    SourceAnswerInvalid,
    SourceUnavailable,
    StorageFull,
)
from beamkeeper.wire.destination import (
    BLOCK_BYTES,
    WORK,
    DestinationFacts,
    Listed,
    segments,
    taken,
    verify_count,
)
from beamkeeper.wire.share.resuming import part_name

try:
    import asyncssh
except ImportError as _error:  # an extra, because of its licence
    raise ConfigError(
        "A mirror over SFTP needs the library asyncssh, which is not installed.",
        do_next='Install it: pip install "beamkeeper[sftp]"',
    ) from _error

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Sequence

LOGIN_S_MAX: Final = 30
CIPHERS: Final = (
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
)
DEPTH_MAX: Final = 4
"""Folders below the one that is listed: a vault has one."""
_ROOM_MIN_BYTES: Final = 1 << 20
_LOST: Final = (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost)

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpPeer:
    """Where an SFTP server is, and by what it and we are known.

    Attributes
    ----------
    path
        The folder for copies, from the login folder; it must be there.
    host_keys
        The server's public keys ("ssh-ed25519 AAAA..."); any other server is refused.
    private_key, password
        One of the two; the key in OpenSSH's or PEM form, without a passphrase.
    silence_s
        Longest wait for one answer, seconds.
    """

    host: str
    user: str
    path: str
    host_keys: tuple[str, ...]
    port: int = 22
    private_key: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    silence_s: float = 120


class SftpDestination:
    """Keeps copies under one folder of an SFTP server; connects when first asked.

    Parameters
    ----------
    peer
        The server.
    """

    versions = None

    def __init__(self, peer: SftpPeer) -> None:
        self._peer = peer
        # Not asyncio.Runner: in the main thread, to set its signal handler, it writes out every answer whole.
        self._loop = asyncio.new_event_loop()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        self._folders: set[str] = set()

    def put(self, name: str, source: BinaryIO, *, size_bytes: int) -> None:
        """Keep the bytes of `source` as `name`; see `Destination.put`."""
        self._run(self._put(name, source, size_bytes), timeout_s=None)

    def replace(self, name: str, data: bytes) -> None:
        """Swap the small object `name` for `data`, whole or not at all."""
        self._run(self._replace(name, data))

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield every file under the folder `prefix`; links are listed as what they are: nothing."""
        count = 0
        waiting = [(prefix.rstrip("/"), 0)]
        while waiting:
            folder, depth = waiting.pop()
            for entry in self._run(self._entries(folder)):
                count += 1
                verify_count(count)
                name = f"{folder}/{entry.filename}"
                mode = entry.attrs.permissions or 0
                if stat.S_ISDIR(mode):
                    if depth < DEPTH_MAX and entry.filename not in {".", ".."}:
                        waiting.append((name, depth + 1))
                elif stat.S_ISREG(mode):
                    size, changed = entry.attrs.size or 0, entry.attrs.mtime or 0
                    yield Listed(name=name, size_bytes=size, stamp=str(changed))

    def open(self, name: str) -> BinaryIO | None:
        """Return a reader of `name`; None when the server answered that it has none."""
        file = self._run(self._open(name))
        return None if file is None else io.BufferedReader(_Reader(self, file), BLOCK_BYTES)

    def remove(self, name: str) -> None:
        """Remove `name`; done already is fine."""
        self._run(self._remove(name))

    def facts(self) -> DestinationFacts:
        """Return the room on the server's disk, where it says."""
        return DestinationFacts(free_bytes=self._run(self._free_bytes()), encrypted=True)

    def cut(self) -> None:
        """Break the connection from another thread."""
        if self._connection is not None:
            self._loop.call_soon_threadsafe(self._connection.abort)

    def close(self) -> None:
        """Hang up."""
        if self._loop.is_closed():
            return
        if self._connection is not None:
            self._connection.abort()
            with contextlib.suppress(TimeoutError):
                closed = asyncio.wait_for(self._connection.wait_closed(), LOGIN_S_MAX)
                self._loop.run_until_complete(closed)
        self._connection = self._client = None
        self._loop.run_until_complete(self._end_tasks())
        self._loop.close()

    def read(self, file: asyncssh.SFTPClientFile, size: int) -> bytes:
        """Return up to `size` bytes of an open file; for the readers that `open` hands out."""
        block: Any = self._run(file.read(size))  # bytes: opened without an encoding
        return bytes(block)

    def close_file(self, file: asyncssh.SFTPClientFile) -> None:
        """Close an open file; a connection that is gone has done so."""
        if self._client is not None:
            self._run(file.close())

    # The conversation ------------------------------------------------------------------------------

    async def _put(self, name: str, source: BinaryIO, size_bytes: int) -> None:
        client = await self._client_now()
        final, part = self._path(name), self._work_path(part_name(name, size_bytes))
        if await self._soon(client.lexists(final)):
            raise taken(name)
        await self._make_folder(client, final)
        await self._make_folder(client, part)
        # "r+" needs a file that is there; opening with "ab" first makes it without emptying it.
        await self._soon((await self._soon(client.open(part, "ab"))).close())
        async with client.open(part, "r+b", encoding=None) as file:
            at = await self._resume_at(file, source)
            await self._soon(file.truncate(at))
            source.seek(at)
            while block := source.read(BLOCK_BYTES):
                await self._soon(file.write(block, at))
                at += len(block)
            with contextlib.suppress(asyncssh.SFTPOpUnsupported):
                await self._soon(file.fsync())
        try:
            await self._soon(client.rename(part, final))
        except asyncssh.SFTPError:
            if await self._soon(client.lexists(final)):
                raise taken(name) from None
            raise

    async def _resume_at(self, file: asyncssh.SFTPClientFile, source: BinaryIO) -> int:
        """Return where the transfer goes on: after what is there, if `source` begins with it."""
        at = 0
        while block := await self._soon(file.read(BLOCK_BYTES, at)):
            if source.read(len(block)) != block:
                return 0
            at += len(block)
        return at

    async def _replace(self, name: str, data: bytes) -> None:
        client = await self._client_now()
        final, part = self._path(name), self._work_path(part_name(name, 0))
        await self._make_folder(client, final)
        await self._make_folder(client, part)
        async with client.open(part, "wb", encoding=None) as file:
            await file.write(data)
            with contextlib.suppress(asyncssh.SFTPOpUnsupported):
                await file.fsync()
        await client.posix_rename(part, final)

    async def _entries(self, folder: str) -> Sequence[Any]:
        client = await self._client_now()
        found = []
        try:
            async for entry in client.scandir(f"{self._peer.path}/{folder}"):
                found.append(entry)
                verify_count(len(found))
        except asyncssh.SFTPNoSuchFile:
            await self._soon(client.stat(self._peer.path))  # absent is an answer only of the right folder
        return found

    async def _open(self, name: str) -> asyncssh.SFTPClientFile | None:
        client = await self._client_now()
        try:
            return await client.open(self._path(name), "rb", encoding=None)
        except asyncssh.SFTPNoSuchFile:
            await client.stat(self._peer.path)
            return None

    async def _remove(self, name: str) -> None:
        client = await self._client_now()
        with contextlib.suppress(asyncssh.SFTPNoSuchFile):
            await client.remove(self._path(name))

    async def _free_bytes(self) -> int | None:
        client = await self._client_now()
        try:
            room = await client.statvfs(self._peer.path)
        except asyncssh.SFTPOpUnsupported:
            return None
        return int(room.bavail * room.frsize)

    async def _make_folder(self, client: asyncssh.SFTPClient, path: str) -> None:
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            await self._soon(client.stat(self._peer.path))  # never make the folder that was to be there
            await self._soon(client.makedirs(folder, exist_ok=True))
            self._folders.add(folder)

    async def _end_tasks(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_default_executor()

    async def _client_now(self) -> asyncssh.SFTPClient:
        if self._client is None:
            self._connection = await _connect(self._peer)
            self._client = await self._connection.start_sftp_client()
        return self._client

    def _path(self, name: str) -> str:
        return "/".join([self._peer.path, *segments(name)])

    def _work_path(self, part: str) -> str:
        return f"{self._peer.path}/{WORK}/{part}"

    async def _soon(self, waiting: Any) -> Any:
        """Return what is waited for, within the longest silence."""
        return await asyncio.wait_for(waiting, self._peer.silence_s)

    def _run(self, work: Coroutine[Any, Any, _Result], *, timeout_s: float | None = 0) -> _Result:
        """Run one piece of the conversation; `timeout_s` of 0 stands for the longest silence."""
        limit = self._peer.silence_s + LOGIN_S_MAX if timeout_s == 0 else timeout_s
        try:
            return self._loop.run_until_complete(asyncio.wait_for(work, limit))
        except BeamkeeperError:
            raise
        except (asyncssh.Error, OSError, TimeoutError) as error:
            full = isinstance(error, asyncssh.SFTPFailure) and self._is_full()
            if not isinstance(error, asyncssh.SFTPError) or isinstance(error, _LOST):
                self._client = self._connection = None
            raise self._ours(error, is_full=full) from error

    def _is_full(self) -> bool:
        """Whether a bare "failure", which is all that version 3 has for a full disk, means that."""
        try:
            asked = asyncio.wait_for(self._free_bytes(), self._peer.silence_s)
            free = self._loop.run_until_complete(asked)
        except (asyncssh.Error, OSError, TimeoutError):
            return False
        return free is not None and free < _ROOM_MIN_BYTES

    def _ours(self, error: Exception, *, is_full: bool) -> BeamkeeperError:
        where = f"The SFTP server {self._peer.host}:{self._peer.port}"
        if isinstance(error, asyncssh.HostKeyNotVerifiable | asyncssh.KeyExchangeFailed):
            return SourceAnswerInvalid(
                f"{where} shows another host key than the pinned one: another server, or a man between.",
                do_next="Ask its administrator by telephone; only then change host_keys in the site file.",
            )
        if isinstance(error, asyncssh.PermissionDenied):
            return SourceUnavailable(
                f"{where} refuses the login of {self._peer.user}.",
                do_next="Check user, key or password with its administrator.",
            )
        if isinstance(error, asyncssh.SFTPPermissionDenied | asyncssh.SFTPNoSpaceOnFilesystem) or is_full:
            return StorageFull(
                f"{where} has no room, or gives {self._peer.user} no right to write, in {self._peer.path}.",
                do_next="Ask its administrator for room or for the right to write.",
            )
        if isinstance(error, asyncssh.SFTPNoSuchFile):
            return SourceUnavailable(
                f"{where} has no folder {self._peer.path}.",
                do_next="Have it made there; Beamkeeper makes only what lies below it.",
            )
        return SourceUnavailable(
            f"{where} gives no answer ({type(error).__name__}).",
            do_next="Check that it runs and that the firewall lets us through; it is tried again.",
        )


class _Reader(io.RawIOBase):
    """A file of the server as a raw stream."""

    def __init__(self, destination: SftpDestination, file: asyncssh.SFTPClientFile) -> None:
        self._destination = destination
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        block = self._destination.read(self._file, len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._destination.close_file(self._file)


def _keys_of(peer: SftpPeer) -> tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey] | None]:
    """Return the server's keys and ours; what is wrong with them never quotes them."""
    what = "host_keys"
    try:
        pinned = [asyncssh.import_public_key(line) for line in peer.host_keys]
        what = "key"
        ours = [asyncssh.import_private_key(peer.private_key)] if peer.private_key else None
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ConfigError(
            f"The SFTP server {peer.host}:{peer.port} has a `{what}` in the site file that cannot be read.",
            do_next="A host key is one line, `ssh-ed25519 AAAA…`; our own key is in OpenSSH's form and has no"
            " passphrase.",
        ) from error
    return pinned, ours


async def _connect(peer: SftpPeer) -> asyncssh.SSHClientConnection:
    pinned, keys = _keys_of(peer)
    return await asyncio.wait_for(
        asyncssh.connect(
            peer.host,
            peer.port,
            username=peer.user,
            known_hosts=(pinned, [], []),
            client_keys=keys,
            password=peer.password or None,
            agent_path=None,
            agent_forwarding=False,
            config=None,
            gss_host=None,
            compression_algs=None,
            encryption_algs=CIPHERS,
            login_timeout=LOGIN_S_MAX,
            keepalive_interval=0,
        ),
        LOGIN_S_MAX + 1,
    )
