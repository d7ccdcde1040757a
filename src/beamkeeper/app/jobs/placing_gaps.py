"""Days to spare out of a gap that a physician signed: the signed numbers go before the rules of triage.

A signature is for one plan, one course file and one result. The numbers are computed again here; where they
are no longer what was signed, more was given since, or another plan holds, the signature is not used and that
is said.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.gap_choice import FILE_BYTES_MAX, NOTHING, computed, course_name
from beamkeeper.clock import local_date
from beamkeeper.domain.replacing import in_effect
from beamkeeper.domain.words import plural
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.incident.replaced import said_of_plans

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.gap import Option, Options
    from beamkeeper.respond.gap.outcome import Outcome

SATURDAY: Final = 5
_NOT_USED: Final = "Not used: "
_DIGEST: Final = re.compile("[0-9a-f]{64}")
TWO: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedGap:
    """A way to go on that a physician signed.

    Attributes
    ----------
    starts_on, ends_on
        Of what is left, by the signed plan.
    planned_end_on
        The day on which the prescribed course would have ended.
    sessions, fractions_left
        Fractions of the signed plan, and of the prescribed course that were left when it was signed.
    days_with_two, days_off
        Days with two fractions, and days without regular treatment.
    unusable
        Why it does not count any more; "" while it does.
    do_next
        What is done then.
    """

    title: str
    by: str
    on: date
    starts_on: date = date.min
    ends_on: date = date.min
    planned_end_on: date = date.min
    sessions: int = 0
    fractions_left: int = 0
    days: int = 0
    days_with_two: int = 0
    days_off: int = 0
    unusable: str = ""
    do_next: str = "Sign again."

    @property
    def per_day(self) -> int:
        """2 where most days have two fractions, else 1."""
        return TWO if self.days_with_two * TWO > self.days else 1

    @property
    def who(self) -> str:
        """What was signed by whom, in words."""
        return f"the way to go on that {self.by} signed on {self.on}: {self.title.lower()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spare:
    """Days to spare, sessions and fractions a day out of a signed gap, with the words about them."""

    days: int
    sessions: int
    per_day: int
    said: tuple[str, ...]


def signed_gaps(folder: IncidentFolder, rows: Sequence[AuditRow], zone: ZoneInfo) -> dict[str, SignedGap]:
    """Return by pseudonym what was signed last."""
    last = {row.patient_pseudonym: row for row in rows if row.action == Deed.CHOSEN and row.patient_pseudonym}
    return {pseudonym: _signed(folder, row, rows, zone) for pseudonym, row in last.items()}


def plan_before(row: AuditRow, rows: Sequence[AuditRow], zone: ZoneInfo) -> str:
    """Return what people said of the plan that a way to go on was signed for; "" while that plan holds.

    A line that does not say for which plan it was signed is of the plan that held when it was written.
    """
    said = said_of_plans(rows, row.patient_pseudonym or "", zone)
    holds, plan = in_effect(said.values()), row.details.get("plan")
    for line, one in said.items():
        is_meant = line > row.sequence if plan is None else one.old_uid == plan
        if one in holds and is_meant:
            told = next(found for found in rows if found.sequence == line)
            return f"{told.details.get('about', 'another plan holds')} ({told.actor}, line {line})"
    return ""


def _signed(folder: IncidentFolder, row: AuditRow, rows: Sequence[AuditRow], zone: ZoneInfo) -> SignedGap:
    said = row.details
    title, on = str(said.get("value", "")), local_date(row.at, zone)
    if before := plan_before(row, rows, zone):
        return SignedGap(
            title=title,
            by=row.actor,
            on=on,
            unusable=f"it was signed for the plan before: {before}",
            do_next="A physician signs anew for the plan that holds: the gap, in the incident room.",
        )
    try:
        options, digest = computed(folder, _course(folder, row))
    except ConfigError as error:
        return SignedGap(title=title, by=row.actor, on=on, unusable=error.message.rstrip("."))
    if digest != said.get("result_sha256"):
        why = "its numbers are not those that were signed, parameters have changed"
        return SignedGap(title=title, by=row.actor, on=on, unusable=why)
    chosen = str(said.get("about", ""))
    option = next((one for one in options.options if one.id == chosen), None)
    if option is None and chosen != NOTHING:
        return SignedGap(title=title, by=row.actor, on=on, unusable=f"there is no option {chosen!r} any more")
    return _of(options, option, title=title, by=row.actor, on=on)


def _course(folder: IncidentFolder, row: AuditRow) -> str:
    """Return the course file that was signed.

    Raises
    ------
    ConfigError
        It cannot be read, or is not what was signed.
    """
    signed = str(row.details.get("course_sha256", ""))
    if not _DIGEST.fullmatch(signed):
        raise ConfigError("the journal does not say which course file was signed")
    try:
        with (folder.path / course_name(signed)).open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("the course file that was signed cannot be read") from error
    if hashlib.sha256(data).hexdigest() != signed:
        raise ConfigError("the course file is not the one that was signed")
    return text


def _of(options: Options, option: Option | None, *, title: str, by: str, on: date) -> SignedGap:
    course = options.course
    outcome: Outcome = options.nothing if option is None else option.outcome
    usual = course.fractions_per_day
    return SignedGap(
        title=title,
        by=by,
        on=on,
        starts_on=outcome.schedule[0].on,
        ends_on=outcome.last_on,
        planned_end_on=course.planned_last_on,
        sessions=outcome.fractions,
        fractions_left=course.fractions_left,
        days=len(outcome.schedule),
        days_with_two=sum(day.fractions >= TWO for day in outcome.schedule),
        days_off=sum(
            not course.calendar.is_treatment_day(day.on) for day in outcome.schedule if day.fractions <= usual
        ),
    )


def spare_of(
    signed: SignedGap,
    *,
    first_on: date,
    holidays: Collection[date],
    category: int | None,
    allowed: Mapping[int, int],
    fractions_left: int | None,
) -> Spare | str:
    """Return what a signed gap means for a placement that begins on a day, or why it does not count.

    Days to spare are the treatment days until the signed plan begins, and what the signed plan leaves of the
    days by which a course of this category may be prolonged.

    Parameters
    ----------
    allowed
        By category, from the rules of triage.
    fractions_left
        As the draft counts them: another number than was signed for means that more was given, or more open.
    """
    if signed.unusable:
        return f"{_NOT_USED}{signed.who}. Why: {signed.unusable}. {signed.do_next}"
    if fractions_left != signed.fractions_left:
        return (
            f"{_NOT_USED}{signed.who}. Why: it is for {plural(signed.fractions_left, 'fraction')} left, and "
            f"{'nobody knows how many' if fractions_left is None else fractions_left} are. Sign again."
        )
    until = treatment_days(first_on, signed.starts_on, holidays)
    late = max(0, treatment_days(signed.planned_end_on, signed.ends_on, holidays))
    may = allowed.get(category or 0, 0)
    left = max(0, may - late)
    where = (
        f"{plural(until + left, 'day')} to spare by {signed.who}. {until} until it begins on "
        f"{signed.starts_on}, and {left} of the {may} that the category allows, as it ends {late} late."
    )
    said = [where]
    if until < 0:
        said.append("The day on which the signed plan begins is over: compute and sign again.")
    if signed.days_with_two or signed.days_off:
        said.append(
            f"The signed plan has {plural(signed.days_with_two, 'day')} with two fractions, at least 6 h "
            f"apart, and {signed.days_off} outside regular days: agree on them; here each day holds "
            f"{signed.per_day}."
        )
    return Spare(days=until + left, sessions=signed.sessions, per_day=signed.per_day, said=tuple(said))


def is_not_used(note: str) -> bool:
    """Return whether a note about a patient says that a signature does not count."""
    return note.startswith(_NOT_USED)


def treatment_days(begin: date, end: date, holidays: Collection[date]) -> int:
    """Return how many weekdays that are no holidays lie from one day until before another; negative back."""
    if end < begin:
        return -treatment_days(end, begin, holidays)
    days = (begin + timedelta(days=number) for number in range((end - begin).days))
    return sum(day.weekday() < SATURDAY and day not in holidays for day in days)
