"""Old versions that a place keeps out of sight of what was removed: destroyed where no lock keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from beamkeeper.wire.destination import OldVersion, Versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """What a place kept out of sight, after everything was tried.

    Attributes
    ----------
    found_count, kept_count
        Names of which old versions held bytes, before and now.
    until_at
        When the last lock on one of them ends; None when no lock is known.
    """

    found_count: int
    kept_count: int
    until_at: datetime | None


def destroy_hidden(
    versions: Versions, folder: str, is_removed: Callable[[str], bool], *, now: datetime
) -> Hidden | None:
    """Destroy what no lock keeps, ask again what is there, and return that; None when the place does not say.

    Parameters
    ----------
    is_removed
        Whether a name in the folder may go for good.

    Raises
    ------
    SourceUnavailable, SourceAnswerInvalid
    """
    found = versions.list(folder)
    if found is None:
        return None
    bodies = [one for one in found if is_removed(one.name) and not one.is_marker]
    untils = {one: versions.locked_until(one) for one in bodies}
    locked = {one: until for one, until in untils.items() if until is not None and until > now}
    for one in untils.keys() - locked.keys():
        versions.destroy(one)
    left = [one for one in versions.list(folder) or found if is_removed(one.name)]
    kept = {one.name for one in left if not one.is_marker}
    _uncover(versions, left, kept)
    return Hidden(
        found_count=len({one.name for one in bodies}),
        kept_count=len(kept),
        until_at=max(locked.values(), default=None),
    )


def _uncover(versions: Versions, left: Sequence[OldVersion], kept: set[str]) -> None:
    """Take away the marks of names of which nothing is left; any other would show again what it hides."""
    for one in left:
        if one.is_marker and one.name not in kept:
            versions.destroy(one)
