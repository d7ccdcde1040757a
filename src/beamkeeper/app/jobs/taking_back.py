"""What comes back from a partner, and where each patient stands with it: every fraction once.

Positions are never stored: they are counted anew from the inventory's records and every record that came
back, each by its own SOP Instance UID. What is in doubt stays in doubt, with both sides named.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.bundle_objects import Held
from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.handing_over import desk_of
from beamkeeper.app.jobs.receiving import objects_of, verify_whose
from beamkeeper.domain.counting import course_position
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE
from beamkeeper.domain.patient import shown_name
from beamkeeper.domain.position import ConflictKind
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.errors import IntegrityError, StorageFull
from beamkeeper.respond.handover import BundleKind, open_bundle, read_header
from beamkeeper.respond.handover.desk import RECEIVED
from beamkeeper.respond.handover.manifest import MANIFEST, read_manifest
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.meterset import MetersetTolerance
    from beamkeeper.domain.position import CoursePosition, PlanPosition
    from beamkeeper.protect.lists import Person
    from beamkeeper.respond.handover import Desk, Manifest

CARRIED: Final = frozenset(
    {ConflictKind.POSSIBLY_DELIVERED, ConflictKind.COUNT_DIFFERS, ConflictKind.OIS_PLAN_UNKNOWN}
)
"""What only the copy could know: it stays said until a person settles it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """A return bundle that was taken in.

    Attributes
    ----------
    is_new
        False when it was taken in before.
    record_uids
        The treatment records in it.
    position
        Where the patient stands with everything that came back.
    """

    manifest: Manifest
    is_new: bool
    record_uids: tuple[str, ...]
    position: CoursePosition


def take_back(
    folder: IncidentFolder,
    bundle: Path,
    *,
    by: str,
    now: datetime,
    tolerance: MetersetTolerance = DEFAULT_TOLERANCE,
) -> TakenBack:
    """Verify a return bundle against what was sent, keep its files, and count anew.

    Raises
    ------
    IntegrityError
        Not from a trusted house, changed, no return bundle, or the answer to nothing that was sent there.
    PatientMismatch
        An object in it is of another person.
    KeyUnavailable, SourceUnavailable, StorageFull
    """
    desk = desk_of(folder)
    header, sender = read_header(bundle, desk.known())
    if header.kind is not BundleKind.RETURN:
        raise IntegrityError(
            "This is no return bundle: it hands a patient over.",
            do_next="`beamkeeper receive` takes it in, at the house it is meant for.",
        )
    there = _taken(folder, header.bundle_id)
    manifest = there or _kept(folder, desk, bundle, by=by, now=now, sender=sender.name)
    person = next(one for one in folder.inventory().persons if one.pseudonym == manifest.pseudonym)
    records = tuple(_records_in(desk, manifest))
    return TakenBack(
        manifest=manifest,
        is_new=there is None,
        record_uids=tuple(record.sop_instance_uid for record in records),
        position=position_now(folder, person, tolerance=tolerance),
    )


def position_now(
    folder: IncidentFolder, person: Person, *, tolerance: MetersetTolerance = DEFAULT_TOLERANCE
) -> CoursePosition:
    """Return where a patient stands by the copy and everything that came back."""
    desk = desk_of(folder)
    ours = [item.content for item in person.objects if isinstance(item.content, TreatmentRecord)]
    theirs = [
        record
        for manifest in returned(folder)
        if manifest.pseudonym == person.pseudonym
        for record in _records_in(desk, manifest)
    ]
    counted = course_position(
        person.plans, [*ours, *theirs], patient_id=person.entry.patient.patient_id, tolerance=tolerance
    )
    if person.position is None:
        return counted
    before = {at.plan_uid: at for at in person.position.plans}
    plans = tuple(_with_carried(at, before.get(at.plan_uid)) for at in counted.plans)
    carried = tuple(one for one in person.position.conflicts if one.kind in CARRIED)
    return replace(counted, plans=plans, conflicts=(*counted.conflicts, *carried))


def returned(folder: IncidentFolder) -> tuple[Manifest, ...]:
    """Return the manifests of everything that came back, oldest first."""
    rows = (row for row in folder.journal.rows() if row.action == Deed.RETURNED)
    found = (_taken(folder, str(row.details["bundle"])) for row in rows)
    return tuple(manifest for manifest in found if manifest is not None)


def _with_carried(at: PlanPosition, before: PlanPosition | None) -> PlanPosition:
    carried = () if before is None else tuple(one for one in before.conflicts if one.kind in CARRIED)
    return replace(at, conflicts=(*at.conflicts, *carried))


def _records_in(desk: Desk, manifest: Manifest) -> Iterator[TreatmentRecord]:
    """Yield the records of a return bundle in our words: our Patient ID, our plan; the bytes stay."""
    if manifest.reply is None:
        return
    ours = {new: old for new, old, _ in manifest.reply.same_plans}
    for one in objects_of(manifest, desk.path / RECEIVED / manifest.bundle_id):
        if isinstance(one, Held) and isinstance(content := one.content.content, TreatmentRecord):
            plan = content.referenced_plan_uid or ""
            yield replace(
                content,
                patient_id=manifest.patient.patient_id,
                referenced_plan_uid=ours.get(plan, plan) or None,
            )


def _taken(folder: IncidentFolder, bundle_id: str) -> Manifest | None:
    """Return the manifest of a return bundle that the journal names; None when it does not."""
    named = any(
        row.action == Deed.RETURNED and row.details.get("bundle") == bundle_id
        for row in folder.journal.rows()
    )
    if not named:
        return None
    return read_manifest((desk_of(folder).path / RECEIVED / bundle_id / MANIFEST).read_bytes())


def _kept(
    folder: IncidentFolder, desk: Desk, bundle: Path, *, by: str, now: datetime, sender: str
) -> Manifest:
    home = desk.path / RECEIVED
    home.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".opening-", dir=home) as work:
        opened = open_bundle(bundle, keys=desk.keys(), known=desk.known(), out_dir=Path(work) / "bundle")
        manifest = opened.manifest
        _verify_answers(folder, manifest, sender)
        verify_whose(opened)
        try:
            opened.folder.rename(home / manifest.bundle_id)
        except OSError as error:
            raise StorageFull(f"The bundle cannot be kept: {error.strerror}.") from error
    write(
        folder,
        Deed.RETURNED,
        by=by,
        at=now,
        pseudonym=manifest.pseudonym,
        about=manifest.reply.answers if manifest.reply else "",
        bundle=manifest.bundle_id,
        to=sender,
        said=f"{len(manifest.packed)} files from {sender}. {manifest.reply.said if manifest.reply else ''}",
    )
    return manifest


def _verify_answers(folder: IncidentFolder, manifest: Manifest, sender: str) -> None:
    """Refuse what answers no bundle of this patient that went to that house."""
    reply = manifest.reply
    sent = any(
        row.action == Deed.PACKED
        and reply is not None
        and (row.details.get("about"), row.details.get("to"), row.patient_pseudonym)
        == (reply.answers, sender, manifest.pseudonym)
        for row in folder.journal.rows()
    )
    if not sent:
        raise IntegrityError(
            f"This return bundle of {sender} answers no bundle of this patient that went there.",
            do_next="Call them: it may be meant for another incident, or another house's patient.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """One patient at one other house.

    Attributes
    ----------
    bundles, returns
        Identifiers of what was made for that house, and of what came back from it.
    position
        Where the patient stands by the copy and everything that came back.
    """

    pseudonym: str
    name: str
    to: str
    bundles: tuple[str, ...]
    returns: tuple[str, ...]
    last_at: datetime
    position: CoursePosition


def handed_over(
    folder: IncidentFolder, *, tolerance: MetersetTolerance = DEFAULT_TOLERANCE
) -> tuple[HandedOver, ...]:
    """Return who was handed over, in the order of the first bundle."""
    persons = {one.pseudonym: one for one in folder.inventory().persons}
    made: dict[tuple[str, str], list[AuditRow]] = {}
    came: dict[tuple[str, str], list[str]] = {}
    for row in folder.journal.rows():
        key = (row.patient_pseudonym or "", str(row.details.get("to", "")))
        if row.action == Deed.PACKED:
            made.setdefault(key, []).append(row)
        elif row.action == Deed.RETURNED:
            came.setdefault(key, []).append(str(row.details["bundle"]))
    return tuple(
        HandedOver(
            pseudonym=pseudonym,
            name=shown_name(persons[pseudonym].entry.patient.name) or "(no name)",
            to=to,
            bundles=tuple(str(row.details["about"]) for row in rows),
            returns=tuple(came.get((pseudonym, to), ())),
            last_at=rows[-1].at,
            position=position_now(folder, persons[pseudonym], tolerance=tolerance),
        )
        for (pseudonym, to), rows in made.items()
    )
