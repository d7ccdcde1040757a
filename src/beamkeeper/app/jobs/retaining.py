"""Removing whose time is over: decided by rule, carried out everywhere, proved, with a receipt.

1. decide: the rule, over facts of tonight; each decision goes into the audit log and the ledger, with every
   place that may hold a copy, before anything is touched.
2. vault: signed metadata stop naming the patient and state the removal, then the files go, proved by listing.
   From here on nothing sends the patient anywhere again.
3. here: the ledger, remembered facts and earlier reports forget who it was.
4. elsewhere: mirrors, HL7 receivers, DICOM stores; each is asked until it has let go and proved it. Who does
   not answer is waited for, tried again at every run, and shown.
5. receipt: what went where and how that was proved; its digest stands in the audit log.

A run may be killed anywhere: what was begun stands in the ledger and in signed metadata, and the next run,
or the next night, goes on with it. Why in this order: `docs/decisions/0054-retention.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.department import renew_department
from beamkeeper.app.jobs.place_alarm import call_about_removals
from beamkeeper.app.jobs.receipts import receipt_of, write_receipt
from beamkeeper.app.jobs.removal_places import KNOW_NAMES, place_names
from beamkeeper.app.jobs.removals_elsewhere import ask_elsewhere, open_places
from beamkeeper.app.jobs.removals_here import audit, carry_out, go_on_with_removals, is_unnamed
from beamkeeper.app.jobs.retention_facts import look
from beamkeeper.app.jobs.runtime import only_one, open_runtime
from beamkeeper.app.jobs.tidying import remove_abandoned
from beamkeeper.ledger import RemovalRow, RetentionRow
from beamkeeper.protect.retain import VerdictKind
from beamkeeper.vault import DEPARTMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beamkeeper.app.jobs.retention_facts import Retention
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.protect.retain import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionOutcome:
    """How a run ended.

    Attributes
    ----------
    removed
        Pseudonyms that went from the vault in this run.
    finished, waiting
        Removals that are done everywhere since this run, and those that some place keeps waiting.
    errors
        What kept the places from being asked, in words.
    """

    retention: Retention
    removed: tuple[str, ...] = ()
    finished: tuple[RemovalRow, ...] = ()
    waiting: tuple[RemovalRow, ...] = ()
    errors: tuple[str, ...] = ()


def retain(
    site: Site,
    clock: Clock,
    *,
    by_hand: bool = True,
    on_step: Callable[[str], None] = lambda _name: None,
) -> RetentionOutcome:
    """Remove whose time is over, go on with what is waiting, and return how that went.

    Parameters
    ----------
    by_hand
        A person asks: places that have not let go are asked now, whether or not their turn has come.

    Raises
    ------
    AlreadyRunning
        A night or another run is at work on this site.
    BeamkeeperError
        Our own vault or ledger cannot be opened or written; nothing is lost, a repetition goes on.
    """
    with only_one(site):
        runtime = open_runtime(site, clock)
        remove_abandoned(site, runtime.ledger.nights(), now=clock.now())
        retention = look(runtime)
        _drop_what_no_longer_stands(runtime, retention)
        _decide(runtime, retention)
        on_step("decided")
        removed = carry_out(runtime, on_step)
        if removed:
            renew_department(runtime, actor="retention")
    errors = ask_elsewhere(site, clock, on_step, by_hand=by_hand)
    with only_one(site):
        runtime = open_runtime(site, clock)
        finished = _finish(runtime)
        on_step("finished")
        waiting = runtime.ledger.removals.all(unfinished=True)
        _note_run(runtime, retention, waiting)
    call_about_removals(site, runtime.ledger, clock.now())
    return RetentionOutcome(
        retention=retention, removed=removed, finished=finished, waiting=waiting, errors=errors
    )


def go_on(site: Site, clock: Clock) -> tuple[tuple[RemovalRow, ...], tuple[str, ...]]:
    """Go on with what is waiting and judge nobody; return what is done everywhere, and errors in words.

    Each place is asked when its turn has come.

    Raises
    ------
    AlreadyRunning, BeamkeeperError
        As `retain`.
    """
    with only_one(site):
        go_on_with_removals(open_runtime(site, clock))
    errors = ask_elsewhere(site, clock, by_hand=False)
    with only_one(site):
        runtime = open_runtime(site, clock)
        finished = _finish(runtime)
        last = runtime.ledger.removals.last_run()
        if last is not None:
            waiting = len(runtime.ledger.removals.all(unfinished=True))
            found = {**last.found, "waiting": waiting}
            runtime.ledger.removals.note_run(replace(last, at=clock.now(), found=found))
    call_about_removals(site, runtime.ledger, clock.now())
    return finished, errors


# 1 --------------------------------------------------------------------------------------------------


def _drop_what_no_longer_stands(runtime: Runtime, retention: Retention) -> None:
    """Forget decisions of a run that ended before the vault did anything, unless they stand today."""
    today = retention.plan.on
    going = {verdict.pseudonym for verdict in retention.plan.removals}
    for row in runtime.ledger.removals.all(unfinished=True):
        is_untouched = row.state == "decided" and not is_unnamed(runtime, row)
        if is_untouched and (row.pseudonym not in going or row.decided_on != today):
            runtime.ledger.removals.finish(
                row.removal_id, state="dropped", at=runtime.clock.now(), keep_name=False
            )
            audit(runtime, "removal dropped", row.pseudonym, outcome="ok")


def _decide(runtime: Runtime, retention: Retention) -> None:
    for verdict in retention.plan.removals:
        patient = retention.patients.get(verdict.pseudonym)
        row = RemovalRow(
            removal_id=f"{verdict.pseudonym}/{retention.plan.on}",
            pseudonym=verdict.pseudonym,
            decided_on=retention.plan.on,
            reason=verdict.reason,
            state="decided",
            patient=patient.patient if patient else None,
            receipt={},
            changed_at=runtime.clock.now(),
        )
        audit(
            runtime,
            "removal decided",
            verdict.pseudonym,
            outcome="ok",
            reason=verdict.reason,
            due_on=verdict.due_on.isoformat(),
        )
        runtime.ledger.removals.begin(row, place_names(runtime.site))


# 5 --------------------------------------------------------------------------------------------------


def _finish(runtime: Runtime) -> tuple[RemovalRow, ...]:
    """Write the receipt of every removal that no place keeps waiting; names go as soon as none needs them."""
    ledger, at = runtime.ledger, runtime.clock.now()
    done = []
    for row in ledger.removals.all(unfinished=True):
        if row.state != "going":
            continue
        waited_for = open_places(runtime, row)
        if not waited_for:
            receipt = receipt_of(runtime.site, row, ledger.removals.places(row.removal_id), at)
            sha256 = write_receipt(runtime.site, receipt)
            audit(runtime, "removal done", row.pseudonym, outcome="ok", receipt_sha256=sha256)
            ledger.removals.finish(row.removal_id, state="gone", at=at, receipt=receipt, keep_name=False)
            done.append(replace(row, state="gone", receipt=receipt, patient=None))
        elif row.patient is not None and not any(place.kind in KNOW_NAMES for place in waited_for):
            ledger.removals.finish(row.removal_id, state="going", at=at, keep_name=False)
    return tuple(done)


def _note_run(runtime: Runtime, retention: Retention, waiting: Sequence[RemovalRow]) -> None:
    plan = retention.plan
    runtime.ledger.removals.note_run(
        RetentionRow(run_on=plan.on, at=runtime.clock.now(), found=_found(plan.verdicts, retention, waiting))
    )


def _found(
    verdicts: Sequence[Verdict], retention: Retention, waiting: Sequence[RemovalRow]
) -> dict[str, object]:
    def count(kind: VerdictKind) -> int:
        return sum(verdict.kind is kind for verdict in verdicts)

    return {
        "due": count(VerdictKind.REMOVE),
        "held": count(VerdictKind.HOLD),
        "removed": len(retention.plan.removals),
        "waiting": len(waiting),
        "frozen_by": [freeze.reason for freeze in retention.plan.freezes],
    }


def take_back_removals(runtime: Runtime) -> int:
    """Put removals that signed metadata state into a new ledger; return how many.

    Whether every place has let go is not known any more: each is asked again. Who they were is not known
    either, so places that know patients by name are left to people.
    """
    known = {row.pseudonym for row in runtime.ledger.removals.all()}
    runtime.vault.sweep_removed([stated.pseudonym for stated in runtime.vault.removed()])
    count = 0
    for stated in runtime.vault.removed():
        if stated.pseudonym in known or stated.pseudonym == DEPARTMENT:
            continue
        row = RemovalRow(
            removal_id=f"{stated.pseudonym}/{stated.removed_on}",
            pseudonym=stated.pseudonym,
            decided_on=stated.removed_on,
            reason="stated by the vault's signed metadata; the ledger was made anew since",
            state="going",
            patient=None,
            receipt={"vault": {"parcels": stated.parcels, "through": stated.through}},
            changed_at=runtime.clock.now(),
        )
        runtime.ledger.removals.begin(row, place_names(runtime.site))
        count += 1
    return count
