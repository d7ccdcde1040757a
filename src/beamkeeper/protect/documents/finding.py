"""Finding a patient's files on a share by how they are named, where no OIS says which they are.

A pattern is names joined by "/": `{patient_id}` is the Patient ID, `*` any characters, `?` one; `**` at the
end is every file below. The Patient ID stands between separators, so that 12 never means 123; and a file that
bears the longer Patient ID of somebody else on the list (`12_3_consent.pdf`) is that patient's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beamkeeper.protect.documents.places import DEPTH_MAX, ID_CHARACTERS_MAX, Place, Wanted, is_safe_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from beamkeeper.wire.shared_files import Named, Segments, SharedFiles

HOLE: Final = "{patient_id}"
EVERYTHING: Final = "**"
NAMES_REMEMBERED_MAX: Final = 500_000
"""Names of folders that are looked at for everybody are listed once a night, up to so many."""

_JOKER = re.compile(r"[*?]")
_LETTER = re.compile(r"[\w*?]")


def pattern_problem(pattern: str) -> str:
    """Return why a pattern could find somebody else's files, or nothing; "" when it is sound."""
    names = pattern.split("/")
    if HOLE not in pattern:
        return f"a pattern names {HOLE}"
    if EVERYTHING in names[:-1] or len(names) > DEPTH_MAX:
        return f"{EVERYTHING} stands only at the end, and there are {DEPTH_MAX} folders at most"
    for name in names:
        plain = _JOKER.sub("x", name.replace(HOLE, "x"))
        if not is_safe_name(plain):
            return f"{name!r} is no name on a share"
        before, *after = name.split(HOLE)
        edges = [before[-1:], *(part[:1] for part in after), *(part[-1:] for part in after[:-1])]
        if HOLE in name and any(_LETTER.fullmatch(edge) and edge != "_" for edge in edges):
            return f"beside {HOLE} stands a letter, a digit or a joker: 12 would find 123"
    return ""


class Finder:
    """Finds patients' files on one share, in one night.

    Parameters
    ----------
    patterns
        Each without a `pattern_problem`.
    count_max
        So many files of one patient are found at most, and one more to say so.
    """

    def __init__(self, share: str, files: SharedFiles, patterns: Sequence[str], *, count_max: int) -> None:
        self._share = share
        self._files = files
        self._patterns = tuple(tuple(pattern.split("/")) for pattern in patterns)
        self._count_max = count_max
        self._listed: dict[Segments, tuple[Named, ...]] = {}
        self._remembered = 0

    @property
    def prefix(self) -> str:
        """What the identity of every document begins with that was found here."""
        return f"found on {self._share}/"

    def find(self, patient_id: str, others: Collection[str]) -> list[Wanted]:
        """Return a patient's files, each once.

        Parameters
        ----------
        others
            The Patient IDs of everybody on the list.

        Raises
        ------
        SourceUnavailable
            The share gives no answer.
        FileRefused
            A folder on the way is not read.
        """
        if not is_safe_name(patient_id):
            return []
        own = patient_id.casefold()
        longer = [one for one in others if own in one.casefold() and one.casefold() != own]
        found: dict[Segments, Wanted] = {}
        for pattern in self._patterns:
            for segments in self._matching(pattern, patient_id):
                if any(_fits(segments, pattern, one) for one in longer):
                    continue
                found[segments] = self._wanted(segments, patient_id)
                if self.is_too_many(found):
                    return list(found.values())
        return list(found.values())

    def is_too_many(self, found: Collection[object]) -> bool:
        """Return whether there are more files than were looked for."""
        return len(found) > self._count_max

    def _wanted(self, segments: Segments, patient_id: str) -> Wanted:
        name = re.sub(re.escape(patient_id), " ", segments[-1], flags=re.IGNORECASE)
        return Wanted(
            document_id=f"{self.prefix}{'/'.join(segments)}"[:ID_CHARACTERS_MAX],
            title=name.strip(" _-.") or "document",
            places=(Place(share=self._share, segments=segments),),
        )

    def _matching(self, pattern: tuple[str, ...], patient_id: str) -> Iterator[Segments]:
        waiting: list[tuple[Segments, tuple[str, ...]]] = [((), pattern)]
        while waiting:
            folder, rest = waiting.pop()
            name, *further = rest
            if name == EVERYTHING:
                yield from self._everything(folder)
            elif not _JOKER.search(name) and further:
                waiting.append(((*folder, name.replace(HOLE, patient_id)), tuple(further)))
            else:
                for one in self._names(folder, is_shared=not _has_id(folder, patient_id)):
                    if not _fits_name(one.name, name, patient_id):
                        continue
                    if further and one.is_folder:
                        waiting.append(((*folder, one.name), tuple(further)))
                    elif not further and not one.is_folder:
                        yield (*folder, one.name)

    def _everything(self, folder: Segments) -> Iterator[Segments]:
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            for one in self._names(here, is_shared=False):
                if not one.is_folder:
                    yield (*here, one.name)
                elif len(here) < DEPTH_MAX:
                    waiting.append((*here, one.name))

    def _names(self, folder: Segments, *, is_shared: bool) -> tuple[Named, ...]:
        """Return the harmless names in a folder; those of a folder that many share are listed once."""
        if folder in self._listed:
            return self._listed[folder]
        names = tuple(one for one in self._files.names(folder) if is_safe_name(one.name))
        if is_shared and self._remembered + len(names) <= NAMES_REMEMBERED_MAX:
            self._listed[folder] = names
            self._remembered += len(names)
        return names


def _has_id(folder: Segments, patient_id: str) -> bool:
    return any(patient_id.casefold() in name.casefold() for name in folder)


def _fits(segments: Segments, pattern: tuple[str, ...], patient_id: str) -> bool:
    """Return whether a file's place fits a pattern for a patient."""
    if pattern[-1] == EVERYTHING:
        if len(segments) < len(pattern):
            return False
        pattern, segments = pattern[:-1], segments[: len(pattern) - 1]
    return len(segments) == len(pattern) and all(
        _fits_name(name, part, patient_id) for name, part in zip(segments, pattern, strict=True)
    )


def _fits_name(name: str, part: str, patient_id: str) -> bool:
    jokers = {"*": ".*", "?": "."}
    pieces = (re.escape(piece) for piece in re.split(r"([*?])", part))
    told = "".join(jokers.get(piece.removeprefix("\\"), piece) for piece in pieces)
    told = told.replace(re.escape(HOLE), re.escape(patient_id))
    return re.fullmatch(told, name, re.IGNORECASE | re.DOTALL) is not None
