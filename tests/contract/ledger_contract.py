"""What every database under the ledger must do; run over SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from beamkeeper.domain.ballot import Ballot, NightFacts, Verdict, VotePath
from beamkeeper.domain.census import (
    Appointment,
    Census,
    CensusEntry,
    CensusReason,
    Claim,
    OisCount,
    SourceReport,
)
from beamkeeper.domain.change import Change, Grade, ObjectComparison
from beamkeeper.domain.night import NightOutcome
from beamkeeper.domain.patient import Contact, Patient
from beamkeeper.domain.plan import Course, Prescription
from beamkeeper.domain.position import Conflict, ConflictKind, CoursePosition, FractionState, PlanPosition
from beamkeeper.ledger import AnnouncementRow, DocumentRow, Ledger
from beamkeeper.vault import StoredDocument, StoredObject

NIGHT = date(2026, 3, 29)
NOW = datetime(2026, 3, 29, 1, 0, 0, 123456, tzinfo=UTC)

PATIENT = Patient(
    patient_id="0123-é",
    name="Peeters^Jan=彼得斯^扬",
    issuer_of_patient_id="HOSP",
    birth_on=date(1960, 1, 2),
    sex="M",
    language="nl",
    contacts=(Contact(relation="spouse", name="Janssens^An", phone="+32 3 000 00 00"),),
)

CENSUS = Census(
    taken_at=NOW,
    entries=(
        CensusEntry(
            patient=PATIENT,
            claims=(Claim(source="ois", reason=CensusReason.TREATED_RECENTLY),),
            courses=(
                Course(
                    course_id="C1",
                    prescriptions=(
                        Prescription(name="breast", dose_per_fraction_gy=2.67, number_of_fractions=15),
                    ),
                    plan_uids=("1.2.3",),
                ),
            ),
            appointments=(Appointment(starts_at=NOW, activity="Treatment", machine="LINAC1"),),
            counts=(OisCount(plan_uid="1.2.3", source="ois", fractions_planned=15, fractions_done=None),),
            disagreements=("ois: sex F, pacs: M",),
        ),
    ),
    sources=(SourceReport(source="pacs", answered=False, patient_count=0, error="No answer."),),
    stale=True,
)


def kept(number: int, *, content: str = "", **changes: object) -> StoredObject:
    values: dict[str, object] = {
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
        "sop_instance_uid": f"1.2.3.{number}",
        "study_instance_uid": "1.2.3",
        "series_instance_uid": "1.2.3.0",
        "patient_id": "P1",
        "modality": "CT",
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "sha256": hashlib.sha256(f"{number} {content}".encode()).hexdigest(),
        "size_bytes": 5_000_000_000,
        "parcel": "patients/ab/2026-03-29.tar.zst.age",
        "member": f"dicom/CT/1.2.3.{number}.dcm",
        "first_seen_on": NIGHT,
        "last_seen_on": NIGHT,
    }
    return StoredObject(**(values | changes))  # type: ignore[arg-type]


def comparison(uid: str, grade: Grade = Grade.CLINICAL) -> ObjectComparison:
    change = Change(
        path="BeamSequence[BeamNumber=2]", old="12.4", new=None, text="Beam 2: 12.4 → gone", grade=grade
    )
    return ObjectComparison(
        sop_instance_uid=uid,
        sop_class_uid="1.2",
        modality="RTPLAN",
        kind="plan",
        label="VMAT1",
        grade=grade,
        changes=(change,),
    )


class LedgerContract:
    """Subclass it and give it a fixture `ledger`: an open, migrated, empty ledger."""

    def test_a_night_begins_once_for_its_local_date(self, ledger: Ledger) -> None:
        first = ledger.begin_night(NIGHT, NOW)
        again = ledger.begin_night(NIGHT, NOW + timedelta(hours=1))

        assert first == again
        assert (first.started_at, first.outcome, first.finished_at) == (NOW, "running", None)

    def test_a_finished_night_tells_how_it_ended(self, ledger: Ledger) -> None:
        ledger.begin_night(NIGHT, NOW)
        for _ in range(2):
            ledger.finish_night(
                NIGHT, finished_at=NOW, outcome=NightOutcome.INCOMPLETE, summary={"patients": 3}
            )

        night = ledger.night(NIGHT)
        assert night is not None
        assert (night.outcome, night.finished_at, night.summary) == ("incomplete", NOW, {"patients": 3})

    def test_a_night_that_never_began_cannot_end(self, ledger: Ledger) -> None:
        with pytest.raises(ValueError, match="no night began"):
            ledger.finish_night(NIGHT, finished_at=NOW, outcome="complete", summary={})

    def test_only_a_complete_night_counts_as_the_last_complete_one(self, ledger: Ledger) -> None:
        outcomes = [NightOutcome.COMPLETE, NightOutcome.INCOMPLETE, NightOutcome.STOPPED]
        for days, outcome in enumerate(outcomes):
            ledger.begin_night(NIGHT + timedelta(days=days), NOW)
            ledger.finish_night(NIGHT + timedelta(days=days), finished_at=NOW, outcome=outcome, summary={})
        ledger.begin_night(NIGHT + timedelta(days=3), NOW)

        last = ledger.last_complete_night()
        assert last is not None
        assert last.run_on == NIGHT
        assert [night.run_on.day for night in ledger.nights(2)] == [1, 31]

    def test_newer_facts_of_a_patient_replace_older_ones_and_never_the_reverse(self, ledger: Ledger) -> None:
        other = Patient(patient_id="0123-é", name="Peeters^Johan")
        ledger.upsert_patient("ab", PATIENT, seen_on=NIGHT)
        ledger.upsert_patient("ab", other, seen_on=NIGHT - timedelta(days=2), finished=True)

        row = ledger.patient("ab")
        assert row is not None
        assert (row.patient, row.finished) == (PATIENT, False)
        assert (row.first_seen_on, row.last_seen_on) == (NIGHT - timedelta(days=2), NIGHT)

    def test_two_issuers_may_use_the_same_patient_id(self, ledger: Ledger) -> None:
        ledger.upsert_patient("ab", PATIENT, seen_on=NIGHT)
        ledger.upsert_patient("cd", Patient(patient_id="0123-é", name="Other^Person"), seen_on=NIGHT)
        ledger.upsert_patient("ef", Patient(patient_id="999", name="Third^Person"), seen_on=NIGHT)

        assert [row.pseudonym for row in ledger.patient_by_id("0123-é")] == ["ab", "cd"]
        assert ledger.patient_by_id("nobody") == ()
        assert len(ledger.patients()) == 3

    def test_everything_stated_of_a_person_is_remembered_with_their_folder(self, ledger: Ledger) -> None:
        married = replace(PATIENT, name="Claes^Jana", contacts=())
        ledger.upsert_patient("ab", PATIENT, seen_on=NIGHT)
        for _ in range(2):
            ledger.remember_identities("ab", [PATIENT, married])
        ledger.remember_identities("cd", [Patient(patient_id=PATIENT.patient_id, name="Other^Person")])
        ledger.remember_identities("ef", [Patient(patient_id="999", name="Third^Person")])
        one, other = ledger.persons_with_id(PATIENT.patient_id)

        assert (one.pseudonym, other.pseudonym) == ("ab", "cd")
        assert {stated.name for stated in one.known_as} == {PATIENT.name, "Claes^Jana"}
        assert len(one.known_as) == 2
        assert ledger.persons_with_id("nobody") == ()

    def test_objects_come_back_as_they_were_kept(self, ledger: Ledger) -> None:
        objects = tuple(kept(number) for number in range(5))
        ledger.record_objects("ab", objects)
        ledger.record_objects("cd", objects[:1])

        assert ledger.current_objects("ab") == objects
        assert len(ledger.current_objects("cd")) == 1

    def test_recording_twice_changes_nothing(self, ledger: Ledger) -> None:
        objects = [kept(number) for number in range(5)]
        ledger.record_objects("ab", objects)
        before = ledger.current_objects("ab")
        ledger.record_objects("ab", objects)

        assert ledger.current_objects("ab") == before

    def test_two_versions_of_one_uid_are_both_kept(self, ledger: Ledger) -> None:
        ledger.record_objects("ab", [kept(1, content="old")])
        old = kept(1, content="old", superseded=True, present=False)
        new = kept(1, content="new", first_seen_on=NIGHT + timedelta(days=1))
        ledger.record_objects("ab", [old, new])

        assert ledger.current_objects("ab") == (old, new)

    def test_a_batch_of_objects_is_kept_whole_or_not_at_all(self, ledger: Ledger) -> None:
        good = [kept(number) for number in range(3)]
        with pytest.raises(ValueError, match="SHA-256"):
            ledger.record_objects("ab", [*good, kept(9, sha256="abcd")])

        assert ledger.current_objects("ab") == ()

    def test_who_else_has_an_object_is_asked_by_its_uid(self, ledger: Ledger) -> None:
        count = 1_200  # more than one statement takes
        ledger.record_objects("ab", [kept(number) for number in range(count)])
        ledger.record_objects("ab", [kept(2_001, present=False), kept(2_002, superseded=True)])
        ledger.record_objects("cd", [kept(3_000)])
        uids = [f"1.2.3.{number}" for number in (*range(count), 2_001, 2_002, 3_000, 4_000)]

        assert ledger.held_by_others("cd", uids) == {f"1.2.3.{number}": "ab" for number in range(count)}
        assert ledger.held_by_others("ab", uids) == {"1.2.3.3000": "cd"}
        assert ledger.held_by_others("cd", ()) == {}

    def test_which_uids_are_kept_is_asked_of_any_version_of_anybody(self, ledger: Ledger) -> None:
        count = 1_200  # more than one statement takes
        ledger.record_objects("ab", [kept(number) for number in range(count)])
        ledger.record_objects("cd", [kept(2_001, present=False), kept(2_002, superseded=True)])
        held = {f"1.2.3.{number}" for number in (*range(count), 2_001, 2_002)}

        assert ledger.known_uids(held | {"1.2.3.4000"}) == held
        assert ledger.known_uids(()) == frozenset()

    def test_objects_of_a_modality_are_counted_by_series_each_once(self, ledger: Ledger) -> None:
        records = {"modality": "RTRECORD", "series_instance_uid": "1.9"}
        ledger.record_objects(
            "ab", [kept(1, **records), kept(1, content="other", **records), kept(2, **records)]
        )
        ledger.record_objects("ab", [kept(3, modality="CT", series_instance_uid="1.9")])
        ledger.record_objects("cd", [kept(4, **records)])

        assert ledger.series_counts("ab", "RTRECORD") == {"1.9": 2}
        assert ledger.series_counts("ef", "RTRECORD") == {}

    def test_where_bytes_lie_is_asked_by_their_digest(self, ledger: Ledger) -> None:
        objects = [kept(number) for number in range(3)]
        ledger.record_objects("ab", objects)
        found = ledger.with_digests([objects[1].sha256, kept(7).sha256])

        assert found == {objects[1].sha256: objects[1]}
        assert ledger.with_digests(()) == {}

    def test_every_digest_is_known_in_ascending_order(self, ledger: Ledger) -> None:
        objects = [kept(number) for number in range(50)]
        ledger.record_objects("ab", objects[:30])
        ledger.record_objects("cd", objects[30:])

        assert list(ledger.known_digests()) == sorted(bytes.fromhex(item.sha256) for item in objects)

    def test_changes_of_a_night_replace_those_of_the_same_night(self, ledger: Ledger) -> None:
        ledger.record_changes(NIGHT, "ab", [comparison("1"), comparison("2"), comparison("3")])
        ledger.record_changes(NIGHT, "ab", [comparison("1"), comparison("2", Grade.NEW)])
        ledger.record_changes(NIGHT + timedelta(days=1), "ab", [comparison("4")])
        ledger.record_changes(NIGHT, "cd", [comparison("5")])

        assert [row.comparison for row in ledger.changes(NIGHT, "ab")] == [
            comparison("1"),
            comparison("2", Grade.NEW),
        ]
        assert [row.comparison.sop_instance_uid for row in ledger.changes(pseudonym="ab")] == ["1", "2", "4"]
        assert len(ledger.changes(run_on=NIGHT)) == 3
        assert len(ledger.changes()) == 4

    def test_an_announcement_counts_from_its_beginning_up_to_its_end(self, ledger: Ledger) -> None:
        announcement = AnnouncementRow(
            pseudonym="ab",
            scope="replan",
            reason="weight loss",
            announced_by="physicist 1",
            announced_at=NOW,
            valid_from=NOW,
            valid_until=NOW + timedelta(days=7),
        )
        for _ in range(2):
            ledger.announce(announcement)

        moment = timedelta(microseconds=1)
        assert ledger.announcements(NOW) == (announcement,)
        assert ledger.announcements(NOW + timedelta(days=7) - moment) == (announcement,)
        assert ledger.announcements(NOW - moment) == ()
        assert ledger.announcements(NOW + timedelta(days=7)) == ()
        assert ledger.announcements() == (announcement,)

    def test_the_list_of_a_night_comes_back_without_loss(self, ledger: Ledger) -> None:
        ledger.record_census(NIGHT - timedelta(days=1), Census(taken_at=NOW, entries=(), sources=()))
        for _ in range(2):
            ledger.record_census(NIGHT, CENSUS)

        assert ledger.last_census() == CENSUS
        assert ledger.census_of(NIGHT) == CENSUS
        assert ledger.census_of(NIGHT + timedelta(days=1)) is None
        assert ledger.last_census(before=NIGHT) == Census(taken_at=NOW, entries=(), sources=())
        assert ledger.last_census(before=NIGHT - timedelta(days=1)) is None

    def test_positions_come_back_without_loss(self, ledger: Ledger) -> None:
        fraction = FractionState(fraction_number=3, complete=False, partial_beams=((1, 100.5, 200.0),))
        plan = PlanPosition(
            plan_uid="1.2.3",
            rt_plan_label="VMAT1",
            fractions_planned=15,
            fractions_complete=2,
            fractions_partial=1,
            next_fraction_number=3,
            next_is_continuation=True,
            dose_so_far_gy=6.675,
            first_treated_at=NOW,
            last_treated_at=None,
            fractions=(fraction,),
            conflicts=(Conflict(kind=ConflictKind.COUNT_DIFFERS, text="ois: 3, records: 2"),),
        )
        position = CoursePosition(patient_id="P1", plans=(plan,), unassigned_record_uids=("9.9",))
        for _ in range(2):
            ledger.record_position(NIGHT, "ab", position)
        ledger.record_position(NIGHT + timedelta(days=1), "ab", position)

        assert [row.position for row in ledger.positions(NIGHT)] == [position]
        assert len(ledger.positions(pseudonym="ab")) == 2
        assert [row.as_of for row in ledger.positions()] == [None, None]

    def test_a_position_counted_after_the_night_says_when_and_takes_its_place(self, ledger: Ledger) -> None:
        night, later = (CoursePosition(patient_id=patient_id, plans=()) for patient_id in ("P1", "P2"))
        ledger.record_position(NIGHT, "ab", night)
        ledger.record_position(NIGHT, "ab", later, as_of=NOW)

        assert [(row.position, row.as_of) for row in ledger.positions()] == [(later, NOW)]

    def test_an_empty_ledger_knows_nothing(self, ledger: Ledger) -> None:
        assert ledger.night(NIGHT) is None
        assert ledger.last_complete_night() is None
        assert ledger.patient("ab") is None
        assert ledger.last_census() is None
        assert list(ledger.known_digests()) == []
        assert ledger.audit.verify_chain().lines == 0

    def test_several_threads_may_write_at_once(self, ledger: Ledger) -> None:
        failures: list[BaseException] = []

        def work(worker: int) -> None:
            try:
                for round_ in range(5):
                    ledger.record_objects(f"p{worker}", [kept(worker * 100 + round_)])
                    ledger.begin_night(NIGHT, NOW)
                    ledger.audit.append("write", actor=f"worker {worker}", outcome="done", at=NOW)
            except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert failures == []
        assert len(list(ledger.known_digests())) == 20
        report = ledger.audit.verify_chain()
        assert report.is_whole
        assert report.lines == 20

    def test_migrating_again_changes_nothing(self, ledger: Ledger) -> None:
        ledger.begin_night(NIGHT, NOW)
        ledger.migrate()

        assert ledger.night(NIGHT) is not None

    def test_what_a_night_gives_to_confirm_is_kept_with_where_it_stands(self, ledger: Ledger) -> None:
        first = NightFacts(night=NIGHT, digest="a" * 64, items=("ab",), reported_at=NOW)
        again = replace(first, digest="b" * 64, items=())
        ledger.votes.record_facts(first, state="unverified", at=NOW)
        ledger.votes.record_facts(again, state="quiet", at=NOW)
        ledger.votes.record_facts(NightFacts(night=NIGHT - timedelta(days=1)), state="overdue", at=NOW)

        assert ledger.votes.facts(NIGHT) == again
        assert ledger.votes.state(NIGHT) == "quiet"
        assert ledger.votes.states(since=NIGHT) == {NIGHT: "quiet"}
        assert [facts.night for facts in ledger.votes.all_facts()] == [NIGHT - timedelta(days=1), NIGHT]
        assert ledger.votes.all_facts(since=NIGHT) == (again,)
        assert ledger.votes.facts(NIGHT + timedelta(days=1)) is None
        assert ledger.votes.state(NIGHT + timedelta(days=1)) == ""

    def test_documents_are_kept_by_version_with_what_is_known_of_their_files(self, ledger: Ledger) -> None:
        first = DocumentRow(
            stored=StoredDocument(
                document_id="ois/7",
                title="Setup – Rücken",
                media_type="text/plain",
                sha256="a" * 64,
                size_bytes=12,
                parcel="p/2026-03-29-1.tar.zst.age",
                member="documents/setup-aaaaaaaaaaaaaaaa.txt",
                first_seen_on=NIGHT,
                last_seen_on=NIGHT,
            ),
            kind="setup note",
            place="share/2026Q1/setup.txt",
            stamp="12.1",
            read_on=NIGHT,
        )
        second = replace(first, stored=replace(first.stored, sha256="b" * 64))
        older = replace(first, stored=replace(first.stored, superseded=True), stamp="")

        assert ledger.record_documents("p", [first, second]) == 2
        assert ledger.record_documents("p", [older]) == 1
        assert ledger.documents("p") == (older, second)
        assert ledger.documents("q") == ()
        ledger.removals.forget(["p"])
        assert ledger.documents("p") == ()

    def test_a_ballot_is_kept_once_and_comes_back_as_it_was(self, ledger: Ledger) -> None:
        ballot = Ballot(
            night=NIGHT,
            person="an",
            verdict=Verdict.DISPUTE,
            scope=("ab",),
            path=VotePath.MAIL,
            at=NOW,
            digest="a" * 64,
            reason="boost not ordered",
        )
        later = replace(ballot, verdict=Verdict.CONFIRM, scope=None, at=NOW + timedelta(hours=1))
        other = replace(ballot, night=NIGHT - timedelta(days=1))

        assert [ledger.votes.record_ballot(item) for item in (later, ballot, ballot, other)] == [
            True,
            True,
            False,
            True,
        ]
        assert ledger.votes.ballots(NIGHT) == (ballot, later)
        assert ledger.votes.ballots(since=NIGHT) == (ballot, later)
        assert ledger.votes.ballots() == (other, ballot, later)

    def test_what_was_sent_and_what_was_taken_counts_once(self, ledger: Ledger) -> None:
        votes, hour = ledger.votes, timedelta(hours=1)

        assert votes.note_sent("overdue/0", night=NIGHT, at=NOW)
        assert not votes.note_sent("overdue/0", night=NIGHT, at=NOW + hour)
        assert votes.sent(since=NIGHT) == (("overdue/0", NOW),)
        assert votes.sent(since=NIGHT + timedelta(days=1)) == ()
        assert not votes.was_taken("mail 1")
        assert votes.take_once("mail 1", what="mail", at=NOW)
        assert not votes.take_once("mail 1", what="mail", at=NOW + hour)
        assert votes.was_taken("mail 1")
        assert votes.take_once("mail 2", what="mail", at=NOW + hour)
        assert votes.count_taken("mail") == 2
        assert votes.count_taken("mail", since=NOW + hour) == 1
        assert votes.count_taken("code") == 0
