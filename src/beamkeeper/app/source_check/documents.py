"""Part 6: the twenty newest documents, whether their paths lead to files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.document_shares import NightShare, connect_documents, share_rules
from beamkeeper.app.source_check.sheet import Part, one_line
from beamkeeper.errors import SourceUnavailable
from beamkeeper.protect.documents import wanted_by_ois
from beamkeeper.wire.shared_files import FileRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beamkeeper.app.site import Site
    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.chart import ChartDocument
    from beamkeeper.protect.documents import Wanted

TITLE = "The twenty newest documents"
TWENTY = 20
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def documents_part(site: Site, entries: Sequence[CensusEntry]) -> Part:
    """Return part 6: looked at on the shares of the site file, not read."""
    newest = sorted(
        (
            (document, chart.source, entry.patient.patient_id)
            for entry in entries
            for chart in entry.charts
            for document in chart.documents
        ),
        key=lambda found: (_written_at(found[0]), found[0].document_id),
        reverse=True,
    )[:TWENTY]
    if not newest:
        return Part(number=6, title=TITLE, verdict="unchecked", lines=("This source names no documents.",))
    rules = share_rules(site)
    if not rules:
        said = "The OIS names documents, and the site file names no share of [[documents]] to look on."
        return Part(number=6, title=TITLE, verdict="unchecked", lines=(said,))
    shares = {
        section.name: NightShare(lambda section=section: connect_documents(section, site))  # type: ignore[misc]
        for section in site.documents
    }
    try:
        looked = [
            (document, patient_id, *_look(wanted_by_ois(document, source, rules), shares))
            for document, source, patient_id in newest
        ]
    finally:
        for share in shares.values():
            share.close()
    there = sum(is_there for _, _, is_there, _ in looked)
    lines = [f"{there} of {len(looked)} are there."]
    lines += [
        f"  {'' if is_there else '▲ '}{one_line(patient_id)}, {one_line(document.title)}: {said}"
        for document, patient_id, is_there, said in looked
    ]
    return Part(
        number=6,
        title=TITLE,
        verdict="good" if there == len(looked) else "warning" if there else "bad",
        lines=tuple(lines),
        by_hand="One of them was opened and is the document that the OIS shows." if there else "",
    )


def _written_at(document: ChartDocument) -> datetime:
    return document.revised_at or document.created_at or _EARLIEST


def _look(wanted: Wanted, shares: Mapping[str, NightShare]) -> tuple[bool, str]:
    """Return whether a document is where it may lie, and what to say of it."""
    if wanted.refused:
        return False, f"not looked for, {wanted.refused}"
    for place in wanted.places:
        try:
            facts = shares[place.share].look(place.segments)
        except (SourceUnavailable, FileRefused) as error:
            return False, one_line(error.message)
        if facts is not None:
            return bool(facts.size_bytes), f"{one_line(str(place))}, {facts.size_bytes:,} bytes"
    return False, f"missing at {'; '.join(one_line(str(place)) for place in wanted.places)}"
