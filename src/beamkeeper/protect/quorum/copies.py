"""Which copy to take: a copy is as good as all the nights before it.

A quiet night after a disputed one holds the disputed change. So a patient's copy of a night is good when
every published night up to it is settled for that patient. One patient's dispute does not turn the others
back: their later fractions count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.domain.ballot import THE_NIGHT
from beamkeeper.protect.quorum.trust import confirmers, unsettled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from beamkeeper.domain.ballot import Ballot, NightFacts


@dataclass(frozen=True, slots=True)
class Said:
    """One night's list and what people said of it."""

    facts: NightFacts
    ballots: tuple[Ballot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which night to take a patient's copy of.

    Attributes
    ----------
    night
        The newest good one; None when none is.
    passed_over
        Later nights in the vault, oldest first.
    """

    night: date | None
    passed_over: tuple[date, ...]


class Copies:
    """What people's words mean for the copies in a vault.

    Parameters
    ----------
    published
        The nights of the vault.
    said
        Every night that people were asked about; the vault's own nights before the first of them are
        taken as they are.
    """

    def __init__(self, published: Iterable[date], said: Sequence[Said]) -> None:
        self._published = sorted(set(published))
        self._said = {one.facts.night: one for one in said if one.facts.reported_at is not None}
        self._open = {night: unsettled(one.facts, one.ballots) for night, one in self._said.items()}

    @property
    def asked(self) -> bool:
        """Whether people were ever asked; if not, every copy is as good as any."""
        return bool(self._said)

    def choose(self, pseudonym: str) -> Choice:
        """Return the newest good copy of a patient."""
        night: date | None = None
        for candidate in self._published:
            if not self._is_reliable(candidate, pseudonym):
                break
            night = candidate
        later = tuple(one for one in self._published if night is None or one > night)
        return Choice(night=night, passed_over=later)

    def open_nights(self) -> Mapping[date, tuple[str, ...]]:
        """Return the published nights that hold something back, with the items that do."""
        return {
            night: tuple(sorted(item for item in self._open[night] if not self._is_settled(night, item)))
            for night in self._published
            if night in self._open and any(not self._is_settled(night, item) for item in self._open[night])
        }

    def _is_reliable(self, night: date, pseudonym: str) -> bool:
        if night not in self._said:
            # Nobody could look at it: told by the next report, so only the newest such night counts.
            return not self._said or night < max(self._said)
        return all(self._is_settled(night, item) for item in (pseudonym, THE_NIGHT))

    def _is_settled(self, night: date, item: str) -> bool:
        """Whether an item was never open, or those who dispute it have looked at the patient again since.

        Only a dispute is settled by a later night; what was never confirmed has to be.
        """
        disputed_by = self._open[night].get(item)
        if disputed_by is None:
            return True
        if not disputed_by:
            return False
        if item == THE_NIGHT:
            return self._was_settled_by_its_patients(night)
        return any(
            item in one.facts.items
            and item not in self._open[later]
            and set(disputed_by) <= confirmers(one.facts, one.ballots, item)
            for later, one in self._said.items()
            if later > night
        )

    def _was_settled_by_its_patients(self, night: date) -> bool:
        """Whether a night disputed as a whole had nothing but patients to dispute, and all are settled."""
        patients = [item for item in self._open[night] if item != THE_NIGHT]
        if not patients or THE_NIGHT in self._said[night].facts.items:
            return False
        return all(self._is_settled(night, item) for item in patients)
