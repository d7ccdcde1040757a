"""What the gathering of lists says in words: who confirmed a night, what is doubtful of a patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.protect.quorum import Confirmed, Disputed, Overdue, Quiet, Unverified

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.night import NightReport
    from beamkeeper.protect.quorum import TrustState


def doubts(name: str, report: NightReport | None) -> tuple[str, ...]:
    """Return what the night's report says against relying on a patient's copy."""
    told = next((item for item in report.patients if item.pseudonym == name), None) if report else None
    if told is None:
        return ()
    lost = len(told.not_kept)
    not_kept = (f"{lost} object{'' if lost == 1 else 's'} could not be kept that night.",) if lost else ()
    return (*told.identity, *((told.error,) if told.error else ()), *not_kept)


def people_in_words(by: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """Return people by name; how many there are of those whom only a token names."""
    known = tuple(names[login] for login in by if login in names)
    unnamed = len(by) - len(known)
    return (*known, *((f"{unnamed} people",) if unnamed else ()))


def trust_in_words(state: TrustState, names: Mapping[str, str], zone: ZoneInfo, people_needed: int) -> str:
    """Return who confirmed a night, or why it is not confirmed, in one sentence.

    Parameters
    ----------
    names
        Of people, by what their ballots bear; whoever is not in it is counted, not named.
    """

    def people(by: Sequence[str]) -> str:
        return " and ".join(people_in_words(by, names))

    match state:
        case Quiet():
            return "Nothing of it needed confirming: everything was kept, nothing unexpected changed."
        case Confirmed():
            late = ", after the deadline" if state.late else ""
            return f"Confirmed by {people(state.by)}, {state.at.astimezone(zone):%Y-%m-%d %H:%M}{late}."
        case Disputed():
            return f"DISPUTED by {people(state.by)}: do not rely on it before you have spoken with them."
        case Unverified() | Overdue():
            have = f"; so far by {people(state.have)}" if state.have else ""
            if isinstance(state, Overdue) and not state.reported:
                return "NOT CONFIRMED: there is no report of it."
            return f"NOT CONFIRMED by {people_needed} people yet{have}."
