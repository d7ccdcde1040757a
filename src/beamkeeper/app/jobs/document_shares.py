"""From `[[documents]]` of the site file to open shares: one that gave no answer twice is not asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from beamkeeper.app.site_documents import FolderDocuments, OisDocuments
from beamkeeper.app.site_sources import OisSection
from beamkeeper.clock import zone
from beamkeeper.errors import BeamkeeperError, SourceUnavailable
from beamkeeper.protect.documents import ShareRules
from beamkeeper.vault import resolve_secret
from beamkeeper.wire.share.folder_files import FolderFiles
from beamkeeper.wire.shared_files import FileRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_documents import DocumentsSection
    from beamkeeper.wire.shared_files import FileFacts, Named, Segments, SharedFiles

    T = TypeVar("T")

FAILURES_MAX: Final = 2
"""A second try makes up for a line that was cut; a share that fails again is down for this night."""


def connect_documents(section: DocumentsSection, site: Site) -> SharedFiles:
    """Return the share a section names, asked only when something is read from it.

    Raises
    ------
    KeyUnavailable
        Its password cannot be read.
    """
    if isinstance(section, FolderDocuments):
        return FolderFiles(section.path)
    if isinstance(section, OisDocuments):
        (ois,) = (one for one in site.sources if one.name == section.source)
        assert isinstance(ois, OisSection), "the site file was checked for it"  # noqa: S101
        return _photos_of(ois)
    # Loaded when asked for: a site without a share starts faster.
    from beamkeeper.wire.share.smb_files import SmbFiles  # noqa: PLC0415
    from beamkeeper.wire.share.smb_line import SmbPeer  # noqa: PLC0415

    peer = SmbPeer(
        server=section.server,
        port=section.port,
        share=section.share,
        folder=section.folder,
        user=section.user,
        password=resolve_secret(section.password),
        silence_s=section.silence_seconds,
    )
    return SmbFiles(peer, must_encrypt=not section.unsafe_unencrypted)


def _photos_of(section: OisSection) -> SharedFiles:
    from beamkeeper.app.jobs.sources import ois_mapping  # noqa: PLC0415 - a site without starts faster
    from beamkeeper.protect.census import OisPhotos  # noqa: PLC0415

    return OisPhotos(
        ois_mapping(section),
        section.url,
        secret=resolve_secret(section.secret) if section.secret else "",
        timeout_s=section.timeout_seconds,
        read_only=not section.unsafe_writable_login,
    )


def share_rules(site: Site) -> tuple[ShareRules, ...]:
    """Return how what an OIS writes leads to each share of the site file."""
    return tuple(
        ShareRules(
            name=section.name,
            zone=zone(section.time_zone or site.site.time_zone),
            source=section.source,
            ois_roots=section.ois_roots,
            quarters_since=section.quarters_since,
        )
        for section in site.documents
        if not isinstance(section, OisDocuments)
    )


class NightShare:
    """One share for one night.

    Parameters
    ----------
    connect
        Returns the adapter; called when the share is first asked, and again after a failure.
    """

    def __init__(self, connect: Callable[[], SharedFiles]) -> None:
        self._connect = connect
        self._files: SharedFiles | None = None
        self._failures = 0
        self.down = ""
        """Why it gives no answer, once it is not asked any more; "" before."""

    def look(self, place: Segments) -> FileFacts | None:
        """Return what the share says of a file; see `SharedFiles.look`."""
        return self._asked(lambda files: files.look(place))

    def open(self, place: Segments) -> BinaryIO | None:
        """Return a reader of a file; see `SharedFiles.open`."""
        return self._asked(lambda files: files.open(place))

    def names(self, folder: Segments) -> Iterator[Named]:
        """Yield what a folder holds; see `SharedFiles.names`."""
        yield from self._asked(lambda files: tuple(files.names(folder)))

    def close(self) -> None:
        """Let go of the share."""
        if self._files is not None:
            self._files.close()
            self._files = None

    def failed(self, error: BeamkeeperError) -> None:
        """Note that it gave no answer; from the second time on it is down."""
        self._failures += 1
        self.close()
        if self._failures >= FAILURES_MAX:
            self.down = " ".join(filter(None, (error.message, error.do_next)))

    def _asked(self, question: Callable[[SharedFiles], T]) -> T:
        if self.down:
            raise SourceUnavailable(self.down)
        try:
            if self._files is None:
                self._files = self._connect()
            return question(self._files)
        except FileRefused:
            raise
        except BeamkeeperError as error:
            self.failed(error)
            if self.down:
                raise SourceUnavailable(self.down) from error
        return self._asked(question)
