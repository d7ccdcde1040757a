"""What the signed metadata state about patients whose copies were removed: by rule, and for good.

A statement outlives the parcels: an older list of parcels can name them once more (a rollback, a mirror
that slept), and whoever reads the statement knows that they are not lost, and may not come back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beamkeeper.vault.metadata import ParcelEntry

STATED_FOR: Final = timedelta(days=400)
"""So long before the newest statement an older one is still carried."""
STATED_MAX: Final = 20_000
"""About 2.5 MB of metadata."""

_KEYS: Final = {"pseudonym", "removed_on", "through", "parcels"}
_THROUGH = re.compile(r"([a-z2-7]{20,52})/(\d{4}-\d{2}-\d{2})-([1-9]\d{0,5})\.tar\.zst\.age")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedPatient:
    """A signed statement: of this patient nothing is kept up to one parcel, since a date.

    Attributes
    ----------
    through
        Path of the newest parcel that went. A patient who comes back gets later ones.
    parcels
        How many signed metadata had named.
    """

    pseudonym: str
    removed_on: date
    through: str
    parcels: int

    def __post_init__(self) -> None:
        """Refuse a statement that is not about one patient's parcels."""
        date.fromisoformat(_place(self.through)[0])
        if not self.through.startswith(f"{self.pseudonym}/") or self.parcels < 0:
            raise ValueError(f"not a removal: {self.through!r}")

    @property
    def night(self) -> date:
        """The night of the newest parcel that went."""
        return date.fromisoformat(_place(self.through)[0])

    def covers(self, path: str) -> bool:
        """Whether the parcel of that path is one of those that went."""
        return path.partition("/")[0] == self.pseudonym and _place(path) <= _place(self.through)


def _place(path: str) -> tuple[str, int]:
    """Return night and number of a patient's parcel, which order them."""
    found = _THROUGH.fullmatch(path)
    if found is None:
        raise ValueError(f"not a patient's parcel: {path!r}")
    return found[2], int(found[3])


def with_removed(
    there: Iterable[RemovedPatient], added: Iterable[RemovedPatient]
) -> tuple[RemovedPatient, ...]:
    """Return all statements by pseudonym, the newer one of each patient; the newest only."""
    by_pseudonym = {one.pseudonym: one for one in there}
    for one in added:
        known = by_pseudonym.get(one.pseudonym, one)
        by_pseudonym[one.pseudonym] = max(known, one, key=lambda item: _place(item.through))
    newest = sorted(by_pseudonym.values(), key=lambda one: (one.removed_on, one.pseudonym))[-STATED_MAX:]
    since = max((one.removed_on for one in newest), default=date.max) - STATED_FOR
    return tuple(sorted((one for one in newest if one.removed_on >= since), key=lambda one: one.pseudonym))


def without_removed(
    entries: Iterable[ParcelEntry], removed: Iterable[RemovedPatient]
) -> tuple[ParcelEntry, ...]:
    """Return the entries that no statement covers."""
    stated = {one.pseudonym: one for one in removed}
    return tuple(
        entry
        for entry in entries
        if entry.pseudonym not in stated or not stated[entry.pseudonym].covers(entry.path)
    )


def removed_json(removed: Iterable[RemovedPatient]) -> list[dict[str, object]]:
    """Return statements as they stand in the metadata."""
    return [
        {
            "pseudonym": one.pseudonym,
            "removed_on": one.removed_on.isoformat(),
            "through": one.through,
            "parcels": one.parcels,
        }
        for one in removed
    ]


def read_removed(data: object) -> tuple[RemovedPatient, ...]:
    """Return the statements that metadata carry.

    Raises
    ------
    IntegrityError
        They are not of this form.
    """
    try:
        return tuple(_one(item) for item in _listed(data))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(
            "What the signed metadata state about removed patients cannot be read.",
            do_next="Use a newer Beamkeeper: this vault may be of another version.",
        ) from error


def _listed(data: object) -> list[dict[str, Any]]:
    if not isinstance(data, list) or len(data) > STATED_MAX:
        raise TypeError("not a list of statements")
    return data


def _one(item: dict[str, Any]) -> RemovedPatient:
    if item.keys() != _KEYS or type(item["parcels"]) is not int:
        raise ValueError("not a statement")
    return RemovedPatient(
        pseudonym=item["pseudonym"],
        removed_on=date.fromisoformat(item["removed_on"]),
        through=item["through"],
        parcels=item["parcels"],
    )
