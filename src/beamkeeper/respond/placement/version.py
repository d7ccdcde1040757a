"""A placement as it is kept: a numbered version, what it was made from, and what differs from another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime  # noqa: TC003 - the codec reads the type hints at run time
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.respond.placement.board import NOWHERE, Place
from beamkeeper.respond.placement.drafting import LeftOut  # noqa: TC001 - the codec reads the type hints
from beamkeeper.respond.placement.solving import Placed, placed_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.respond.placement.board import Board, Move
    from beamkeeper.respond.placement.solving import Placement


class Made(StrEnum):
    """How a version came to be."""

    SOLVED = "computed"
    BY_HAND = "one place set by hand"
    UNDONE = "one place set by hand undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One placement of everybody.

    Attributes
    ----------
    draft
        The number of the draft it was made from.
    parent
        The version before it; None for the first.
    made_by
        Name and role, as typed.
    said
        The reason, where a person made it by hand.
    bound
        No placement of this draft costs less; None where that is not proved.
    is_complete
        False where the time was over before nothing helped any more.
    notes
        What people decided or announced and cannot hold any more.
    """

    number: int
    draft: int
    parent: int | None
    made: Made
    made_at: datetime
    made_by: str
    placed: tuple[Placed, ...]
    left_out: tuple[LeftOut, ...]
    cost: float
    bound: float | None
    seconds: float
    is_complete: bool
    said: str = ""
    notes: tuple[str, ...] = ()

    def places(self) -> dict[str, Place]:
        """Return where everybody is."""
        return {one.patient: (one.machine, one.first_on) for one in self.placed}

    @property
    def gap(self) -> float | None:
        """How much more than the bound it costs, as a share; None where that is not proved."""
        if self.bound is None or self.bound <= 0:
            return 0.0 if self.bound is not None and self.cost <= 0 else None
        return max(0.0, (self.cost - self.bound) / self.bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One patient whose place differs between two versions; `in_both` is False for who is new or gone."""

    patient: str
    machine_before: str
    first_before: date | None
    machine_after: str
    first_after: date | None
    in_both: bool = True


def differences(before: Version, after: Version) -> tuple[Difference, ...]:
    """Return everybody whose place differs, in the order of the later version, who is gone last."""
    old, new = before.places(), after.places()
    return tuple(
        Difference(
            patient=patient,
            machine_before=old.get(patient, NOWHERE)[0],
            first_before=old.get(patient, NOWHERE)[1],
            machine_after=new.get(patient, NOWHERE)[0],
            first_after=new.get(patient, NOWHERE)[1],
            in_both=patient in old and patient in new,
        )
        for patient in dict.fromkeys((*new, *old))
        if old.get(patient, NOWHERE) != new.get(patient, NOWHERE) or (patient in old) != (patient in new)
    )


def placed_after(move: Move, before: Sequence[Placed], *, by: str, reason: str) -> tuple[Placed, ...]:
    """Return everybody's place after a move: reasons stay, but of those who were moved."""
    board, decided = (
        move.board,
        bool(next(n for n in move.board.instance.patient if n.id == move.patient).fixed),
    )
    known = {one.patient: one for one in before}
    moved = {one.patient for one in move.moved} | {move.patient}
    return tuple(
        known[need.id]
        if need.id not in moved and need.id in known
        else _placed(board, number, _why(move, need.id, decided=decided, by=by, reason=reason))
        for number, need in enumerate(board.instance.patient)
    )


def _placed(board: Board, number: int, reason: str) -> Placed:
    need = board.instance.patient[number]
    help_ = "" if board.place(number)[0] else "solve again, or another place by hand"
    column = int(board.chosen[number])
    return placed_at(board.instance, board.columns, need, column, reason=reason, would_help=help_)


def _why(move: Move, patient: str, *, decided: bool, by: str, reason: str) -> str:
    if patient == move.patient:
        said = f"{by} decided so: {reason}" if decided else f"{by} took a decision back: {reason}"
        return f"{said}; the whole placement {_price_words(move.price)}"
    return "made room for another patient, for whom a person decided"


def _price_words(price: float) -> str:
    if abs(price) < 0.005:  # noqa: PLR2004 - two places are shown
        return "costs the same"
    return f"became {abs(price):.2f} percent points {'worse' if price > 0 else 'better'} by it"


def version_of(
    found: Placement,
    *,
    number: int,
    draft: int,
    parent: int | None,
    left_out: tuple[LeftOut, ...],
    made_at: datetime,
    made_by: str,
    notes: tuple[str, ...] = (),
) -> Version:
    """Return a computed placement as a version."""
    return Version(
        number=number,
        draft=draft,
        parent=parent,
        made=Made.SOLVED,
        made_at=made_at,
        made_by=made_by,
        placed=found.placed,
        left_out=left_out,
        cost=found.cost,
        bound=found.bound,
        seconds=found.seconds,
        is_complete=found.is_complete,
        notes=notes,
    )
