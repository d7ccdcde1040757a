"""A new site that fetches from one archive: what the benchmarks of nights and of the hour begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.setup import make_site
from beamkeeper.app.site_template import SiteAnswers

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.clock import MovableClock
    from beamkeeper.rehearse.sim import ArchiveProcess, OrthancArchive


def make_site_before(
    archive: OrthancArchive | ArchiveProcess, root: Path, clock: MovableClock, *, port: int
) -> Path:
    """Make keys, vault and site file under `root`, tell the archive where we receive; return the file."""
    archive.add_destination("BEAMKEEPER", "127.0.0.1", port)
    answers = SiteAnswers(
        name="bench",
        time_zone="UTC",
        data_dir=root / "data",
        vault_dir=root / "vault",
        keys_dir=root / "keys",
        receiver_port=port,
        archive=(archive.ae_title, archive.host, archive.port),
    )
    make_site(root / "site.toml", answers, clock)
    return root / "site.toml"
