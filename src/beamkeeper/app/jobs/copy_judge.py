"""Is what a store gave back what was sent? By the bytes of the data set, then by every value in it."""

from __future__ import annotations

import mmap
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.change import Grade
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.compare import compare_objects
from beamkeeper.protect.copies import How, Judgement
from beamkeeper.wire.dicom.outgoing import encoding_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beamkeeper.protect.compare import CompareRules
    from beamkeeper.protect.copies import Judge, Returned
    from beamkeeper.wire.dicom.outgoing import Outgoing

BLOCK_BYTES: Final = 1 << 20
UNREADABLE: Final = "it is no whole DICOM object"
_OURS: Final = frozenset({Grade.IDENTICAL, Grade.RE_ENCODED})


def judge_by(rules: CompareRules) -> Judge:
    """Return how objects that come back are judged; file headers never count, they are the store's own."""

    def judge(sent: Outgoing, returned: Returned) -> Judgement:
        try:
            with returned.path.open("rb") as file:
                syntax, data_set_at = encoding_of(file)
        except ObjectUnreadable:
            return Judgement(how=None, differs=(UNREADABLE,))
        size = returned.path.stat().st_size - data_set_at
        if (syntax, size) == (sent.transfer_syntax_uid, sent.data_set_bytes) and _same_bytes(
            sent, returned, data_set_at
        ):
            return Judgement(how=How.SAME_BYTES)
        with _mapped(sent.path) as ours, _mapped(returned.path) as theirs:
            verdict = compare_objects(ours, theirs, rules=rules)
        if verdict.grade in _OURS:
            return Judgement(how=How.SAME_CONTENT)
        places = (change.path or UNREADABLE for change in verdict.changes)
        return Judgement(how=None, differs=tuple(dict.fromkeys(places)) or (verdict.grade.value,))

    return judge


def _same_bytes(sent: Outgoing, returned: Returned, data_set_at: int) -> bool:
    with sent.path.open("rb") as ours, returned.path.open("rb") as theirs:
        ours.seek(sent.data_set_at)
        theirs.seek(data_set_at)
        while block := ours.read(BLOCK_BYTES):
            if block != theirs.read(BLOCK_BYTES):
                return False
    return True


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap | bytes]:
    """Give a file's bytes without reading it into memory; an empty one cannot be mapped."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            yield b""
            return
        with closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as mapped:
            yield mapped
