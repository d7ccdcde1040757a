"""A patient's time is over: gone everywhere, proved, with a receipt; or held, with the reason said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite, at
from retention_site import LATER, leave, put, release, run_retention, vault_of, vote
from voting_site import QUORUM

from beamkeeper.app.jobs.retention_facts import look
from beamkeeper.app.jobs.runtime import open_runtime

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.ledger import PatientRow

MIRROR = """
[[mirrors]]
name = "usb"
kind = "directory"
path = "{path}"
unsafe_same_disk = true
"""


@pytest.fixture
def mirrored(kept_site: SmallSite) -> SmallSite:
    """A site with people and one mirror."""
    usb = kept_site.root / "usb"
    usb.mkdir()
    put(kept_site, QUORUM + MIRROR.format(path=usb))
    return kept_site


@pytest.fixture
def over(mirrored: SmallSite) -> tuple[SmallSite, PatientRow]:
    """The night of LATER is played and trusted; one patient left every source long ago."""
    from beamkeeper.app.jobs.mirroring import run_mirrors

    gone = leave(mirrored)
    for _ in run_mirrors(mirrored.site, at(NIGHT_1, 4), mirrored.site.mirrors):
        pass
    mirrored.night(LATER)
    vote(mirrored, "an")
    vote(mirrored, "bo", minute=1)
    return mirrored, gone


def verdict_of(site: SmallSite, pseudonym: str) -> tuple[str, str]:
    found = look(open_runtime(site.site, at(LATER, 12))).plan
    return next((str(v.kind), v.reason) for v in found.verdicts if v.pseudonym == pseudonym)


def who_still_names(root: Path, text: str) -> list[str]:
    """Return the files in which a text stands, deleted rows of databases included."""
    return [
        str(p.relative_to(root))
        for p in sorted(root.rglob("*"))
        if p.is_file() and text.encode() in p.read_bytes()
    ]


def test_whose_time_is_over_and_has_fractions_left_is_held_until_two_release(over) -> None:
    site, gone = over
    kind, reason = verdict_of(site, gone.pseudonym)

    assert kind == "hold"
    assert "2 more must release" in reason
    release(site, gone.pseudonym, "an")
    assert "1 more must release" in verdict_of(site, gone.pseudonym)[1]
    release(site, gone.pseudonym, "an", "bo")
    assert verdict_of(site, gone.pseudonym)[0] == "remove"


def test_a_removed_patient_is_gone_from_vault_mirror_and_this_computer_and_the_receipt_says_so(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    outcome = run_retention(site)

    assert outcome.removed == (gone.pseudonym,)
    assert [row.pseudonym for row in outcome.finished] == [gone.pseudonym]
    assert outcome.waiting == ()
    assert gone.pseudonym not in vault_of(site).pseudonyms()
    assert not list((site.vault_dir / "targets").glob(f"{gone.pseudonym}*"))
    assert not [
        path for path in (site.root / "usb" / "targets").rglob("*.age") if gone.pseudonym in str(path)
    ]
    assert gone.patient.birth_on is not None  # the name is another patient's, too
    assert who_still_names(site.root / "site", gone.patient.birth_on.isoformat()) == []
    assert who_still_names(site.root / "site", gone.patient.patient_id) == []
    (receipt,) = (site.root / "site" / "data" / "receipts").iterdir()
    told = json.loads(receipt.read_bytes())
    assert told["pseudonym"] == gone.pseudonym
    assert [(place["place"], place["state"]) for place in told["places"]] == [("mirror usb", "gone")]
    assert told["vault"]["parcels"] >= 1


def test_who_stays_is_whole_and_the_next_night_is_quiet(over, tmp_path: Path) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    run_retention(site)
    after = LATER.replace(day=LATER.day + 1)
    report = site.night(after)

    assert report.outcome.value == "complete"
    assert gone.pseudonym not in {patient.pseudonym for patient in report.patients}
    assert report.eyes_count == 0
    site.verify_holds_the_source(tmp_path / "out", after)
