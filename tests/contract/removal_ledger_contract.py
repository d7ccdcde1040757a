"""What every database under the ledger must remember of removals, and forget of whom they are about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from beamkeeper.domain.census import Census, CensusEntry, CensusReason, Claim
from beamkeeper.domain.patient import Patient
from beamkeeper.ledger import RemovalPlaceRow, RemovalRow, RetentionRow, WordRow

if TYPE_CHECKING:
    from beamkeeper.ledger import Ledger

NOW = datetime(2026, 5, 1, 9, 4, 5, 678901, tzinfo=UTC)
ON = date(2026, 5, 1)
GOES, STAYS = Patient(patient_id="4711", name="Doe^Jane"), Patient(patient_id="4712", name="Roe^Jim")
ROW = RemovalRow(
    removal_id=f"goes/{ON}",
    pseudonym="goes",
    decided_on=ON,
    reason="last treated 2026-04-01, kept 30 days",
    state="decided",
    patient=GOES,
    receipt={},
    changed_at=NOW,
)


def known(ledger: Ledger) -> None:
    for pseudonym, patient in (("goes", GOES), ("stays", STAYS)):
        ledger.upsert_patient(pseudonym, patient, seen_on=ON)
        ledger.remember_identities(pseudonym, [patient])
    claim = Claim(source="ois", reason=CensusReason.TREATED_RECENTLY)
    entries = tuple(CensusEntry(patient=patient, claims=(claim,)) for patient in (GOES, STAYS))
    ledger.record_census(ON, Census(taken_at=NOW, entries=entries, sources=()))


class RemovalLedgerContract:
    """Tests the ledger's memory of removals; a subclass gives the fixture `ledger`."""

    def test_a_decision_begins_once_and_its_places_wait(self, ledger: Ledger) -> None:
        ledger.removals.begin(ROW, {"mirror usb": "mirror"})
        ledger.removals.begin(replace(ROW, reason="another"), {"mirror usb": "mirror", "hl7 mim": "hl7"})

        assert ledger.removals.all() == (ROW,)
        places = ledger.removals.places(ROW.removal_id)
        assert [(place.place, place.kind, place.state) for place in places] == [
            ("hl7 mim", "hl7", "waiting"),
            ("mirror usb", "mirror", "waiting"),
        ]

    def test_a_finished_removal_says_no_longer_who_it_was(self, ledger: Ledger) -> None:
        ledger.removals.begin(ROW, {})
        ledger.removals.finish(ROW.removal_id, state="going", at=NOW)
        assert ledger.removals.all(unfinished=True)[0].patient == GOES
        ledger.removals.finish(ROW.removal_id, state="gone", at=NOW, receipt={"places": []}, keep_name=False)

        assert ledger.removals.all(unfinished=True) == ()
        (row,) = ledger.removals.all(pseudonym="goes")
        assert (row.state, row.patient, row.receipt) == ("gone", None, {"places": []})

    def test_where_a_place_stands_is_replaced(self, ledger: Ledger) -> None:
        ledger.removals.begin(ROW, {"mirror usb": "mirror"})
        after = RemovalPlaceRow(
            removal_id=ROW.removal_id,
            place="mirror usb",
            kind="mirror",
            state="locked",
            said="Hidden.",
            until_on=ON,
            order_number="BK0123456789ABCDEF",
            order_taken=True,
            refusals=2,
            count=3,
            tries=2,
            tried_at=NOW,
        )
        ledger.removals.note_place(after)

        assert ledger.removals.places(ROW.removal_id) == (after,)

    def test_forgetting_takes_one_out_of_every_table_and_list_and_leaves_the_other(
        self, ledger: Ledger
    ) -> None:
        known(ledger)
        ledger.removals.say(
            WordRow(at=NOW, person="an", kind="hold", pseudonym="goes", reason="Doe complains")
        )
        ledger.removals.forget(["goes"])

        assert [row.pseudonym for row in ledger.patients()] == ["stays"]
        assert ledger.persons_with_id("4711") == ()
        assert ledger.folders_by_id() == {"4712": frozenset({"stays"})}
        census = ledger.census_of(ON)
        assert census is not None
        assert [entry.patient for entry in census.entries] == [STAYS]
        assert [word.reason for word in ledger.removals.words()] == [""]
        ledger.removals.forget(["goes"])

    def test_a_statement_that_two_persons_share_stays_with_the_one_who_stays(self, ledger: Ledger) -> None:
        known(ledger)
        ledger.remember_identities("stays", [GOES])
        ledger.removals.forget(["goes"])
        census = ledger.census_of(ON)

        assert census is not None
        assert len(census.entries) == 2

    def test_the_last_look_counts(self, ledger: Ledger) -> None:
        assert ledger.removals.last_run() is None
        first = RetentionRow(run_on=ON, at=NOW, found={"due": 1})
        ledger.removals.note_run(first)
        ledger.removals.note_run(replace(first, found={"due": 2}))

        assert ledger.removals.last_run() == replace(first, found={"due": 2})
