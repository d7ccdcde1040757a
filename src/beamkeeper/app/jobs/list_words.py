"""What the gathering of lists says in words: who confirmed a night, what is doubtful of a patient."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from beamkeeper.protect.quorum import Confirmed, Disputed, Overdue, Quiet, Unverified

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.night import NightReport, PatientNight
    from beamkeeper.protect.quorum import TrustState

KINDS_SHOWN_MAX: Final = 4
"""So many kinds of what was not kept stand in one row of a list."""


def doubts(name: str, report: NightReport | None) -> tuple[str, ...]:
    """Return what the night's report says against relying on a patient's copy."""
    told = next((item for item in report.patients if item.pseudonym == name), None) if report else None
    if told is None:
        return ()
    return (*told.identity, *((told.error,) if told.error else ()), *_not_kept(told))


def _not_kept(told: PatientNight) -> tuple[str, ...]:
    """Return what was not kept by its kind: a letter that the share lacks is no lost dose."""
    kinds = Counter(item.what for item in told.not_kept)
    if not kinds:
        return ()
    counted = [kind if count == 1 else f"{kind} × {count}" for kind, count in kinds.most_common()]
    more = len(counted) - KINDS_SHOWN_MAX
    also = f" and {more} other kind{'' if more == 1 else 's'}" if more > 0 else ""
    return (f"Not kept that night: {', '.join(counted[:KINDS_SHOWN_MAX])}{also}.",)


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
