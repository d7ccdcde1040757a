"""What the rule of retention needs to know, gathered from ledger and vault; and tonight's verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.quorum import frozen_by, standings, take_reports
from beamkeeper.app.jobs.remembered import remembered
from beamkeeper.clock import local_date
from beamkeeper.domain.census import CensusReason
from beamkeeper.domain.night import NightOutcome
from beamkeeper.domain.position import ConflictKind
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.protect.quorum import Overdue, is_trusted
from beamkeeper.protect.retain import (
    EVERYBODY,
    KeptFacts,
    RetainRule,
    RetentionPlan,
    Word,
    WordKind,
    planned,
    released_by,
    standing_hold,
)
from beamkeeper.vault.hold import find_hold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.position import CoursePosition, PlanPosition
    from beamkeeper.ledger import Ledger, NightRow, PatientRow

NIGHTS_COMPARED: Final = 8
"""So many last lists are held against tonight's."""
NIGHTS_READ: Final = 4000
"""More than the longest retention has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Tonight's verdicts, and who the patients are.

    Attributes
    ----------
    patients
        By pseudonym; who is missing is not in the ledger.
    holds
        What people hold, by pseudonym; "" for everybody.
    """

    plan: RetentionPlan
    patients: Mapping[str, PatientRow]
    holds: Mapping[str, Word]


def rule_of(site: Site) -> RetainRule:
    """Return the site's rule."""
    return RetainRule(
        after_treatment_days=site.vault.retention_days,
        after_completion_days=site.vault.after_completion_days,
    )


def words_of(ledger: Ledger) -> tuple[Word, ...]:
    """Return everything people said about keeping."""
    return tuple(
        Word(
            at=row.at,
            person=row.person,
            kind=WordKind(row.kind),
            pseudonym=row.pseudonym,
            reason=row.reason,
        )
        for row in ledger.removals.words()
    )


def look(runtime: Runtime) -> Retention:
    """Return what would be removed now, what is held, and why; changes nothing in vault or places."""
    site, ledger, now = runtime.site, runtime.ledger, runtime.clock.now()
    if site.quorum is not None:
        take_reports(site, ledger, now)
    rule, words = rule_of(site), words_of(ledger)
    today = local_date(now, site.zone)
    with ledger.session():
        rows = {row.pseudonym: row for row in ledger.patients()}
        nights = [night for night in ledger.nights(NIGHTS_READ) if night.run_on <= today]
        lists = _Lists(runtime, nights[: rule.after_treatment_days + NIGHTS_COMPARED])
        oldest = today - timedelta(days=rule.after_treatment_days)
        facts = [
            _facts(
                runtime,
                name,
                row,
                words,
                rule,
                listed_on=lists.last_named(name, row, oldest),
                completed_on=lists.completed_on(name, row),
            )
            for name in runtime.vault.pseudonyms()
            for row in [rows.get(name)]
        ]
        frozen = _frozen(runtime, words, rule, nights[:1], today=today)
        counts = _listed_counts(nights[:NIGHTS_COMPARED])
    names = (EVERYBODY, *(item.pseudonym for item in facts))
    holds = {name: standing_hold(words, name, needed=rule.releases_needed) for name in names}
    return Retention(
        plan=planned(facts, rule, today=today, listed_counts=counts, frozen_by=frozen),
        patients=rows,
        holds={name: hold for name, hold in holds.items() if hold is not None},
    )


class _Lists:
    """The lists of earlier nights: on which of them a source named somebody last, and since when as finished.

    That a patient was on the list before and is not known to have finished is no source's word: such a
    patient stays on the list for ever where no source tells of ends. Where two persons share a Patient ID,
    naming one counts for both: keeping too long is the smaller mistake.
    """

    def __init__(self, runtime: Runtime, nights: Sequence[NightRow]) -> None:
        self._named: dict[str, date] = {}
        self._finished: dict[str, date] = {}
        self._since: date | None = None
        at_work: set[str] = set()
        folders = runtime.ledger.folders_by_id()
        for night in nights:  # newest first
            census = runtime.ledger.census_of(night.run_on)
            if census is None:
                continue
            self._since = night.run_on
            for entry in filter(_is_named, census.entries):
                for name in folders.get(entry.patient.patient_id, ()):
                    self._named.setdefault(name, night.run_on)
            listed = [
                (name, entry)
                for entry in census.entries
                for name in folders.get(entry.patient.patient_id, ())
            ]
            at_work |= {name for name, entry in listed if not entry.finished}
            self._finished |= {name: night.run_on for name, _ in listed if name not in at_work}

    def last_named(self, pseudonym: str, row: PatientRow | None, oldest: date) -> date | None:
        """Return that night; where the lists do not go back to `oldest`, at least when we saw them last."""
        if pseudonym in self._named or row is None:
            return self._named.get(pseudonym)
        reach = self._since is not None and self._since <= oldest
        return row.first_seen_on if reach else row.last_seen_on

    def completed_on(self, pseudonym: str, row: PatientRow | None) -> date | None:
        """Return the first night since when every list that has the patient says finished; None without."""
        if row is None or not row.finished:
            return None
        return self._finished.get(pseudonym, row.last_seen_on)


def _is_named(entry: CensusEntry) -> bool:
    return any(claim.reason is not CensusReason.KEPT_BEFORE for claim in entry.claims)


def _facts(
    runtime: Runtime,
    pseudonym: str,
    row: PatientRow | None,
    words: Sequence[Word],
    rule: RetainRule,
    *,
    listed_on: date | None,
    completed_on: date | None,
) -> KeptFacts:
    latest = runtime.vault.latest(pseudonym)
    assert latest is not None  # noqa: S101 - asked only of whom the vault names
    held = _held(runtime, pseudonym, words, rule, known=row is not None)
    position = runtime.ledger.newest_position(pseudonym)
    treated_at = _last_treated_at(runtime, pseudonym, position)
    return KeptFacts(
        pseudonym=pseudonym,
        last_listed_on=listed_on or latest.night,
        last_treated_on=local_date(treated_at, runtime.site.zone) if treated_at else None,
        completed_on=completed_on,
        fractions_left=fractions_left(position),
        released_by=released_by(words, pseudonym, since=treated_at),
        held_by=held,
    )


def _held(
    runtime: Runtime, pseudonym: str, words: Sequence[Word], rule: RetainRule, *, known: bool
) -> tuple[str, ...]:
    held = []
    if hold := standing_hold(words, pseudonym, needed=rule.releases_needed):
        held.append(f"{hold.person} since {local_date(hold.at, runtime.site.zone)}")
    if not known:
        held.append("the ledger, which does not know this patient: run `beamkeeper vault rebuild`")
    if used := runtime.ledger.removals.used_by_others(pseudonym):
        held.append(f"{used} objects of other patients in the same parcels")
    return tuple(held)


def _last_treated_at(runtime: Runtime, pseudonym: str, position: CoursePosition | None) -> datetime | None:
    if position is None:
        return None
    instants = [plan.last_treated_at for plan in position.plans if plan.last_treated_at]
    if position.unassigned_record_uids:  # of no plan that is here: the records themselves say when
        facts = remembered(runtime.facts_path(pseudonym))
        records = (item.content for item in facts.objects) if facts else ()
        instants += [
            record.treated_at
            for record in records
            if isinstance(record, TreatmentRecord) and record.treated_at
        ]
    return max(instants, default=None)


def fractions_left(position: CoursePosition | None) -> int | None:
    """Return how many fractions are planned and not given over all plans that are treated; None for unknown.

    A plan that an approved one was derived from is not gone on with: what is left of it is counted in
    those that followed, treated or not.
    """
    if position is None or position.unassigned_record_uids:
        return None
    treated = [plan for plan in position.plans if _is_treated(plan)]
    replaced = [plan for plan in position.plans if _is_superseded(plan)]
    open_plans = [plan for plan in treated if plan not in replaced]
    if any(plan in replaced for plan in treated):
        open_plans += [plan for plan in position.plans if plan not in treated and plan not in replaced]
    if any(plan.fractions_planned is None for plan in open_plans):
        return None
    return sum(max(0, (plan.fractions_planned or 0) - plan.fractions_complete) for plan in open_plans)


def _is_treated(plan: PlanPosition) -> bool:
    return bool(plan.last_treated_at or plan.fractions_complete or plan.fractions_partial)


def _is_superseded(plan: PlanPosition) -> bool:
    return any(conflict.kind is ConflictKind.SUPERSEDED for conflict in plan.conflicts)


def _listed_counts(nights: Sequence[NightRow]) -> list[int]:
    """Return how many patients these nights had, the newest last; one rebuilt from the vault says nothing."""
    counts = [night.summary.get("patients") for night in reversed(nights)]
    return [count for count in counts if isinstance(count, int)]


def _frozen(
    runtime: Runtime, words: Sequence[Word], rule: RetainRule, last: Sequence[NightRow], *, today: date
) -> list[str]:
    """Return what keeps everybody, in words."""
    site, ledger, now = runtime.site, runtime.ledger, runtime.clock.now()
    found = []
    if notice := find_hold(runtime.vault.store):
        found.append(f"{notice.said} Whoever declared it lifts it: `beamkeeper incident close`.")
    if hold := standing_hold(words, EVERYBODY, needed=rule.releases_needed):
        found.append(f"Everybody is held by {hold.person} since {local_date(hold.at, site.zone)}.")
    found += [
        f"The night of {state.night} is disputed by {', '.join(state.by)}."
        for state in frozen_by(site, ledger, now)
    ]
    if site.quorum is not None:
        found += [
            f"The night of {item.night} is overdue: not enough people have confirmed it."
            for item in standings(site, ledger, now)
            if isinstance(item.state, Overdue)
        ]
    night = last[0] if last else None
    return [*found, *_untrusted_night(site, ledger, night, now=now, today=today)]


def _untrusted_night(
    site: Site, ledger: Ledger, night: NightRow | None, *, now: datetime, today: date
) -> list[str]:
    """Return why tonight's list cannot be relied on; [] when it can."""
    if night is None or night.run_on != today or night.finished_at is None:
        last = f"the last is of {night.run_on}" if night else "there was none yet"
        return [f"The night of {today} has not ended ({last}): nobody knows who is on the list now."]
    census = ledger.census_of(today)
    silent = [] if census is None else [source.source for source in census.sources if not source.answered]
    if census is None or census.stale or silent:
        who = ", ".join(silent) or "the sources"
        return [f"The list of {today} is not whole: {who} gave no answer."]
    if site.quorum is None:
        whole = night.outcome == NightOutcome.COMPLETE.value
        return [] if whole else [f"The night of {today} is {night.outcome}, not complete."]
    tonight = next((item for item in standings(site, ledger, now) if item.night == today), None)
    if tonight is None or not is_trusted(tonight.state):
        word = tonight.state.word if tonight else "not put to the vote"
        return [f"The night of {today} is {word}: nothing is removed before people trust it."]
    return []
