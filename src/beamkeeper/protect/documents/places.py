r"""Where a document lies: from what an OIS writes to names below a share's root. No I/O.

What stands in a database is somebody's text. It is cut into names, every name must be harmless, and only what
lies below a root that the site file gives is looked for; everything else is refused, with the reason.

References
----------
`reference/ois.md` 2.6: ARIA files a document under `yyyyQn` since the site's version 15, by the quarter of
its present version; older ones lie flat. MOSAIQ names files of its ESCAN folder without the folder.
MS-FSCC 2.1.5: characters and names that a Windows share cannot have, or means otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beamkeeper.clock import local_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.chart import ChartDocument

PATH_CHARACTERS_MAX: Final = 1_000
NAME_BYTES_MAX: Final = 255
DEPTH_MAX: Final = 12
ID_CHARACTERS_MAX: Final = 500

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*/\\]')
_DEVICE = re.compile(r"(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\\/]+")
_WHOLE_PATH = re.compile(r"[\\/]|[A-Za-z]:")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """A file of a share: names below its root, one after the other."""

    share: str
    segments: tuple[str, ...]

    def __str__(self) -> str:
        """Return the place as one text, to remember it by; never opened again as such."""
        return "/".join((self.share, *self.segments))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRules:
    r"""How what an OIS writes leads to files of one share.

    Attributes
    ----------
    name
        What the site file calls the share.
    source
        The OIS whose bare file names lie here; "" for any.
    ois_roots
        What whole paths begin with that mean this share's root (`\\server\va_docs$\Documents`).
    quarters_since
        The first day whose documents lie in quarter folders; None where there are none.
    zone
        In which the OIS's server counts its quarters.
    """

    name: str
    zone: ZoneInfo
    source: str = ""
    ois_roots: tuple[str, ...] = ()
    quarters_since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A document that a patient should have.

    Attributes
    ----------
    places
        Where it may lie; the first that is there counts.
    refused
        Why no place is looked at, in words; "" when there is one.
    revised_at
        When the OIS says its present version was written; None when it does not say.
    """

    document_id: str
    title: str
    kind: str = ""
    places: tuple[Place, ...] = ()
    refused: str = ""
    revised_at: datetime | None = None


def wanted_by_ois(document: ChartDocument, source: str, shares: Sequence[ShareRules]) -> Wanted:
    """Return where a document that an OIS names may lie."""
    places, refused = _places(document, source, shares)
    return Wanted(
        document_id=f"{source}/{document.document_id}"[:ID_CHARACTERS_MAX],
        title=document.title or document.kind or "document",
        kind=document.kind,
        places=places,
        refused=refused,
        revised_at=document.revised_at,
    )


def each_once(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Return every document once, the files of one document told apart.

    MOSAIQ names a scan with one row for each page, all with the key of the scan: the second file of one
    document gets "#2", and so on, in the order of titles and then of places, which does not depend on how a
    database sorts its answer.
    """
    ordered = sorted(wanted, key=lambda one: (one.document_id, one.title, one.places))
    found: dict[str, list[Wanted]] = {}
    for one in ordered:
        files = found.setdefault(one.document_id, [])
        if one not in files:
            files.append(one)
    return [
        replace(one, document_id=f"{name}#{number}") if number > 1 else one
        for name, files in found.items()
        for number, one in enumerate(files, 1)
    ]


def _places(
    document: ChartDocument, source: str, shares: Sequence[ShareRules]
) -> tuple[tuple[Place, ...], str]:
    path = document.path.strip()
    if why := _why_no_path(path):
        return (), why
    if not _WHOLE_PATH.match(path):
        names = tuple(_SEPARATORS.split(path))
        if why := _why_unsafe(names):
            return (), why
        open_to = [share for share in shares if share.source in {"", source}]
        found = [place for share in open_to for place in _below(share, names, document)]
        return tuple(found), "" if found else "no share of the site file is for this OIS"
    for share in shares:
        for root in share.ois_roots:
            below = _names_below(root, path)
            if below is not None:
                why = _why_unsafe(below)
                return ((), why) if why else (tuple(_below(share, below, document)), "")
    return (), "its path lies on no share that the site file names"


def _why_no_path(path: str) -> str:
    if not path:
        return "the OIS gives no path"
    if len(path) > PATH_CHARACTERS_MAX:
        return f"its path is longer than {PATH_CHARACTERS_MAX} characters"
    return ""


def _names_below(root: str, path: str) -> tuple[str, ...] | None:
    """Return the names of a path after a root; None when it does not begin with it. Case does not count."""
    of_root = _SEPARATORS.split(root.rstrip("\\/").casefold())
    names = _SEPARATORS.split(path)
    if [name.casefold() for name in names[: len(of_root)]] != of_root:
        return None
    return tuple(names[len(of_root) :])


def _below(share: ShareRules, names: tuple[str, ...], document: ChartDocument) -> list[Place]:
    found = [Place(share=share.name, segments=names)]
    if len(names) == 1 and share.quarters_since is not None:
        days = [
            local_date(instant, share.zone)
            for instant in (document.revised_at, document.created_at)
            if instant is not None
        ]
        quarters = dict.fromkeys(quarter_folder(day) for day in days if day >= share.quarters_since)
        found[:0] = [Place(share=share.name, segments=(quarter, *names)) for quarter in quarters]
    return found


def quarter_folder(day: date) -> str:
    """Return the folder of the quarter a day lies in: "2026Q1"."""
    return f"{day.year:04d}Q{(day.month + 2) // 3}"


def is_safe_name(name: str) -> bool:
    """Return whether one name can only mean a file or folder of that name, on any system."""
    return not _why_unsafe((name,))


def _why_unsafe(names: tuple[str, ...]) -> str:
    """Return why a path is not looked for, in words; "" when every name is harmless."""
    if not names or not all(names):
        return "its path names no file"
    if len(names) > DEPTH_MAX:
        return f"its path goes down more than {DEPTH_MAX} folders"
    for name in names:
        if name in {".", ".."}:
            return 'its path leads back through "." or ".."'
        if _UNSAFE.search(name):
            return "its path has a character that no file's name can have, or that means something else"
        if name[-1] in ". ":
            return "a name in its path ends with a dot or a blank, which Windows drops"
        if _DEVICE.fullmatch(name):
            return "a name in its path is a device of Windows"
        try:
            if len(name.encode()) > NAME_BYTES_MAX:
                return f"a name in its path is longer than {NAME_BYTES_MAX} bytes"
        except UnicodeEncodeError:
            return "its path is no text"
    return ""
