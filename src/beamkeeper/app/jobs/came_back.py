"""What came back from other houses, as it lies in an incident's folder: each file still what was signed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.bundle_objects import Held
from beamkeeper.app.jobs.desk_shelf import kept_manifest
from beamkeeper.app.jobs.handover_desk import desk_at
from beamkeeper.app.jobs.receiving import objects_of
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.respond.handover.desk import RECEIVED
from beamkeeper.respond.handover.given_there import GivenThere
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    taken = {
        str(row.details["bundle"]): str(row.details["sha256_of_manifest"])
        for row in rows
        if row.action == Deed.RETURNED and row.patient_pseudonym == pseudonym
    }
    return tuple(kept_manifest(desk, bundle_id, digest) for bundle_id, digest in taken.items())


@dataclass(frozen=True, slots=True)
class CameBack:
    """What came back of one patient.

    Attributes
    ----------
    records
        Each with its file, in our words: our Patient ID, our plan where a person said that another stood for
        it. The bytes stay as the partner's machine wrote them.
    plans
        That were made there.
    """

    records: tuple[tuple[Path, GivenThere], ...]
    plans: tuple[Plan, ...]


def came_back(folder: IncidentFolder, rows: Sequence[AuditRow], pseudonym: str) -> CameBack:
    """Return every treatment record of a patient that came back, and the plans that came along.

    Raises
    ------
    IntegrityError
        A file is not what was taken in.
    """
    home = desk_at(folder).path / RECEIVED
    records: list[tuple[Path, GivenThere]] = []
    plans: list[Plan] = []
    for manifest in returned(folder, rows, pseudonym):
        ours = {new: old for new, old, _ in manifest.reply.same_plans} if manifest.reply else {}
        for one in objects_of(manifest, home / manifest.bundle_id):
            content = one.content.content if isinstance(one, Held) else None
            if isinstance(content, Plan):
                plans.append(content)
            elif isinstance(one, Held) and isinstance(content, TreatmentRecord):
                plan = content.referenced_plan_uid or ""
                meant = ours.get(plan, plan) or None
                record = replace(content, patient_id=manifest.patient.patient_id, referenced_plan_uid=meant)
                records.append((one.path, GivenThere(house=manifest.sender, record=record, plan_uid=plan)))
    return CameBack(tuple(records), tuple(plans))
