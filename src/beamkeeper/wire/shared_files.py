"""The port to a share with documents: looked at and read, never written.

`wire.share` holds the adapters (`FolderFiles`, `SmbFiles`); `tests/contract/shared_files_contract.py` is the
suite that both pass. A file has three outcomes: it is there, the share says it has none (None), or there is
no answer (`SourceUnavailable`), which says nothing about what the share holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from beamkeeper.errors import SourceAnswerInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

Segments = tuple[str, ...]
"""Where a file lies below the share's root, one name after the other; never a text that is parsed again."""

NAMES_IN_FOLDER_MAX: Final = 200_000
"""Names one folder may list: ARIA's flat folder of many years has tens of thousands."""


class FileRefused(SourceAnswerInvalid):
    """The share has something there that is not read: a link, no file, held by somebody, or not for us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a share says of a file.

    Attributes
    ----------
    stamp
        Whatever changes when the file is written: size and time of change.
    """

    size_bytes: int
    stamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One name in a folder; links and what is neither folder nor file are not named at all."""

    name: str
    is_folder: bool


class SharedFiles(Protocol):
    """Reads one share; see tests/contract/shared_files_contract.py."""

    def look(self, place: Segments) -> FileFacts | None:
        """Return what the share says of a file; None when it has none there.

        Raises
        ------
        SourceUnavailable
            No answer.
        FileRefused
            What lies there, or a folder on the way, is not read.
        """

    def open(self, place: Segments) -> BinaryIO | None:
        """Return a reader of a file; None when the share has none there. Raises as `look`."""

    def names(self, folder: Segments) -> Iterator[Named]:
        """Yield what a folder holds, at most `NAMES_IN_FOLDER_MAX`; nothing when there is none.

        Raises as `look`.
        """

    def close(self) -> None:
        """Let go of the share."""


def too_many_names() -> FileRefused:
    """Return the error that says that a folder holds more than anybody would look through."""
    return FileRefused(
        f"A folder of the share holds more than {NAMES_IN_FOLDER_MAX:,} names.",
        do_next="Name a narrower folder in `find`.",
    )
