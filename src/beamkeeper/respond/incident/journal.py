"""The journal of an incident: one file of chained lines, on any laptop, readable without us.

A line of the file is the SHA-256 of the rest of it, a blank, and the audit line that `domain.audit` defines.
What a person did, decided or saw is one line, written through to the disk before anything depends on it.
A line that a power cut left half-written is laid aside and told, never mended in silence.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.audit import (
    NOTHING_YET,
    AuditEvent,
    AuditHead,
    AuditReport,
    AuditRow,
    digest_of,
    next_line,
    row_of,
    verify_lines,
)
from beamkeeper.errors import IntegrityError, StorageFull

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from enum import StrEnum
    from pathlib import Path

JOURNAL_BYTES_MAX: Final = 256 << 20
"""Far more than an incident writes: 2,000 patients with a hundred lines each are 80 MB."""


class Journal:
    """The journal in one file; only ever added to.

    Parameters
    ----------
    path
        Made by the first line; its folder must be there.
    read_as
        What makes of whole lines what readers rely on.
    """

    def __init__(
        self,
        path: Path,
        read_as: Callable[[tuple[AuditRow, ...]], tuple[AuditRow, ...]] = lambda rows: rows,
    ) -> None:
        self.path = path
        self._read_as = read_as

    def note(
        self,
        deed: StrEnum,
        *,
        by: str,
        at: datetime,
        pseudonym: str | None = None,
        outcome: str = "ok",
        **details: object,
    ) -> AuditRow:
        """Write down what somebody did; details that say nothing are left out. Raises as `append` does."""
        told = {key: value for key, value in details.items() if value not in ("", None)}
        return self.append(
            AuditEvent(
                action=deed.value, actor=by, outcome=outcome, at=at, patient_pseudonym=pseudonym, details=told
            )
        )

    def append(self, event: AuditEvent) -> AuditRow:
        """Write one line through to the disk, and return it.

        Raises
        ------
        IntegrityError
            The journal was changed since it was written: nothing is added to it.
        StorageFull
            The line is not in the journal.
        """
        with self._held(os.O_RDWR | os.O_CREAT) as handle:
            lines, torn = _split(handle, self.path)
            report = _checked(lines)
            _insist_on_whole(report, self.path)
            line = next_line(report.head, event)
            try:
                _set_aside(self.path, torn)
                os.ftruncate(handle, os.fstat(handle).st_size - len(torn))
                os.lseek(handle, 0, os.SEEK_END)
                _write_all(handle, f"{digest_of(line)} {line}\n".encode())
                os.fsync(handle)
            except OSError as error:
                raise _no_room(self.path, error) from error
        return row_of(line)

    def rows(self) -> tuple[AuditRow, ...]:
        """Return every whole line, in order; () before the first.

        Raises
        ------
        IntegrityError
            A line is not what was written.
        """
        if not self.path.exists():
            return ()
        with self._held(os.O_RDONLY) as handle:
            lines, _ = _split(handle, self.path)
        _insist_on_whole(_checked(lines), self.path)
        return self._read_as(tuple(row_of(line) for _, line in lines))

    def head(self) -> AuditHead:
        """Return the end of the journal; written on paper, it proves that nothing before it was changed."""
        rows = self.rows()
        return AuditHead(sequence=rows[-1].sequence, sha256=rows[-1].sha256) if rows else NOTHING_YET

    def verify(self, expected: AuditHead | None = None) -> AuditReport:
        """Return whether every line is what was written, and with `expected` that nothing was cut off."""
        if not self.path.exists():
            return _checked((), expected)
        with self._held(os.O_RDONLY) as handle:
            lines, _ = _split(handle, self.path)
        return _checked(lines, expected)

    @contextmanager
    def _held(self, flags: int) -> Iterator[int]:
        """Hold the file alone: two people may write on one laptop, in the console and on the command line."""
        try:
            handle = os.open(self.path, flags | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise _no_room(self.path, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)


def _checked(lines: Sequence[tuple[str, str]], expected: AuditHead | None = None) -> AuditReport:
    numbered = enumerate(lines, start=1)
    return verify_lines(((sequence, line, digest) for sequence, (digest, line) in numbered), expected)


def _split(handle: int, path: Path) -> tuple[list[tuple[str, str]], bytes]:
    """Return digest and text of the whole lines, and the bytes of a last one that has no end."""
    size = os.fstat(handle).st_size
    if size > JOURNAL_BYTES_MAX:
        raise IntegrityError(
            f"{path.name} is larger than any journal may be ({size} bytes).",
            do_next="Keep it as evidence, and declare again in a new folder.",
        )
    data = b""
    while block := os.pread(handle, size + 1 - len(data), len(data)):
        data += block
    whole, newline, torn = data.rpartition(b"\n")
    try:
        lines = whole.decode().split("\n") if newline else []
    except UnicodeDecodeError as error:
        raise _changed(path, "it is no text") from error
    return [(digest, line) for digest, _, line in (one.partition(" ") for one in lines)], torn


def _set_aside(path: Path, torn: bytes) -> None:
    """Keep what a power cut left of a line, beside the journal."""
    if not torn:
        return
    aside = path.with_name(f"{path.stem}-torn-{digest_of(torn.decode(errors='replace'))[:8]}.txt")
    aside.write_bytes(torn)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _insist_on_whole(report: AuditReport, path: Path) -> None:
    if not report.is_whole:
        raise _changed(path, f"line {report.first_broken}: {report.reason}")


def _changed(path: Path, what: str) -> IntegrityError:
    return IntegrityError(
        f"The journal {path.name} was changed after it was written ({what}).",
        do_next="Keep it as evidence; go on with a copy of the folder from before, or declare again.",
    )


def _no_room(path: Path, error: OSError) -> StorageFull:
    return StorageFull(
        f"The journal {path.name} cannot be written: {error.strerror}.",
        do_next="Make room, or take a folder you may write to; what was not written did not happen.",
    )
