"""The ledger made anew from the vault: every patient's newest state says all there is to know."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.dossiers import DOSSIER_ID
from beamkeeper.app.jobs.hour_sheets import SHEET_ID
from beamkeeper.app.jobs.notes import write_note
from beamkeeper.app.jobs.retaining import take_back_removals
from beamkeeper.app.jobs.runtime import open_runtime
from beamkeeper.app.jobs.sealed_facts import read_facts
from beamkeeper.app.jobs.signed_votes import take_back_votes
from beamkeeper.app.jobs.standing import stand
from beamkeeper.ledger import DocumentRow

if TYPE_CHECKING:
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.vault import ParcelEntry, PatientState

REBUILT = "rebuilt"


def rebuild_ledger(site: Site, clock: Clock, *, identity: str | None = None) -> tuple[int, int]:
    """Fill the ledger from the vault; return how many patients and objects it knows now.

    What stands in the ledger already stays or is brought up to the vault's state; nothing in the vault
    changes.

    Parameters
    ----------
    identity
        age identity to open parcels with, for a collector that only encrypts; None for its own.
    """
    runtime = open_runtime(site, clock)
    if identity is not None:
        runtime = replace(runtime, keys=replace(runtime.keys, collector_identity=identity))
    for night in runtime.vault.nights():
        if runtime.ledger.night(night) is None:
            at = datetime.combine(night, time(), tzinfo=UTC)
            runtime.ledger.begin_night(night, at)
            runtime.ledger.finish_night(night, finished_at=at, outcome=REBUILT, summary={})
    ballots = take_back_votes(runtime)
    removals = take_back_removals(runtime)
    patients = objects = 0
    for entry, state in runtime.vault.iter_states(runtime.keys.identities):
        objects += _take(runtime, entry, state)
        patients += 1
    runtime.ledger.audit.append(
        "ledger rebuilt",
        actor="vault rebuild",
        outcome="ok",
        details={"patients": patients, "objects": objects, "ballots": ballots, "removals": removals},
        at=clock.now(),
    )
    return patients, objects


def _take(runtime: Runtime, entry: ParcelEntry, state: PatientState) -> int:
    facts = read_facts(runtime.vault, entry, runtime.keys.identities)
    with runtime.ledger.session():
        first_on = min((item.first_seen_on for item in state.objects), default=state.night)
        for seen_on in (first_on, state.night):
            runtime.ledger.upsert_patient(
                state.pseudonym, facts.entry.patient, seen_on=seen_on, finished=facts.entry.finished
            )
        runtime.ledger.remember_identities(state.pseudonym, (*facts.known_as, facts.entry.patient))
        runtime.ledger.record_objects(state.pseudonym, state.objects)
        ours = {SHEET_ID, DOSSIER_ID}
        papers = (item for item in state.documents if item.document_id not in ours)
        runtime.ledger.record_documents(state.pseudonym, [DocumentRow(stored=item) for item in papers])
        standing = [item for item in state.objects if not item.superseded]
        position, _ = stand(facts, standing, tolerance=runtime.site.tolerance)
        runtime.ledger.record_position(state.night, state.pseudonym, position, as_of=facts.as_of)
    write_note(runtime.facts_path(state.pseudonym), facts)
    return len(state.objects)
