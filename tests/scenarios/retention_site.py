"""A small site at the end of somebody's time: one patient was treated last and left the list 45 days ago."""

from __future__ import annotations

import shutil
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from night_site import NIGHT_1, SmallSite, at
from voting_site import QUORUM

from beamkeeper.app.jobs.mirroring import run_mirrors
from beamkeeper.app.jobs.quorum import cast, take_reports
from beamkeeper.app.jobs.retaining import RetentionOutcome, retain
from beamkeeper.app.jobs.retention_words import speak
from beamkeeper.app.jobs.runtime import open_ledger, open_runtime
from beamkeeper.domain.ballot import Ballot, Verdict, VotePath
from beamkeeper.protect.retain import WordKind
from beamkeeper.wire.dicom.reader import read_stated_patient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beamkeeper.ledger import Ledger, PatientRow
    from beamkeeper.vault import Vault

LATER = date(2026, 4, 20)
"""Long after 30 days."""
MIRROR = """
[[mirrors]]
name = "usb"
kind = "directory"
path = "{path}"
unsafe_same_disk = true
"""


def put(site: SmallSite, settings: str) -> None:
    """Put settings into the site file, before its sources."""
    text = site.site_file.read_text(encoding="utf-8")
    site.site_file.write_text(text.replace("[[sources]]", f"{settings}\n[[sources]]", 1), encoding="utf-8")


def ledger_of(site: SmallSite) -> Ledger:
    return open_ledger(site.site)


def vault_of(site: SmallSite, day: date = LATER) -> Vault:
    return open_runtime(site.site, at(day, 12)).vault


def play_until_later(site: SmallSite, more: str = "") -> SmallSite:
    """Give a kept site people and a mirror, let p3 leave, and play the night of LATER, which two confirm."""
    usb = site.root / "usb"
    usb.mkdir()
    put(site, QUORUM + MIRROR.format(path=usb) + more)
    for _ in run_mirrors(site.site, at(NIGHT_1, 4), site.site.mirrors):
        pass
    shutil.rmtree(site.source / "p3")
    site.night(LATER)
    vote(site, "an")
    vote(site, "bo", minute=1)
    return site


def who_left(site: SmallSite) -> PatientRow:
    """Return the patient whom no source names any more."""
    here = {read_id(folder) for folder in site.source.iterdir()}
    (gone,) = (row for row in ledger_of(site).patients() if row.patient.patient_id not in here)
    return gone


def read_id(folder: Path) -> str:
    data = next(folder.glob("RTPLAN-*.dcm")).read_bytes()
    stated = read_stated_patient(memoryview(data), zone=ZoneInfo("UTC"))
    assert stated is not None
    return stated.patient_id


def release(site: SmallSite, pseudonym: str, *people: str, day: date = LATER) -> None:
    for minute, person in enumerate(people):
        speak(
            site.site,
            ledger_of(site),
            kind=WordKind.RELEASE,
            pseudonym=pseudonym,
            person=person,
            reason="treated elsewhere",
            now=at(day, 9).now().replace(minute=minute),
        )


def run_retention(
    site: SmallSite, day: date = LATER, *, hour: int = 12, on_step: Callable[[str], None] = lambda _name: None
) -> RetentionOutcome:
    return retain(site.site, at(day, hour), on_step=on_step)


def vote(
    site: SmallSite, person: str, verdict: str = "confirm", *, night: date = LATER, minute: int = 0
) -> None:
    """Take a vote at eight on the morning of LATER."""
    now = at(LATER, 8).now().replace(minute=minute)
    take_reports(site.site, ledger_of(site), now)
    facts = ledger_of(site).votes.facts(night)
    assert facts is not None
    ballot = Ballot(
        night=night,
        person=person,
        verdict=Verdict(verdict),
        path=VotePath.PAGE,
        at=now,
        digest=facts.digest,
        scope=None,
    )
    cast(site.site, ledger_of(site), ballot, now)


__all__ = ["LATER", "NIGHT_1", "SmallSite", "at"]
