"""What comes back from a partner, and where each patient stands with it: every fraction once.

Positions are never stored: they are counted anew (`app/jobs/since.py`) from the inventory's records and
every record that came back, each by its own SOP Instance UID. What is in doubt stays in doubt, and is named.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.bundle_objects import Held
from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.handover_desk import desk_of
from beamkeeper.app.jobs.receiving import (
    another_under_its_name,
    keep,
    kept_whole,
    objects_of,
    verify_whose,
)
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.app.jobs.transfers import transfers
from beamkeeper.domain.identity import likeness
from beamkeeper.domain.patient import named_apart
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.errors import IntegrityError, KeyUnavailable, PatientMismatch
from beamkeeper.respond.handover import BundleKind, Role, open_bundle, read_header
from beamkeeper.respond.handover.desk import RECEIVED
from beamkeeper.respond.handover.manifest import MANIFEST
from beamkeeper.respond.handover.working import working
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
        manifest, is_new = _taken_back(folder, bundle, by=by, now=now)
    except (IntegrityError, PatientMismatch, KeyUnavailable) as error:
        said = f"A bundle that came was refused. {error.message}"
        write(folder, Deed.NOTED, by=by, at=now, outcome="failed", said=said)
        raise
    home = desk_of(folder).path / RECEIVED / manifest.bundle_id
    read = [one for one in objects_of(manifest, home) if isinstance(one, Held)]
    return TakenBack(
        manifest=manifest,
        is_new=is_new,
        record_uids=tuple(one.uid for one in read if isinstance(one.content.content, TreatmentRecord)),
        reports=tuple(
            home.joinpath(*item.name.split("/")) for item in manifest.packed if item.role is Role.REPORT
        ),
        now=patient_now(folder, folder.inventory(), manifest.pseudonym, now),
    )


def _taken_back(folder: IncidentFolder, bundle: Path, *, by: str, now: datetime) -> tuple[Manifest, bool]:
    """Return what was taken in, and whether it was not before."""
    desk = desk_of(folder)
    header, sender = read_header(bundle, desk.known())
    if header.kind is not BundleKind.RETURN:
        raise IntegrityError(
            "This is no return bundle: it hands a patient over.",
            do_next="`beamkeeper receive` takes it in, at the house it is meant for.",
        )
    with desk.held():
        there = kept_whole(desk, header.bundle_id, _digest_of(folder, header))
        if there is not None:
            return there, False
        return _kept(folder, desk, bundle, header, by=by, now=now, sender=sender.name), True


def _digest_of(folder: IncidentFolder, header: Header) -> str | None:
    """Return the digest of the manifest of a return bundle that the journal names; None when it does not."""
    for row in folder.journal.rows():
        if row.action == Deed.RETURNED and row.details["bundle"] == header.bundle_id:
            if row.details["sha256"] != header.sha256:
                raise another_under_its_name()
            return str(row.details["sha256_of_manifest"])
    return None


def _kept(
    folder: IncidentFolder, desk: Desk, bundle: Path, header: Header, *, by: str, now: datetime, sender: str
) -> Manifest:
    """Keep a bundle that the journal does not name, or whose folder is damaged or gone."""
    with working(desk.path / RECEIVED, ".opening-") as work:
        opened = open_bundle(bundle, keys=desk.keys(), known=desk.known(), out_dir=work / "bundle")
        manifest = opened.manifest
        _verify_answers(folder, manifest, sender)
        verify_whose(opened)
        digest = hashlib.sha256((opened.folder / MANIFEST).read_bytes()).hexdigest()
        keep(desk, opened)
    write(
        folder,
        Deed.RETURNED,
        by=by,
        at=now,
        pseudonym=manifest.pseudonym,
        about=manifest.reply.answers if manifest.reply else "",
        bundle=manifest.bundle_id,
        number=manifest.number,
        to=sender,
        sha256=header.sha256,
        sha256_of_manifest=digest,
        is_last=bool(manifest.reply and manifest.reply.is_last),
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
    """One patient at one other house, with where the patient stands now.

    Attributes
    ----------
    position
        None where it is not known.
    damaged
        Why it cannot be counted; "" where it can.
    """

    name: str
    transfer: Transfer
    position: CoursePosition | None
    damaged: str = ""


def handed_over(folder: IncidentFolder, now: datetime) -> tuple[HandedOver, ...]:
    """Return who was handed over, in the order of the first bundle; whose files are damaged stops nobody."""
    inventory = folder.inventory()
    persons = {one.pseudonym: one for one in inventory.persons}
    found = []
    for one in transfers(folder.journal.rows()):
        position, damaged = None, ""
        try:
            position = patient_now(folder, inventory, one.pseudonym, now).person.position
        except IntegrityError as error:
            damaged = f"{error.message} {error.do_next}".strip()
        person = persons.get(one.pseudonym)
        name = "(nobody of this inventory)" if person is None else named_apart(person.entry.patient)
        found.append(HandedOver(name=name, transfer=one, position=position, damaged=damaged))
    return tuple(found)
