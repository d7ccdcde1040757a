"""The audit log held against what the vault's signed metadata say of its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.domain.audit import AuditReport


def audit_report(runtime: Runtime) -> AuditReport:
    """Return what checking the log finds: every line, and that it goes on from where the vault saw it end."""
    return runtime.ledger.audit.verify_chain(runtime.vault.audit_head)


def audit_in_words(runtime: Runtime) -> tuple[str, ...]:
    """Return the sentence about an audit log that is not what was written; () when it is."""
    found = audit_report(runtime)
    if found.is_whole:
        return ()
    said = (
        f"The audit log is not what was written: line {found.first_broken}: {found.reason}. After the ledger "
        "was lost and rebuilt this is so once; else keep the database as evidence, and find out who had "
        "access to it. From tonight on the vault vouches for the log as it is now."
    )
    return (said,)
