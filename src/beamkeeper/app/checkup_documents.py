"""A look at the shares with documents: whether each answers and is understood, and what holds who reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.finding import Finding
from beamkeeper.app.jobs.document_shares import connect_documents
from beamkeeper.app.site_documents import OisDocuments
from beamkeeper.errors import BeamkeeperError
from beamkeeper.protect.documents import landlock_version, what_stays_open

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_documents import DocumentsSection


def check_documents(site: Site) -> Iterator[Finding]:
    """Yield one finding a share, and one of who reads; none when the site names none."""
    for section in site.documents:
        yield _look(section, site)
    if site.documents:
        yield reader_finding(landlock_version())


def reader_finding(landlock: int) -> Finding:
    """Return what holds the process that reads hostile documents, by the Landlock of the kernel (0: none)."""
    what = "document reader"
    if stays_open := what_stays_open(landlock):
        return Finding(
            what=what,
            verdict="warning",
            text=f"it can open no file and no network line, but {stays_open}.",
            do_next="Run Linux 6.2 or newer with `landlock` in its `lsm=`, and the units of deploy/systemd.",
        )
    return Finding(
        what=what,
        verdict="good",
        text=f"a hostile document meets a process without files, network and rights (Landlock {landlock}).",
    )


def _look(section: DocumentsSection, site: Site) -> Finding:
    what = f"documents {section.name}"
    try:
        files = connect_documents(section, site)
        try:
            count = sum(1 for _ in files.names(()))
        finally:
            files.close()
    except BeamkeeperError as error:
        return Finding(what=what, verdict="bad", text=error.message, do_next=error.do_next)
    if isinstance(section, OisDocuments):
        return Finding(
            what=what, verdict="good", text=f"{section.source} answers, and has the columns of photos."
        )
    names = "1 name" if count == 1 else f"{count:,} names"
    if not (section.ois_roots or section.find):
        return Finding(
            what=what,
            verdict="warning",
            text=f"answers; {names} in its root. No ois_roots: only bare file names are looked for.",
            do_next="If the OIS writes whole paths, say what they begin with: docs/guide/documents.md.",
        )
    return Finding(what=what, verdict="good", text=f"answers; {names} in its root.")
