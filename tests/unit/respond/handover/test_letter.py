"""What a physicist of another house reads before the first beam: who it is, whom to call, what was agreed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from beamkeeper.domain.patient import Contact, Patient
from beamkeeper.protect.lists.text import page_text
from beamkeeper.respond.handover import BundleKind, Manifest, new_bundle_id
from beamkeeper.respond.handover.letter import CONTACTS_MAX, LAW, letter_page

CALLED = tuple(
    Contact(name=f"Person {number}", relation="sister", phone=f"+32 2 555 0{number}")
    for number in range(CONTACTS_MAX)
)
SENT = Manifest(
    bundle_id=new_bundle_id(),
    kind=BundleKind.HANDOVER,
    number=1,
    incident_id="2026-03-03-kqzt",
    sender="AZ Zuid",
    recipient="AZ Noord",
    made_at=datetime(2026, 3, 3, 12, tzinfo=UTC),
    made_by="A. Jansen",
    time_zone="Europe/Brussels",
    night=date(2026, 3, 2),
    trust="Confirmed by two.",
    pseudonym="p",
    patient=Patient(patient_id="0012345", name="Jansen^Maria", birth_on=date(1957, 3, 14), contacts=CALLED),
    position=None,
)


def words(manifest: Manifest) -> str:
    return " ".join(page_text(letter_page(manifest)).split())


def test_the_letter_says_who_it_is_and_whom_to_call() -> None:
    said = words(SENT)

    assert "Jansen, Maria" in said
    assert "0012345" in said
    assert "1957-03-14" in said
    assert all(one.phone in said and f"sister {one.name}" in said for one in CALLED)
    assert "AZ Zuid to AZ Noord" in said


def test_what_nobody_agreed_on_is_said_and_never_left_out() -> None:
    silent = words(SENT)
    agreed = words(
        replace(SENT, consent="by telephone: agrees", law="our lawyers: § 9", accessories=("mask 7", "wing"))
    )

    assert "Nobody has written down that the patient was asked." in silent
    assert " ".join(LAW.split()) in silent
    assert "none that the copy names: ask" in silent
    assert all(text in agreed for text in ("by telephone: agrees", "our lawyers: § 9", "mask 7; wing"))
    assert LAW[:40] not in agreed
