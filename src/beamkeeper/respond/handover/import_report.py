"""The report of a set that came in: does it hold together, is it read as meant, may somebody go on with it.

It asks TG-201's three questions of the files themselves. What it cannot ask is the other system: therefore
the beams stand in it as they are read here, with room for what the treatment planning system there shows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.domain.chain import resolve_chain
from beamkeeper.domain.counting import course_position
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.respond.handover.import_facts import Imported, PlanSet, Unread
from beamkeeper.respond.handover.import_finding import Finding, Grade, Question, listed
from beamkeeper.respond.handover.import_geometry import geometry_findings
from beamkeeper.respond.handover.import_meaning import interpretation_findings, remarks_of_readers
from beamkeeper.respond.handover.import_objects import chain_findings, objects_findings, orphan_findings
from beamkeeper.respond.handover.import_plan import plan_findings, position_findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beamkeeper.domain.position import CoursePosition
    from beamkeeper.protect.lists.page import PagePicture
    from beamkeeper.respond.handover.import_finding import Announced


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """Everything that was looked at.

    Attributes
    ----------
    findings
        In the order they are read: integrity, consistency, interpretation.
    plans
        Those that were judged, with their beams as they are read here.
    counts
        (kind of object, how many).
    pictures
        Photographs that came along.
    """

    announced: Announced
    findings: tuple[Finding, ...]
    plans: tuple[Plan, ...]
    position: CoursePosition | None
    counts: tuple[tuple[str, int], ...]
    pictures: tuple[PagePicture, ...] = ()

    @property
    def worst(self) -> Grade:
        """The grade of the whole set."""
        grades = {finding.grade for finding in self.findings}
        return next((grade for grade in (Grade.STOP, Grade.LOOK) if grade in grades), Grade.OK)


def verify_import(read: Sequence[Imported | Unread], announced: Announced) -> ImportReport:
    """Return the report of a set of files.

    Parameters
    ----------
    read
        As `import_facts.read_imported` gives them.
    """
    objects = [one for one in read if isinstance(one, Imported)]
    # Of two objects with one UID the same one as in the chain, whatever their order.
    by_uid = {one.uid: one for one in sorted(objects, key=lambda one: one.item.ref.sha256, reverse=True)}
    chain = resolve_chain(one.item for one in objects)
    plans = tuple(_plans(objects, announced))
    counted = _counted(objects, announced)
    findings = [
        *objects_findings(objects, [one for one in read if isinstance(one, Unread)], announced),
        *_plans_there(by_uid, plans, announced),
        *orphan_findings(chain, by_uid, announced.position),
    ]
    for plan in plans:
        own = chain.find(plan.sop_instance_uid)
        if own is None:
            continue
        of = PlanSet(plan=plan, chain=own, objects=by_uid)
        findings += chain_findings(of)
        findings += geometry_findings(of)
        findings += plan_findings(plan, of.own.stated if of.own is not None else None, of.about)
        findings += position_findings(plan, counted, announced.position, of.about)
        findings += interpretation_findings(of)
    findings += remarks_of_readers(objects)
    order = {test: place for place, test in enumerate(Question)}
    return ImportReport(
        announced=announced,
        findings=tuple(sorted(findings, key=lambda finding: order[finding.test])),
        plans=plans,
        position=counted,
        counts=tuple(sorted(Counter(str(one.item.kind) for one in objects).items())),
    )


def _plans(objects: Sequence[Imported], announced: Announced) -> Iterator[Plan]:
    """Yield the plans that are to be treated, each once."""
    found = {one.uid: one.item.content for one in objects}
    for uid, content in sorted(found.items()):
        if isinstance(content, Plan) and (uid in announced.plan_uids or not announced.plan_uids):
            yield content


def _plans_there(
    objects: dict[str, Imported], plans: Sequence[Plan], announced: Announced
) -> Iterator[Finding]:
    lost = [uid for uid in announced.plan_uids if uid not in objects]
    yield Finding(
        test=Question.INTEGRITY,
        what="Plans to be treated",
        grade=Grade.STOP if lost or not plans else Grade.OK,
        expected=f"{len(announced.plan_uids)} by the letter" if announced.plan_uids else "one or more",
        found=f"not here: {listed(lost)}" if lost else listed(plan.rt_plan_label for plan in plans),
    )


def _counted(objects: Sequence[Imported], announced: Announced) -> CoursePosition:
    """Count the records that came along; summaries are not asked: some are computed, by us."""
    patient_id = announced.patient.patient_id
    contents = [one.item.content for one in objects]
    return course_position(
        [content for content in contents if isinstance(content, Plan)],
        [content for content in contents if isinstance(content, TreatmentRecord)],
        patient_id=patient_id,
    )
