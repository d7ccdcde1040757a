"""A real set that came in is judged as it is; each way in which it can be wrong is found and named."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pypdf import PdfReader

from beamkeeper.clock import zone
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.plan import ApprovalStatus
from beamkeeper.domain.volume import Registration
from beamkeeper.respond.handover.import_facts import Imported, Unread, read_imported
from beamkeeper.respond.handover.import_finding import Announced, Finding, Grade, Question
from beamkeeper.respond.handover.import_page import import_facts, import_files
from beamkeeper.respond.handover.import_report import ImportReport, verify_import

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beamkeeper.domain.patient import Patient

    Set = list[Imported | Unread]
UTC_ZONE = zone("UTC")


@pytest.fixture(scope="module")
def monaco(real_data: Path) -> tuple[Imported, ...]:
    """Four photon beams, five slices, structures and dose of one patient, not approved."""
    folder = real_data / "monaco-hn-proknow/dicom"
    files = ((path.name, path.read_bytes()) for path in sorted(folder.rglob("*.dcm")))
    read = read_imported(files, zone=UTC_ZONE)
    return tuple(one for one in read if isinstance(one, Imported))


def whose(objects: tuple[Imported, ...]) -> Patient:
    assert objects[0].patient is not None
    return objects[0].patient


def first(objects: Set, kind: ObjectKind) -> Imported:
    return next(one for one in objects if isinstance(one, Imported) and one.item.kind is kind)


def put(objects: Set, old: Imported, new: Imported) -> Set:
    return [new if one is old else one for one in objects]


def with_content(objects: Set, kind: ObjectKind, **changes: object) -> Set:
    old = first(objects, kind)
    content = replace(old.item.content, **changes)
    return put(objects, old, replace(old, item=replace(old.item, content=content)))


def with_beam(objects: Set, **changes: object) -> Set:
    plan = first(objects, ObjectKind.PLAN).item.content
    return with_content(objects, ObjectKind.PLAN, beams=(replace(plan.beams[0], **changes), *plan.beams[1:]))


def with_stated(objects: Set, **changes: object) -> Set:
    old = first(objects, ObjectKind.PLAN)
    beams = (replace(old.stated.beams[0], **changes), *old.stated.beams[1:])
    return put(objects, old, replace(old, stated=replace(old.stated, beams=beams)))


def with_group(objects: Set, **changes: object) -> Set:
    old = first(objects, ObjectKind.PLAN)
    groups = (replace(old.stated.groups[0], **changes),)
    return put(objects, old, replace(old, stated=replace(old.stated, groups=groups)))


def images(objects: Set) -> list[Imported]:
    found = [one for one in objects if isinstance(one, Imported) and one.item.kind is ObjectKind.IMAGE]
    return sorted(found, key=lambda one: one.lattice.position_mm[2])


def without(objects: Set, *those: Imported) -> Set:
    return [one for one in objects if one not in those]


def moved(objects: Set, place: int, by_mm: float, **changes: object) -> Set:
    old = images(objects)[place]
    away = old.lattice.position_mm + np.array([0.0, 0.0, by_mm])
    values = {name: getattr(old.lattice, name) for name in type(old.lattice).__dataclass_fields__} | {
        "position_mm": away,
        **changes,
    }
    return put(objects, old, replace(old, lattice=type(old.lattice)(**values)))


def isocentre_away(objects: Set) -> Set:
    plan = first(objects, ObjectKind.PLAN).item.content
    points = tuple(replace(point, isocenter_mm=(0.0, 0.0, 4000.0)) for point in plan.beams[0].control_points)
    return with_beam(objects, control_points=points)


def short_of_leaves(objects: Set) -> Set:
    plan = first(objects, ObjectKind.PLAN).item.content
    points = tuple(
        replace(point, leaf_positions_mm=point.leaf_positions_mm[:-1])
        for point in plan.beams[0].control_points
    )
    return with_beam(objects, control_points=points)


def dose_elsewhere(objects: Set) -> Set:
    old = first(objects, ObjectKind.DOSE)
    return put(objects, old, replace(old, frame_of_reference_uid="1.2.3.9"))


def dose_elsewhere_and_joined(objects: Set) -> Set:
    dose, structures = first(objects, ObjectKind.DOSE), first(objects, ObjectKind.STRUCTURE_SET)
    frames = (*structures.item.content.frame_of_reference_uids, "1.2.3.9")
    joins = Registration(
        sop_instance_uid="1.2.3.8", patient_id=dose.item.ref.patient_id, frame_of_reference_uids=frames
    )
    ref = replace(dose.item.ref, sop_instance_uid="1.2.3.8", sha256="8")
    item = replace(dose.item, ref=ref, kind=ObjectKind.REGISTRATION, content=joins, references=())
    return [*dose_elsewhere(objects), replace(dose, item=item, lattice=None)]


def replaced_plan(objects: Set) -> Set:
    old = first(objects, ObjectKind.PLAN)
    newer = replace(
        old.item.content,
        sop_instance_uid="1.2.3.7",
        rt_plan_label="APlan2",
        approval_status=ApprovalStatus.APPROVED,
        related_plan_uids=(("PREDECESSOR", old.uid),),
    )
    ref = replace(old.item.ref, sop_instance_uid="1.2.3.7", sha256="7")
    return [*objects, replace(old, item=replace(old.item, ref=ref, content=newer))]


def changed_twin(objects: Set) -> Set:
    old = first(objects, ObjectKind.DOSE)
    return [*objects, replace(old, item=replace(old.item, ref=replace(old.item.ref, sha256="0")))]


def of(objects: Set, **patient: object) -> Set:
    old = first(objects, ObjectKind.DOSE)
    return put(objects, old, replace(old, patient=replace(old.patient, **patient)))


WRONG: dict[str, tuple[Callable[[Set], Set], str, Grade, str]] = {
    "a file that cannot be read": (
        lambda s: [*s, Unread(name="x.dcm", why="Truncated.")],
        "Files that could be read",
        Grade.STOP,
        "x.dcm",
    ),
    "an object of another patient": (
        lambda s: of(s, patient_id="4711"),
        "Patient of every object",
        Grade.STOP,
        "another patient",
    ),
    "a slip of the pen in the name": (
        lambda s: of(s, name=s[0].patient.name + "x"),
        "Patient of every object",
        Grade.LOOK,
        "another way",
    ),
    "one UID twice": (changed_twin, "Objects with one UID and different content", Grade.STOP, "dose"),
    "no structure set": (
        lambda s: without(s, first(s, ObjectKind.STRUCTURE_SET)),
        "Structure set of the plan",
        Grade.STOP,
        "not",
    ),
    "no dose": (lambda s: without(s, first(s, ObjectKind.DOSE)), "Dose of the plan", Grade.LOOK, "none"),
    "a slice left out": (
        lambda s: without(s, images(s)[2]),
        "Images under the structures",
        Grade.STOP,
        "4 here, 1 missing",
    ),
    "a slice left out, seen by the steps": (
        lambda s: without(s, images(s)[2]),
        "Slices of the planning images",
        Grade.STOP,
        "1 slice missing",
    ),
    "two slices in one place": (
        lambda s: moved(s, 1, 3.0),
        "Slices of the planning images",
        Grade.STOP,
        "at the place of another",
    ),
    "a slice a little away": (
        lambda s: moved(s, 1, 0.5),
        "Slices of the planning images",
        Grade.LOOK,
        "2.5 to 3.5 mm",
    ),
    "a slice of another size": (
        lambda s: moved(s, 1, 0.0, row_spacing_mm=2.0),
        "Slices of the planning images",
        Grade.STOP,
        "different",
    ),
    "an approved successor": (replaced_plan, "Newer approved plans that name it", Grade.STOP, "APlan2"),
    "a dose in another frame": (dose_elsewhere, "Frame of reference", Grade.STOP, "nothing joins"),
    "joined by a registration": (dose_elsewhere_and_joined, "Frame of reference", Grade.LOOK, "registration"),
    "an isocentre far away": (
        isocentre_away,
        "Isocentre and targets in the images",
        Grade.LOOK,
        "0.0/0.0/4000.0",
    ),
    "a dose of one fraction": (
        lambda s: with_content(s, ObjectKind.DOSE, maximum_dose_gy=2.8),
        "Maximum of ",
        Grade.LOOK,
        "2.80 Gy",
    ),
    "a relative dose": (
        lambda s: with_content(s, ObjectKind.DOSE, dose_units="RELATIVE"),
        "Unit of ",
        Grade.STOP,
        "RELATIVE",
    ),
    "a slice that is rescaled otherwise": (
        lambda s: put(s, images(s)[1], replace(images(s)[1], rescale=(1.0, 0.0))),
        "CT numbers",
        Grade.LOOK,
        "intercept 0",
    ),
    "a slice that is not rescaled": (
        lambda s: put(s, images(s)[1], replace(images(s)[1], rescale=None)),
        "CT numbers",
        Grade.LOOK,
        "not stated by CT slice",
    ),
    "a rejected plan": (
        lambda s: with_content(s, ObjectKind.PLAN, approval_status=ApprovalStatus.REJECTED),
        "Approval",
        Grade.STOP,
        "REJECTED",
    ),
    "a plan for a phantom": (
        lambda s: with_content(s, ObjectKind.PLAN, plan_intent="VERIFICATION"),
        "What the plan is for",
        Grade.STOP,
        "VERIFICATION",
    ),
    "a beam without meterset": (
        lambda s: with_beam(s, beam_meterset=None),
        "Metersets of a fraction",
        Grade.STOP,
        "none for beam 1",
    ),
    "a beam less than stated": (
        lambda s: with_group(s, number_of_beams=5),
        "Beams and fraction groups",
        Grade.STOP,
        "says 5 beams",
    ),
    "a control point less than stated": (
        lambda s: with_stated(s, number_of_control_points=3),
        "Control points",
        Grade.STOP,
        "says 3 and has 2",
    ),
    "weights that fall": (
        lambda s: with_stated(s, weights=(0.0, 1.0, 0.5), number_of_control_points=3, indexes=(0, 1, 2)),
        "Control points",
        Grade.STOP,
        "weights that fall",
    ),
    "another final weight": (
        lambda s: with_stated(s, final_weight=2.0),
        "Control points",
        Grade.STOP,
        "the final one is 2",
    ),
    "a beam for no machine": (
        lambda s: with_beam(s, treatment_machine_name=""),
        "Machine and energy",
        Grade.STOP,
        "no machine for beam 1",
    ),
    "a beam for another machine": (
        lambda s: with_beam(s, treatment_machine_name="TB2"),
        "Machine and energy",
        Grade.LOOK,
        "TB2, ",
    ),
    "a leaf less": (short_of_leaves, "Leaves", Grade.STOP, "159 positions for 80 pairs"),
    "another dose by beams": (
        lambda s: with_beam(s, beam_dose_gy=0.0),
        "Dose of a fraction",
        Grade.LOOK,
        "by its beams",
    ),
}


def found(report: ImportReport, what: str, about: str = "APlan1") -> Finding:
    return next(one for one in report.findings if one.what.startswith(what) and one.about in {"", about})


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_named_and_graded(monaco: tuple[Imported, ...], wrong: str) -> None:
    change, what, grade, says = WRONG[wrong]
    announced = Announced(patient=whose(monaco))
    right = found(verify_import(monaco, announced), what)
    finding = found(verify_import(change(list(monaco)), announced), what)

    assert (finding.grade, says in finding.found) == (grade, True), finding
    assert right.grade is Grade.OK or (right.what, right.grade) == ("Approval", Grade.STOP)


def test_a_whole_set_is_right_but_for_its_approval(monaco: tuple[Imported, ...]) -> None:
    approved = with_content(list(monaco), ObjectKind.PLAN, approval_status=ApprovalStatus.APPROVED)
    report = verify_import(approved, Announced(patient=whose(monaco)))

    assert report.worst is Grade.LOOK
    assert {one.what for one in report.findings if one.grade is Grade.STOP} == set()
    assert dict(report.counts) == {"dose": 1, "image": 5, "plan": 1, "structure set": 1}


def test_what_was_announced_must_be_there_and_nothing_else(monaco: tuple[Imported, ...]) -> None:
    uids = frozenset(one.uid for one in monaco)
    for announced, grade in (
        (uids, Grade.OK),
        (uids | {"1.2.3"}, Grade.STOP),
        (uids - {monaco[0].uid}, Grade.STOP),
    ):
        report = verify_import(monaco, Announced(patient=whose(monaco), object_uids=announced))

        assert found(report, "Objects that were announced").grade is grade


def test_a_plan_to_be_treated_that_did_not_come_is_named(monaco: tuple[Imported, ...]) -> None:
    report = verify_import(monaco, Announced(patient=whose(monaco), plan_uids=("1.2.3",)))

    assert found(report, "Plans to be treated").grade is Grade.STOP
    assert report.plans == ()


def test_the_records_that_came_must_count_what_the_sender_counted(monaco: tuple[Imported, ...]) -> None:
    counted = verify_import(monaco, Announced(patient=whose(monaco))).position
    assert counted is not None
    more = replace(counted, plans=tuple(replace(one, fractions_complete=12) for one in counted.plans))
    for said, grade in ((counted, Grade.OK), (more, Grade.STOP), (None, Grade.LOOK)):
        report = verify_import(monaco, Announced(patient=whose(monaco), position=said))

        assert found(report, "Fractions given so far").grade is grade


def test_an_empty_bundle_is_no_good_bundle(monaco: tuple[Imported, ...]) -> None:
    assert verify_import((), Announced(patient=whose(monaco))).worst is Grade.STOP


def test_on_paper_every_test_and_beam_stands_with_room_for_what_is_shown_there(
    monaco: tuple[Imported, ...],
) -> None:
    report = verify_import(monaco, Announced(patient=whose(monaco)))
    files = import_files(
        report, site_name="Partner", made_at=datetime(2026, 11, 22, 20, tzinfo=UTC), zone=UTC_ZONE
    )
    text, html = (files[f"import-report.{kind}"].decode() for kind in ("txt", "html"))
    pages = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(files["import-report.pdf"])).pages)

    for beam in report.plans[0].beams:
        assert f"{beam.beam_meterset:.2f} MU" in text
    for said in (text, html, pages):
        assert "STOP" in said
        assert "UNAPPROVED" in said
        assert "☐ same" in said
    assert "physicist who takes the patient in decides" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_for_programs_the_same_stands_without_the_name(monaco: tuple[Imported, ...]) -> None:
    report = verify_import(monaco, Announced(patient=whose(monaco)))
    facts = import_facts(report)

    assert facts["worst"] == "stop"
    assert len(facts["findings"]) == len(report.findings)
    assert whose(monaco).name.split("^")[0] not in str(facts)


def test_a_damaged_file_always_stops_the_set_and_never_the_report(
    monaco: tuple[Imported, ...], real_data: Path
) -> None:
    paths = sorted((real_data / "monaco-hn-proknow/dicom").rglob("R*.dcm"))
    announced = Announced(patient=whose(monaco), object_uids=frozenset(one.uid for one in monaco))
    chance = random.Random(83)
    for _ in range(60):
        path = chance.choice(paths)
        damaged = bytearray(path.read_bytes())
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(min(len(damaged), 6000))
            damaged[at] = (
                damaged[at] ^ 0xFF if chance.random() < 0.2 else chance.choice(b"\x00\x41\x31\x2d\x39")
            )
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        if bytes(damaged) == path.read_bytes():
            continue
        read = read_imported([(path.name, bytes(damaged))], zone=UTC_ZONE)
        report = verify_import([*monaco, *read], announced)

        assert Grade.STOP in {one.grade for one in report.findings if one.test is Question.INTEGRITY}


@pytest.mark.parametrize(
    ("folder", "stops"),
    [
        ("oncentra-phantom-rtkit/dicom/simple_phantom_case", {"Approval"}),
        (
            "eclipse-breast-dicompyler/dicom",
            {"Patient of every object", "Images under the structures", "Approval"},
        ),
        (
            "eclipse-prostate-slicerrt/dicom",
            {"Images under the structures", "Approval", "Metersets of a fraction"},
        ),
        (
            "proton-dcpt-let/dicom/plan03_ramp_full",
            {"Patient of every object", "Structure set of the plan"},
        ),
        pytest.param(
            "ihero-brto-fullrefset/dicom",
            {"Approval", "Fractions planned", "Metersets of a fraction"},
            marks=pytest.mark.long,
        ),
    ],
)
def test_sets_of_other_systems_are_stopped_for_what_they_lack_and_nothing_else(
    real_data: Path, folder: str, stops: set[str]
) -> None:
    files = ((path.name, path.read_bytes()) for path in sorted((real_data / folder).rglob("*.dcm")))
    read = read_imported(files, zone=UTC_ZONE)
    structures = first(list(read), ObjectKind.STRUCTURE_SET)
    assert structures.patient is not None
    report = verify_import(read, Announced(patient=structures.patient))

    assert {one.what for one in report.findings if one.grade is Grade.STOP} == stops
