"""What came back from other houses, as it lies in an incident's folder: each file still what was signed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.bundle_objects import Held
from beamkeeper.app.jobs.handover_desk import desk_at
from beamkeeper.app.jobs.receiving import kept_manifest, objects_of
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.respond.handover.desk import RECEIVED
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.handover import Manifest


def returned(folder: IncidentFolder, rows: Sequence[AuditRow], pseudonym: str) -> tuple[Manifest, ...]:
    """Return the manifests of everything that came back of one patient, oldest first.

    What is damaged of another patient is that patient's business alone.

    Raises
    ------
    IntegrityError
        One is not what was taken in.
    """
    desk = desk_at(folder)
    return tuple(
        kept_manifest(desk, str(row.details["bundle"]), str(row.details["sha256_of_manifest"]))
        for row in rows
        if row.action == Deed.RETURNED and row.patient_pseudonym == pseudonym
    )


def came_back(
    folder: IncidentFolder, rows: Sequence[AuditRow], pseudonym: str
) -> Iterator[tuple[Path, TreatmentRecord]]:
    """Yield every treatment record of a patient that came back, with its file.

    In our words: our Patient ID, our plan. The bytes stay as the partner's machine wrote them.

    Raises
    ------
    IntegrityError
        A file is not what was taken in.
    """
    desk = desk_at(folder)
    for manifest in returned(folder, rows, pseudonym):
        if manifest.reply is not None:
            ours = {new: old for new, old, _ in manifest.reply.same_plans}
            for one in objects_of(manifest, desk.path / RECEIVED / manifest.bundle_id):
                if isinstance(one, Held) and isinstance(content := one.content.content, TreatmentRecord):
                    plan = content.referenced_plan_uid or ""
                    record = replace(
                        content,
                        patient_id=manifest.patient.patient_id,
                        referenced_plan_uid=ours.get(plan, plan) or None,
                    )
                    yield one.path, record
