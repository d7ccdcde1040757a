"""A look at the data directory: what keeps a thief of the disk from reading it, and where its key lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.finding import Finding
from beamkeeper.app.opening_data import lies_beside
from beamkeeper.app.sealed_data import GUIDE, Sealed, has_sealed_folder, standing, verify_sealed
from beamkeeper.app.site import FolderSourceSection, ReceiptSourceSection
from beamkeeper.errors import BeamkeeperError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.host import Host
    from beamkeeper.app.site import Site

WHAT = "data"
IN_WORDS = {
    Sealed.GOCRYPTFS: "sealed by gocryptfs, and open: whoever is logged on as its user reads it",
    Sealed.DM_CRYPT: "on dm-crypt",
    Sealed.MEMORY: "in memory: keys, audit log, votes and reports are gone after each start",
}


def check_data(site: Site, host: Host) -> Finding:
    """Return whether a site's data may be written, and what seals them."""
    if not site.vault.encrypt_only:
        return Finding(what=WHAT, verdict="good", text="can be used; the collector holds its own key.")
    try:
        verify_sealed(site, host)
    except BeamkeeperError as error:
        return Finding(what=WHAT, verdict="bad", text=error.message, do_next=error.do_next)
    found = standing(site.data_dir, host).sealed
    assert found is not None  # noqa: S101 - it was verified
    return Finding(
        what=WHAT,
        verdict="warning" if found is Sealed.MEMORY else "good",
        text=f"{IN_WORDS[found]}.",
        do_next=f"Put it on sealed storage that stays: {GUIDE}." if found is Sealed.MEMORY else "",
    )


def check_data_key(site: Site, host: Host) -> Iterator[Finding]:
    """Yield where the key of sealed data lies, and what else of a patient may lie beside them."""
    if not site.vault.encrypt_only:
        return
    if has_sealed_folder(site.data_dir):
        yield _key(site, host)
    for source in site.sources:
        if not isinstance(source, FolderSourceSection | ReceiptSourceSection):
            continue
        if standing(source.path, host).sealed is None:
            yield Finding(
                what=source.name,
                verdict="warning",
                text=f"{source.path} is not seen to be encrypted: whoever takes its disk has what is in it.",
                do_next="It is the source's, not ours: keep it on another computer, or sealed.",
            )


def _key(site: Site, host: Host) -> Finding:
    what, reference = "data key", site.vault.data_key
    if lies_beside(site, host):
        return Finding(
            what=what,
            verdict="bad",
            text=f"{reference} lies on the disk of what it opens.",
            do_next=f"Take it away: {GUIDE}.",
        )
    if not reference:
        return Finding(what=what, verdict="good", text="nowhere here: a person types it after each start.")
    seen = {
        "credential": "whether systemd keeps it bound to the TPM, or beside what it opens",
        "env": "whether the environment is written down on this disk",
        "file": "whether that disk is taken away with the computer",
    }[reference.partition(":")[0]]
    return Finding(what=what, verdict="unchecked", text=f"{reference}: {seen}: it cannot be seen from here.")
