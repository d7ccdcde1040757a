"""What must be read out of a MOSAIQ database, trap by trap, whatever server keeps it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest

from beamkeeper.domain.census import CensusReason
from beamkeeper.domain.chart import Chart, NoteKind, Physician
from beamkeeper.protect.census import CensusWindow, SqlSource
from beamkeeper.protect.census.mosaiq import mosaiq_mapping
from beamkeeper.protect.ois_settings import MosaiqSettings
from beamkeeper.rehearse.sim.mosaiq.quirks import HOSTILE_ID, plan_uid
from beamkeeper.wire.sql import PartsRelation, open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.protect.census import SourceAnswer
    from beamkeeper.protect.census.entities import Entity

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
SETTINGS = MosaiqSettings(timezone="Europe/Brussels")
CODES = {"CPT", "Prompt", "Staff", "Topog"}
"""Tables that do not grow."""
EVERY_PLAN = tuple(range(1, 400))


def ask(url: str, settings: MosaiqSettings = SETTINGS) -> SourceAnswer:
    return SqlSource(mosaiq_mapping(settings), url).ask(NOW, CensusWindow())


@cache
def _asked_once(url: str) -> SourceAnswer:
    """Return one answer for all tests that only look at it."""
    return ask(url)


def counts_of(entry: CensusEntry, uid: str) -> dict[str, tuple[int | None, int | None]]:
    """Return (done, partial) by way of counting."""
    return {
        one.source.removeprefix("mosaiq, "): (one.fractions_done, one.fractions_partial)
        for one in entry.counts
        if one.plan_uid == uid
    }


def agreed(done: int, partial: int = 0) -> dict[str, tuple[int | None, int | None]]:
    """Return what the ways of counting say when they agree."""
    return {"calendar": (done, partial), "dose history": (done, partial), "field counter": (done, None)}


class MosaiqContract:
    """Subclass it and give it a module fixture `url`: a database with the quirky clinic in it."""

    @pytest.fixture
    def answer(self, url: str) -> SourceAnswer:
        return _asked_once(url)

    @pytest.fixture
    def listed(self, answer: SourceAnswer) -> dict[str, CensusEntry]:
        return {entry.patient.patient_id: entry for entry in answer.entries}

    # Versions and set ids.

    def test_what_is_plain_is_counted_alike_by_every_way(self, listed: dict[str, CensusEntry]) -> None:
        assert counts_of(listed["M1001"], plan_uid(1)) == agreed(10)
        assert listed["M1001"].disagreements == ()
        assert {one.fractions_planned for one in listed["M1001"].counts} == {15}

    def test_a_field_with_six_old_versions_is_one_field_and_counted_once(
        self, listed: dict[str, CensusEntry]
    ) -> None:
        assert counts_of(listed["M1011"], plan_uid(11)) == agreed(10)
        assert sorted(field.field_id for field in chart(listed["M1011"]).fields) == ["1", "2"]

    def test_a_prescription_edited_after_approval_is_shown_beside_the_approved_one(
        self, listed: dict[str, CensusEntry]
    ) -> None:
        ordered = listed["M1002"].courses[0].prescriptions
        assert {(rx.number_of_fractions, rx.status) for rx in ordered} == {
            (15, "approved"),
            (16, "unapproved"),
        }
        (plan,) = chart(listed["M1002"]).plans
        assert (plan.status, plan.approved_by) == ("approved", "Vermeulen")
        assert counts_of(listed["M1002"], plan_uid(2)) == agreed(10)

    def test_two_plans_of_one_prescription_are_counted_apart(self, listed: dict[str, CensusEntry]) -> None:
        assert counts_of(listed["M1006"], plan_uid(6)) == agreed(6)
        assert counts_of(listed["M1006"], plan_uid(106)) == agreed(4)
        assert [plan.status for plan in chart(listed["M1006"]).plans] == ["superseded", "approved"]
        assert not listed["M1006"].finished

    def test_a_hidden_field_is_not_shown(self, listed: dict[str, CensusEntry]) -> None:
        assert [field.field_id for field in chart(listed["M1012"]).fields] == ["1", "2"]

    def test_fields_without_a_plan_uid_keep_their_patient_and_are_shown(
        self, listed: dict[str, CensusEntry]
    ) -> None:
        assert listed["M1014"].counts == ()
        assert [field.plan_uid for field in chart(listed["M1014"]).fields] == ["", ""]

    # The history.

    def test_beams_in_qa_mode_are_no_fraction(self, listed: dict[str, CensusEntry]) -> None:
        assert counts_of(listed["M1021"], plan_uid(21)) == agreed(9)

    def test_an_attempt_that_was_cancelled_is_no_fraction(self, listed: dict[str, CensusEntry]) -> None:
        assert counts_of(listed["M1022"], plan_uid(22)) == agreed(10)

    def test_an_interrupted_fraction_is_partial(self, listed: dict[str, CensusEntry]) -> None:
        assert counts_of(listed["M1023"], plan_uid(23)) == agreed(9, 1)

    def test_an_interrupted_and_resumed_fraction_is_one_whole_fraction(
        self, listed: dict[str, CensusEntry]
    ) -> None:
        assert counts_of(listed["M1024"], plan_uid(24)) == agreed(10)

    def test_a_fraction_of_which_one_field_was_not_given_is_partial_and_the_calendar_contradicts(
        self, listed: dict[str, CensusEntry]
    ) -> None:
        assert counts_of(listed["M1025"], plan_uid(25))["dose history"] == (9, 1)
        (said,) = listed["M1025"].disagreements
        assert "9 by dose history" in said
        assert "10 by calendar" in said

    def test_a_calendar_that_lost_two_sessions_is_shown_to_disagree(
        self, listed: dict[str, CensusEntry]
    ) -> None:
        (said,) = listed["M1027"].disagreements
        assert said.endswith("fractions done are 8 by calendar, 10 by dose history, 10 by field counter")

    def test_imaging_fields_are_setup_and_never_a_fraction(self, listed: dict[str, CensusEntry]) -> None:
        assert counts_of(listed["M1013"], plan_uid(13)) == agreed(10)
        assert [(one.field_id, one.is_setup) for one in chart(listed["M1013"]).fields] == [
            ("1", False),
            ("2", False),
            ("CBCT", True),
        ]

    def test_void_sessions_and_other_activities_are_no_fractions(
        self, listed: dict[str, CensusEntry]
    ) -> None:
        assert counts_of(listed["M1031"], plan_uid(31)) == agreed(10)
        assert counts_of(listed["M1032"], plan_uid(32)) == agreed(10)

    # Prescriptions.

    def test_a_plan_moved_to_another_course_is_no_plan_at_zero(self, listed: dict[str, CensusEntry]) -> None:
        entry = listed["M1033"]

        assert entry.disagreements == (
            "mosaiq: plan 'BREAST': fractions done are 0 by calendar, 4 by dose history, 4 by field counter",
        )
        assert not entry.finished

    def test_beams_that_are_kept_twice_are_one_fraction(self, listed: dict[str, CensusEntry]) -> None:
        assert counts_of(listed["M1034"], plan_uid(34)) == agreed(10)

    def test_doses_are_in_gray(self, listed: dict[str, CensusEntry]) -> None:
        (ordered,) = listed["M1001"].courses[0].prescriptions
        assert (ordered.dose_per_fraction_gy, ordered.total_dose_gy) == pytest.approx((2.67, 40.05))

    def test_a_dose_in_rbe_is_called_so(self, listed: dict[str, CensusEntry]) -> None:
        assert listed["M1004"].courses[0].prescriptions[0].name == "BREAST (dose in Gy RBE)"

    def test_a_boost_says_which_prescription_it_follows(self, listed: dict[str, CensusEntry]) -> None:
        patterns = {rx.name: rx.pattern for rx in listed["M1003"].courses[0].prescriptions}
        assert patterns == {"BREAST": "Daily", "BOOST": "after fraction 15 of BREAST"}
        assert CensusReason.PLANNED_NOT_STARTED in reasons(listed["M1003"])

    def test_only_an_approved_prescription_waits_to_start(self, listed: dict[str, CensusEntry]) -> None:
        assert reasons(listed["M1007"]) == {CensusReason.PLANNED_NOT_STARTED}
        assert "M1008" not in listed

    def test_a_patient_on_a_break_is_kept_while_sessions_are_open(
        self, listed: dict[str, CensusEntry]
    ) -> None:
        assert reasons(listed["M1005"]) == {CensusReason.BEGUN_NOT_FINISHED}
        assert reasons(listed["M1026"]) == {CensusReason.BEGUN_NOT_FINISHED}

    # The schedule.

    def test_who_is_booked_is_listed_and_who_is_cancelled_moved_or_suppressed_is_not(
        self, listed: dict[str, CensusEntry]
    ) -> None:
        assert reasons(listed["M1041"]) == {CensusReason.SCHEDULED_SOON}
        assert not {"M1042", "M1043", "M1044", "M1045"} & listed.keys()

    def test_an_appointment_lasts_hundredths_of_a_second(self, listed: dict[str, CensusEntry]) -> None:
        (booked,) = listed["M1041"].appointments
        assert booked.starts_at == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
        assert booked.ends_at == booked.starts_at + timedelta(minutes=15)
        assert (booked.activity, booked.machine) == ("77412 Treatment Daily", "LINAC1")

    def test_a_visit_in_a_room_without_a_machine_is_no_treatment(
        self, listed: dict[str, CensusEntry]
    ) -> None:
        assert "M1046" not in listed
        assert reasons(listed["M1047"]) == {CensusReason.SIMULATED_RECENTLY}

    def test_a_status_that_nobody_knows_keeps_the_patient_and_is_said(
        self, answer: SourceAnswer, listed: dict[str, CensusEntry]
    ) -> None:
        assert {"M1048", "M1049"} <= listed.keys()
        said = "\n".join(answer.warnings)
        assert "[appointment] status 'Q' is not in the mapping (1 row(s))" in said
        assert "[appointment] status 'X,' is not in the mapping (1 row(s))" in said

    # People.

    def test_the_patient_id_may_stand_in_another_column(self, url: str) -> None:
        answer = ask(url, SETTINGS.model_copy(update={"mrn_column": "IDB"}))
        assert {entry.patient.patient_id for entry in answer.entries} == {"M1051"}

    def test_an_old_version_of_the_identity_does_not_double_the_patient(
        self, listed: dict[str, CensusEntry], answer: SourceAnswer
    ) -> None:
        assert [e.patient.name for e in answer.entries].count("SecondId^Ada") == 1
        assert "INSURANCE-7" in listed

    def test_an_inactive_patient_waits_for_nothing_but_is_kept_when_treated(
        self, listed: dict[str, CensusEntry]
    ) -> None:
        assert "M1052" not in listed
        assert reasons(listed["M1053"]) == {CensusReason.TREATED_RECENTLY}

    def test_who_has_died_or_had_everything_has_finished(self, answer: SourceAnswer) -> None:
        assert answer.finished_patient_ids == {"M1054", "M1057"}

    def test_test_patients_are_told_by_name_and_named(
        self, answer: SourceAnswer, listed: dict[str, CensusEntry]
    ) -> None:
        assert answer.test_patient_ids == {"QA-1"}
        assert "QA-1" not in listed

    def test_a_patient_without_an_id_is_said(self, answer: SourceAnswer) -> None:
        assert "A patient who must be kept has no Patient ID and cannot be kept." in answer.warnings

    # What people read.

    def test_notes_come_as_plain_text_alerts_first(self, listed: dict[str, CensusEntry]) -> None:
        notes = [(note.kind, note.subject, note.text) for note in chart(listed["M1061"]).notes]
        assert notes == [
            (NoteKind.ALERT, "PACEMAKER", "Pacemaker, left.\nKeep below 2 Gy."),
            (NoteKind.SETUP, "", "Bolus 5 mm on scar; arm up (left) – 20°."),
            (NoteKind.SETUP, "SETUP1", "Wingboard index B3"),
            (NoteKind.NOTE, "", "Żółć: skin reaction grade 1."),
        ]

    def test_documents_are_known_by_their_files_and_void_ones_are_not(
        self, listed: dict[str, CensusEntry]
    ) -> None:
        known = [(one.path, one.kind) for one in chart(listed["M1061"]).documents]
        assert known == [("00012345.pdf", "scan"), ("00012346.pdf", "scan")]

    def test_a_field_says_what_the_therapist_would_read(self, listed: dict[str, CensusEntry]) -> None:
        field = chart(listed["M1001"]).fields[0]
        assert (field.plan_uid, field.beam_number, field.name) == (plan_uid(1), 1, "Field 1")
        assert (field.machine, field.energy, field.beam_meterset) == ("LINAC1", "6X", 120.0)
        assert (field.gantry_angle_deg, field.gantry_stop_angle_deg) == (181.0, 179.0)
        assert (field.collimator_angle_deg, field.couch_angle_deg) == (10.0, 0.0)

    def test_who_answers_for_the_patient_is_named(self, listed: dict[str, CensusEntry]) -> None:
        assert chart(listed["M1001"]).physicians == (
            Physician(role="attending", name="Vermeulen", phone="+32 3 000000"),
        )

    def test_text_that_is_sql_is_read_as_text_and_harms_nothing(self, listed: dict[str, CensusEntry]) -> None:
        entry = listed[HOSTILE_ID]
        (told,) = entry.charts

        assert entry.patient.name.startswith("O'); DROP TABLE TxField;--")
        assert [(one.subject, one.text) for one in told.notes] == [("'); --", "1'; DROP TABLE Notes; --")]
        assert [one.path for one in told.documents] == [r"..\..\x'; DROP TABLE Object; --.pdf"]
        assert told.plans[0].plan_id == "'; DELETE FROM Site; --"
        assert counts_of(entry, plan_uid(71)) == agreed(5)
        assert "M1001" in listed

    def test_dates_of_1900_are_dates_and_an_appointment_of_less_than_no_time_has_no_end(
        self, answer: SourceAnswer, listed: dict[str, CensusEntry]
    ) -> None:
        entry = listed[HOSTILE_ID]

        assert entry.patient.birth_on == date(1900, 1, 1)
        assert [one.ends_at for one in entry.appointments] == [None]
        assert "[appointment] minutes: 1 value(s) cannot be read and are left out." in answer.warnings

    # The questions.

    def test_no_value_comes_with_the_blanks_of_its_column(self, url: str) -> None:
        """Trimmed in the question already: a padded value joins nothing and equals no DICOM UID."""
        padded: list[tuple[str, str]] = []
        with open_source(url, read_only=False) as database:
            for section in mosaiq_mapping(SETTINGS).sections:
                relation = database.resolve(section.relation)
                aliases = tuple(sorted(database.aliases(relation)))
                for row in database.rows(relation, aliases, parameters={"keys": EVERY_PLAN}):
                    padded += [
                        (section.label, alias)
                        for alias, value in row.items()
                        if isinstance(value, str) and value != value.rstrip(" ") and alias != "status"
                    ]
        assert set(padded) == set()

    def test_everything_that_is_asked_is_there(self, answer: SourceAnswer) -> None:
        assert not [said for said in answer.warnings if "is left out" in said or "is not known" in said]


def chart(entry: CensusEntry) -> Chart:
    (found,) = entry.charts
    return found


def reasons(entry: CensusEntry) -> set[CensusReason]:
    return {claim.reason for claim in entry.claims}


def parts() -> Iterator[tuple[Entity, PartsRelation]]:
    """Yield every section of the shipped mapping that is a SELECT in parts."""
    for section in mosaiq_mapping(SETTINGS).sections:
        if isinstance(section.relation, PartsRelation):
            yield section.entity, section.relation
