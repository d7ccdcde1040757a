"""A received patient goes into the house's own systems: copies under its own number, proved, then messages.

1. a copy of every object under the house's number, both identities kept; the originals stay as they came;
2. each store takes the copies, and gives them back: what is not given back, or differs, is named;
3. only when every copy is there, each receiver is told: person, visit, sessions, letter.

Everything may be done again: copies are the same bytes, messages have the same numbers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.copy_judge import judge_by
from beamkeeper.app.jobs.copy_stores import connect
from beamkeeper.app.jobs.desk_journal import DeskDeed, note
from beamkeeper.app.jobs.desk_shelf import said_number, shelf
from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.app.jobs.receiving import objects_of
from beamkeeper.app.jobs.telling import tell
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import BeamkeeperError, ConfigError
from beamkeeper.protect.compare import CompareRules
from beamkeeper.protect.copies import ReadBack
from beamkeeper.respond.handover.desk import RECEIVED
from beamkeeper.respond.handover.working import working
from beamkeeper.wire.dicom.coercing import Coercion, coerced
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.outgoing import Outgoing, StoreVerdict, encoding_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from beamkeeper.app.jobs.desk_shelf import Shelf
    from beamkeeper.app.site_copies import CopiesSection
    from beamkeeper.app.site_desk import DeskSystems
    from beamkeeper.respond.handover import Desk, Manifest

COPIES: Final = "copies"
"""Folder of a desk: the objects of each bundle under the house's own number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """What became of one system.

    Attributes
    ----------
    done, wanted
        Objects proved there, or messages taken; and how many there should be.
    problems
        In sentences; () when all went well.
    """

    name: str
    done: int
    wanted: int
    problems: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether everything is there."""
        return not self.problems and self.done == self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one patient's import.

    Attributes
    ----------
    patient_id
        The number under which the objects went.
    copies
        Folder of the copies.
    remarks
        What could not be written into a copy, in sentences.
    """

    bundle_id: str
    patient_id: str
    copies: Path
    stores: tuple[Went, ...]
    receivers: tuple[Went, ...]
    remarks: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every system has everything."""
        return all(one.is_whole for one in (*self.stores, *self.receivers))


def import_patient(desk: Desk, bundle_id: str, systems: DeskSystems, *, by: str, now: datetime) -> Imported:
    """Bring a received patient into the house's systems.

    Raises
    ------
    ConfigError
        No such bundle, or the number cannot be written.
    PatientMismatch
        An object is of another person; nothing was sent.
    """
    lying = shelf(desk)
    manifest = lying.find(bundle_id)
    _verify_newest(lying, manifest)
    number, said_at = said_number(lying, manifest)
    there = Patient(patient_id=number, name="", issuer_of_patient_id=systems.issuer_of_patient_id)
    folder, remarks = _copies(desk, manifest, there, said_at)
    items = tuple(map(_outgoing, sorted(folder.glob("*.dcm"))))
    stores = tuple(_stored(one, items, number, systems.own_ae_title, desk) for one in systems.dicom)
    for went in stores:
        _note(desk, manifest, went, by=by, now=now)
    told = []
    for section in systems.hl7 if all(went.is_whole for went in stores) else ():
        one = tell(desk, section, manifest, there, by=by, now=now)
        told.append(Went(name=section.name, done=one.done, wanted=one.wanted, problems=one.problems))
    if len(told) < len(systems.hl7):
        told += [
            Went(name=one.name, done=0, wanted=1, problems=("Not told: a store does not have everything.",))
            for one in systems.hl7
        ]
    return Imported(
        bundle_id=manifest.bundle_id,
        patient_id=number,
        copies=folder,
        stores=stores,
        receivers=tuple(told),
        remarks=remarks,
    )


def _verify_newest(lying: Shelf, manifest: Manifest) -> None:
    """Refuse a bundle that a newer one of the same patient replaced."""
    newer = lying.newer(manifest)
    if newer:
        raise ConfigError(
            "A newer bundle of this patient was received.", do_next=f"beamkeeper desk import {newer[-1]}"
        )


def _copies(
    desk: Desk, manifest: Manifest, there: Patient, said_at: datetime
) -> tuple[Path, tuple[str, ...]]:
    """Return the folder of what is sent: the same bytes each time, whatever lay there before."""
    folder = desk.path / COPIES / manifest.bundle_id / _safe(there.patient_id)
    coercion = Coercion(
        home=manifest.patient, partner=there, source=manifest.sender, system="Beamkeeper", at=said_at
    )
    remarks: list[str] = []
    names: set[str] = set()
    for number, one in enumerate(objects_of(manifest, desk.path / RECEIVED / manifest.bundle_id), start=1):
        path = one if isinstance(one, Path) else one.path
        made = coerced(path.read_bytes(), coercion)
        remarks += made.remarks
        names.add(f"{number}.dcm")
        write_whole(folder / f"{number}.dcm", made.data)
    for stray in folder.glob("*.dcm"):
        if stray.name not in names:
            stray.unlink()
    return folder, tuple(dict.fromkeys(remarks))


def _safe(patient_id: str) -> str:
    """Return a folder name that says nothing of the number."""
    return hashlib.sha256(patient_id.encode()).hexdigest()[:16]


def _outgoing(path: Path) -> Outgoing:
    ref = identify(path.read_bytes())
    with path.open("rb") as file:
        syntax, data_set_at = encoding_of(file)
    return Outgoing(
        sop_class_uid=ref.sop_class_uid,
        sop_instance_uid=ref.sop_instance_uid,
        study_instance_uid=ref.study_instance_uid,
        series_instance_uid=ref.series_instance_uid,
        transfer_syntax_uid=syntax,
        path=path,
        sha256=ref.sha256,
        size_bytes=ref.size_bytes,
        data_set_at=data_set_at,
    )


def _stored(
    section: CopiesSection, items: Sequence[Outgoing], patient_id: str, own_ae_title: str, desk: Desk
) -> Went:
    """Send every copy to one store, then see what it holds."""
    problems: list[str] = []
    store = connect(
        section, frozenset((one.sop_class_uid, one.transfer_syntax_uid) for one in items), own_ae_title
    )
    proved: frozenset[str] = frozenset()
    with working(desk.path, ".back-") as work:
        try:
            for item, answer in store.store(items):
                if answer.verdict not in {StoreVerdict.STORED, StoreVerdict.WARNED}:
                    problems.append(f"It does not take {item.sop_instance_uid}: {answer.reason}")
            if store.read_back_by in {ReadBack.QUERY, ReadBack.NONE}:
                whose = {one.sop_instance_uid: patient_id for one in items}
                proved = store.listed(items, whose)
            else:
                judge = judge_by(CompareRules())
                sent = {one.sop_instance_uid: one for one in items}
                proved = frozenset(
                    back.sop_instance_uid
                    for back in store.fetch(items, work)
                    if back.sop_instance_uid in sent and judge(sent[back.sop_instance_uid], back).how
                )
        except BeamkeeperError as error:
            problems.append(f"{error.message} {error.do_next}".strip())
        finally:
            store.close()
    missing = len(items) - len(proved)
    if missing and not problems:
        problems.append(f"{missing} objects are not there as they were sent.")
    return Went(name=section.name, done=len(proved), wanted=len(items), problems=tuple(problems))


def _note(desk: Desk, manifest: Manifest, went: Went, *, by: str, now: datetime) -> None:
    note(
        desk,
        DeskDeed.STORED,
        by=by,
        at=now,
        pseudonym=manifest.pseudonym,
        outcome="ok" if went.is_whole else "failed",
        about=manifest.bundle_id,
        to=went.name,
        said=f"{went.done} of {went.wanted}. {' '.join(went.problems)}"[:4000].strip(),
    )
