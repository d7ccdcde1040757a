"""What comes back from a partner, and where each patient stands with it: every fraction once.

Positions are never stored: they are counted anew (`app/jobs/since.py`) from the inventory's records and
every record that came back, each by its own SOP Instance UID. What is in doubt stays in doubt, and is named.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.came_back import came_back
from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.handover_desk import desk_at, desk_of
from beamkeeper.app.jobs.receiving import another_under_its_name, kept_manifest, verify_whose
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.app.jobs.transfers import transfers
from beamkeeper.domain.identity import likeness
from beamkeeper.domain.patient import shown_name
from beamkeeper.errors import IntegrityError, KeyUnavailable, PatientMismatch, StorageFull
from beamkeeper.respond.handover import BundleKind, Role, open_bundle, read_header
from beamkeeper.respond.handover.desk import RECEIVED
from beamkeeper.respond.handover.manifest import MANIFEST
from beamkeeper.respond.handover.working import set_aside, working
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.since import Now
    from beamkeeper.app.jobs.transfers import Transfer
    from beamkeeper.domain.position import CoursePosition
    from beamkeeper.respond.handover import Desk, Header, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """A return bundle that was taken in.

    Attributes
    ----------
    is_new
        False when it was taken in before.
    record_uids
        The treatment records in it.
    reports
        Files that people sent along: to be read, never counted.
    now
        The patient with everything that came back.
    """

    manifest: Manifest
    is_new: bool
    record_uids: tuple[str, ...]
    reports: tuple[Path, ...]
    now: Now


def take_back(
    folder: IncidentFolder,
    bundle: Path,
    *,
    by: str,
    now: datetime,
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
    try:
        return _taken_back(folder, bundle, by=by, now=now)
    except (IntegrityError, PatientMismatch, KeyUnavailable) as error:
        said = f"A bundle that came was refused. {error.message}"
        write(folder, Deed.NOTED, by=by, at=now, outcome="failed", said=said)
        raise


def _taken_back(folder: IncidentFolder, bundle: Path, *, by: str, now: datetime) -> TakenBack:
    desk = desk_of(folder)
    header, sender = read_header(bundle, desk.known())
    if header.kind is not BundleKind.RETURN:
        raise IntegrityError(
            "This is no return bundle: it hands a patient over.",
            do_next="`beamkeeper receive` takes it in, at the house it is meant for.",
        )
    with desk.held():
        there = _taken(folder, header)
        manifest = there or _kept(folder, desk, bundle, header, by=by, now=now, sender=sender.name)
    home = desk.path / RECEIVED / manifest.bundle_id
    records = [
        record
        for path, record in came_back(folder, folder.journal.rows(), manifest.pseudonym)
        if path.is_relative_to(home)
    ]
    return TakenBack(
        manifest=manifest,
        is_new=there is None,
        record_uids=tuple(record.sop_instance_uid for record in records),
        reports=tuple(
            home.joinpath(*item.name.split("/")) for item in manifest.packed if item.role is Role.REPORT
        ),
        now=patient_now(folder, folder.inventory(), manifest.pseudonym, now),
    )


def _taken(folder: IncidentFolder, header: Header) -> Manifest | None:
    """Return the manifest of a return bundle that the journal names; None when it does not."""
    for row in folder.journal.rows():
        if row.action == Deed.RETURNED and row.details["bundle"] == header.bundle_id:
            if row.details["sha256"] != header.sha256:
                raise another_under_its_name()
            return kept_manifest(desk_at(folder), header.bundle_id, str(row.details["sha256_of_manifest"]))
    return None


def _kept(
    folder: IncidentFolder,
    desk: Desk,
    bundle: Path,
    header: Header,
    *,
    by: str,
    now: datetime,
    sender: str,
) -> Manifest:
    """Keep a bundle that the journal does not name; what lies in its place is of a try that broke off."""
    home = desk.path / RECEIVED
    if (home / header.bundle_id).exists():
        set_aside(home / header.bundle_id)
    with working(home, ".opening-") as work:
        opened = open_bundle(bundle, keys=desk.keys(), known=desk.known(), out_dir=work / "bundle")
        manifest = opened.manifest
        _verify_answers(folder, manifest, sender)
        verify_whose(opened)
        digest = hashlib.sha256((opened.folder / MANIFEST).read_bytes()).hexdigest()
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
        sha256=header.sha256,
        sha256_of_manifest=digest,
        is_last=bool(manifest.reply and manifest.reply.is_last),
        stood_for=sorted({ours for _, ours, _ in manifest.reply.same_plans} if manifest.reply else ()),
        said=f"{len(manifest.packed)} files from {sender}. {manifest.reply.said if manifest.reply else ''}",
    )
    return manifest


def _verify_answers(folder: IncidentFolder, manifest: Manifest, sender: str) -> None:
    """Refuse what answers no bundle of this patient that went to that house, or speaks of somebody else."""
    reply = manifest.reply
    sent = next(
        (
            row
            for row in folder.journal.rows()
            if row.action == Deed.PACKED
            and reply is not None
            and (row.details.get("about"), row.details.get("to"), row.patient_pseudonym)
            == (reply.answers, sender, manifest.pseudonym)
        ),
        None,
    )
    if sent is None or reply is None:
        raise IntegrityError(
            f"This return bundle of {sender} answers no bundle of this patient that went there.",
            do_next="Call them: it may be meant for another incident, or another house's patient.",
        )
    persons = folder.inventory().persons
    ours = next(one.entry.patient for one in persons if one.pseudonym == manifest.pseudonym)
    if ours.patient_id != manifest.patient.patient_id or likeness(ours, manifest.patient).is_other:
        raise PatientMismatch(
            f"This return bundle of {sender} names another person than the one who went there.",
            do_next="Call them; nothing of it was used.",
        )
    plans = sent.details.get("plans")
    if {plan for _, plan, _ in reply.same_plans} - set(plans if isinstance(plans, list) else ()):
        raise IntegrityError(
            f"This return bundle of {sender} speaks of a plan that did not go there with this patient.",
            do_next="Ask them which plan they treated by, and for the bundle again.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """One patient at one other house, with where the patient stands now; None where that is not known."""

    name: str
    transfer: Transfer
    position: CoursePosition | None


def handed_over(folder: IncidentFolder, now: datetime) -> tuple[HandedOver, ...]:
    """Return who was handed over, in the order of the first bundle."""
    inventory = folder.inventory()
    persons = {one.pseudonym: one for one in inventory.persons}
    return tuple(
        HandedOver(
            name=shown_name(persons[one.pseudonym].entry.patient.name) or "(no name)",
            transfer=one,
            position=patient_now(folder, inventory, one.pseudonym, now).person.position,
        )
        for one in transfers(folder.journal.rows())
    )
