"""What is known of every patient, as the routing rule of plain copies asks it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.copy_papers import newest_dossier, newest_lists
from beamkeeper.app.jobs.remembered import remembered
from beamkeeper.protect.copies import CopyFacts, Share
from beamkeeper.vault import DEPARTMENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.jobs.sealed_dossier import SealedDossier
    from beamkeeper.app.site_copies import CopiesSection
    from beamkeeper.ledger import PatientRow
    from beamkeeper.vault import ParcelEntry, StoredObject


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyMaterial:
    """Everything that might go somewhere.

    Attributes
    ----------
    dossiers
        By SOP Instance UID, those of `patients`, to be made DICOM objects on their way.
    lists
        The newest ones of the department, with the folder they lie in.
    """

    patients: tuple[CopyFacts, ...] = ()
    dossiers: Mapping[str, SealedDossier] = field(default_factory=dict)
    lists: tuple[tuple[str, StoredObject], ...] = ()


def material_of(runtime: Runtime, sections: Sequence[CopiesSection]) -> CopyMaterial:
    """Return what is known of every patient; dossiers only of those whose dossier one of `sections` takes."""
    with runtime.ledger.session():
        rows = tuple(runtime.ledger.patients())
        sealed = _dossiers(runtime, rows, sections)
        patients = tuple(_facts_of(runtime, row, sealed.get(row.pseudonym)) for row in rows)
    by_uid = {one.as_object().sop_instance_uid: one for one in sealed.values()}
    wants_lists = any(Share.LISTS.value in section.what for section in sections)
    lists = newest_lists(runtime) if wants_lists else ()
    return CopyMaterial(patients=patients, dossiers=by_uid, lists=tuple((DEPARTMENT, item) for item in lists))


def _facts_of(runtime: Runtime, row: PatientRow, dossier: SealedDossier | None) -> CopyFacts:
    facts = remembered(runtime.facts_path(row.pseudonym))
    return CopyFacts(
        pseudonym=row.pseudonym,
        patient_id=row.patient.patient_id,
        last_seen_on=row.last_seen_on,
        finished=row.finished,
        reasons=frozenset(claim.reason for claim in facts.entry.claims) if facts else frozenset(),
        held=runtime.ledger.current_objects(row.pseudonym),
        described=facts.objects if facts else (),
        dossier=dossier.as_object() if dossier is not None else None,
    )


def _dossiers(
    runtime: Runtime, rows: Sequence[PatientRow], sections: Sequence[CopiesSection]
) -> dict[str, SealedDossier]:
    """Return the newest dossiers, by pseudonym, of whoever may go somewhere with one."""
    days = [section.listed_days for section in sections if Share.DOSSIER.value in section.what]
    if not days or not rows:
        return {}
    since = max(row.last_seen_on for row in rows) - timedelta(days=max(days))
    going = {row.pseudonym for row in rows if not row.finished and row.last_seen_on >= since}
    parcels: dict[str, list[ParcelEntry]] = defaultdict(list)
    for entry in runtime.vault.entries():
        if entry.pseudonym in going:
            parcels[entry.pseudonym].append(entry)
    site_name = runtime.site.site.name
    found = {name: newest_dossier(runtime, name, theirs, site_name) for name, theirs in parcels.items()}
    return {name: dossier for name, dossier in found.items() if dossier is not None}
