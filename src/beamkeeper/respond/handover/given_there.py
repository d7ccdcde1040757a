"""Sessions that another house gave: which count as they stand, and which two people have to number first.

A session counts by itself where its record is of our plan with our metersets, and its fraction is not one
that was given before somewhere else. Two things keep it from that; both are questions, never decided here:

* it was given by a recalculated plan: its metersets are not ours, so nothing can be added up;
* the house numbers its fractions from 1 again: its first is not our first, and ours was not given twice.

Sessions are told apart by house, plan and that house's number, and by their times; copies of our own records
that come back are known by their SOP Instance UID, or by their second.

References
----------
`protocols` 2.5; DICOM PS3.3 C.8.8.21.2 (the delivered meterset is that of one item)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.counting import course_position
from beamkeeper.domain.placing import fraction_groups
from beamkeeper.respond.handover.given_session import (
    GivenSession,
    clash_of,
    is_near,
    is_told_again,
    one_number,
    told_under,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.plan import Plan
    from beamkeeper.domain.position import PlanPosition
    from beamkeeper.domain.record import TreatmentRecord

RECALCULATED: Final = "it was given by a recalculated plan, whose metersets are not those of ours"
NOT_WHOLE: Final = "by its records it was begun and not finished: a physicist says what that is in our plan"
SEVERAL_GROUPS: Final = "our plan has several fraction groups, and the session does not say of which it is"
NO_PLAN: Final = "their plan did not come along, so that nobody sees here whether it has more beams"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenThere:
    """A treatment record that came back.

    Attributes
    ----------
    record
        In our words: our Patient ID, our plan where one of ours is meant.
    plan_uid
        The plan by which it was given, as the record itself says.
    """

    house: str
    record: TreatmentRecord
    plan_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPaper:
    """A fraction that people typed in: which, when, and its line in the journal."""

    number: int
    plan_uid: str
    fraction_number: int
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A session that two people have to number.

    Attributes
    ----------
    key
        Of house, plan, number and records: one record more is another question.
    plan_uid
        Our plan.
    their_fraction
        As that house numbers it.
    proposed
        Our number that would follow; None where that is not to be seen.
    reasons
        Why it does not count by itself.
    is_enterable
        Whether it can be counted under a number: a recalculated session only where it is whole.
    """

    key: str
    house: str
    plan_uid: str
    their_fraction: int
    proposed: int | None
    given_at: datetime | None
    record_uids: tuple[str, ...]
    reasons: tuple[str, ...]
    is_enterable: bool

    def in_words(self, zone: ZoneInfo) -> str:
        """Return the question, for people."""
        when = f"{self.given_at.astimezone(zone):%Y-%m-%d %H:%M}" if self.given_at else "a day not stated"
        meant = f"Proposed: fraction {self.proposed}." if self.proposed else "No number is proposed."
        return (
            f"{self.house} gave a session on {when} (its fraction {self.their_fraction}), which is not "
            f"counted: {'; '.join(self.reasons)}. {meant} Two people say which it is: `handover assign`, "
            f"{self.key}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """What came back, sorted.

    Attributes
    ----------
    counted
        Records to be counted with all others.
    questions
        What waits for two people.
    answered
        What two people have said; they may say otherwise.
    apart
        Records that do not count: of open questions, and those that people said not to count.
    """

    counted: tuple[TreatmentRecord, ...]
    questions: tuple[Question, ...]
    answered: tuple[Question, ...]
    apart: tuple[str, ...]


def sort_given(
    there: Iterable[GivenThere],
    here: Sequence[TreatmentRecord],
    plans: Iterable[Plan],
    *,
    patient_id: str,
    their_plans: Iterable[Plan] = (),
    on_paper: Sequence[OnPaper] = (),
    carried: Mapping[str, int] | None = None,
    answered: Mapping[str, int | None],
) -> Sorted:
    """Sort what came back of one patient.

    Parameters
    ----------
    here
        Everything else that machines recorded.
    plans, their_plans
        Ours; those that were made elsewhere and came along.
    carried
        By plan, how many of its first fractions were given by another one that it replaces.
    answered
        What two people said of questions, by key: our fraction number, None for "does not count".

    Returns
    -------
    Sorted
        What is known here of a plan that is not treated by (`Plan.is_clinical`) is left to the count.
    """
    known = {one.sop_instance_uid: one for one in plans if one.is_clinical}
    made_there = {one.sop_instance_uid: one for one in their_plans}
    own_uids = {record.sop_instance_uid for record in here}
    sessions: dict[tuple[str, str, str, int], list[TreatmentRecord]] = {}
    counted: list[TreatmentRecord] = []
    for one in there:
        number, ours = one_number(one.record), one.record.referenced_plan_uid
        if one.record.sop_instance_uid in own_uids or number is None or ours not in known:
            counted.append(one.record)
        else:
            sessions.setdefault((one.house, ours, one.plan_uid, number), []).append(one.record)
    by_plan: dict[tuple[str, str], list[GivenSession]] = {}
    for (house, ours, theirs, number), items in sessions.items():
        session = GivenSession(house, known[ours], made_there.get(theirs), theirs, number, tuple(items))
        by_plan.setdefault((house, ours), []).append(session)
    open_: list[Question] = []
    said: list[Question] = []
    apart: list[str] = []
    for group in by_plan.values():
        first = (carried or {}).get(group[0].plan.sop_instance_uid, 0)
        judging = _Judging(group, (*here, *counted), on_paper, answered, patient_id, carried=first)
        for session, question in judging.judged():
            if question is None:
                counted += session.records
                continue
            (said if question.key in answered else open_).append(question)
            fraction = answered.get(question.key)
            if fraction is None:
                apart += question.record_uids
            else:
                counted += session.as_fraction(fraction)
    return Sorted(counted=tuple(counted), questions=tuple(open_), answered=tuple(said), apart=tuple(apart))


class _Judging:
    """The sessions of one house and plan, held against what was given elsewhere."""

    def __init__(
        self,
        sessions: Iterable[GivenSession],
        here: Iterable[TreatmentRecord],
        on_paper: Iterable[OnPaper],
        answered: Mapping[str, int | None],
        patient_id: str,
        *,
        carried: int,
    ) -> None:
        self._carried = carried
        self._sessions = sorted(sessions, key=_by_time)
        self._plan = self._sessions[0].plan
        own = self._plan.sop_instance_uid
        self._before = [record for record in here if record.referenced_plan_uid == own]
        self._paper = [one for one in on_paper if one.plan_uid == own]
        self._answered = answered
        found = course_position((self._plan,), self._before, patient_id=patient_id)
        self._at: PlanPosition | None = found.plans[0] if found.plans else None

    def judged(self) -> Iterator[tuple[GivenSession, Question | None]]:
        """Yield each session in the order of their times, with what is asked of it."""
        asked, clash = self._asked()
        begun = {state.fraction_number for state in (self._at.fractions if self._at else ()) if state.begun}
        begun |= {one.fraction_number for one in self._paper}
        begun |= {one.number for one in self._sessions if one not in asked}
        last = max(begun | {self._carried})
        for session in self._sessions:
            if session not in asked:
                yield session, None
                continue
            question = self._question(session, last + 1, clash)
            yield session, question
            last = max(last, self._answered.get(question.key, question.proposed) or last)

    def _asked(self) -> tuple[list[GivenSession], str]:
        """Return what is asked of people, and why the house's numbers are not ours; "" where they are.

        From the first session on whose number cannot be ours: what was before it was counted already.
        """
        clash, asked = "", []
        for session in self._sessions:
            clash = clash or self._carried_before(session) or clash_of(session, self._before)
            if session.is_recalculated or (clash and not is_told_again(session, self._before)):
                asked.append(session)
        return asked, clash

    def _carried_before(self, session: GivenSession) -> str:
        if session.number > self._carried:
            return ""
        return (
            f"that house seems to number its fractions anew: fraction {session.number} counts as given by "
            "the plan that this one replaces"
        )

    def _question(self, session: GivenSession, following: int, clash: str) -> Question:
        reasons = [clash] if clash else []
        is_enterable = True
        if session.is_recalculated:
            is_one_group = len(fraction_groups(self._plan)) == 1
            is_enterable = session.is_whole and is_one_group
            reasons.append(RECALCULATED)
            reasons += [] if session.is_whole else [NOT_WHOLE]
            reasons += [] if is_one_group else [SEVERAL_GROUPS]
            reasons += [] if session.made_there is not None else [NO_PLAN]
        line = next((one for one in self._paper if is_near(one.given_at, session.given_at)), None)
        begun = self._at.next_fraction_number if self._at and self._at.next_is_continuation else None
        if line is not None:
            following, begun = line.fraction_number, None
            reasons.append(f"line {line.number}, typed in from paper, is of the same hours")
        elif begun is not None:
            reasons.append(f"fraction {begun} was begun before, and this may have ended it")
        again = told_under(session, self._before)
        if again is not None:
            reasons.append(
                f"fraction {again} was given before in the same minutes, and this may be it once more"
            )
        planned = self._plan.number_of_fractions_planned
        is_plain = is_enterable and begun is None and again is None
        can_be = is_plain and (planned is None or following <= planned)
        uids = tuple(sorted(record.sop_instance_uid for record in session.records))
        said = "\n".join((session.house, session.plan_uid, str(session.number), *uids))
        return Question(
            key=hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:12],
            house=session.house,
            plan_uid=self._plan.sop_instance_uid,
            their_fraction=session.number,
            proposed=following if can_be else None,
            given_at=session.given_at,
            record_uids=uids,
            reasons=tuple(reasons),
            is_enterable=is_enterable,
        )


def _by_time(session: GivenSession) -> tuple[bool, float, int]:
    at = session.given_at
    return at is None, 0.0 if at is None else at.timestamp(), session.number
