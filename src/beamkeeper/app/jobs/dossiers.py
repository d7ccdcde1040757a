"""The dossier of one patient, made from what a night found and sealed with it.

It is never worth a night: whatever keeps one from being made is told in the report, and the patient is
sealed without.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.dossier_pictures import with_tonights_pictures
from beamkeeper.app.jobs.freed import give_back
from beamkeeper.app.jobs.standing import current_versions, is_quarantined, named_only
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.protect.documents import state_in_words
from beamkeeper.protect.dossier import DossierSource, KeptDocument, Provenance, make_dossier, render_pdf
from beamkeeper.vault import StoredDocument
from beamkeeper.vault.publishing import small_member
from beamkeeper.vault.state import THIS_PARCEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date, datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.looked import Looked, PatientFacts
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.position import CoursePosition
    from beamkeeper.domain.readiness import Readiness
    from beamkeeper.ledger import DocumentRow
    from beamkeeper.vault import Member, PatientState, StoredObject
    from beamkeeper.wire.dicom.spool import SpoolReader

DOSSIER_NAME = "dossier.pdf"
"""Where it lies in a parcel."""
DOSSIER_ID = "dossier"
TITLE = "Dossier"
BEFORE_ANYBODY_LOOKED = "Made in that night, before anybody could look at it."
_AT_A_TIME = BoundedSemaphore(max(1, os.cpu_count() or 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A dossier as PDF, or why there is none; neither where none is wanted."""

    pdf: bytes = b""
    error: str = ""


def paper_of(render: Callable[[], bytes]) -> Paper:
    """Return a dossier; anything at all that keeps it from being made is an answer, too.

    The kind of the failure is told and not its words, which may quote the patient. No more are made at a
    time than there are processor cores.
    """
    with _AT_A_TIME:
        with ThreadPoolExecutor(max_workers=1) as pool:
            work = pool.submit(render)
            failure = work.exception()
        give_back()
    if failure is None:
        return Paper(pdf=work.result())
    return Paper(error=f"The dossier could not be made ({type(failure).__name__}).")


def tonights_paper(
    runtime: Runtime,
    looked: Looked,
    held: Sequence[StoredObject],
    documents: Iterable[DocumentRow],
    members: Sequence[Member],
    *,
    spool: SpoolReader,
    scratch: Path,
    night: date,
    as_of: datetime,
) -> Paper:
    """Return the dossier that is sealed with what a night found; an empty one where the site wants none.

    Parameters
    ----------
    members
        What is sealed with it, to draw from.
    scratch
        For what has to come out of the vault to be drawn; removed at the end.
    """
    site, stored = runtime.site, [row.stored for row in documents]

    def render() -> bytes:
        source = dossier_source(
            looked.facts,
            held,
            (looked.night.position, looked.night.readiness),
            site_name=site.site.name,
            zone=site.zone,
            provenance=Provenance(night=night, remark=BEFORE_ANYBODY_LOOKED),
            as_of=as_of,
            documents=stored,
            problems=looked.night.identity,
            night_phone=site.site.night_phone or "",
        )
        if site.night.pictures:
            pseudonym = looked.night.pseudonym
            source = with_tonights_pictures(
                source,
                held,
                members,
                documents=stored,
                runtime=runtime,
                spool=spool,
                pseudonym=pseudonym,
                scratch=scratch,
            )
        return render_pdf(make_dossier(source))

    return paper_of(render) if site.night.dossiers else Paper()


def dossier_source(
    facts: PatientFacts,
    held: Sequence[StoredObject],
    standing: tuple[CoursePosition | None, tuple[Readiness, ...]],
    *,
    site_name: str,
    zone: ZoneInfo,
    provenance: Provenance,
    as_of: datetime,
    documents: Iterable[StoredDocument] = (),
    problems: tuple[str, ...] = (),
    night_phone: str = "",
) -> DossierSource:
    """Return what a dossier is made from.

    Parameters
    ----------
    held
        Every version that the vault holds of the patient's objects.
    """
    contents = [item.content for item in facts.objects]
    position, ready = standing
    return DossierSource(
        site_name=site_name,
        zone=zone,
        entry=facts.entry,
        position=position,
        plans=tuple(item for item in contents if isinstance(item, Plan)),
        records=tuple(item for item in contents if isinstance(item, TreatmentRecord)),
        readiness=ready,
        provenance=provenance,
        as_of=as_of,
        objects=_objects(facts, held),
        documents=tuple(_documents(tuple(documents))),
        problems=problems,
        night_phone=night_phone,
        namesakes=facts.namesakes,
    )


def _documents(versions: tuple[StoredDocument, ...]) -> Iterator[KeptDocument]:
    """Yield what a restore gives back; with a word where the share has it no longer, or damaged."""
    for item in versions:
        if not item.superseded and item.document_id != DOSSIER_ID:
            yield KeptDocument(
                title=item.title,
                media_type=item.media_type,
                sha256=item.sha256,
                state=state_in_words(item, versions),
            )


def _objects(facts: PatientFacts, held: Iterable[StoredObject]) -> tuple[ClinicalObject, ...]:
    """Return everything that is kept: what the facts describe, and the rest, images above all, by name."""
    described = {item.ref.sop_instance_uid for item in facts.objects}
    others = (
        item
        for uid, item in sorted(current_versions(held).items())
        if uid not in described and not is_quarantined(item)
    )
    return (*facts.objects, *map(named_only, others))


def with_paper(
    paper: Paper, members: Sequence[Member], state: PatientState
) -> tuple[Sequence[Member], PatientState]:
    """Return what is sealed of a patient, with the dossier where there is one."""
    if not paper.pdf:
        return members, state
    stored = stored_dossier(paper.pdf, state.night)
    return (
        (*members, small_member(DOSSIER_NAME, paper.pdf)),
        replace(state, documents=(*state.documents, stored)),
    )


def stored_dossier(pdf: bytes, night: date) -> StoredDocument:
    """Return how a parcel's state names the dossier in it."""
    return StoredDocument(
        document_id=DOSSIER_ID,
        title=TITLE,
        media_type="application/pdf",
        sha256=hashlib.sha256(pdf).hexdigest(),
        size_bytes=len(pdf),
        parcel=THIS_PARCEL,
        member=DOSSIER_NAME,
        first_seen_on=night,
        last_seen_on=night,
    )
