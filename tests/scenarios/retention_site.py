"""A small site at the end of somebody's time: one patient was treated last and left the list 45 days ago."""

from __future__ import annotations

import shutil
from datetime import date
from typing import TYPE_CHECKING

from night_site import NIGHT_1, SmallSite, at

from beamkeeper.app.jobs.quorum import cast, take_reports
from beamkeeper.app.jobs.retaining import RetentionOutcome, retain
from beamkeeper.app.jobs.retention_words import speak
from beamkeeper.app.jobs.runtime import open_ledger, open_runtime
from beamkeeper.domain.ballot import Ballot, Verdict, VotePath
from beamkeeper.protect.retain import WordKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.ledger import Ledger, PatientRow
    from beamkeeper.vault import Vault

LATER = date(2026, 4, 20)
"""Long after 30 days."""
SECRET_NAMES = 4


def put(site: SmallSite, settings: str) -> None:
    """Put settings into the site file, before its sources."""
    text = site.site_file.read_text(encoding="utf-8")
    site.site_file.write_text(text.replace("[[sources]]", f"{settings}\n[[sources]]", 1), encoding="utf-8")


def ledger_of(site: SmallSite) -> Ledger:
    return open_ledger(site.site)


def vault_of(site: SmallSite, day: date = LATER) -> Vault:
    return open_runtime(site.site, at(day, 12)).vault


def leave(site: SmallSite, folder: str = "p3") -> PatientRow:
    """Let a patient leave every source; return who it is."""
    known = {row.patient.patient_id: row for row in ledger_of(site).patients()}
    before = {path.name: path for path in site.source.iterdir()}
    from beamkeeper.wire.dicom.reader import read_stated_patient

    data = next(before[folder].glob("RTPLAN-*.dcm")).read_bytes()
    stated = read_stated_patient(memoryview(data), zone=site.site.zone)
    assert stated is not None
    shutil.rmtree(before[folder])
    return known[stated.patient_id]


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
