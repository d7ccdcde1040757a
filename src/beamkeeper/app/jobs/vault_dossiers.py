"""Dossiers on demand, of patients in a vault: the collector's, or a copy of it anywhere."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from beamkeeper.app.dossier_files import with_pictures
from beamkeeper.app.jobs.dossier_photos import PhotoWords, kept_photos, with_photos
from beamkeeper.app.jobs.dossiers import dossier_source
from beamkeeper.app.jobs.list_words import trust_in_words
from beamkeeper.app.jobs.remembered import NOT_DESCRIBED
from beamkeeper.app.jobs.sealed_facts import read_facts
from beamkeeper.app.jobs.standing import stand
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE, MetersetTolerance
from beamkeeper.errors import IntegrityError, ObjectUnreadable
from beamkeeper.protect.dossier import Provenance
from beamkeeper.protect.quorum import Confirmed, Disputed, QuorumRule, trust
from beamkeeper.wire.dicom.reader import read_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.looked import PatientFacts
    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.domain.objects import ObjectRef
    from beamkeeper.protect.dossier import DossierSource
    from beamkeeper.vault import ParcelEntry, StoredDocument

NOBODY_ASKED = "Nobody was asked to confirm it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What kind of dossiers, on whose clocks, by whose rules.

    Attributes
    ----------
    scratch
        Where files may lie while pictures are drawn; None to draw none.
    people
        Names by login, of those who confirm nights.
    night_phone
        Of the department; "" where no site file is at hand: then the one that was sealed.
    """

    zone: ZoneInfo
    now: datetime
    scratch: Path | None
    tolerance: MetersetTolerance = DEFAULT_TOLERANCE
    people: Mapping[str, str] = field(default_factory=dict)
    photo_words: PhotoWords = field(default_factory=PhotoWords)
    night_phone: str = ""


def vault_dossier(opened: OpenedVault, pseudonym: str, night: date | None, wanted: Wanted) -> DossierSource:
    """Return what the dossier of a patient is made from, by the copy of a night or before it.

    Raises
    ------
    IntegrityError
        The vault does not hold what it names.
    KeyUnavailable
        No identity opens it.
    """
    entry = opened.vault.latest(pseudonym, night=night)
    if entry is None:
        raise IntegrityError(
            "The vault holds nothing of this patient.", do_next="`beamkeeper vault list` names all."
        )
    facts = read_facts(opened.vault, entry, opened.identities)
    if wanted.scratch is None:
        return _source(opened, entry, facts, wanted)
    wanted.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".dossier-", dir=wanted.scratch) as folder:
        return _drawn(opened, entry, facts, wanted, Path(folder))


def _drawn(
    opened: OpenedVault, entry: ParcelEntry, facts: PatientFacts, wanted: Wanted, folder: Path
) -> DossierSource:
    """Return the facts with what the files themselves say, every control point, and with pictures."""
    report = opened.vault.restore_patient(
        entry.pseudonym, identities=opened.identities, out_dir=folder, night=entry.night
    )
    problems = tuple(f"A file could not be restored: {failure.reason}" for failure in report.failures)
    paths, described = {}, {item.ref.sop_instance_uid: item for item in facts.objects}
    for path in sorted(folder.rglob("*.dcm")):
        try:
            read = read_object(path.read_bytes(), zone=wanted.zone)
        except ObjectUnreadable:
            continue  # kept under quarantine, and named in the night's report
        paths[read.ref.sha256] = path
        if read.kind not in NOT_DESCRIBED:
            described[read.ref.sop_instance_uid] = read
    whole = replace(facts, objects=tuple(described[uid] for uid in sorted(described)))

    def fetch(ref: ObjectRef) -> bytes:
        if ref.sha256 not in paths:
            raise ObjectUnreadable("The vault gave this object back in no readable form.")
        return paths[ref.sha256].read_bytes()

    drawn = with_pictures(_source(opened, entry, whole, wanted, problems), fetch)
    documents = opened.vault.read_state(entry, identities=opened.identities).documents
    photos = kept_photos(documents, facts.entry.charts, wanted.photo_words, wanted.zone)
    return with_photos(drawn, photos, lambda photo: photo.picture(document_in(folder, photo.document)))


def document_in(folder: Path, item: StoredDocument) -> bytes:
    """Return a restored document, found by its digest."""
    name = item.member.rpartition("/")[2]
    for path in folder.rglob("*"):
        if path.name == name and hashlib.sha256(data := path.read_bytes()).hexdigest() == item.sha256:
            return data
    raise ObjectUnreadable("The vault gave this document back in no readable form.")


def _source(
    opened: OpenedVault,
    entry: ParcelEntry,
    facts: PatientFacts,
    wanted: Wanted,
    problems: tuple[str, ...] = (),
) -> DossierSource:
    state = opened.vault.read_state(entry, identities=opened.identities)
    held = [item for item in state.objects if not item.superseded]
    return dossier_source(
        facts,
        held,
        stand(facts, held, tolerance=wanted.tolerance),
        site_name=opened.vault.site_facts(opened.identities).site_name,
        zone=wanted.zone,
        provenance=_provenance(opened, entry, wanted),
        as_of=wanted.now,
        documents=state.documents,
        problems=problems,
        night_phone=wanted.night_phone or facts.night_phone,
    )


def _provenance(opened: OpenedVault, entry: ParcelEntry, wanted: Wanted) -> Provenance:
    """Return which night it is and what people said of it, by the votes that the vault carries."""
    newest = opened.vault.latest(entry.pseudonym)
    later = (
        f"A later copy, of {newest.night}, is not confirmed and was passed over."
        if newest is not None and newest.night > entry.night
        else ""
    )
    votes = next((one for one in opened.vault.votes() if one.facts.night == entry.night), None)
    if votes is None:
        return Provenance(night=entry.night, trust=NOBODY_ASKED, remark=later)
    state = trust(votes.facts, votes.ballots, QuorumRule(zone=wanted.zone), wanted.now)
    by = state.by if isinstance(state, Confirmed) else ()
    return Provenance(
        night=entry.night,
        confirmed_by=tuple(wanted.people.get(login, login) for login in by),
        trust=trust_in_words(state, wanted.people, wanted.zone, votes.facts.people_needed),
        remark=later,
        is_disputed=isinstance(state, Disputed),
    )
