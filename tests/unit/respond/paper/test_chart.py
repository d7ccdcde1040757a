"""The paper chart: everything two people need, and nothing that is not sure."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from course_builders import MACHINE, MONDAY, beam, delivery, fraction, plan, position, record
from PIL import Image
from pypdf import PdfReader

from beamkeeper.domain.census import CensusEntry
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import ApprovalStatus, FractionGroup
from beamkeeper.domain.readiness import Readiness
from beamkeeper.domain.setup import PatientSetup
from beamkeeper.protect.dossier import portrait
from beamkeeper.protect.lists import ListHead, Person, list_rows
from beamkeeper.respond.paper import ChartSource, HandEntry, as_records, chart_pdf
from beamkeeper.respond.paper.chart import RULES, STOP, paper_facts

if TYPE_CHECKING:
    from beamkeeper.domain.record import TreatmentRecord

ZONE = ZoneInfo("Europe/Brussels")
PLAN = plan(
    approval_status=ApprovalStatus.APPROVED,
    beams=(beam(1), beam(2)),
    fraction_groups=(
        FractionGroup(fraction_group_number=1, number_of_fractions_planned=5, beam_numbers=(1, 2)),
    ),
    patient_setups=(
        PatientSetup(
            patient_setup_number=1,
            patient_position="HFS",
            devices=("MASK",),
            shifts_mm=(("vertical", -12.5),),
        ),
    ),
)
WRITTEN = HandEntry(
    number=7,
    pseudonym="0" * 64,
    plan_uid="1.1",
    fraction_number=2,
    given_at=MONDAY + timedelta(days=1),
    machine="TB1",
    beams=((1, 100.0), (2, 100.0)),
    is_continuation=False,
    entered_by="A",
    entered_at=MONDAY + timedelta(days=2),
    checked_by="B",
)


def source(
    *records: TreatmentRecord, blocking: tuple[str, ...] = (), written: tuple[HandEntry, ...] = ()
) -> ChartSource:
    by_hand, _ = as_records(written, [PLAN], records)
    counted = position(*records, *by_hand, plans=(PLAN,))
    person = Person(
        pseudonym="0" * 64,
        entry=CensusEntry(
            patient=Patient(patient_id="P1", name="Jansen^Maria", birth_on=date(1961, 4, 7)), claims=()
        ),
        night=date(2026, 3, 3),
        plans=(PLAN,),
        position=counted,
        readiness=(Readiness(plan_uid="1.1", rt_plan_label="plan 1.1", blocking=blocking),),
    )
    made_at = datetime(2026, 3, 4, 8, tzinfo=UTC)
    head = ListHead(site_name="AZ", zone=ZONE, night=person.night, trust="", made_at=made_at)
    return ChartSource(
        person=person,
        row=list_rows([person], head)[0],
        plan=PLAN,
        at=counted.plans[0],
        written=written,
        zone=ZONE,
        made_at=made_at,
        site_name="AZ",
    )


def text_of(of: ChartSource) -> str:
    pages = PdfReader(io.BytesIO(chart_pdf(of))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split()).replace("\u200b", "")


def test_the_chart_has_who_what_how_and_where_to_sign() -> None:
    said = text_of(source(fraction(1)))

    for words in (
        "Jansen, Maria",
        "ID P1",
        "born 1961-04-07",
        "TB1",
        "HFS, MASK, vertical -12.5 mm",
        "100.00 MU",
    ):
        assert words in said
    for words in ("Image seen", "Initials 1", "Couch shift", "Remarks", "Parts: a fraction that stopped"):
        assert words in said
    assert RULES[3] in said
    assert "Photo: none is held" in said


def test_open_fractions_are_numbered_and_their_dose_adds_up() -> None:
    rows = paper_facts(source(fraction(1), fraction(2)))["rows"]

    assert [(row["number"], row["dose"]) for row in rows if row["number"]] == [
        ("3", "6.00 Gy"),
        ("4", "8.00 Gy"),
        ("5", "10.00 Gy"),
    ]


def test_a_begun_fraction_is_finished_first_and_counts_once_in_the_dose() -> None:
    begun = record("9.2", delivery(1, 2, 40.0, termination_status=MACHINE), at=MONDAY + timedelta(days=1))
    rows = paper_facts(source(fraction(1), begun))["rows"]

    assert (rows[0]["number"], rows[0]["dose"]) == ("finish 2", "4.00 Gy")
    assert [tick["meterset"] for tick in rows[0]["ticks"]] == ["60.00 MU left", "100.00 MU"]
    assert rows[1]["number"] == "3"


def test_where_the_count_is_in_doubt_no_row_has_a_number_or_a_dose() -> None:
    facts = paper_facts(source(fraction(1), fraction(3), blocking=_conflicts(fraction(1), fraction(3))))

    assert {row["number"] for row in facts["rows"]} == {""}
    assert {row["dose"] for row in facts["rows"]} == {""}
    assert facts["marks"]


def _conflicts(*records: TreatmentRecord) -> tuple[str, ...]:
    return tuple(one.text for one in position(*records, plans=(PLAN,)).plans[0].conflicts)


def test_what_stands_against_treating_is_said_in_large_letters() -> None:
    assert STOP in text_of(source(fraction(1), blocking=("Not approved: the plan says UNAPPROVED.",)))
    assert STOP not in text_of(source(fraction(1)))


def test_what_a_hand_wrote_is_shown_as_such() -> None:
    history = paper_facts(source(fraction(1), written=(WRITTEN,)))["history"]
    unchecked = paper_facts(source(fraction(1), written=(replace(WRITTEN, checked_by=""),)))["history"]

    assert [one["how"] for one in history] == ["", "by hand, line 7"]
    assert unchecked[1]["how"] == "by hand, line 7, NOT CHECKED"


def test_a_setup_of_which_nothing_is_held_is_said() -> None:
    bare = replace(source(fraction(1)), plan=replace(PLAN, patient_setups=()))

    assert "Nothing is held of the set-up" in " ".join(paper_facts(bare)["setup"])


def test_the_photo_stands_on_the_chart_where_one_is_held() -> None:
    data = io.BytesIO()
    Image.new("RGB", (60, 80), "grey").save(data, "JPEG")
    photo = portrait(data.getvalue(), dated="2026-02-01")
    shown = replace(source(fraction(1)), photo=photo)

    assert "Photo 2026-02-01" in text_of(shown)
    assert "none is held" not in text_of(shown)


def test_the_same_facts_give_the_same_chart() -> None:
    assert chart_pdf(source(fraction(1))) == chart_pdf(source(fraction(1)))
