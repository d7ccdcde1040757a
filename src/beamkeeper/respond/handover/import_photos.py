"""Photographs among the documents of a bundle: shown in its report, and one that cannot be shown is named.

Which document is one is said by its first bytes, or by its name: a name that promises a photograph and holds
none is a finding. Only pixels reach the report; where and with what it was taken stays in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.words import line, plural
from beamkeeper.errors import BeamkeeperError, ObjectUnreadable
from beamkeeper.protect.dossier import setup_photo
from beamkeeper.protect.lists.page import PagePicture
from beamkeeper.respond.handover.import_finding import Finding, Grade, Question
from beamkeeper.respond.handover.manifest import Role
from beamkeeper.wire.paper.photo import FILE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beamkeeper.respond.handover.manifest import Packed

SHOWN_MAX: Final = 12
"""So many are looked at; the rest is counted: each is decoded by a process that may take its time."""
_HEADS: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".jpe", ".png"})
_TITLE_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Photographs:
    """What was found, and what can be shown."""

    findings: tuple[Finding, ...]
    pictures: tuple[PagePicture, ...]


def photographs(packed: Iterable[Packed], read: Callable[[Packed], bytes]) -> Photographs:
    """Return the photographs among the documents of a bundle.

    Parameters
    ----------
    read
        Gives the bytes of a file that are still as signed; may raise any error of ours.
    """
    findings: list[Finding] = []
    pictures: list[PagePicture] = []
    more = 0
    for item in packed:
        names = (PurePosixPath(item.name), PurePosixPath(item.title))
        is_promised = any(name.suffix.casefold() in _SUFFIXES for name in names)
        if item.role is not Role.DOCUMENT or (item.size_bytes > FILE_BYTES_MAX and not is_promised):
            continue
        if len(findings) + len(pictures) >= SHOWN_MAX:
            more += is_promised
            continue
        try:
            if item.size_bytes > FILE_BYTES_MAX:
                raise ObjectUnreadable("It is larger than a photo may be.")
            data = read(item)
            if is_promised or data.startswith(_HEADS):
                pictures.append(_shown(item, data))
        except BeamkeeperError as error:
            findings.append(_not_shown(f"Document {_title(item)}", error.message))
    if more:
        findings.append(_not_shown("Photographs", f"{plural(more, 'photograph')} more, not looked at"))
    if pictures:
        found = f"{len(pictures)} shown at the end; nothing looked at what is on them"
        findings.append(_finding("Photographs", Grade.OK, "of the patient and the setup", found))
    return Photographs(findings=tuple(findings), pictures=tuple(pictures))


def _shown(item: Packed, data: bytes) -> PagePicture:
    picture = setup_photo(data, name=_title(item), dated="")
    return PagePicture(svg=picture.svg, caption=_title(item), alternative=f"A photo: {_title(item)}.")


def _not_shown(what: str, why: str) -> Finding:
    return _finding(what, Grade.LOOK, "a document that can be looked at", f"{why} The file stays as it came.")


def _finding(what: str, grade: Grade, expected: str, found: str) -> Finding:
    return Finding(test=Question.INTEGRITY, what=what, grade=grade, expected=expected, found=found)


def _title(item: Packed) -> str:
    return line(item.title or PurePosixPath(item.name).name, longest=_TITLE_CHARACTERS)
