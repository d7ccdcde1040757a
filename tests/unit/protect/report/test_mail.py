"""Whatever names a patient of the report, and wherever in the report it stands, it is not mailed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamkeeper.domain.census import CensusReason, SourceReport
from beamkeeper.domain.change import Change, Grade, ObjectComparison
from beamkeeper.domain.night import NightOutcome, NightReport, NotKept, PatientNight
from beamkeeper.domain.position import Conflict, ConflictKind, CoursePosition, PlanPosition
from beamkeeper.domain.readiness import Readiness
from beamkeeper.protect.report import render_html, render_text
from beamkeeper.protect.report.mail import fit_for_mail

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
PSEUDONYM = "abcdefghijklmnop"


def everywhere(said: str, *, name: str, patient_id: str) -> NightReport:
    """Return a report that quotes `said` in every text that comes from outside."""
    change = Change(path=said, old=said, new=said, text=said, grade=Grade.CLINICAL)
    compared = ObjectComparison(
        sop_instance_uid=said,
        sop_class_uid=said,
        modality=said,
        kind="plan",
        label=said,
        grade=Grade.CLINICAL,
        changes=(change,),
    )
    expected = replace(compared, expected=said)
    conflict = Conflict(kind=ConflictKind.PLAN_UNKNOWN, text=said)
    plan = PlanPosition(
        plan_uid=said,
        rt_plan_label=said,
        fractions_planned=30,
        fractions_complete=3,
        fractions_partial=0,
        next_fraction_number=4,
        next_is_continuation=False,
        dose_so_far_gy=6.0,
        first_treated_at=None,
        last_treated_at=None,
        conflicts=(conflict,),
    )
    lost = NotKept(sop_instance_uid=said, what=said, reason=said)
    patient = PatientNight(
        pseudonym=PSEUDONYM,
        patient_id=patient_id,
        patient_name=name,
        reasons=(CensusReason.ASKED_FOR,),
        expected_count=2,
        received_count=1,
        stored=True,
        not_kept=(lost,),
        comparisons=(compared, expected, replace(expected, kind="image")),
        disagreements=(said,),
        position=CoursePosition(patient_id=patient_id, plans=(plan,), conflicts=(conflict,)),
        readiness=(Readiness(plan_uid=said, rt_plan_label=said),),
    )
    return NightReport(
        run_on=date(2026, 3, 2),
        site_name="Site",
        time_zone="Europe/Brussels",
        started_at=AT,
        finished_at=AT,
        outcome=NightOutcome.INCOMPLETE,
        sources=(
            SourceReport(source=said, answered=False, patient_count=0, error=said, warnings=(said,)),
            SourceReport(source=said, answered=True, patient_count=1),
        ),
        patients=(patient, replace(patient, stored=False, error=said)),
        alarm=said,
        warnings=(said,),
        remarks=(said,),
        page_only=(said,),
        vault_directory=said,
    )


def letters(text: str) -> str:
    """Return what a reader makes of `text`: no breaks, no capitals, no accents."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).upper().casefold())
    return "".join(sign for sign in plain if unicodedata.category(sign)[0] in "LN")


# "zq" stands in no word of ours, so whatever of it is mailed came from the name or the Patient ID.
_signs = st.characters(codec="utf-8", categories=["Lu", "Ll", "Lo", "Lt", "Lm", "Mn", "Nd", "Pd", "Po", "Cf"])
hostile = st.text(_signs, max_size=30).map("zq".__add__).filter(lambda word: len(letters(word)) > 4)
ids = st.text(st.characters(codec="ascii", categories=["Lu", "Nd", "Po", "Pd"]), min_size=1, max_size=58).map(
    "ZQ99".__add__
)
between = st.sampled_from([" ", "_", "^", "-", ".", "(", "'", "", "7", "B1", "\t", "→"])


@settings(deadline=None, max_examples=200)
@given(family=hostile, given_name=hostile, patient_id=ids, glue=between, form=st.sampled_from(["NFC", "NFD"]))
def test_no_hostile_name_or_id_anywhere_in_the_report_is_mailed(
    family: str, given_name: str, patient_id: str, glue: str, form: str
) -> None:
    quoted = glue.join(["Plan", family.upper(), given_name, patient_id, patient_id.lower(), "x"])
    said = unicodedata.normalize(form, quoted)
    report = everywhere(said, name=f"{family}^{given_name}", patient_id=patient_id)

    assert "zq" not in letters(render_text(report))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Vandenbroucke^Adèle", "VANDENBROUCKE_ADELE.dcm"),
        ("Vandenbroucke^Adèle", "Ade\u0300le"),
        ("Müller^Jürgen", "MULLER Jurgen"),
        ("Müller^Jürgen", "MUELLER Jürgen"),
        ("Weiß^Anna", "WEISS"),
        ("Łukasik^Søren", "Soren LUKASIK"),
        ("Yıldız^Ayşe", "YILDIZ AYSE"),
        ("Jansen^Maria", "JansenMaria2"),
        ("Lee^Kim", "Lee1 boost"),
        ("García-López^Ana", "LOPEZ Ana"),
        ("O'Brien^Pat", "Brien"),
        ("Jansen^Maria", "Jan\u200bsen"),
        ("Yamada^Tarou=山田^太郎", "山田のプラン"),
        ("Jansen^Maria", "\uff2a\uff41\uff4e\uff53\uff45\uff4e"),
    ],
)
def test_a_name_written_in_another_way_is_recognised(name: str, said: str) -> None:
    report = everywhere(said, name=name, patient_id="BK-77123")
    (label,) = {item.label for item in fit_for_mail(report).patients[0].comparisons}

    assert label.startswith(f"[patient {PSEUDONYM[:10]}]")


@pytest.mark.parametrize("said", ["PLAN_4711", "4711b", "1.2.840.4711.3", "id=4711"])
def test_a_patient_id_inside_a_label_or_a_uid_is_not_mailed(said: str) -> None:
    assert "4711" not in render_text(everywhere(said, name="A^B", patient_id="4711"))


def test_words_and_numbers_that_name_nobody_are_mailed_as_they_are() -> None:
    said = "Beam 2, control point 17, leaf pair 31 (bank A): 12.4 → 9.1 mm, at 47110"
    report = everywhere(said, name="Li^Bo", patient_id="4711")

    assert said in " ".join(render_text(report).split())


def test_the_page_still_says_everything() -> None:
    page = render_html(everywhere("JANSEN boost", name="Jansen^Maria", patient_id="4711"))

    assert "JANSEN boost" in page


def test_a_value_of_a_kind_nobody_thought_of_is_refused_and_not_mailed() -> None:
    @dataclass(frozen=True)
    class Told(NightReport):
        told: object = None

    report = everywhere("x", name="Jansen^Maria", patient_id="4711")
    values = {name: getattr(report, name) for name in NightReport.__dataclass_fields__}

    with pytest.raises(TypeError, match="how it may be mailed"):
        fit_for_mail(Told(**values, told=["Jansen"]))
