"""A patient with everything a dossier can show, and hostile values to put in their place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from beamkeeper.clock import zone
from beamkeeper.domain.census import Appointment, CensusEntry, CensusReason, Claim, OisCount
from beamkeeper.domain.chart import (
    Chart,
    ChartAppointment,
    ChartDocument,
    ChartField,
    ChartPlan,
    Note,
    NoteKind,
    Physician,
    Triage,
)
from beamkeeper.domain.counting import course_position
from beamkeeper.domain.patient import Contact, Patient
from beamkeeper.domain.plan import (
    ApprovalStatus,
    Beam,
    ControlPoint,
    Course,
    DeliveryType,
    DosimeterUnit,
    FractionGroup,
    Plan,
    Prescription,
    RadiationType,
)
from beamkeeper.domain.readiness import Readiness
from beamkeeper.domain.record import BeamDelivery, TerminationStatus, TreatmentRecord
from beamkeeper.domain.setup import BeamSetup, DoseReference, PatientSetup
from beamkeeper.protect.dossier import DossierSource, KeptDocument, Provenance

if TYPE_CHECKING:
    from collections.abc import Iterator

BRUSSELS = zone("Europe/Brussels")
FIRST = datetime(2026, 10, 26, 7, 15, tzinfo=UTC)
AS_OF = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)
MINE, BOOST = "1.2.3", "1.2.4"


def beam(number: int, name: str, *, start: float, stop: float, meterset: float = 242.78) -> Beam:
    """An arc of three control points."""
    return Beam(
        beam_number=number,
        beam_name=name,
        radiation_type=RadiationType.PHOTON,
        delivery_type=DeliveryType.TREATMENT,
        treatment_machine_name="LINAC 3",
        primary_dosimeter_unit=DosimeterUnit.MU,
        beam_meterset=meterset,
        beam_dose_gy=1.335,
        technique="VMAT",
        mlc_leaf_pairs=60,
        accessories=("wedge W30", "bolus ROI 7") if number == 1 else (),
        control_points=tuple(
            ControlPoint(
                control_point_index=index,
                cumulative_meterset_weight=index / 2,
                gantry_angle_deg=angle,
                collimator_angle_deg=10.0,
                couch_angle_deg=0.0,
                nominal_beam_energy=6.0,
                isocenter_mm=(1.5, -20.0, 133.25),
                jaw_positions_mm=(("ASYMX", -47.7, 39.8), ("ASYMY", -87.2, 90.0)),
                leaf_positions_mm=(-10.0,) * 60 + (10.0,) * 60,
            )
            for index, angle in enumerate((start, 0.0, stop))
        ),
        setup=BeamSetup(
            manufacturer="Varian Medical Systems",
            model="TrueBeam",
            fluence_mode="NON_STANDARD FFF",
            tolerance_table="BREAST",
            gantry_rotation="CW" if start > stop else "CC",
            patient_setup_number=1,
            leaf_boundaries_mm=tuple(
                float(edge) for edge in (*range(-200, -100, 10), *range(-100, 100, 5), *range(100, 201, 10))
            ),
            couch_mm=(("vertical", -110.7), ("longitudinal", 1027.2), ("lateral", 53.2)),
        ),
    )


def plan(uid: str = MINE, label: str = "BorstL VMAT", fractions: int = 15, **more: object) -> Plan:
    """An approved plan of two arcs."""
    beams = (beam(1, "Boog CW", start=181.0, stop=179.0), beam(2, "Boog CC", start=179.0, stop=181.0))
    stated = {
        "sop_instance_uid": uid,
        "patient_id": "0012345",
        "rt_plan_label": label,
        "plan_intent": "CURATIVE",
        "approval_status": ApprovalStatus.APPROVED,
        "approved_at": FIRST - timedelta(days=5),
        "approved_by": "Dubois^Hélène",
        "planned_on": date(2026, 10, 19),
        "prescription_description": "Left breast, 2.67 Gy daily",
        "dose_references": (
            DoseReference(dose_reference_type="TARGET", description="PTV", target_prescription_dose_gy=40.05),
            DoseReference(
                dose_reference_type="ORGAN_AT_RISK", description="Heart", delivery_maximum_dose_gy=25.0
            ),
        ),
        "patient_setups": (
            PatientSetup(
                patient_setup_number=1,
                patient_position="HFS",
                technique="ISOCENTRIC: SGRT, breath hold",
                devices=("breast board BB-12", "respiration: breath hold"),
                shifts_mm=(("vertical", 3.5), ("longitudinal", -140.6), ("lateral", 20.0)),
            ),
        ),
        "target_prescription_dose_gy": 40.05,
        "fraction_groups": (
            FractionGroup(
                fraction_group_number=1, number_of_fractions_planned=fractions, beam_numbers=(1, 2)
            ),
        ),
        "beams": beams,
    }
    return Plan(**(stated | more))  # type: ignore[arg-type]


def record(number: int, *, uid: str = MINE, share: float = 1.0) -> TreatmentRecord:
    """One fraction of both arcs; the second one cut at `share`."""
    at = FIRST + timedelta(days=number - 1 + 2 * ((number - 1) // 5))
    return TreatmentRecord(
        sop_instance_uid=f"9.{uid}.{number}",
        patient_id="0012345",
        referenced_plan_uid=uid,
        treated_at=at,
        number_of_fractions_planned=15,
        treatment_machine_name="LINAC 3",
        deliveries=tuple(
            BeamDelivery(
                referenced_beam_number=beam_number,
                beam_name=f"Boog {'CW' if beam_number == 1 else 'CC'}",
                current_fraction_number=number,
                delivery_type=DeliveryType.TREATMENT,
                termination_status=TerminationStatus.NORMAL if part == 1 else TerminationStatus.MACHINE,
                specified_meterset=242.78,
                delivered_meterset=242.78 * part,
                primary_dosimeter_unit=DosimeterUnit.MU,
                started_at=at + timedelta(minutes=beam_number),
            )
            for beam_number, part in ((1, 1.0), (2, share))
        ),
    )


def chart() -> Chart:
    return Chart(
        source="aria",
        physicians=(
            Physician(role="primary oncologist", name="dr. H. Dubois", phone="+32 3 555 01 01"),
            Physician(role="referring", name="dr. J. Peeters", phone="+32 3 555 01 09"),
        ),
        notes=(
            Note(kind=NoteKind.ALERT, text="Pacemaker: cardiologist informed, ECG each week", subject="ICD"),
            Note(kind=NoteKind.ALERT, text="Latex allergy"),
            Note(kind=NoteKind.SETUP, text="Left arm cannot be raised above 120°; extra pillow."),
            Note(
                kind=NoteKind.NOTE,
                text="Wants to be treated before 10:00.\nComes with her daughter.",
                author="RTT Els",
                written_at=FIRST,
            ),
        ),
        triage=Triage(
            code="2", reason="category 1, chemoradiation", given_by="dr. H. Dubois", given_at=FIRST
        ),
        plans=(ChartPlan(plan_id="BorstL", course_id="C1", plan_uid=MINE, status="approved"),),
        fields=(
            ChartField(plan_uid=MINE, field_id="1", beam_number=1, accessories=("bolus 5 mm",)),
            ChartField(
                plan_uid=MINE, field_id="2", name="Boog CC", beam_number=2, setup_note="Check the light field"
            ),
        ),
        past_appointments=(
            ChartAppointment(
                starts_at=AS_OF - timedelta(days=1), activity="Treatment", machine="LINAC 3", status="partial"
            ),
        ),
        documents=(
            ChartDocument(
                document_id="77", title="Consent", path=r"\\emr\docs\77.pdf", kind="pdf", created_at=FIRST
            ),
        ),
    )


def entry() -> CensusEntry:
    """What the OIS says of her."""
    patient = Patient(
        patient_id="0012345",
        issuer_of_patient_id="AZR",
        name="Vandenbroucke-Lefèvre^Marie-Thérèse",
        birth_on=date(1958, 4, 30),
        sex="F",
        language="fr",
        contacts=(
            Contact(relation="self", name="", phone="+32 470 12 34 56"),
            Contact(relation="daughter", name="Anaïs Lefèvre", phone="+32 471 65 43 21"),
        ),
    )
    return CensusEntry(
        patient=patient,
        claims=(Claim(source="aria", reason=CensusReason.TREATED_RECENTLY),),
        courses=(
            Course(
                course_id="C1",
                intent="Curative",
                diagnosis="C50.4 breast, left",
                plan_uids=(MINE, BOOST),
                prescriptions=(
                    Prescription(
                        name="Borst L",
                        dose_per_fraction_gy=2.67,
                        total_dose_gy=40.05,
                        number_of_fractions=15,
                        target="PTV breast",
                        technique="VMAT DIBH",
                        pattern="daily",
                        approved_by="dr. H. Dubois",
                        approved_at=FIRST - timedelta(days=6),
                    ),
                ),
            ),
        ),
        appointments=tuple(
            Appointment(
                starts_at=AS_OF + timedelta(days=day, hours=5), activity="Treatment", machine="LINAC 3"
            )
            for day in range(5)
        ),
        counts=(OisCount(plan_uid=MINE, source="aria", fractions_planned=15, fractions_done=10),),
        disagreements=("aria: birth date 1958-04-30, dicom: 1958-04-03",),
        charts=(chart(),),
    )


def source(**more: object) -> DossierSource:
    """A patient in the second week: nine fractions given, the tenth begun."""
    plans = (plan(), plan(BOOST, "BorstL boost", 5))
    records = tuple(record(number, share=1.0 if number < 10 else 0.25) for number in range(1, 11))
    position = course_position(
        plans,
        records,
        patient_id="0012345",
        ois_counts=(OisCount(plan_uid=MINE, source="aria", fractions_planned=15, fractions_done=10),),
    )
    made = DossierSource(
        site_name="AZ Sint-Rembert, radiotherapie",
        zone=BRUSSELS,
        entry=entry(),
        position=position,
        plans=plans,
        records=records,
        readiness=(
            Readiness(plan_uid=MINE, rt_plan_label="BorstL VMAT"),
            Readiness(
                plan_uid=BOOST, rt_plan_label="BorstL boost", blocking=("No dose refers to the plan.",)
            ),
        ),
        provenance=Provenance(night=date(2026, 11, 10), confirmed_by=("An Maes", "Bert Claes")),
        as_of=AS_OF,
        documents=(
            KeptDocument(title="Treatment record report", media_type="application/pdf", sha256="ab" * 32),
        ),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def named(name: str, patient_id: str = "0012345") -> DossierSource:
    """The same patient under another name and number."""
    made = source()
    patient = replace(made.entry.patient, name=name, patient_id=patient_id)
    return replace(made, entry=replace(made.entry, patient=patient))


def noted(*texts: str) -> DossierSource:
    """The same patient with other notes, each of every kind."""
    made = source()
    notes = tuple(Note(kind=kind, text=text, subject=text) for text in texts for kind in NoteKind)
    return replace(made, entry=replace(made.entry, charts=(replace(chart(), notes=notes),)))


def bare() -> DossierSource:
    """A patient of whom nothing is known but the number."""
    return source(
        entry=CensusEntry(patient=Patient(patient_id="7", name=""), claims=()),
        position=None,
        plans=(),
        records=(),
        readiness=(),
        provenance=Provenance(),
        documents=(),
    )


def hostile_texts() -> Iterator[str]:
    """Markup of every kind, scripts, reordering and hidden characters, and none at all."""
    yield from (
        "",
        "#panic()",
        "*x* _y_ #sys.inputs $ 1/0 $ <label> @ref \\u{41} // /* ```",
        '#image("/etc/passwd") #include "x" #eval("1")',
        "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>",
        "{{ 7*7 }} {% for x in y %}",
        "Wang^XiaoDong=王^小東=ワン",
        "محمد^أحمد",
        "כהן^דוד",
        "Jan\u202egnp.exe\u2066\u200b\ufeff",
        "a\x00b\x07c\x1b[31md\x7f",
        "😀 👩‍⚕️ \U0001f1e7\U0001f1ea",
        "\ud83d lone",
        "Zoë Ångström-Þórsdóttir ŁØđ ĳ œ ß Ÿ ſ",
        "e\u0301" * 50,
        "\u0e01\u0e49\u0e33",
        "\ue000\ufffe\U0010ffff",
        "x" * 5_000,
        "w " * 5_000,
    )
