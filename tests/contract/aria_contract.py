"""What must be read out of ARIA, whatever goes wrong in it: each trap happens to one invented patient."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from beamkeeper.domain.chart import NoteKind
from beamkeeper.protect.census import CensusWindow, SqlSource, aria_mapping
from beamkeeper.protect.documents import ShareRules, wanted_by_ois
from beamkeeper.protect.ois_settings import AriaSettings
from beamkeeper.rehearse.sim.aria.quirks import HOSTILE_ID

if TYPE_CHECKING:
    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.protect.census import SourceAnswer

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
SETTINGS = AriaSettings(timezone="Europe/Brussels", schema="", triage_column="UserDefAttrib03")
CODES = {
    "Activity", "AddOn", "Doctor", "EnergyMode", "LookupTable", "Machine", "Tolerance",
    "note_typ", "quick_note_typ",
}  # fmt: skip
"""What does not grow."""

HISTORY, SESSIONS = "aria, beam history", "aria, session state"


def ask_aria(url: str, settings: AriaSettings = SETTINGS) -> SourceAnswer:
    """Return what the shipped mapping reads."""
    return SqlSource(aria_mapping(settings), url, name="aria").ask(NOW, CensusWindow())


def counts(entry: CensusEntry) -> dict[tuple[str, str], tuple[int | None, int | None]]:
    """Return done and partial by method and by the end of the plan's UID."""
    plans = {uid: number for number, uid in enumerate(sorted({c.plan_uid for c in entry.counts}), start=1)}
    return {
        (c.source, f"plan {plans[c.plan_uid]}"): (c.fractions_done, c.fractions_partial) for c in entry.counts
    }


class AriaContract:
    """Subclass it and give it a module fixture `answer`: what the quirky department's database answers."""

    @pytest.fixture
    def entries(self, answer: SourceAnswer) -> dict[str, CensusEntry]:
        return {entry.patient.patient_id: entry for entry in answer.entries}

    def test_everything_about_an_ordinary_patient_is_read(self, entries: dict[str, CensusEntry]) -> None:
        entry = entries["plain"]
        (chart,) = entry.charts

        assert (entry.patient.name, entry.patient.birth_on, entry.patient.sex) == (
            "Plain^Anna",
            date(1960, 1, 2),
            "F",
        )
        assert [(one.name, one.phone) for one in entry.patient.contacts] == [
            ("", "+32 1"),
            ("Janssens, Jan", "+32 2"),
        ]
        assert [(one.role, one.name) for one in chart.physicians] == [
            ("primary oncologist", "Oncologist, Doctor")
        ]
        assert [(one.kind, one.text) for one in chart.notes] == [(NoteKind.ALERT, "Pacemaker")]
        assert chart.triage is not None
        assert chart.triage.code == "2"
        assert (entry.courses[0].diagnosis, entry.courses[0].intent) == ("C50.9 Breast", "Curative")
        assert [one.activity for one in entry.appointments] == ["Daily Treatment"]
        assert [(one.activity, one.machine, one.status) for one in chart.past_appointments] == [
            ("Daily Treatment", "LINAC1", "done")
        ]
        assert entry.disagreements == ()

    def test_fields_come_with_accessories_and_the_setup_field_without_meterset(
        self, entries: dict[str, CensusEntry]
    ) -> None:
        setup, first, second = entries["plain"].charts[0].fields

        assert (setup.is_setup, setup.beam_meterset, setup.setup_note) == (True, None, "Arms up")
        assert (first.energy, first.beam_meterset, first.accessories, first.tolerance) == (
            "6X",
            100.0,
            ("Bolus 5", "Wedge"),
            "H+N",
        )
        assert (second.gantry_angle_deg, second.gantry_stop_angle_deg, second.accessories) == (
            181.0,
            179.0,
            (),
        )

    def test_a_dose_with_decimal_comma_and_one_in_cgy_are_gy(self, entries: dict[str, CensusEntry]) -> None:
        ordered = entries["plain"].courses[0].prescriptions

        assert [(rx.target, rx.total_dose_gy, rx.dose_per_fraction_gy) for rx in ordered] == [
            ("PTV", 40.05, 2.67),
            ("PTVboost", 48.0, 3.2),
        ]

    def test_each_revision_of_a_plan_is_counted_for_itself(self, entries: dict[str, CensusEntry]) -> None:
        entry = entries["revised"]

        assert [(one.status, one.revision) for one in entry.charts[0].plans] == [
            ("superseded", "1"),
            ("approved", "2"),
        ]
        assert counts(entry) == {
            (HISTORY, "plan 1"): (2, 0),
            (SESSIONS, "plan 1"): (2, None),
            (HISTORY, "plan 2"): (2, 0),
            (SESSIONS, "plan 2"): (2, None),
        }

    def test_sessions_that_point_at_a_replaced_plan_are_shown(self, entries: dict[str, CensusEntry]) -> None:
        assert entries["sessions-left-behind"].disagreements == (
            "aria: plan 'VMAT': 13 session(s) are still open, but the plan is superseded",
        )

    def test_a_partial_fraction_and_its_continuation_are_one_fraction(
        self, entries: dict[str, CensusEntry]
    ) -> None:
        assert counts(entries["continued"])[HISTORY, "plan 1"] == (3, 0)

    @pytest.mark.parametrize("quirk", ["partial", "field-left-out"])
    def test_a_fraction_whose_metersets_are_not_all_given_is_partial(
        self, entries: dict[str, CensusEntry], quirk: str
    ) -> None:
        assert counts(entries[quirk])[HISTORY, "plan 1"] == (3, 1)

    @pytest.mark.parametrize("quirk", ["skipped", "twice-a-day"])
    def test_skipped_numbers_and_two_a_day_are_counted_as_what_they_are(
        self, entries: dict[str, CensusEntry], quirk: str
    ) -> None:
        assert counts(entries[quirk]) == {
            (HISTORY, "plan 1"): (3, 0),
            (SESSIONS, "plan 1"): (3, None),
        }

    def test_setup_fields_and_port_films_are_no_fraction(self, entries: dict[str, CensusEntry]) -> None:
        entry = entries["imaged-only"]

        assert counts(entry) == {(SESSIONS, "plan 1"): (0, None)}
        assert {claim.reason.name for claim in entry.claims} == {"PLANNED_NOT_STARTED"}

    def test_a_patient_of_machine_qa_is_no_patient(self, answer: SourceAnswer) -> None:
        assert answer.test_patient_ids == {"$QA-PHANTOM"}

    def test_a_verification_plan_is_listed_and_not_counted(self, entries: dict[str, CensusEntry]) -> None:
        entry = entries["verified"]

        assert [one.intent for one in entry.charts[0].plans] == ["", "VERIFICATION"]
        assert len({count.plan_uid for count in entry.counts}) == 1

    def test_a_record_without_plan_key_is_counted_by_its_plan_uid(
        self, entries: dict[str, CensusEntry]
    ) -> None:
        assert counts(entries["imported"])[HISTORY, "plan 1"] == (3, 0)

    def test_who_was_treated_with_a_plan_nobody_has_is_on_the_list(
        self, entries: dict[str, CensusEntry]
    ) -> None:
        assert [claim.reason.name for claim in entries["plan-nowhere"].claims] == ["TREATED_RECENTLY"]

    def test_another_machine_than_planned_is_a_note(self, entries: dict[str, CensusEntry]) -> None:
        (note,) = entries["moved"].charts[0].notes

        assert (note.subject, note.text) == ("Treated on another machine than planned", "LINAC2")
        assert counts(entries["moved"])[HISTORY, "plan 1"] == (3, 0)

    def test_a_plan_moved_to_another_course_is_no_plan_at_zero(
        self, answer: SourceAnswer, entries: dict[str, CensusEntry]
    ) -> None:
        entry = entries["course-moved"]

        assert entry.disagreements == (
            "aria: plan 'VMAT': fractions done are 4 by beam history, 0 by session state",
        )
        assert [one.course_id for one in entry.courses if one.plan_uids] == ["C2"]
        assert "course-moved" not in answer.finished_patient_ids

    def test_one_delivery_in_two_records_is_one_fraction(self, entries: dict[str, CensusEntry]) -> None:
        assert counts(entries["recorded-twice"])[HISTORY, "plan 1"] == (3, 0)

    def test_two_primary_oncologists_are_shown_and_none_is_said(
        self, answer: SourceAnswer, entries: dict[str, CensusEntry]
    ) -> None:
        assert entries["two-oncologists"].disagreements == (
            "aria: several are primary oncologist: Oncologist, Doctor; Other, Doctor",
        )
        assert [one.role for one in entries["no-oncologist"].charts[0].physicians] == ["oncologist"]
        assert "1 patient(s) on the list have no primary oncologist." in answer.warnings

    def test_a_comma_in_the_name_of_a_plan_stays(self, entries: dict[str, CensusEntry]) -> None:
        assert entries["comma"].charts[0].plans[0].plan_id == "Lung, right"

    def test_who_does_not_come_is_not_scheduled(self, entries: dict[str, CensusEntry]) -> None:
        assert not {"cancelled", "deleted", "on-break", "no-show", "consult"} & set(entries)
        assert [claim.reason.name for claim in entries["simulated"].claims] == ["SIMULATED_RECENTLY"]

    def test_who_is_on_a_long_break_without_appointments_is_not_lost(
        self, entries: dict[str, CensusEntry]
    ) -> None:
        assert [claim.reason.name for claim in entries["long-break"].claims] == ["BEGUN_NOT_FINISHED"]

    def test_texts_that_nobody_mapped_count_as_if_they_mattered_and_are_said(
        self, answer: SourceAnswer, entries: dict[str, CensusEntry]
    ) -> None:
        said = "\n".join(answer.warnings)

        assert "[appointment] status 'Pt. In Taxi' is not in the mapping" in said
        assert "[fraction: session state] status 'SKIPPED' is not in the mapping" in said
        assert "odd-appointment" in entries
        assert (
            "in a state that the mapping does not know ('SKIPPED')" in entries["odd-session"].disagreements[0]
        )

    def test_ways_of_counting_that_disagree_are_shown(self, entries: dict[str, CensusEntry]) -> None:
        assert entries["session-ahead"].disagreements == (
            "aria: plan 'VMAT': fractions done are 2 by beam history, 3 by session state",
        )

    def test_a_course_completed_yesterday_is_finished(
        self, answer: SourceAnswer, entries: dict[str, CensusEntry]
    ) -> None:
        assert answer.finished_patient_ids == {"completed-yesterday"}
        assert entries["completed-yesterday"].finished
        assert entries["completed-yesterday"].charts[0].plans[0].approved_at is None

    def test_dose_corrected_by_hand_is_an_alert(self, entries: dict[str, CensusEntry]) -> None:
        (note,) = entries["corrected"].charts[0].notes

        assert (note.kind, note.subject, note.author) == (
            NoteKind.ALERT,
            "Dose corrected by hand",
            "physicist",
        )
        assert note.text.startswith("2.5")

    def test_angles_in_a_scale_that_is_not_iec_are_not_shown(
        self, answer: SourceAnswer, entries: dict[str, CensusEntry]
    ) -> None:
        fields = entries["odd-scale"].charts[0].fields

        assert all(one.gantry_angle_deg is None and one.couch_angle_deg is None for one in fields)
        assert any("stand in the scale 'Varian Standard'" in said for said in answer.warnings)

    def test_documents_bear_the_time_by_which_they_are_filed(self, entries: dict[str, CensusEntry]) -> None:
        chart = entries["documents"].charts[0]

        assert [(one.path, one.title, one.revised_at) for one in chart.documents] == [
            ("a1.docx", "Setup sheet", None),
            ("revised.docx", "Setup sheet", datetime(2026, 11, 2, 8, 0, tzinfo=UTC)),
        ]
        assert [(one.subject, one.text) for one in chart.notes] == [("Journal", "Skin red")]

    def test_documents_are_looked_for_in_the_quarter_of_their_present_version(
        self, entries: dict[str, CensusEntry]
    ) -> None:
        chart = entries["documents"].charts[0]
        rules = ShareRules(name="share", zone=ZoneInfo("Europe/Brussels"), quarters_since=date(2018, 5, 14))
        first = [
            str(wanted_by_ois(one, chart.source, (rules,)).places[0])
            for one in sorted(chart.documents, key=lambda one: one.path)
        ]

        assert first == ["share/2026Q3/a1.docx", "share/2026Q4/revised.docx"]

    def test_text_that_is_sql_is_read_as_text_and_harms_nothing(
        self, entries: dict[str, CensusEntry]
    ) -> None:
        entry = entries[HOSTILE_ID]
        (chart,) = entry.charts

        assert entry.patient.name == "O'); DROP TABLE RTPlan;--^Anna"
        assert [one.text for one in chart.notes] == ["1'; DROP TABLE Course;--"]
        assert [one.path for one in chart.documents] == [r"..\..\x'; DROP TABLE pt;--.docx"]
        assert counts(entry) == {(HISTORY, "plan 1"): (2, 0), (SESSIONS, "plan 1"): (2, None)}
        assert "plain" in entries

    def test_dates_of_1900_are_dates_and_an_end_before_its_start_is_no_end(
        self, answer: SourceAnswer, entries: dict[str, CensusEntry]
    ) -> None:
        entry = entries[HOSTILE_ID]

        assert entry.patient.birth_on == date(1900, 1, 1)
        assert [one.ends_at for one in entry.appointments] == [None]
        assert entry.charts[0].plans[0].approved_at == datetime(1900, 1, 1, tzinfo=UTC)
        assert "[appointment] end: 1 value(s) cannot be read and are left out." in answer.warnings
