"""What the census must read out of an OIS database, whatever product keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.contract.ois_department import MAPPING, NOW

from beamkeeper.domain.census import CensusReason, OisCount
from beamkeeper.domain.patient import Contact
from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.protect.census import CensusWindow, SqlSource, parse_mapping

if TYPE_CHECKING:
    from beamkeeper.protect.census import SourceAnswer

LONG_ID = "x" * 64

PARTS = """
[physician]
from = "Contact AS c WHERE c.Relation = 'spouse'"
[physician.columns]
patient_key = "c.PatientSer"
role = "'nurse'"
name = "c.Name"
phone = "c.Beeper"

[note]
from = "Remark AS r"
columns = { patient_key = "r.PatientSer", text = "r.Text" }
"""

TREATED = """
[treated]
from = "Hstry AS h JOIN PlanSetup AS p ON p.PlanSer = h.PlanSer JOIN Course AS c ON c.CourseSer = p.CourseSer"
columns = { patient_key = "c.PatientSer", treated_at = "h.TreatedAt" }
"""

SESSIONS = """
[[fraction]]
method = "sessions"
from = "Hstry AS h"
columns = { plan_key = "h.PlanSer", session_key = "h.TreatedAt", status = "'COMPLETE'" }
status = { "COMPLETE" = "done" }
"""


class OisContract:
    """Subclass it and give it a fixture `url`: a database with the department in it."""

    def ask(self, url: str, mapping: str = MAPPING, **window: int) -> SourceAnswer:
        return SqlSource(parse_mapping(mapping), url).ask(NOW, CensusWindow(**window))

    def test_everybody_who_must_be_kept_is_named_with_the_reason(self, url: str) -> None:
        answer = self.ask(url)

        reasons = {one.patient.patient_id: {claim.reason for claim in one.claims} for one in answer.entries}
        assert reasons == {
            "treated": {CensusReason.TREATED_RECENTLY},
            "scheduled": {CensusReason.SCHEDULED_SOON},
            "waiting": {CensusReason.PLANNED_NOT_STARTED},
            "simulated": {CensusReason.SIMULATED_RECENTLY},
            "finished": {CensusReason.TREATED_RECENTLY},
            LONG_ID: {CensusReason.TREATED_RECENTLY},
            "unmapped": {CensusReason.PLANNED_NOT_STARTED},
            "deceased": {CensusReason.TREATED_RECENTLY},
            "second-course": {CensusReason.PLANNED_NOT_STARTED},
            "overdue": {CensusReason.SCHEDULED_SOON},
        }

    def test_who_has_finished_is_said(self, url: str) -> None:
        answer = self.ask(url)

        assert answer.finished_patient_ids == {"finished", "deceased", "long-gone", "ended"}
        assert {one.patient.patient_id for one in answer.entries if one.finished} == {"finished", "deceased"}

    def test_test_patients_are_told_by_pattern_and_by_flag(self, url: str) -> None:
        assert self.ask(url).test_patient_ids == {"$QA", "flagged"}

    def test_facts_come_without_padding_and_in_our_terms(self, url: str) -> None:
        treated = next(one for one in self.ask(url).entries if one.patient.patient_id == "treated")

        assert treated.patient.name == "Peeters^Zoë"
        assert (treated.patient.birth_on, treated.patient.sex) == (date(1960, 1, 2), "F")
        assert treated.patient.contacts == (
            Contact(relation="self", name="", phone="+32 1"),
            Contact(relation="spouse", name="Janssens An", phone="+32 2"),
        )
        assert treated.courses[0].plan_uids == ("1.2.100", "1.2.101")
        assert treated.courses[0].prescriptions[0].total_dose_gy == pytest.approx(2.67)
        count = OisCount(
            plan_uid="1.2.100",
            source="ois",
            fractions_planned=15,
            fractions_done=3,
            last_treated_at=datetime(2026, 11, 19, 9, 30, tzinfo=UTC),
        )
        assert count in treated.counts

    def test_times_are_wall_times_of_the_server_and_windows_end_exactly(self, url: str) -> None:
        """The appointment is at 00:30 UTC a week ahead; the last fraction was given half an hour inside."""
        soon = next(one for one in self.ask(url).entries if one.patient.patient_id == "scheduled")
        listed = {one.patient.patient_id for one in self.ask(url, scheduled_days=6, treated_days=6).entries}

        assert soon.appointments[0].starts_at == NOW + timedelta(days=6, hours=23, minutes=30)
        assert "scheduled" not in listed
        assert LONG_ID not in listed

    def test_documents_are_known_by_where_they_lie(self, url: str) -> None:
        entry = next(one for one in self.ask(url).entries if one.patient.patient_id == "treated")

        (chart,) = entry.charts
        assert [(one.title, one.path) for one in chart.documents] == [("Consult", r"\\share\a.pdf")]
        assert chart.source == entry.claims[0].source

    def test_what_is_missing_odd_or_unreadable_is_said(self, url: str) -> None:
        said = "\n".join(self.ask(url).warnings)

        assert "[patient] has no column 'MobilePhone': phone_mobile is not known." in said
        assert "[plan] status 'Ready-ish' is not in the mapping (1 row(s))" in said
        assert "[patient] birth_date: 1 value(s) cannot be read" in said
        assert "A patient who must be kept has no Patient ID and cannot be kept." in said
        assert "Identity" not in said

    def test_an_optional_section_that_does_not_fit_is_left_out_and_said(self, url: str) -> None:
        wrong = MAPPING.replace('table = "contact"', 'table = "nextofkin"').replace(
            "FROM Hstry", "FROM History"
        )
        answer = self.ask(url, wrong)

        said = "\n".join(answer.warnings)
        assert "[contact] is left out" in said
        assert "[fraction_count] is left out" in said
        assert "cannot tell who was treated lately" in said
        assert {"scheduled", "waiting", "treated"} <= {one.patient.patient_id for one in answer.entries}

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ('table = "patient"', 'table = "person"', r"\[patient\]: There is no table"),
            (
                'plan_uid = "PlanUID"',
                'plan_uid = "UID"',
                r"\[plan\]: The database does not have what plan_uid",
            ),
            ("FROM Course", "FROM Courses", r"\[course\]: The database refused"),
        ],
    )
    def test_a_needed_section_that_does_not_fit_stops_this_source(
        self, url: str, old: str, new: str, words: str
    ) -> None:
        with pytest.raises(SourceAnswerInvalid, match=words):
            self.ask(url, MAPPING.replace(old, new))

    def test_of_a_select_in_parts_what_this_version_lacks_is_left_out_and_said(self, url: str) -> None:
        answer = self.ask(url, MAPPING + PARTS)

        treated = next(one for one in answer.entries if one.patient.patient_id == "treated")
        (chart,) = treated.charts
        assert [(one.role, one.name, one.phone) for one in chart.physicians] == [("nurse", "Janssens An", "")]
        assert "[physician] has not what phone stands for: it is not known." in answer.warnings
        assert any(said.startswith("[note] is left out: ") for said in answer.warnings)

    def test_who_was_treated_lately_is_told_without_grouping_the_history(self, url: str) -> None:
        without = MAPPING.replace("max(TreatedAt) AS last_treated_at", "1 AS fractions_planned")
        treated = [CensusReason.TREATED_RECENTLY]

        answer = self.ask(url, without + TREATED)

        reasons = {one.patient.patient_id: [claim.reason for claim in one.claims] for one in answer.entries}
        assert [reasons[name] for name in ("treated", "deceased", LONG_ID)] == [treated] * 3
        assert not any("cannot tell who was treated" in said for said in answer.warnings)

    def test_each_way_of_counting_is_an_opinion_of_its_own(self, url: str) -> None:
        methods = MAPPING.replace("[fraction_count]", "[[fraction_count]]\nmethod = 'history'") + SESSIONS
        answer = self.ask(url, methods)

        treated = next(one for one in answer.entries if one.patient.patient_id == "treated")
        done = {one.source: one.fractions_done for one in treated.counts}
        assert done == {"ois, history": 3, "ois, sessions": 4}
        assert treated.disagreements == ("ois: plan 'VMAT1': fractions done are 3 by history, 4 by sessions",)

    def test_appointments_that_were_are_shown_with_their_status(self, url: str) -> None:
        simulated = next(one for one in self.ask(url).entries if one.patient.patient_id == "simulated")

        assert simulated.appointments == ()
        assert [(one.activity, one.status) for one in simulated.charts[0].past_appointments] == [
            ("CT sim", "done")
        ]

    def test_an_answer_beyond_the_row_limit_stops_this_source(self, url: str) -> None:
        mapping = MAPPING.replace("format = 1", "format = 1\nrow_limit = 5")
        with pytest.raises(SourceAnswerInvalid, match="more than 5 rows"):
            self.ask(url, mapping)

    def test_asking_twice_gives_the_same_answer(self, url: str) -> None:
        one, other = self.ask(url), self.ask(url)

        assert replace(one, entries=()) == replace(other, entries=())
        assert set(one.entries) == set(other.entries)

    def test_the_self_check_tells_what_is_here_of_what_the_mapping_names(self, url: str) -> None:
        mapping = parse_mapping(MAPPING + PARTS)
        check = SqlSource(mapping, url).check(NOW, CensusWindow())

        sections = {section.label: section for section in check.sections}
        assert sections["[patient]"].is_needed
        assert "patient_id" in sections["[patient]"].found
        assert sections["[physician]"].absent == ("phone",)
        assert sections["[note]"].error
        assert check.server.version

    def test_the_self_check_counts_every_word_and_marks_what_the_mapping_does_not_know(
        self, url: str
    ) -> None:
        check = SqlSource(parse_mapping(MAPPING), url).check(NOW, CensusWindow())

        plans = {word.text: word for word in check.words if (word.label, word.column) == ("[plan]", "status")}
        assert plans["Ready-ish"].meaning == ""
        assert (plans["TreatApproval"].meaning, plans["TreatApproval"].count) == ("approved", 9)
        activities = {word.text: word.meaning for word in check.words if word.column == "activity"}
        assert activities["CT sim"] == "simulation"
        assert activities["Follow-up consult"] == "of no concern to the list"
        assert check.unasked == ()
