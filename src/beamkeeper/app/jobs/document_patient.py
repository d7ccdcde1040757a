"""One patient's documents: what should be there, what the shares give, and what is to be said of the rest."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs import document_changes
from beamkeeper.app.jobs.document_notes import FoundDocument, PatientDocuments
from beamkeeper.app.jobs.document_shares import share_rules
from beamkeeper.domain.change import DOCUMENT
from beamkeeper.domain.night import NotKept
from beamkeeper.errors import BeamkeeperError, StorageFull
from beamkeeper.protect.documents import (
    UNKNOWN,
    FetchLimits,
    Finder,
    Outcome,
    each_once,
    fetch,
    visible,
    wanted_by_ois,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from beamkeeper.app.jobs.document_shares import NightShare
    from beamkeeper.app.jobs.looked import ListedPatient
    from beamkeeper.app.site import Site
    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.ledger import DocumentRow
    from beamkeeper.protect.documents import Fetched, ShareRules, Wanted

TITLE_CHARACTERS_MAX: Final = 120
ROOM_SHARE: Final = 4
"""Documents of one night take no more than this part of the free disk: they are sealed on it as well."""
NAMED_MAX: Final = 10
"""So many documents that were not kept are named of one patient; the rest is counted."""
MISSING: Final = "document missing on the share: {title}"
EMPTY: Final = "document with no bytes on the share: {title}"
SHARED_ID: Final = "Two persons have this Patient ID: no documents were looked for by it."
_NOT_LOSSES: Final = {Outcome.ABSENT: MISSING, Outcome.EMPTY: EMPTY}
"""What no collector could have kept: said, and no reason to call the patient not whole."""


class DocumentFetcher:
    """Fetches patients' documents, one after the other.

    Parameters
    ----------
    patient_ids
        Of everybody on the list, one that two persons share twice.
    kept
        Every version the vault holds, by pseudonym.
    staging
        Folder on the collector's own disk for what comes.
    """

    def __init__(
        self,
        site: Site,
        shares: Mapping[str, NightShare],
        *,
        patient_ids: Iterable[str],
        kept: Mapping[str, Sequence[DocumentRow]],
        staging: Path,
        run_on: date,
        deadline: datetime,
        now: Callable[[], datetime],
    ) -> None:
        self._rules = share_rules(site)
        self._sections = {section.name: section for section in site.documents}
        self._shares = shares
        self._patient_ids = Counter(patient_ids)
        self._finders = [
            Finder(name, shares[name], section.find, count_max=section.count_max)
            for name, section in self._sections.items()
            if section.find
        ]
        self._kept = kept
        self._staging = staging
        self._run_on = run_on
        self._deadline = deadline
        self._now = now
        self._room_bytes = shutil.disk_usage(site.data_dir).free // ROOM_SHARE
        self.heard_at = time.monotonic()
        """When a share last gave an answer, on the clock that nobody sets."""

    def close(self) -> None:
        """Let go of every share."""
        for share in self._shares.values():
            share.close()

    def fetch(self, listed: ListedPatient) -> PatientDocuments:
        """Return what the shares hold of a patient; what is new lies in the staging folder.

        Raises
        ------
        StorageFull
            No room there.
        """
        found = _Patient(listed, self._kept[listed.pseudonym])
        wanted = found.wanted(self._rules) if self._rules else []
        wanted += self._found_by_name(listed.entry.patient.patient_id, wanted, found)
        count_max = max(section.count_max for section in self._sections.values())
        for one in wanted[:count_max]:
            self._fetch(one, found)
            self.heard_at = time.monotonic()
        if (more := len(wanted) - count_max) > 0:
            found.lose(f"{more} documents", f"the site file takes {count_max} of a patient at most")
        return found.whole()

    def _found_by_name(self, patient_id: str, named: Sequence[Wanted], found: _Patient) -> list[Wanted]:
        """Return the files that bear a Patient ID and that no OIS names."""
        if self._finders and self._patient_ids[patient_id] > 1:
            found.remark(SHARED_ID)
            return []
        taken = {place for one in named for place in one.places}
        every: list[Wanted] = []
        for finder in self._finders:
            try:
                here = finder.find(patient_id, self._patient_ids)
            except BeamkeeperError as error:
                found.lose("documents that bear the Patient ID", f"no answer: {error.message}")
                continue
            self.heard_at = time.monotonic()
            if not finder.is_too_many(here):
                found.go_unless(finder.prefix, {one.document_id for one in here})
            every += [one for one in here if one.places[0] not in taken]
        return every

    def _fetch(self, wanted: Wanted, found: _Patient) -> None:
        before = found.current.get(wanted.document_id)
        place = wanted.places[0].share if wanted.places else next(iter(self._sections))
        section = self._sections[place]
        limits = FetchLimits(
            size_bytes_max=section.size_bytes_max, room_bytes=self._room_bytes, deadline=self._deadline
        )
        try:
            fetched = fetch(
                wanted,
                self._shares,
                limits=limits,
                known=_known(before, self._run_on, section.reread_days),
                staging=self._staging,
                now=self._now,
            )
        except StorageFull:
            raise
        except BeamkeeperError as error:
            found.unanswered[error.message] += 1
        else:
            self._room_bytes -= fetched.size_bytes
            found.take(wanted, fetched, before)


def _known(before: DocumentRow | None, run_on: date, reread_days: int) -> tuple[str, str] | None:
    """Return where and with which stamp a document was last read; None when it is to be read again."""
    if before is None or before.read_on is None or not before.stamp:
        return None
    if (run_on - before.read_on).days >= reread_days:
        return None
    return before.place, before.stamp


class _Patient:
    """What comes together of one patient."""

    def __init__(self, listed: ListedPatient, kept: Sequence[DocumentRow]) -> None:
        self._listed = listed
        self.current = {row.stored.document_id: row for row in kept if not row.stored.superseded}
        self.unanswered: Counter[str] = Counter()
        self._found: list[FoundDocument] = []
        self._gone: list[DocumentRow] = []
        self._lost: list[NotKept] = []
        self._remarks: list[str] = []
        self._comparisons: list[ObjectComparison] = []

    def wanted(self, rules: Sequence[ShareRules]) -> list[Wanted]:
        """Return every document the OIS names, each once; note which of the kept ones it names no more."""
        charts = self._listed.entry.charts
        every = [
            wanted_by_ois(document, chart.source, rules) for chart in charts for document in chart.documents
        ]
        wanted = each_once(every)
        names = {one.document_id for one in wanted}
        for source in {chart.source for chart in charts if chart.documents}:
            self.go_unless(f"{source}/", names)
        return wanted

    def go_unless(self, prefix: str, here: Collection[str]) -> None:
        """Note as gone what was kept under names with that prefix and is not among those that are here."""
        for document_id, row in self.current.items():
            if document_id.startswith(prefix) and document_id not in here:
                self._go(row)

    def remark(self, line: str) -> None:
        """Note what is odd and no loss."""
        self._remarks.append(line)

    def take(self, wanted: Wanted, fetched: Fetched, before: DocumentRow | None) -> None:
        """Note how fetching one document ended."""
        title = _title(wanted)
        if fetched.outcome in {Outcome.RECEIVED, Outcome.UNCHANGED}:
            self._found.append(_found(wanted, title, fetched, before))
        elif fetched.outcome in _NOT_LOSSES:
            if fetched.outcome is Outcome.ABSENT and before is not None:
                self._go(before)
            elif before is not None:
                self._comparisons.append(document_changes.emptied(before))
            self._remarks.append(_NOT_LOSSES[fetched.outcome].format(title=title))
        else:
            reason = ": ".join(filter(None, (fetched.outcome.value, fetched.reason)))
            self.lose(DOCUMENT, reason, title=title)

    def lose(self, what: str, reason: str, *, title: str = "") -> None:
        """Note what should have come and did not."""
        self._lost.append(NotKept(sop_instance_uid="", what=what, reason=reason, title=title))

    def _go(self, row: DocumentRow) -> None:
        if row.stored.present:
            self._comparisons.append(document_changes.gone(row))
        self._gone.append(row)

    def whole(self) -> PatientDocuments:
        """Return everything, with what was not kept in so many lines that somebody reads them."""
        named = self._lost[:NAMED_MAX]
        if (more := len(self._lost) - NAMED_MAX) > 0:
            what = f"{more} more documents"
            named.append(NotKept(sop_instance_uid="", what=what, reason="for reasons like these"))
        return PatientDocuments(
            found=tuple(self._found),
            gone=tuple(row.stored.document_id for row in self._gone),
            not_kept=(*named, *(_unanswered(count, why) for why, count in self.unanswered.items())),
            remarks=tuple(self._remarks),
            comparisons=tuple(self._comparisons),
        )


def unanswered(listed: ListedPatient, why: str) -> PatientDocuments:
    """Return what there is to say of a patient whose documents nobody answered for."""
    count = sum(len(chart.documents) for chart in listed.entry.charts)
    lost = NotKept(sop_instance_uid="", what="documents", reason=f"no answer: {why}")
    return PatientDocuments(not_kept=(_unanswered(count, why) if count else lost,))


def _unanswered(count: int, why: str) -> NotKept:
    what = "1 document" if count == 1 else f"{count} documents"
    return NotKept(sop_instance_uid="", what=what, reason=f"no answer: {why}")


def _found(wanted: Wanted, title: str, fetched: Fetched, before: DocumentRow | None) -> FoundDocument:
    if fetched.outcome is Outcome.UNCHANGED:
        assert before is not None  # noqa: S101 - only what is known can be unchanged
        content = {name: getattr(before.stored, name) for name in ("media_type", "sha256", "size_bytes")}
    else:
        content = {name: getattr(fetched, name) for name in ("media_type", "sha256", "size_bytes")}
    was_known = before is not None and before.stored.media_type != UNKNOWN
    return FoundDocument(
        document_id=wanted.document_id,
        title=title,
        kind=wanted.kind,
        place=str(fetched.place),
        stamp=fetched.stamp,
        revised_at=wanted.revised_at,
        is_read=fetched.outcome is Outcome.RECEIVED,
        is_damaged=was_known and content["media_type"] == UNKNOWN,
        **content,
    )


def _title(wanted: Wanted) -> str:
    """Return a title as one line."""
    return visible(wanted.title)[:TITLE_CHARACTERS_MAX] or "document"
