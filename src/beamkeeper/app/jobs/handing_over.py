"""Handing a patient over: what the copy holds is chosen, described, sealed to one house, and written down.

1. everything of the patient's copy is taken out of the vault, each digest verified, into a folder that goes;
2. every DICOM object must be of this patient, by what it says itself;
3. what the open plans lead to is chosen (`respond.handover.select`), and the letter is written;
4. one bundle is sealed and signed under a hidden name, a line in the journal says so, then it appears.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.bundle_objects import Held, read_held
from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.handover_days import dated, may_be_replaced
from beamkeeper.app.jobs.handover_desk import desk_of
from beamkeeper.app.jobs.handover_papers import (
    Basket,
    add_documents,
    add_records,
    add_summaries,
    records_since,
    with_letter,
)
from beamkeeper.app.jobs.handover_sessions import asked_of, cancelled, moved
from beamkeeper.clock import local_date
from beamkeeper.errors import ConfigError, IntegrityError, NotDeliverable, PatientMismatch
from beamkeeper.protect.lists import Section
from beamkeeper.respond.handover import (
    BundleKind,
    Manifest,
    PlanTold,
    Role,
    new_bundle_id,
    seal_bundle,
    select,
)
from beamkeeper.respond.handover.appointments import asking, kept_asked
from beamkeeper.respond.handover.working import working
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime, time
    from pathlib import Path

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.since import Now
    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.patient import Patient
    from beamkeeper.protect.lists import ListRow, Person
    from beamkeeper.protect.lists.row import PlanLine
    from beamkeeper.respond.handover import Card, Header, Selection
    from beamkeeper.respond.handover.appointments import Asked

OLDER: Final = "The copy is of an older night, {}: see the warnings."
TREATED_ON: Final = frozenset({Section.ON_TREATMENT, Section.READY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What people agreed about one patient's transfer.

    Attributes
    ----------
    days
        Treatment days at the partner, the first one first; () where none were agreed.
    times
        Of day on each of them, by our clock on the wall; None where only the day was agreed.
    cancels
        Whether appointments of earlier bundles no longer stand, though no days are agreed.
    accessories
        What is sent along, besides what the plan names.
    consent, law
        In people's words; "" where nobody said anything.
    """

    to: Card
    by: str
    days: tuple[date, ...] = ()
    machine: str = ""
    times: tuple[time | None, ...] = ()
    cancels: bool = False
    accessories: tuple[str, ...] = ()
    consent: str = ""
    law: str = ""


def hand_over(
    folder: IncidentFolder, opened: OpenedVault, patient: Now, agreed: Agreed, *, now: datetime
) -> tuple[Header, Path]:
    """Make the bundle of one patient for one house; return its header and its folder.

    Parameters
    ----------
    patient
        As of now: with what was given since the copy was made.

    Raises
    ------
    NotDeliverable
        No plan of this patient can be treated on.
    PatientMismatch
        A plan in this patient's folder is another patient's.
    IntegrityError, KeyUnavailable, StorageFull
        The vault does not give what it names; there is no room.
    """
    row = patient.row
    lines = [line for line in row.plans if line.section in TREATED_ON]
    if not lines:
        missing = "; ".join(text for line in row.plans for text in line.missing) or "no plan is held"
        raise NotDeliverable(
            f"Nothing of this patient can be treated on: {missing}.",
            do_next="Look at the dossier: complete the plan, or plan anew where the patient goes.",
        )
    desk = desk_of(folder)
    with desk.held():
        desk.settle(_known(folder))
        manifest, header, asked = _sealed(folder, opened, patient, lines, agreed, now=now)
        _write_down(folder, manifest, header, agreed, asked)
        return header, desk.give_out(manifest.bundle_id)


def _sealed(
    folder: IncidentFolder,
    opened: OpenedVault,
    patient: Now,
    lines: Sequence[PlanLine],
    agreed: Agreed,
    *,
    now: datetime,
) -> tuple[Manifest, Header, tuple[Asked, ...]]:
    """Gather, write the letter, and seal under a hidden name: nobody carries what no journal knows."""
    desk, incident, person = desk_of(folder), folder.incident(), patient.person
    zone, plan_uids = ZoneInfo(incident.time_zone), {line.plan_uid for line in lines}
    with working(desk.path, ".packing-") as work:
        basket = Basket(work)
        chosen, left = _gathered(basket, opened, person, plan_uids, zone)
        since = records_since(folder, person)
        apart = add_records(basket, since, person.entry.patient.patient_id)
        add_summaries(basket, person, plan_uids, since, site_name=incident.site_name, zone=zone, made_at=now)
        before = asked_of(folder.journal.rows(), person.pseudonym, agreed.to.name)
        manifest = _manifest(
            folder, person, patient.row, lines, agreed, asked_before=before, zone=zone, now=now
        )
        asked = asking(manifest, before, patient_id="")  # a journal of ours names nobody
        manifest = replace(
            manifest,
            sender=desk.card.name,
            before=tuple(dict.fromkeys((*manifest.before, *left, *apart))),
            left_out=len(chosen.left_out),
            packed=tuple(basket.packed),
        )
        manifest = with_letter(manifest, basket, asked)
        hidden = desk.hidden(manifest.bundle_id)
        header = seal_bundle(manifest, basket.folder, keys=desk.keys(), to=agreed.to, folder=hidden)
    return manifest, header, asked


def _known(folder: IncidentFolder) -> frozenset[object]:
    """Return the bundles that the journal names."""
    return frozenset(row.details.get("about") for row in folder.journal.rows() if row.action == Deed.PACKED)


def made_bundle(folder: IncidentFolder, bundle_id: str) -> Path:
    """Return the folder of a bundle that the journal names, by its identifier or the first digits of it.

    Raises
    ------
    ConfigError
        None, or several; or it lies there and nobody wrote down whose it is.
    """
    desk = desk_of(folder)
    with desk.held():
        desk.settle(_known(folder))
    found = desk.bundle(bundle_id)
    _packed_row(folder, found.name)
    return found


def _manifest(
    folder: IncidentFolder,
    person: Person,
    row: ListRow,
    lines: Sequence[PlanLine],
    agreed: Agreed,
    *,
    asked_before: Sequence[Asked],
    zone: ZoneInfo,
    now: datetime,
) -> Manifest:
    """Return what a bundle says of a patient, before anything was taken out of the vault."""
    incident = folder.incident()
    standing = tuple(dated(person, lines, agreed, zone, local_date(now, zone)))
    return Manifest(
        bundle_id=new_bundle_id(),
        kind=BundleKind.HANDOVER,
        number=1 + sum(1 for _ in bundles_of(folder, person.pseudonym, agreed.to.name)),
        incident_id=incident.incident_id,
        sender=incident.site_name,
        recipient=agreed.to.name,
        made_at=now,
        made_by=agreed.by,
        time_zone=incident.time_zone,
        night=person.night,
        trust=incident.trust if person.night == incident.night else OLDER.format(person.night),
        pseudonym=person.pseudonym,
        patient=person.entry.patient,
        position=person.position,
        plans=tuple(map(_told, lines)),
        sessions=standing,
        cancelled=cancelled(asked_before, person.pseudonym, standing, agreed, zone=zone, now=now),
        moved=moved(asked_before, person.pseudonym, standing),
        accessories=tuple(dict.fromkeys((*sent_along(person, lines), *agreed.accessories))),
        before=tuple(_before(person, row, lines)),
        consent=agreed.consent,
        law=agreed.law,
    )


def note_sent(folder: IncidentFolder, bundle_id: str, place: str, *, by: str, now: datetime) -> None:
    """Write down that a bundle lies at a place, for the patient it is of."""
    made = _packed_row(folder, bundle_id)
    write(
        folder,
        Deed.SENT,
        by=by,
        at=now,
        pseudonym=made.patient_pseudonym,
        about=bundle_id,
        to=made.details.get("to"),
        said=f"lies at {place}, read back",
    )


def _packed_row(folder: IncidentFolder, bundle_id: str) -> AuditRow:
    for row in folder.journal.rows():
        if row.action == Deed.PACKED and row.details.get("about") == bundle_id:
            return row
    raise ConfigError(
        f"The journal does not say that bundle {bundle_id} was made here.",
        do_next="Do not send it: make the bundle again with `beamkeeper handover make`.",
    )


def _write_down(
    folder: IncidentFolder, manifest: Manifest, header: Header, agreed: Agreed, asked: Iterable[Asked]
) -> None:
    write(
        folder,
        Deed.PACKED,
        by=manifest.made_by,
        at=manifest.made_at,
        pseudonym=manifest.pseudonym,
        about=manifest.bundle_id,
        to=manifest.recipient,
        number=manifest.number,
        night=str(manifest.night),
        sha256=header.sha256,
        plans=[plan.plan_uid for plan in manifest.plans],
        machine=agreed.machine,
        first_on=str(agreed.days[0]) if agreed.days else "",
        appointments=kept_asked(asked),
        said=f"{len(manifest.packed)} files to {manifest.recipient}, of the night of {manifest.night}",
    )


def _gathered(
    basket: Basket, opened: OpenedVault, person: Person, plan_uids: set[str], zone: ZoneInfo
) -> tuple[Selection, tuple[str, ...]]:
    """Put what goes along into the basket; return the choice, and what could not go, in words."""
    _restored(opened, person, basket.folder)
    files = sorted((basket.folder / "dicom").rglob("*.dcm"))
    read = tuple(read_held(files, zone))
    held = tuple(one for one in read if isinstance(one, Held))
    _verify_whose(held, person.entry.patient, plan_uids)
    own = [one for one in held if one.is_of(person.entry.patient)]
    chosen = select([one.content for one in own], plan_uids)
    uids = {ref.sop_instance_uid for ref in chosen.chosen}
    for one in own:
        if one.uid in uids:
            name = one.path.relative_to(basket.folder).as_posix()
            basket.add(name, Role.DICOM, sop_instance_uid=one.uid)
    add_documents(basket, opened, person)
    apart = (
        *_strangers(len(held) - len(own)),
        *_unreadable(len(read) - len(held)),
    )
    return chosen, apart


def bundles_of(folder: IncidentFolder, pseudonym: str, to: str) -> Iterator[str]:
    """Yield the bundles that were made of a patient for one house, oldest first."""
    for row in folder.journal.rows():
        if row.action == Deed.PACKED and row.patient_pseudonym == pseudonym and row.details.get("to") == to:
            yield str(row.details["about"])


def _restored(opened: OpenedVault, person: Person, folder: Path) -> None:
    """Take everything of the patient's copy out of the vault; a file that is not given back is an error."""
    report = opened.vault.restore_patient(
        person.pseudonym, identities=opened.identities, out_dir=folder, night=person.night
    )
    if not report.is_complete:
        first = report.failures[0]
        raise IntegrityError(
            f"{len(report.failures)} files of this patient cannot be taken out of the vault: {first.reason}",
            do_next="Use another copy of the vault for this patient.",
        )


def _verify_whose(held: Sequence[Held], patient: Patient, plan_uids: set[str]) -> None:
    wrong = [one for one in held if one.uid in plan_uids and not one.is_of(patient)]
    if wrong:
        raise PatientMismatch(
            "A plan that is kept under this patient names another Patient ID or birth date in itself.",
            do_next="Do not hand over. A physicist looks at the plan and at both charts.",
            sop_instance_uid=wrong[0].uid,
        )


def _strangers(count: int) -> Iterator[str]:
    if count:
        yield f"{count} objects in this patient's folder name another person: they were not sent."


def _unreadable(count: int) -> Iterator[str]:
    if count:
        yield f"{count} files in this patient's folder are no readable objects: they were not sent."


def _before(person: Person, row: ListRow, lines: Sequence[PlanLine]) -> Iterator[str]:
    """Say what is in doubt, before anything is treated."""
    yield from row.warnings
    yield from person.doubts
    positions = person.position.plans if person.position else ()
    replaced = {at.plan_uid for at in positions if may_be_replaced(person, at)}
    for line in lines:
        for said in (*line.conflicts, *line.missing):
            yield f"{line.label}: {said}"
        if line.plan_uid in replaced:
            yield f"{line.label}: no day is proposed before somebody says which plan is valid."


def _told(line: PlanLine) -> PlanTold:
    return PlanTold(
        plan_uid=line.plan_uid,
        rt_plan_label=line.label,
        given=line.given,
        next_said=line.next_said,
        dose=line.dose,
        intent=line.intent,
        machine=line.machine,
        needs=line.needs,
        before=tuple(dict.fromkeys((*line.conflicts, *line.missing))),
    )


def sent_along(person: Person, lines: Iterable[PlanLine]) -> Iterator[str]:
    """Yield what lies in a cupboard of ours: fixation, applicators, blocks, as the plans name them."""
    wanted = {line.plan_uid for line in lines}
    for plan in person.plans:
        if plan.sop_instance_uid in wanted:
            for setup in plan.patient_setups:
                yield from setup.devices
            for beam in plan.beams:
                yield from beam.accessories
