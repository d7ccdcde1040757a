"""The conversation with a Windows share, over smbprotocol: SMB 3 with encryption, logged on, in bounded time.

`SmbDestination` and `SmbFiles` stand on it; each says in its own words what an error means to it.

References
----------
MS-SMB2 3.2.4.1.5 (encryption)
"""

from __future__ import annotations

import contextlib
import errno
import math
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import smbclient
from cryptography.exceptions import InvalidTag
from smbprotocol.exceptions import SMBException, SMBOSError
from spnego.exceptions import SpnegoError

from beamkeeper.errors import BeamkeeperError, SourceAnswerInvalid, SourceUnavailable, StorageFull
from beamkeeper.wire.shared_files import FileRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_S_MAX: Final = 30
SMB_3: Final = 0x0300
ODD: Final = (ValueError, LookupError, ArithmeticError, struct.error, InvalidTag)
"""What the library raises for bytes it does not understand, or that were changed on their way."""
ABSENT: Final = {errno.ENOENT, errno.ENOTDIR}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmbPeer:
    """Where a share is, and as whom we log on.

    Attributes
    ----------
    folder
        The folder for copies below the share, segments joined by "/"; "" for the share itself. It must
        be there.
    user
        A local user of the server, or one of a domain, as `DOMAIN`, backslash, user.
    silence_s
        Longest wait for one answer, seconds; then the line is cut. Whoever puts a file watches that itself.
    """

    server: str
    share: str
    folder: str
    user: str
    port: int = 445
    password: str = field(default="", repr=False)
    silence_s: float = 120


class SmbLine:
    """One share, connected when first asked.

    Parameters
    ----------
    peer
        The share.
    must_encrypt
        Whether a server that does not encrypt what passes the wire is refused.
    """

    def __init__(self, peer: SmbPeer, *, must_encrypt: bool = True) -> None:
        self._peer = peer
        self._must_encrypt = must_encrypt
        self._base = "\\\\" + "\\".join([peer.server, peer.share, *filter(None, peer.folder.split("/"))])
        self._connections: dict[str, Any] = {}
        self._there = False

    def cut(self) -> None:
        """Break the connection from another thread."""
        for connection in tuple(self._connections.values()):
            with contextlib.suppress(OSError):
                connection.transport.close()

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(SMBException, OSError, *ODD), self._in_time():
            smbclient.reset_connection_cache(fail_on_error=False, connection_cache=self._connections)
        self._connections = {}
        self._there = False

    def _session(self) -> dict[str, Any]:
        """Return what every call needs, logged on and encrypted."""
        peer = self._peer
        facts = {"port": peer.port, "connection_cache": self._connections}
        if not self._there:
            session = smbclient.register_session(
                peer.server,
                username=peer.user,
                password=peer.password,
                encrypt=self._must_encrypt,
                connection_timeout=min(CONNECT_S_MAX, math.ceil(peer.silence_s)),
                **facts,
            )
            if self._must_encrypt and (not session.encrypt_data or session.connection.dialect < SMB_3):
                raise self._unencrypted()
            self._there = True
        return facts | {"username": peer.user, "password": peer.password, "encrypt": self._must_encrypt}

    def _verify_base(self) -> None:
        smbclient.stat(self._base, **self._session())

    @contextlib.contextmanager
    def _in_time(self) -> Iterator[None]:
        """Cut a line on which no answer comes: the library waits for one without end."""
        timer = threading.Timer(self._peer.silence_s, self.cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        """Wait no longer than the longest silence, and translate what goes wrong."""
        with self._translated(), self._in_time():
            yield

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate what goes wrong into our tree; errors of ours pass."""
        try:
            yield
        except BeamkeeperError:
            raise
        except (SMBException, OSError, SpnegoError, *ODD) as error:
            ours = self._ours(error)
            if not isinstance(ours, StorageFull | FileRefused):
                self._forget_connection()
            raise ours from error

    def _forget_connection(self) -> None:
        self.close()

    def _unencrypted(self) -> SourceAnswerInvalid:
        return SourceAnswerInvalid(
            f"The share {self._base} does not encrypt what passes the wire (SMB 3 is needed).",
            do_next="Let its administrator turn SMB 3 encryption on; nothing was sent.",
        )

    def _ours(self, error: Exception) -> BeamkeeperError:
        if isinstance(error, SMBOSError) and error.errno in ABSENT:
            return SourceUnavailable(
                f"There is no folder {self._base}.",
                do_next="Have it made; Beamkeeper makes only what lies below it.",
            )
        if isinstance(error, ODD) and not str(error).startswith("Failed to connect"):
            return SourceAnswerInvalid(
                f"The share {self._base} sends what is no answer of SMB ({type(error).__name__}).",
                do_next="Somebody may change what passes the wire, or it is no Windows share: have its"
                " administrator look.",
            )
        if "encryption is required" in str(error):
            return self._unencrypted()
        if _is_logon_failure(error):
            return SourceUnavailable(
                f"{self._peer.server} refuses the logon of {self._peer.user}.",
                do_next="Check user and password with its administrator.",
            )
        return SourceUnavailable(
            f"The share {self._base} gives no answer ({type(error).__name__}).",
            do_next="Check that the server runs and that the firewall lets us through; it is tried again.",
        )


def let_go(file: Any) -> None:
    """Close a file; over a line that is gone, the server does so by itself."""
    with contextlib.suppress(SMBException, OSError):
        file.close()
    file.fd._connected = False  # noqa: SLF001 - else it complains that it was never closed


def _is_logon_failure(error: Exception) -> bool:
    names = {"LogonFailure", "SMBAuthenticationError", "AccountLockedOut", "AccountRestriction"}
    return isinstance(error, SpnegoError) or type(error).__name__ in names
