"""A small site before the simulated department: an archive that can misbehave, and an OIS database."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING

from night_site import IMAGES_A_PATIENT, NIGHT_1, ZONE, SmallSite, at

from beamkeeper.app.setup import make_site
from beamkeeper.app.site_template import SiteAnswers
from beamkeeper.clock import MovableClock, local_instant
from beamkeeper.rehearse.sim import Department

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from beamkeeper.rehearse.sim import Archive, ArchiveProcess

OUR_AE = "BEAMKEEPER"
PATIENCE = {"answer_seconds = 60": "answer_seconds = 2", "silence_seconds = 300": "silence_seconds = 3"}
"""So long we wait for a peer in a test."""
QUICK = {**PATIENCE, "# dossiers = false": "dossiers = false\nlists = false"}
"""And papers are made where they are tested."""


class SmallDepartment(Department):
    """A department whose archive holds no more of a series of images than tests of nights need."""

    def start(self) -> None:
        super().start()
        seen: Counter[str] = Counter()
        for uid in [uid for patient in self.patients for uid in self.sop_instance_uids(patient.patient_id)]:
            stored = self.archive.stored(uid)
            assert stored is not None
            seen[series := str(stored.keys.SeriesInstanceUID)] += 1
            if stored.keys.Modality == "CT" and seen[series] > IMAGES_A_PATIENT:
                stored.path.unlink()
        self.archive.rescan()


def small_department(root: Path) -> Department:
    """Return a department of two invented patients whose archive runs in threads of this process."""
    clock = MovableClock(local_instant(NIGHT_1, time(2), ZONE))
    return SmallDepartment(root, synthetic_patients=2, clock=clock, real_cases=(), own_process=False)


def site_of(
    root: Path,
    department: Department,
    *,
    port: int,
    changed: Mapping[str, str] | None = None,
    with_ois: bool = True,
    on: date = NIGHT_1,
) -> SmallSite:
    """Make keys, vault and site file before a department; `changed` replaces text of the site file."""
    ois = (department.ois_url, department.ois_mapping_path.resolve()) if with_ois else None
    return site_before(department.archive, root, port=port, changed=changed, ois=ois, on=on)


def site_before(
    archive: Archive | ArchiveProcess,
    root: Path,
    *,
    port: int,
    changed: Mapping[str, str] | None = None,
    ois: tuple[str, Path] | None = None,
    on: date = NIGHT_1,
) -> SmallSite:
    """Make them before an archive, with the address and the mapping of an OIS database beside it or none."""
    made = SmallSite(root)
    answers = SiteAnswers(
        name="Small department",
        time_zone="Europe/Brussels",
        data_dir=Path("data"),
        vault_dir=Path("vault"),
        keys_dir=Path("keys"),
        receiver_port=port,
        archive=(archive.ae_title, archive.host, archive.port),
        ois_url=ois[0] if ois else None,
        ois_mapping=ois[1] if ois else None,
    )
    make_site(made.site_file, answers, at(on))
    rewrite(made, {**QUICK, **(changed or {})})
    archive.add_destination(OUR_AE, "127.0.0.1", port)
    return made


def rewrite(site: SmallSite, changed: Mapping[str, str]) -> None:
    """Replace text in a site file; each must be there."""
    text = site.site_file.read_text(encoding="utf-8")
    for old, new in changed.items():
        assert old in text, old
        text = text.replace(old, new)
    site.site_file.write_text(text, encoding="utf-8")


def copied(original: SmallSite, root: Path) -> SmallSite:
    """Copy a site that names everything of its own by relative paths."""
    shutil.copytree(original.root, root)
    return SmallSite(root)
