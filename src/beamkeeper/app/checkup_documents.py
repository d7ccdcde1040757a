"""A look at the shares with documents: whether each answers, and whether its paths can be understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.finding import Finding
from beamkeeper.app.jobs.document_shares import connect_documents
from beamkeeper.errors import BeamkeeperError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_documents import DocumentsSection


def check_documents(site: Site) -> Iterator[Finding]:
    """Yield one finding a share; none when the site names none."""
    for section in site.documents:
        yield _look(section)


def _look(section: DocumentsSection) -> Finding:
    what = f"documents {section.name}"
    try:
        files = connect_documents(section)
        try:
            count = sum(1 for _ in files.names(()))
        finally:
            files.close()
    except BeamkeeperError as error:
        return Finding(what=what, verdict="bad", text=error.message, do_next=error.do_next)
    names = "1 name" if count == 1 else f"{count:,} names"
    if not (section.ois_roots or section.find):
        return Finding(
            what=what,
            verdict="warning",
            text=f"answers; {names} in its root. No ois_roots: only bare file names are looked for.",
            do_next="If the OIS writes whole paths, say what they begin with: docs/guide/documents.md.",
        )
    return Finding(what=what, verdict="good", text=f"answers; {names} in its root.")
