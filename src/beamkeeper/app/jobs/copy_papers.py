"""Papers that go to stores of plain DICOM: the newest dossier of a patient, the newest triage list.

Of a dossier a parcel holds the PDF; what it becomes in DICOM is made of that parcel alone, so the same
dossier is the same object whenever it is sent. Which parcel it is stands in a note of the data directory. A
note that is lost, or older than the vault, is made anew from signed parcels, the newest first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.dossiers import DOSSIER_ID
from beamkeeper.app.jobs.notes import read_note, write_note
from beamkeeper.app.jobs.sealed_dossier import DossierNote, SealedDossier
from beamkeeper.app.jobs.sealed_facts import read_state_and_facts
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.errors import IntegrityError, KeyUnavailable, ObjectUnreadable
from beamkeeper.vault import DEPARTMENT, StoredObject
from beamkeeper.vault.reading import OpenParcel
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.vault import ParcelEntry, Vault

FOLDER: Final = "papers"
TRIAGE_LIST: Final = "lists/triage-list.dcm"
LIST_BYTES_MAX: Final = 64 << 20
_LED_BY: Final = frozenset({ObjectKind.PLAN, ObjectKind.TREATMENT_RECORD})


def note_path(site: Site, pseudonym: str) -> Path:
    """Return where it is noted which dossier of a patient is the newest."""
    return site.data_dir / FOLDER / f"{pseudonym}.json"


def newest_lists(runtime: Runtime) -> tuple[StoredObject, ...]:
    """Return the newest triage list that is sealed as a DICOM object; () where the vault gives none."""
    entry = runtime.vault.latest(DEPARTMENT)
    if entry is None:
        return ()
    data = b""
    try:
        with OpenParcel(runtime.vault.store, entry, runtime.keys.identities) as parcel:
            for name, _, source in parcel.members():
                if name == TRIAGE_LIST:
                    data = source.read(LIST_BYTES_MAX)
                    break
            parcel.verify_whole()
        ref = identify(data)
    except (IntegrityError, KeyUnavailable, ObjectUnreadable):
        return ()
    return (
        StoredObject(
            sop_class_uid=ref.sop_class_uid,
            sop_instance_uid=ref.sop_instance_uid,
            study_instance_uid=ref.study_instance_uid,
            series_instance_uid=ref.series_instance_uid,
            patient_id=ref.patient_id,
            modality=ref.modality,
            transfer_syntax_uid=ref.transfer_syntax_uid,
            sha256=ref.sha256,
            size_bytes=ref.size_bytes,
            parcel=entry.path,
            member=TRIAGE_LIST,
            first_seen_on=entry.night,
            last_seen_on=entry.night,
        ),
    )


def newest_dossier(
    runtime: Runtime, pseudonym: str, parcels: Sequence[ParcelEntry], site_name: str
) -> SealedDossier | None:
    """Return the newest dossier of a patient that the vault holds; None where it gives none.

    Parameters
    ----------
    parcels
        The patient's, in any order.
    """
    if not parcels:
        return None
    newest_first = sorted(parcels, key=lambda entry: (entry.night, entry.number), reverse=True)
    path = note_path(runtime.site, pseudonym)
    note = _noted(path, {entry.path for entry in parcels})
    if note is not None and note.through == newest_first[0].path:
        return note.dossier
    try:
        found = _found(runtime, newest_first, note, site_name)
    except (IntegrityError, KeyUnavailable):
        return None  # gone, damaged or sealed for others: no older dossier must pass for the newest one
    write_note(path, DossierNote(through=newest_first[0].path, dossier=found))
    return found


def _noted(path: Path, there: set[str]) -> DossierNote | None:
    """Return what was noted, unless it is damaged or of parcels that are gone."""
    try:
        note = read_note(path, DossierNote)
    except IntegrityError:
        return None
    if note is None or (note.dossier is not None and note.dossier.parcel not in there):
        return None
    return note


def _found(
    runtime: Runtime, newest_first: Sequence[ParcelEntry], note: DossierNote | None, site_name: str
) -> SealedDossier | None:
    for entry in newest_first:
        if note is not None and entry.path == note.through:
            return note.dossier
        found = _sealed_in(runtime.vault, entry, runtime.keys.identities, site_name)
        if found is not None:
            return found
    return None


def _sealed_in(
    vault: Vault, entry: ParcelEntry, identities: Sequence[str], site_name: str
) -> SealedDossier | None:
    """Return the dossier of a parcel, which is found genuine first; None where it holds none."""
    state, facts = read_state_and_facts(vault, entry, identities)
    stored = next(
        (one for one in state.documents if one.document_id == DOSSIER_ID and one.parcel == entry.path), None
    )
    if stored is None:
        return None
    plans = [item for item in facts.objects if item.kind is ObjectKind.PLAN]
    return SealedDossier(
        parcel=entry.path,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        night=entry.night,
        site_name=site_name,
        patient=facts.entry.patient,
        study_instance_uid=min((item.ref.study_instance_uid for item in plans), default=""),
        sources=tuple(
            (item.ref.sop_class_uid, item.ref.sop_instance_uid)
            for item in facts.objects
            if item.kind in _LED_BY and item.ref.sop_class_uid
        ),
    )
