"""Integrity: everything arrived, whole, once, of one patient, and every reference leads to something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.identity import likeness
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.domain.words import plural
from beamkeeper.respond.handover.import_finding import Finding, Grade, Question, judged, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from beamkeeper.domain.chain import Chain
    from beamkeeper.domain.patient import Patient
    from beamkeeper.domain.position import CoursePosition, PlanPosition
    from beamkeeper.respond.handover.import_facts import Imported, PlanSet, Unread
    from beamkeeper.respond.handover.import_finding import Announced


def objects_findings(
    objects: Sequence[Imported], unread: Sequence[Unread], announced: Announced
) -> Iterator[Finding]:
    """Yield what holds for the set as a whole."""
    broken = listed(f"{one.name}: {one.why}" for one in unread)
    yield _finding(
        "Files that could be read",
        judged(not unread, otherwise=Grade.STOP),
        expected="every one",
        found=broken if unread else plural(len(objects), "object"),
    )
    here = {one.uid for one in objects}
    if announced.object_uids is not None:
        missing, more = announced.object_uids - here, here - announced.object_uids
        yield _finding(
            "Objects that were announced",
            judged(not missing and not more, otherwise=Grade.STOP),
            expected=plural(len(announced.object_uids), "object"),
            found=f"{len(here & announced.object_uids)} of them, {len(missing)} missing, {len(more)} besides",
        )
    twice = _told_apart(objects)
    yield _finding(
        "Objects with one UID and different content",
        judged(not twice, otherwise=Grade.STOP),
        expected="none",
        found=listed(twice),
    )
    yield from _identity(objects, announced.patient)


def _told_apart(objects: Sequence[Imported]) -> list[str]:
    digests: dict[str, set[str]] = {}
    for one in objects:
        digests.setdefault(one.uid, set()).add(one.item.ref.sha256)
    return [one.item.label for one in objects if len(digests[one.uid]) > 1]


def _identity(objects: Sequence[Imported], patient: Patient) -> Iterator[Finding]:
    other, near = [], []
    for one in objects:
        stated = one.patient
        if stated is None or stated.patient_id != patient.patient_id or likeness(stated, patient).is_other:
            other.append(one.item.label)
        elif likeness(stated, patient).is_doubtful:
            near.append(one.item.label)
    yield _finding(
        "Patient of every object",
        Grade.STOP if other else Grade.LOOK if near else Grade.OK,
        expected=f"the patient of the letter, ID {patient.patient_id}, in all {len(objects)}",
        found=f"another patient, or none: {listed(other)}"
        if other
        else f"name, birth date or issuer written another way: {listed(near)}"
        if near
        else "the same in all",
    )


def chain_findings(of: PlanSet) -> Iterator[Finding]:
    """Yield whether everything a plan stands on is here."""
    chain, about = of.chain, of.about
    yield _finding(
        "Structure set of the plan",
        judged(chain.structure_set_found, otherwise=Grade.STOP),
        expected="the one that the plan names" if chain.structure_set_uid else "one named by the plan",
        found=_label(of.objects, chain.structure_set_uid) if chain.structure_set_found else "not here",
        about=about,
    )
    here, missing = len(chain.image_uids), len(chain.missing_image_uids)
    others = sum(one.kind is ObjectKind.IMAGE for one in chain.foreign)
    every = here + missing + others
    if chain.structure_set_found:
        yield _finding(
            "Images under the structures",
            judged(here > 0 and here == every, otherwise=Grade.STOP),
            expected=plural(every, "image") if every else "those it was drawn on",
            found=f"{here} here, {missing} missing, {others} of another Patient ID"
            if every
            else "the structure set names none",
            about=about,
        )
    doses = listed(dose.item.label for dose in of.doses)
    if lost := len(chain.missing_dose_uids):
        doses += f"; {lost} that the plan names not here"
    yield _finding(
        "Dose of the plan",
        judged(bool(of.doses) and not lost, otherwise=Grade.LOOK),
        expected="a dose that names the plan",
        found=doses,
        about=about,
    )
    newer = [other.rt_plan_label for other in chain.named_by if other.is_approved]
    yield _finding(
        "Newer approved plans that name it",
        judged(not newer, otherwise=Grade.STOP),
        expected="none",
        found=listed(newer),
        about=about,
    )


def orphan_findings(
    chain: Chain, objects: Mapping[str, Imported], position: CoursePosition | None
) -> Iterator[Finding]:
    """Yield what belongs to no plan that is here.

    Records of a plan that the sender counts and did not send are as they should be: a course's first plan is
    given, its boost goes on. The dose counts all the same, so somebody looks at it.

    Parameters
    ----------
    position
        The sender's count; None where none came along.
    """
    counted = {at.plan_uid: at for at in (position.plans if position is not None else ())}
    labels, earlier, is_record = [], dict[str, int](), False
    for uid in chain.orphan_uids:
        content = objects[uid].item.content if uid in objects else None
        plan_uid = content.referenced_plan_uid if isinstance(content, TreatmentRecord) else None
        if plan_uid is not None and plan_uid in counted:
            earlier[plan_uid] = earlier.get(plan_uid, 0) + 1
            continue
        labels.append(_label(objects, uid))
        is_record |= uid in objects and objects[uid].item.kind is ObjectKind.TREATMENT_RECORD
    yield _finding(
        "Objects of a plan that is not here",
        Grade.STOP if is_record else judged(not labels, otherwise=Grade.LOOK),
        expected="none",
        found=listed(labels),
    )
    if earlier:
        yield _finding(
            "Records of plans that the sender counts and did not send",
            Grade.LOOK,
            expected="dose that was given and is in the letter",
            found=listed(_earlier(counted[uid], records) for uid, records in earlier.items()),
        )


def _earlier(at: PlanPosition, records: int) -> str:
    planned = "?" if at.fractions_planned is None else at.fractions_planned
    given = f"{at.rt_plan_label}: {at.fractions_complete} of {planned} given"
    return f"{given}, {at.fractions_partial} begun, in {plural(records, 'record')}"


def _label(objects: Mapping[str, Imported], uid: str | None) -> str:
    found = objects.get(uid or "")
    return "not here" if found is None else found.item.label


def _finding(what: str, grade: Grade, *, expected: str, found: str, about: str = "") -> Finding:
    return Finding(
        test=Question.INTEGRITY, what=what, grade=grade, expected=expected, found=found, about=about
    )
