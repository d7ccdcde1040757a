"""What goes along besides the objects of the night: documents, summaries of the course, letter, messages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import time
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.came_back import came_back
from beamkeeper.app.jobs.file_mode_records import collected_files
from beamkeeper.app.jobs.handover_messages import messages
from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.clock import local_instant
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.protect.lists.pdf import page_pdf
from beamkeeper.protect.lists.text import page_text
from beamkeeper.respond.handover import Packed, Role, letter_page
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.summary import SummaryFacts, treatment_summary

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.domain.objects import ObjectRef
    from beamkeeper.protect.lists import Person
    from beamkeeper.respond.handover import Manifest
    from beamkeeper.respond.handover.appointments import Asked

LETTER = "letter.pdf"


@dataclass(slots=True)
class Basket:
    """What goes into a bundle, gathered under one folder."""

    folder: Path
    packed: list[Packed] = field(default_factory=list)

    def add(self, name: str, role: Role, *, sop_instance_uid: str = "", title: str = "") -> None:
        """Name a file that lies in the folder."""
        with self.folder.joinpath(*name.split("/")).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
        self.packed.append(
            Packed(
                name=name,
                role=role,
                size_bytes=size,
                sha256=digest,
                sop_instance_uid=sop_instance_uid,
                title=title,
            )
        )

    def put(self, name: str, data: bytes, role: Role, *, sop_instance_uid: str = "", title: str = "") -> None:
        """Write a file into the folder, and name it."""
        write_whole(self.folder.joinpath(*name.split("/")), data)
        self.add(name, role, sop_instance_uid=sop_instance_uid, title=title)


def add_documents(basket: Basket, opened: OpenedVault, person: Person) -> None:
    """Add the dossier of that night and the patient's documents, photographs among them."""
    if (basket.folder / "dossier.pdf").is_file():
        basket.add("dossier.pdf", Role.DOSSIER, title=f"Dossier of the night of {person.night}")
    entry = opened.vault.latest(person.pseudonym, night=person.night)
    if entry is None:
        return
    state = opened.vault.read_state(entry, identities=opened.identities)
    for item in state.current_documents():
        if item.member != "dossier.pdf" and basket.folder.joinpath(*item.member.split("/")).is_file():
            basket.add(item.member, Role.DOCUMENT, title=item.title)


@dataclass(frozen=True, slots=True)
class RecordSince:
    """A treatment record that came since the copy was made, and the plan of ours it is of."""

    data: bytes
    ref: ObjectRef
    plan_uid: str


def records_since(folder: IncidentFolder, person: Person) -> tuple[RecordSince, ...]:
    """Return the records that machines wrote since the copy was made, here and elsewhere, each once."""
    rows = folder.journal.rows()
    found: dict[str, RecordSince] = {}
    for data, record in collected_files(folder, rows, person.pseudonym, person.entry.patient.patient_id):
        _keep(found, data, record)
    for path, one in came_back(folder, rows, person.pseudonym).records:
        _keep(found, path.read_bytes(), one.record)
    return tuple(found.values())


def _keep(found: dict[str, RecordSince], data: bytes, record: TreatmentRecord) -> None:
    ref = identify(data)
    found.setdefault(ref.sop_instance_uid, RecordSince(data, ref, record.referenced_plan_uid or ""))


def add_records(basket: Basket, since: Iterable[RecordSince], patient_id: str) -> tuple[str, ...]:
    """Add records that came since the copy was made; return what cannot go along, in words.

    A record under another house's number stays: no receiver could tell whose it is.
    """
    there = {item.sop_instance_uid for item in basket.packed}
    apart = 0
    for one in since:
        uid = one.ref.sop_instance_uid
        if one.ref.patient_id != patient_id:
            apart += 1
        elif uid not in there:
            basket.put(f"dicom/RTRECORD/{uid}.dcm", one.data, Role.DICOM, sop_instance_uid=uid)
    said = f"{apart} treatment records stand under another house's number: counted, and not sent along."
    return (said,) if apart else ()


def add_summaries(
    basket: Basket,
    person: Person,
    plan_uids: Collection[str],
    since: Collection[RecordSince],
    *,
    site_name: str,
    zone: ZoneInfo,
    made_at: datetime,
) -> None:
    """Add an RT Treatment Summary Record for each plan: our count, for systems that read DICOM."""
    positions = {at.plan_uid: at for at in person.position.plans} if person.position else {}
    plans = {plan.sop_instance_uid: plan for plan in person.plans}
    refs = {item.ref.sop_instance_uid: item.ref for item in person.objects}
    for uid in sorted(positions.keys() & plans.keys() & refs.keys() & set(plan_uids)):
        held = [
            item.ref.plain()
            for item in person.objects
            if isinstance(item.content, TreatmentRecord) and item.content.referenced_plan_uid == uid
        ]
        records = (*held, *(one.ref for one in since if one.plan_uid == uid))
        data = treatment_summary(
            SummaryFacts(
                patient=person.entry.patient,
                site_name=site_name,
                plan=plans[uid],
                plan_ref=refs[uid].plain(),
                position=positions[uid],
                known_until=person.as_of or local_instant(person.night, time(), zone),
                made_at=made_at,
                zone=zone,
                records=tuple({ref.sop_instance_uid: ref for ref in records}.values()),
            )
        )
        own = identify(data).sop_instance_uid
        name = f"dicom/RTRECORD/{own}.dcm"
        basket.put(
            name, data, Role.DICOM, sop_instance_uid=own, title="treatment summary, computed by Beamkeeper"
        )


def with_letter(manifest: Manifest, basket: Basket, asked: Iterable[Asked]) -> Manifest:
    """Return the manifest with letter and messages in it; the letter says everything else that is in it."""
    page = letter_page(manifest)
    letter = page_pdf(page, made_at=int(manifest.made_at.timestamp()))
    basket.put(LETTER, letter, Role.LETTER, title="Letter")
    basket.put("letter.txt", page_text(page).encode("utf-8", "replace"), Role.LETTER, title="Letter as text")
    made = messages(manifest, letter, asked, there=None, sent_at=manifest.made_at, addressed={})
    for number, one in enumerate(made, start=1):
        name = one.event.lower().replace("^", "-")
        basket.put(f"hl7/{number:02}-{name}.hl7", one.data, Role.MESSAGE)
    return replace(manifest, packed=tuple(basket.packed))
