"""The sheet says what the position says, for any name, and is the same for the same facts."""

from __future__ import annotations

import subprocess
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beamkeeper.clock import zone
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import DeliveryType, DosimeterUnit
from beamkeeper.domain.position import Conflict, ConflictKind, CoursePosition, FractionState, PlanPosition
from beamkeeper.domain.record import BeamDelivery, TerminationStatus, TreatmentRecord
from beamkeeper.protect.dossier import RecordReport, record_report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BEGUN = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)


def record(number: int, delivered: float = 120.5) -> TreatmentRecord:
    return TreatmentRecord(
        sop_instance_uid=f"1.2.{number}",
        patient_id="4711",
        referenced_plan_uid="1.2.3",
        treated_at=BEGUN + timedelta(days=number),
        treatment_machine_name="LINAC 3",
        deliveries=tuple(
            BeamDelivery(
                referenced_beam_number=beam,
                beam_name=f"Arc {beam}",
                current_fraction_number=number,
                delivery_type=DeliveryType.TREATMENT,
                termination_status=TerminationStatus.NORMAL,
                specified_meterset=120.5,
                delivered_meterset=delivered,
                primary_dosimeter_unit=DosimeterUnit.MU,
            )
            for beam in (1, 2)
        ),
    )


def fraction(number: int, *, complete: bool = True) -> FractionState:
    return FractionState(
        fraction_number=number,
        complete=complete,
        first_treated_at=BEGUN + timedelta(days=number),
        last_treated_at=BEGUN + timedelta(days=number),
        record_uids=(f"1.2.{number}",),
    )


def report(fractions: int = 3, *, name: str = "Van den Æbelø^Zoë", patient_id: str = "4711") -> RecordReport:
    plan = PlanPosition(
        plan_uid="1.2.3",
        rt_plan_label="VMAT *Prostaat* #1",
        fractions_planned=20,
        fractions_complete=fractions - 1,
        fractions_partial=1,
        next_fraction_number=fractions,
        next_is_continuation=True,
        dose_so_far_gy=4.4,
        first_treated_at=BEGUN,
        last_treated_at=BEGUN + timedelta(days=fractions),
        fractions=tuple(fraction(number, complete=number < fractions) for number in range(1, fractions + 1)),
        conflicts=(Conflict(kind=ConflictKind.COUNT_DIFFERS, text="The OIS counts 4, the records 2."),),
    )
    return RecordReport(
        site_name="AZ Sint-Rembert",
        zone=zone("Europe/Brussels"),
        patient=Patient(patient_id=patient_id, name=name, birth_on=date(1950, 2, 28), sex="M"),
        position=CoursePosition(patient_id=patient_id, plans=(plan,), unassigned_record_uids=("9.9",)),
        records=tuple(record(number) for number in range(1, fractions + 1)),
        as_of=BEGUN + timedelta(days=fractions, hours=1),
    )


def text_of(pdf: bytes, folder: Path, program: Callable[[str], str]) -> str:
    path = folder / "sheet.pdf"
    path.write_bytes(pdf)
    done = subprocess.run([program("pdftotext"), "-layout", str(path), "-"], capture_output=True, check=True)
    return done.stdout.decode()


def test_the_sheet_says_where_the_plan_stands_and_what_does_not_agree(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    text = text_of(record_report(report()), tmp_path, program)
    for said in (
        "Van den Æbelø, Zoë",
        "4711",
        "1950-02-28",
        "VMAT *Prostaat* #1",
        "2 of 20",
        "3 (to be completed first)",
        "4.40 Gy",
        "The OIS counts 4, the records 2.",
        "1 record belongs to no plan here",
        "120.50 of 120.50 MU",
        "partial",
        "LINAC 3",
        "2026-03-05 10:15",
        "A physicist decides",
    ):
        assert said in text, said


def test_the_same_facts_give_the_same_bytes() -> None:
    assert record_report(report()) == record_report(report())


def test_forty_fractions_run_over_pages_that_all_bear_name_and_id(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    pages = text_of(record_report(report(40)), tmp_path, program).split("\f")[:-1]
    assert len(pages) > 1
    assert all("Van den Æbelø, Zoë" in page and "ID 4711" in page for page in pages)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.text(min_size=1, max_size=60), patient_id=st.text(min_size=1, max_size=64))
@pytest.mark.filterwarnings("ignore")
def test_no_name_breaks_the_sheet_or_runs_as_markup(name: str, patient_id: str) -> None:
    if any("\ud800" <= char <= "\udfff" for char in name + patient_id):
        return
    assert record_report(report(1, name=name, patient_id=patient_id)).startswith(b"%PDF")


def test_markup_in_a_name_is_printed_as_it_stands(tmp_path: Path, program: Callable[[str], str]) -> None:
    hostile = '#panic("x") $a$ *b* @ref <l> \\'
    text = text_of(record_report(report(1, name=hostile)), tmp_path, program)
    assert '#panic("x") $a$ *b* @ref <l>' in text
