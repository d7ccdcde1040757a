"""A small site for tests of the whole night: few patients, few objects, everything else as in a hospital."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.app.folder_site import folder_site
from beamkeeper.app.jobs.running import run_night
from beamkeeper.app.jobs.runtime import open_runtime
from beamkeeper.app.opened import open_by_site
from beamkeeper.app.site import load_site
from beamkeeper.clock import MovableClock
from beamkeeper.rehearse.sim.patients import planning_objects, session_objects
from beamkeeper.rehearse.sim.state import at_first, patient_of
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from forked import Forks

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.domain.night import NightReport, PatientNight

ZONE = ZoneInfo("Europe/Brussels")
CARDS = "cards.txt"
NIGHT_1, NIGHT_2, NIGHT_3 = (date(2026, 3, day) for day in (2, 3, 4))
WHO = (2, 3, 4)
"""Breast, skin and brain: photons, electrons, an arc."""
IMAGES_A_PATIENT = 2
SESSIONS_A_PATIENT = 2
KILLED = "killed-at"


def make_objects(folder: Path, *, who: tuple[int, ...] = WHO, sessions: int = SESSIONS_A_PATIENT) -> None:
    """Write a few patients, with two CT slices each, as `PATIENT/MODALITY-NUMBER.dcm`."""
    state = at_first(1, max(who) + 1, NIGHT_1, NIGHT_1 - timedelta(days=1))
    for index in who:
        member = state.patients[index]
        patient = patient_of(state, member)
        objects = [data for _, data in planning_objects(patient, ZONE)]
        for session in member.sessions[:sessions]:
            objects += [data for _, data in session_objects(patient, session, ZONE)]
        counts: dict[str, int] = {}
        for data in objects:
            modality = identify(data).modality
            counts[modality] = counts.get(modality, 0) + 1
            if modality == "CT" and counts[modality] > IMAGES_A_PATIENT:
                continue
            path = folder / f"p{index}" / f"{modality}-{counts[modality]}.dcm"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def at(day: date, hour: int = 2) -> MovableClock:
    """Return a clock that stands at that hour, UTC."""
    return MovableClock(datetime.combine(day, time(hour), tzinfo=UTC))


@dataclass(frozen=True)
class SmallSite:
    """A site whose only source is a folder, with what tests ask of it."""

    root: Path

    @classmethod
    def make(
        cls, root: Path, objects: Path | None = None, *, settings: str = "", on: date = NIGHT_1
    ) -> SmallSite:
        """Make keys, an empty vault and a site file over `root/source`, or over `objects`."""
        made = cls(root)
        new = folder_site(objects or made.source, root / "site", at(on)).new
        assert new is not None
        (root / CARDS).write_text("\n".join(map(" ".join, new.cards)), encoding="utf-8")
        if "[night]" not in settings:
            settings += "\n[night]\ndossiers = false  # for speed, as lists\nlists = false\n"
        text = made.site_file.read_text(encoding="utf-8")
        made.site_file.write_text(text.replace("[[sources]]", f"{settings}\n[[sources]]", 1), "utf-8")
        return made

    @classmethod
    def copied(cls, original: Path, root: Path) -> SmallSite:
        """Copy a whole site to another place; only its source is named by an absolute path."""
        shutil.copytree(original, root)
        made = cls(root)
        text = made.site_file.read_text(encoding="utf-8")
        made.site_file.write_text(text.replace(str(original.resolve()), str(root.resolve())), "utf-8")
        return made

    @property
    def cards(self) -> list[str]:
        """The five recovery cards."""
        return (self.root / CARDS).read_text(encoding="utf-8").splitlines()

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def site_file(self) -> Path:
        return self.root / "site" / "beamkeeper.toml"

    @property
    def site(self) -> Site:
        return load_site(self.site_file)

    @property
    def vault_dir(self) -> Path:
        return self.root / "site" / "vault"

    def night(
        self,
        day: date,
        *,
        hour: int = 2,
        despite_alarm: str = "",
        on_step: Callable[[str, str], None] = lambda _name, _phase: None,
    ) -> NightReport:
        """Run one night in this process."""
        return run_night(self.site, at(day, hour), day, despite_alarm=despite_alarm, on_step=on_step)

    def runtime(self, day: date = NIGHT_2) -> Runtime:
        return open_runtime(self.site, at(day, 12))

    def restored(self, out: Path, day: date = NIGHT_2) -> dict[str, bytes]:
        """Return every file of every patient as it comes back, by path below the patient's folder."""
        opened = open_by_site(self.site, at(day, 12))
        for pseudonym in opened.vault.pseudonyms():
            opened.vault.restore_patient(pseudonym, identities=opened.identities, out_dir=out / pseudonym)
        return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*.dcm"))}

    def sources_by_uid(self) -> dict[str, bytes]:
        return {identify(p.read_bytes()).sop_instance_uid: p.read_bytes() for p in self.source.rglob("*.dcm")}

    def verify_holds_the_source(self, out: Path, day: date = NIGHT_2) -> None:
        """Every byte of the source folder comes back out of the vault, and the vault is sound."""
        found = {identify(data).sop_instance_uid: data for data in self.restored(out, day).values()}

        assert found == self.sources_by_uid()
        self.verify_vault(day)

    def verify_vault(self, day: date = NIGHT_2) -> None:
        opened = open_by_site(self.site, at(day, 12))
        assert opened.vault.verify(identities=opened.identities, now=at(day, 12).now()).is_sound


def patient_night(report: NightReport, patient_id: str) -> PatientNight:
    """Return what a report says of one patient."""
    return next(night for night in report.patients if night.patient_id == patient_id)


@dataclass(frozen=True)
class Driven:
    """How a night in processes of its own ended.

    Attributes
    ----------
    marks
        (step, mark, phase) of everything that was worked on, over all processes.
    killed
        The marks at which a process was killed.
    """

    status: int
    marks: tuple[tuple[str, str, str], ...]
    killed: tuple[str, ...]
    error: str
    facts: dict[str, object]


def drive(
    forked: Forks, site_file: Path, day: date, marks_path: Path, *, kill: str, processes: int = 100
) -> Driven:
    """Run a night in processes that are killed as `one_night.py` says."""
    done = forked.run("nights", str(site_file), day.isoformat(), str(marks_path), kill, str(processes))
    lines = [tuple(line.split()) for line in marks_path.read_text(encoding="utf-8").splitlines()]
    said = done.stdout.strip().splitlines()
    return Driven(
        status=done.returncode,
        marks=tuple(line for line in lines if line[0] != KILLED),
        killed=tuple(line[1] for line in lines if line[0] == KILLED),
        error=done.stderr,
        facts=json.loads(said[-1]) if said else {},
    )
