"""`beamkeeper census`, `patients`, `patient ID`: who is kept, and where each stands."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.app.cli.who import IssuerOption, kept_patients
from beamkeeper.clock import SystemClock
from beamkeeper.domain.identity import identity_of
from beamkeeper.domain.patient import shown_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.domain.patient import Patient
    from beamkeeper.domain.position import CoursePosition
    from beamkeeper.ledger import DocumentRow, PatientRow, PositionRow

DECIDES = "Decision support: a physicist decides."


def census(site: SiteOption = None, json_: JsonOption = False) -> int:
    """Ask every source of the list now, and show who must be kept and why. Nothing is collected.

    Exit status: 0 every source answered, 10 one did not.

    Example: beamkeeper census
    """
    from beamkeeper.app.jobs.listing import take_census
    from beamkeeper.app.jobs.runtime import open_runtime
    from beamkeeper.app.jobs.sources import Sources
    from beamkeeper.protect.report.words import plural

    chosen = open_site(site)
    runtime = open_runtime(chosen, SystemClock())
    scratch = chosen.data_dir / "census"
    taken = take_census(runtime, Sources(chosen, spool_dir=scratch, known_path=scratch / "known")).census
    if json_:
        emit_json({"census": taken})
        return 0 if all(source.answered for source in taken.sources) else 10
    table = Table(box=None, pad_edge=False)
    for title in ("Patient ID", "name", "why on the list", ""):
        table.add_column(title, overflow="fold")
    for entry in taken.entries:
        reasons = "; ".join(dict.fromkeys(claim.reason.value for claim in entry.claims))
        marks = "finished" if entry.finished else ""
        table.add_row(escape(entry.patient.patient_id), _name(entry.patient), reasons, marks)
    out.print(table)
    for entry in taken.entries:
        for text in entry.disagreements:
            print_wrapped(f"▲ {entry.patient.patient_id}: {text}")
    for source in taken.sources:
        said = plural(source.patient_count, "patient") if source.answered else f"NO ANSWER: {source.error}"
        out.print(f"\n{source.source}: {said}", markup=False)
        for warning in source.warnings:
            print_wrapped(f"  · {warning}")
    return 0 if all(source.answered for source in taken.sources) else 10


def patients(site: SiteOption = None, json_: JsonOption = False) -> int:
    """List every patient in the vault: position in the course, last night seen.

    Example: beamkeeper patients
    """
    runtime = _runtime(site)
    rows = runtime.ledger.patients()
    positions = {row.pseudonym: row.position for row in runtime.ledger.positions()}
    if json_:
        emit_json({"patients": [{"patient": row, "position": positions.get(row.pseudonym)} for row in rows]})
        return 0
    table = Table(box=None, pad_edge=False)
    for title in ("Patient ID", "name", "position", "seen"):
        table.add_column(title, overflow="fold")
    for row in rows:
        seen = f"{row.last_seen_on:%m-%d}" + (" finished" if row.finished else "")
        where = _short_position(positions.get(row.pseudonym))
        table.add_row(escape(row.patient.patient_id), _name(row.patient), escape(where), seen)
    out.print(table)
    if not rows:
        out.print("Nobody yet: run the first night with `beamkeeper night`.")
    out.print(f"\n{len(rows)} patients. {DECIDES}")
    return 0


def patient(
    patient_id: Annotated[
        str, typer.Argument(help="Patient ID, exactly, or the first letters of the pseudonym.")
    ],
    issuer: IssuerOption = None,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Show one patient: who, where in every plan, what is kept, what changed lately.

    Two persons who share a Patient ID are both shown, one after the other.

    Example: beamkeeper patient 0012345
    """
    runtime = _runtime(site)
    found = kept_patients(runtime.ledger, patient_id, issuer)
    if json_:
        emit_json({"patients": [_patient_facts(runtime, row) for row in found]})
        return 0
    if len(found) > 1:
        out.print(f"[bold]▲ {len(found)} persons are kept under this Patient ID[/], each in an own folder.\n")
    for row in found:
        _show_patient(runtime, row)
    return 0


def _patient_facts(runtime: Runtime, row: PatientRow) -> dict[str, object]:
    positions = runtime.ledger.positions(pseudonym=row.pseudonym)
    return {
        "patient": row,
        "known_as": _known_as(runtime, row),
        "position": positions[-1].position if positions else None,
        "position_as_of": positions[-1].as_of or positions[-1].run_on if positions else None,
        "objects": runtime.ledger.current_objects(row.pseudonym),
        "documents": runtime.ledger.documents(row.pseudonym),
        "changes": runtime.ledger.changes(pseudonym=row.pseudonym),
    }


def _known_as(runtime: Runtime, row: PatientRow) -> tuple[Patient, ...]:
    """Return every way in which issuer, name and birth date of this person were stated."""
    persons = runtime.ledger.persons_with_id(row.patient.patient_id)
    return next((person.known_as for person in persons if person.pseudonym == row.pseudonym), ())


def _show_other_statements(runtime: Runtime, row: PatientRow) -> None:
    for stated in _known_as(runtime, row):
        if stated == identity_of(row.patient):
            continue
        issuer = f", issuer {stated.issuer_of_patient_id}" if stated.issuer_of_patient_id else ""
        born = f", born {stated.birth_on}" if stated.birth_on else ""
        print_wrapped(f"  also stated as {shown_name(stated.name) or 'nobody'}{born}{issuer}")


def _show_patient(runtime: Runtime, row: PatientRow) -> None:
    from beamkeeper.protect.report.words import plural, position_in_words

    person = row.patient
    born = f"born {person.birth_on}" if person.birth_on else "birth date unknown"
    out.print(
        f"[bold]{_name(person)}[/]  {escape(person.patient_id)}  {born}  {escape(person.sex)}", soft_wrap=True
    )
    out.print(f"vault folder {row.pseudonym}")
    out.print(f"kept since {row.first_seen_on}, last seen {row.last_seen_on}")
    if person.issuer_of_patient_id:
        out.print(f"issuer of the Patient ID: {person.issuer_of_patient_id}", markup=False)
    _show_other_statements(runtime, row)
    for contact in person.contacts:
        out.print(f"  {contact.relation}: {contact.name} {contact.phone}", markup=False)
    positions = runtime.ledger.positions(pseudonym=row.pseudonym)
    if positions:
        position = positions[-1].position
        out.print(f"\n[bold]Position[/] {_as_of(positions[-1], runtime.site.zone)}")
        for plan in position.plans:
            print_wrapped("  " + position_in_words(plan, runtime.site.zone))
            for conflict in plan.conflicts:
                print_wrapped(f"  ▲ {conflict.text}")
        for conflict in position.conflicts:
            print_wrapped(f"  ▲ {conflict.text}")
        for uid in position.unassigned_record_uids:
            print_wrapped(f"  ▲ a treatment record belongs to no plan: {uid}")
    objects = runtime.ledger.current_objects(row.pseudonym)
    now = [item for item in objects if not item.superseded]
    kinds = Counter(item.modality or "?" for item in now)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    out.print(f"\n[bold]Kept[/]  {escape(counts)}; {sum(item.size_bytes for item in now) / 1e6:.1f} MB")
    gone = sum(not item.present for item in now)
    older = len(objects) - len(now)
    versions, objects_gone = plural(older, "older version"), plural(gone, "object")
    out.print(f"  {versions}, {objects_gone} no longer at the source")
    _show_documents(runtime.ledger.documents(row.pseudonym))
    eyes = [
        change for change in runtime.ledger.changes(pseudonym=row.pseudonym) if change.comparison.needs_eyes
    ]
    if eyes:
        out.print("\n[bold]Changes that need eyes[/]")
    for change in eyes:
        out.print(f"  {change.run_on} {change.comparison.title}", markup=False)
        for item in change.comparison.changes:
            print_wrapped(f"    · {item.text}")
    out.print(f"\n{DECIDES}")


def _show_documents(rows: Sequence[DocumentRow]) -> None:
    """Print every document that a restore gives back, and what became of its file on the share."""
    from beamkeeper.protect.documents import state_in_words
    from beamkeeper.protect.report.words import plural

    now = [row.stored for row in rows if not row.stored.superseded]
    if not now:
        return
    out.print(f"  {plural(len(now), 'document')}")
    for item in sorted(now, key=lambda one: one.title):
        state = state_in_words(item, [row.stored for row in rows])
        print_wrapped(f"    {item.title}, as of {item.last_seen_on}{state and f': {state}'}")


def _as_of(row: PositionRow, zone: ZoneInfo) -> str:
    if row.as_of is None:
        return f"as of the night of {row.run_on}"
    return f"as of {row.as_of.astimezone(zone):%Y-%m-%d %H:%M}, from the records of the day"


def _name(person: Patient) -> str:
    """Return a name as people write it; brackets in it are letters and no markup."""
    return escape(shown_name(person.name))


def _runtime(site: SiteOption) -> Runtime:
    from beamkeeper.app.jobs.runtime import open_runtime

    return open_runtime(open_site(site), SystemClock())


def _short_position(position: CoursePosition | None) -> str:
    if position is None or not position.plans:
        return "no plan"
    parts = []
    for plan in position.plans:
        planned = "?" if plan.fractions_planned is None else plan.fractions_planned
        mark = " ▲" if plan.conflicts else ""
        begun = f" +{plan.fractions_partial} begun" if plan.fractions_partial else ""
        parts.append(f"{plan.rt_plan_label} {plan.fractions_complete}/{planned}{begun}{mark}")
    if position.unassigned_record_uids:
        parts.append("▲ unassigned record")
    return "\n".join(parts)
