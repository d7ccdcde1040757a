"""Two files or folders compared object by object.

Objects are matched by SOP Instance UID wherever they lie; DICOM messages without one by content or
by their place in the folder; files that are not DICOM by their bytes.
"""

from __future__ import annotations

import mmap
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import zip_longest
from typing import TYPE_CHECKING

from beamkeeper.domain.change import SEVERITY, Grade, ObjectComparison
from beamkeeper.errors import ConfigError, ObjectUnreadable, SourceUnavailable
from beamkeeper.protect.compare.objects import compare_objects
from beamkeeper.protect.compare.subject import SOP_INSTANCE_UID
from beamkeeper.protect.compare.values import same_bytes
from beamkeeper.wire.dicom.elements import open_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typing_extensions import Buffer

    from beamkeeper.protect.compare.rules import CompareRules

FILES_MAX = 1_000_000
"""Files looked at below one folder; more is not one patient's or one department's data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathComparison:
    """The verdict on two files or folders.

    Attributes
    ----------
    summary
        Number of objects by grade: every grade is there, also with 0.
    objects
        Every object, the worst first.
    remarks
        What else a person should know: an object that is there twice, files that are not DICOM.
    """

    summary: dict[str, int]
    objects: tuple[ObjectComparison, ...]
    remarks: tuple[str, ...] = ()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is above re-encoded."""
        return all(SEVERITY[one.grade] <= SEVERITY[Grade.RE_ENCODED] for one in self.objects)


SUMMARY_ORDER = (
    Grade.IDENTICAL,
    Grade.RE_ENCODED,
    Grade.ADMINISTRATIVE,
    Grade.CLINICAL,
    Grade.NEW,
    Grade.MISSING,
    Grade.UNREADABLE,
)


@dataclass(slots=True)
class _Side:
    """The files of one side by what identifies them."""

    by_uid: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    nameless: dict[str, Path] = field(default_factory=dict)
    """DICOM without SOP Instance UID, by place in the folder."""
    unreadable: dict[str, Path] = field(default_factory=dict)
    """Files that are not whole DICOM objects, by digest."""
    copies: int = 0
    """Files that hold the same bytes as another of the same UID."""


def compare_paths(
    old: Path, new: Path, *, rules: CompareRules, progress: Callable[[int], None] | None = None
) -> PathComparison:
    """Return the comparison of two files, or of all files below two folders.

    Two single files are compared with each other even when their SOP Instance UIDs differ: that is
    then one of the changes.

    Parameters
    ----------
    progress
        Called with the number of files read so far.

    Raises
    ------
    ConfigError
        One of the paths does not exist, or one is a file and the other a folder.
    SourceUnavailable
        A file cannot be read from its disk.
    """
    for path in (old, new):
        if not path.exists():
            raise ConfigError(f"There is no file or folder at {path}.", do_next="Check the path.")
    if old.is_file() and new.is_file():
        with _opened(old) as before, _opened(new) as after:
            return _summed([compare_objects(before, after, rules=rules)], [])
    if old.is_file() or new.is_file():
        raise ConfigError(
            "A file cannot be compared with a folder.", do_next="Name two files or two folders."
        )
    count = _Count(progress)
    left, right = _read_side(old, count), _read_side(new, count)
    remarks = [*_remarks(left, "old"), *_remarks(right, "new")]
    objects = [*_by_uid(left, right, rules), *_nameless(left, right, rules), *_unreadable(left, right, rules)]
    return _summed(objects, remarks)


@dataclass(slots=True)
class _Count:
    progress: Callable[[int], None] | None
    files: int = 0

    def one_more(self) -> None:
        self.files += 1
        if self.files > FILES_MAX:
            raise ConfigError(
                f"There are more than {FILES_MAX:,} files here.",
                do_next="Compare smaller folders one by one.",
            )
        if self.progress is not None:
            self.progress(self.files)


@contextmanager
def _opened(path: Path | None) -> Iterator[Buffer | None]:
    """Map a file into memory for as long as it is compared; None for no file."""
    if path is None:
        yield None
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceUnavailable(
            f"The file {path} cannot be read: {error.strerror}.",
            do_next="Check that it is there and yours to read.",
        ) from error
    with file:
        if file.seek(0, 2) == 0:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped


def _read_side(folder: Path, count: _Count) -> _Side:
    side = _Side()
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        count.one_more()
        with _opened(path) as data:
            assert data is not None  # noqa: S101 - a path was given
            _file_under(side, folder, path, data)
    return side


def _file_under(side: _Side, folder: Path, path: Path, data: Buffer) -> None:
    try:
        uid = open_object(data).dataset.text(SOP_INSTANCE_UID)
    except ObjectUnreadable:
        side.unreadable.setdefault(sha256(data).hexdigest(), path)
        return
    if not uid:
        side.nameless[str(path.relative_to(folder))] = path
        return
    known = side.by_uid[uid]
    for other in known:
        with _opened(other) as first:
            if first is not None and same_bytes(first, data):
                side.copies += 1
                return
    known.append(path)


def _remarks(side: _Side, name: str) -> Iterator[str]:
    several = sum(1 for paths in side.by_uid.values() if len(paths) > 1)
    if side.copies:
        yield f"Exact copies on the {name} side, counted once: {_count(side.copies, 'file')}."
    if several:
        yield (
            f"One SOP Instance UID, several contents on the {name} side: {_count(several, 'object')}; "
            "each version is compared."
        )
    if side.unreadable:
        yield f"Not DICOM objects on the {name} side: {_count(len(side.unreadable), 'file')}."


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' if number != 1 else ''}"


def _by_uid(left: _Side, right: _Side, rules: CompareRules) -> Iterator[ObjectComparison]:
    for uid in dict.fromkeys((*left.by_uid, *right.by_uid)):
        yield _worst(list(_versions(left.by_uid.get(uid, []), right.by_uid.get(uid, []), rules)))


def _versions(old: list[Path], new: list[Path], rules: CompareRules) -> Iterator[ObjectComparison]:
    """Compare the versions of one object: equal ones with each other, the others with what is left."""
    if not old or not new:
        for path in old or new:
            yield _compared(path if old else None, path if new else None, rules)
        return
    left = [path for path in old if not _is_among(path, new)]
    right = [path for path in new if not _is_among(path, old)]
    if len(left) < len(old):
        kept = next(path for path in old if path not in left)
        yield _compared(kept, kept, rules)
    for before, after in zip_longest(left, right):
        yield _compared(before or old[0], after or new[0], rules)


def _is_among(path: Path, others: list[Path]) -> bool:
    with _opened(path) as data:
        for other in others:
            with _opened(other) as candidate:
                if data is not None and candidate is not None and same_bytes(data, candidate):
                    return True
    return False


def _worst(versions: list[ObjectComparison]) -> ObjectComparison:
    """Return the verdict on all versions of one object: the worst, with the changes of all."""
    worst = max(versions, key=lambda one: SEVERITY[one.grade])
    if len(versions) == 1:
        return worst
    changes = tuple(dict.fromkeys(change for one in versions for change in one.changes))
    return replace(worst, changes=changes)


def _compared(old: Path | None, new: Path | None, rules: CompareRules) -> ObjectComparison:
    with _opened(old) as before, _opened(new) as after:
        return compare_objects(before, after, rules=rules)


def _nameless(left: _Side, right: _Side, rules: CompareRules) -> Iterator[ObjectComparison]:
    for place in dict.fromkeys((*left.nameless, *right.nameless)):
        yield _compared(left.nameless.get(place), right.nameless.get(place), rules)


def _unreadable(left: _Side, right: _Side, rules: CompareRules) -> Iterator[ObjectComparison]:
    for digest in dict.fromkeys((*left.unreadable, *right.unreadable)):
        here, there = left.unreadable.get(digest), right.unreadable.get(digest)
        verdict = _compared(None, here or there, rules)
        if here is not None:
            grade = Grade.IDENTICAL if there is not None else Grade.MISSING
            changes = tuple(replace(change, grade=grade) for change in verdict.changes)
            verdict = replace(verdict, grade=grade, changes=() if there is not None else changes)
        yield verdict


def _summed(objects: list[ObjectComparison], remarks: list[str]) -> PathComparison:
    counted = Counter(one.grade for one in objects)
    ordered = sorted(objects, key=lambda one: (-SEVERITY[one.grade], one.kind, one.sop_instance_uid))
    return PathComparison(
        summary={grade.value: counted[grade] for grade in SUMMARY_ORDER},
        objects=tuple(ordered),
        remarks=tuple(remarks),
    )
