"""What an OIS's chart says of one patient, out of rows as databases give them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from beamkeeper.domain.chart import ChartField, NoteKind
from beamkeeper.protect.census import CensusWindow, parse_mapping
from beamkeeper.protect.census.ois_reader import RowReader
from beamkeeper.protect.census.ois_rows import OisRows
from beamkeeper.protect.census.ois_rules import answer_from_rows

if TYPE_CHECKING:
    from beamkeeper.domain.census import CensusEntry

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
SOURCES = "\n".join(
    f'[{name}]\nfrom = "T"\ncolumns = {{ {", ".join(f"{alias} = {alias!r}" for alias in aliases.split())} }}'
    for name, aliases in {
        "patient": "patient_key patient_id last_name",
        "course": "course_key patient_key course_id",
        "plan": "plan_key course_key plan_id plan_uid approved_at",
        "prescription": "course_key name status",
        "field": "plan_key field_id number accessories is_setup setup_note meterset",
        "appointment": "patient_key start end activity status active",
        "note": "patient_key text kind written_at",
        "triage": "patient_key code given_at",
    }.items()
)
MAPPING = parse_mapping(f'format = 1\nsource = "ois"\ntimezone = "UTC"\n{SOURCES}')
Rows = list[dict[str, object]]


def read(**rows: Rows) -> tuple[OisRows, RowReader]:
    reader = RowReader(MAPPING)
    plan: Rows = [{"plan_key": 3, "course_key": 2, "plan_id": "VMAT", "plan_uid": "1.2", "approved_at": NOW}]
    found = OisRows(
        patients=reader.patients([{"patient_key": 1, "patient_id": "P1", "last_name": "A"}]),
        courses=reader.courses([{"course_key": 2, "patient_key": 1, "course_id": "C1"}]),
        plans=reader.plans(plan),
        prescriptions=reader.prescriptions(rows.get("prescription", [])),
        fields=reader.fields(rows.get("field", [])),
        appointments=reader.appointments(rows.get("appointment", [])),
        notes=reader.notes(rows.get("note", [])),
        triages=reader.triages(rows.get("triage", [])),
    )
    return found, reader


def entry_of(found: OisRows) -> CensusEntry:
    answer = answer_from_rows(found, now=NOW, window=CensusWindow(), mapping=MAPPING, source="ois")
    return answer.entries[0]


def test_a_field_with_several_accessories_is_one_field() -> None:
    row = {"plan_key": 3, "field_id": "F1 ", "number": 1, "is_setup": 0, "meterset": 101.5}
    rows: Rows = [{**row, "accessories": "Bolus 5"}, {**row, "accessories": "Wedge 15; Tray"}]

    assert entry_of(read(field=rows)[0]).charts[0].fields == (
        ChartField(
            plan_uid="1.2",
            field_id="F1",
            beam_number=1,
            beam_meterset=101.5,
            accessories=("Bolus 5", "Tray", "Wedge 15"),
        ),
    )


def test_alerts_come_before_other_notes_and_a_long_one_is_cut_and_says_so() -> None:
    notes: Rows = [
        {"patient_key": 1, "text": "x" * 10_000_000, "kind": "note", "written_at": NOW},
        {"patient_key": 1, "text": "Pacemaker", "kind": "ALERT", "written_at": None},
        {"patient_key": 1, "text": "  ", "kind": "alert", "written_at": NOW},
        {"patient_key": 1, "text": "odd", "kind": "riddle", "written_at": None},
    ]

    found = entry_of(read(note=notes)[0]).charts[0].notes
    assert [note.kind for note in found] == [NoteKind.ALERT, NoteKind.NOTE, NoteKind.NOTE]
    assert found[1].text.endswith("… (cut: 10,000,000 characters in all)")
    assert len(found[1].text) < 5_000


def test_the_latest_triage_code_counts_and_two_at_once_are_shown() -> None:
    early, late = NOW - timedelta(days=9), NOW
    changed: Rows = [
        {"patient_key": 1, "code": "1", "given_at": early},
        {"patient_key": 1, "code": "3", "given_at": late},
    ]
    twice: Rows = [{"patient_key": 1, "code": code, "given_at": None} for code in ("2", "1")]

    assert entry_of(read(triage=changed)[0]).charts[0].triage.code == "3"
    assert entry_of(read(triage=changed)[0]).disagreements == ()
    assert entry_of(read(triage=twice)[0]).charts[0].triage.code == "1"
    assert entry_of(read(triage=twice)[0]).disagreements == ("ois: triage codes 1 and 2",)


def test_an_appointment_that_ends_before_it_starts_has_no_end_and_is_said() -> None:
    row = {"patient_key": 1, "activity": "Treatment", "status": "open", "active": 1}
    found, reader = read(
        appointment=[{**row, "start": NOW + timedelta(hours=8), "end": NOW + timedelta(hours=7)}]
    )

    assert entry_of(found).appointments[0].ends_at is None
    assert reader.warnings == ("[appointment] end: 1 value(s) cannot be read and are left out.",)


def test_past_appointments_come_latest_first_without_deleted_and_older_ones() -> None:
    def booked(days: int, status: str, active: int = 1) -> dict[str, object]:
        start = NOW + timedelta(days=days)
        return {"patient_key": 1, "start": start, "activity": "Treatment", "status": status, "active": active}

    rows = [booked(-70, "done"), booked(-9, "done"), booked(-3, "open"), booked(-2, "done", active=0)]
    rows += [booked(2, "cancelled"), booked(3, "open")]

    entry = entry_of(read(appointment=rows)[0])
    assert [one.status for one in entry.charts[0].past_appointments] == ["cancelled", "open", "done"]
    assert [one.starts_at for one in entry.appointments] == [NOW + timedelta(days=3)]


def test_what_is_no_longer_ordered_is_no_prescription() -> None:
    states = ("approved", "superseded", "cancelled", "")
    rows: Rows = [{"course_key": 2, "name": status, "status": status} for status in states]

    assert [rx.name for rx in entry_of(read(prescription=rows)[0]).courses[0].prescriptions] == [
        "",
        "approved",
    ]


def test_rows_in_another_order_give_the_same_chart() -> None:
    fields: Rows = [{"plan_key": 3, "field_id": f"F{number}", "number": number} for number in (1, 2, 3)]
    notes: Rows = [{"patient_key": 1, "text": text, "kind": "note"} for text in ("b", "a", "c")]

    one, other = read(field=fields, note=notes)[0], read(field=fields[::-1], note=notes[::-1])[0]
    assert entry_of(one).charts == entry_of(other).charts


def test_a_dose_is_in_gy_whatever_its_unit_and_absent_where_nobody_knows() -> None:
    units = {"a": ("50,4", "Gy"), "b": ("5040", "cGy "), "c": ("50.4", "rad"), "d": ("2,670", "")}
    rows: Rows = [
        {"course_key": 2, "name": name, "total_dose_gy": dose, "dose_unit": unit}
        for name, (dose, unit) in units.items()
    ]

    found, reader = read(prescription=rows)
    assert [rx.total_dose_gy for rx in entry_of(found).courses[0].prescriptions] == [50.4, 50.4, None, None]
    assert reader.warnings == ("[prescription] total_dose_gy: 2 value(s) cannot be read and are left out.",)


def test_angles_in_another_scale_are_not_shown_and_that_is_said() -> None:
    row = {"plan_key": 3, "field_id": "F1", "gantry_start": 181.0}

    found, reader = read(
        field=[{**row, "number": 1, "scale": "IEC 61217"}, {**row, "number": 2, "scale": "Other"}]
    )
    assert [one.gantry_angle_deg for one in entry_of(found).charts[0].fields] == [181.0, None]
    assert reader.warnings == ("[field] angles of 1 field(s) stand in the scale 'Other' and are not shown.",)
