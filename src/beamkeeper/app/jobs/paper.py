"""Paper in an incident: the chart of a patient as things stand now, and fractions typed in from it."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.dossier_photos import PhotoWords, kept_photos
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.app.jobs.vault_dossiers import document_in
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE
from beamkeeper.domain.placing import fraction_groups, treatment_beams
from beamkeeper.domain.position import ConflictKind
from beamkeeper.errors import ConfigError, IntegrityError, ObjectUnreadable
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.paper import ChartSource, chart_pdf, details_of, entries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.since import Now
    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.clock import Clock
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.plan import Beam, Plan
    from beamkeeper.protect.dossier import Picture
    from beamkeeper.respond.paper import HandEntry

ROUNDED_TO: Final = 1.0
"""What people write may be the next whole monitor unit."""
TOTAL_OFF_MAX: Final = 0.5
"""The second person adds up whole monitor units."""


def chart(
    folder: IncidentFolder,
    opened: OpenedVault | None,
    pseudonym: str,
    plan: str | None,
    *,
    now: datetime,
) -> bytes:
    """Return the paper chart of one plan of a patient; with the photo where a vault is at hand."""
    stand = patient_now(folder, folder.inventory(), pseudonym, now)
    meant = stand.plan(plan)
    stand.line(meant)
    _verify_not_replaced(stand, meant)
    return chart_pdf(
        ChartSource(
            person=stand.person,
            row=stand.row,
            plan=meant,
            at=stand.at(meant),
            written=stand.written,
            zone=stand.head.zone,
            made_at=now,
            site_name=stand.head.site_name,
            photo=None if opened is None else _photo(opened, stand, folder.path),
        )
    )


def _verify_not_replaced(stand: Now, plan: Plan) -> None:
    at = stand.at(plan)
    said = [one.text for one in (at.conflicts if at else ()) if one.kind is ConflictKind.REPLACED]
    if said:
        raise ConfigError(
            f"Plan {plan.rt_plan_label!r} is {said[0]}",
            do_next="Print the chart of the plan that holds. What was given by the old one all the same: "
            "`beamkeeper paper enter`.",
        )


def _photo(opened: OpenedVault, stand: Now, scratch: Path) -> Picture | None:
    """Return the newest photo of who it is; None where none is kept, or it is no photograph."""
    person = stand.person
    entry = opened.vault.latest(person.pseudonym, night=person.night)
    if entry is None:
        return None
    documents = opened.vault.read_state(entry, identities=opened.identities).documents
    found = kept_photos(documents, person.entry.charts, PhotoWords(), stand.head.zone)
    photo = next((one for one in found if not one.is_setup), None)
    if photo is None:
        return None
    with tempfile.TemporaryDirectory(prefix=".paper-", dir=scratch) as work:
        opened.vault.restore_patient(
            person.pseudonym, identities=opened.identities, out_dir=Path(work), night=person.night
        )
        try:
            return photo.picture(document_in(Path(work), photo.document))
        except (ObjectUnreadable, IntegrityError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one person reads off the paper.

    Attributes
    ----------
    beams
        Metersets by beam number; empty for everything that was left of the fraction.
    """

    fraction_number: int
    given_at: datetime
    machine: str
    beams: Mapping[int, float]
    remark: str = ""


def enter(
    folder: IncidentFolder,
    pseudonym: str,
    plan: str | None,
    written: Written,
    *,
    by: str,
    clock: Clock,
) -> HandEntry:
    """Write down a fraction from paper; it counts at once, and stays in doubt until somebody checks it.

    Raises
    ------
    ConfigError
        It cannot be: no such beam, more than the plan gives, in the future, beyond the fractions planned.
    """
    stand = patient_now(folder, folder.inventory(), pseudonym, clock.now())
    meant = stand.plan(plan)
    continues = _is_begun(stand, meant, written.fraction_number)
    beams = _beams(stand, meant, written, continues=continues)
    _verify(meant, written, beams, now=clock.now())
    details = details_of(
        meant,
        fraction_number=written.fraction_number,
        given_at=written.given_at,
        machine=written.machine,
        beams=beams,
        is_continuation=continues,
    )
    details |= {
        "about": f"fraction {written.fraction_number} of plan {meant.rt_plan_label!r}",
        "said": written.remark,
    }
    row = _write(folder, Deed.ENTERED, pseudonym, details, by=by, clock=clock)
    return next(one for one in entries([row], pseudonym) if one.number == row.sequence)


def check(
    folder: IncidentFolder, number: int, *, fraction_number: int, total: float, by: str, clock: Clock
) -> bool:
    """Write down whether a second person read the same off the paper, and return it.

    What the first one typed is not told: who checks has to read.

    Raises
    ------
    ConfigError
        No such entry, checked or struck out already, or by who typed it in.
    """
    entry = _open_entry(folder, number)
    if entry.checked_by:
        raise ConfigError(f"Line {number} was checked by {entry.checked_by}.")
    if _plain(by) == _plain(entry.entered_by):
        raise ConfigError(
            "Who typed it in does not check it.", do_next="Somebody else reads the paper and types it again."
        )
    same = fraction_number == entry.fraction_number and abs(total - entry.total) <= TOTAL_OFF_MAX
    _write(
        folder,
        Deed.CHECKED_ENTRY,
        entry.pseudonym,
        {
            "about": f"line {number}",
            "entry": number,
            "said": "the same" if same else f"read fraction {fraction_number}, {total:g} in total",
        },
        by=by,
        clock=clock,
        outcome="ok" if same else "refused",
    )
    return same


def strike(
    folder: IncidentFolder, number: int, *, people: tuple[str, ...], reason: str, clock: Clock
) -> None:
    """Strike out an entry that is wrong; it stays in the journal and counts no longer.

    Raises
    ------
    ConfigError
        No such entry, struck out already, or no reason.
    """
    entry = _open_entry(folder, number)
    if not reason.strip():
        raise ConfigError("Why has to be said.", do_next="Give --reason.")
    _write(
        folder,
        Deed.STRUCK,
        entry.pseudonym,
        {"about": f"line {number}", "entry": number, "said": reason},
        by=" and ".join(people),
        clock=clock,
    )


def all_entries(folder: IncidentFolder) -> tuple[HandEntry, ...]:
    """Return everything that was typed in, of everybody, by its line in the journal."""
    rows = folder.journal.rows()
    persons = dict.fromkeys(row.patient_pseudonym for row in rows if row.action == Deed.ENTERED)
    found = [one for name in persons if name for one in entries(rows, name)]
    return tuple(sorted(found, key=lambda one: one.number))


def _open_entry(folder: IncidentFolder, number: int) -> HandEntry:
    entry = next((one for one in all_entries(folder) if one.number == number), None)
    if entry is None:
        raise ConfigError(
            f"Line {number} of the journal is no fraction from paper.", do_next="`beamkeeper paper show`."
        )
    if entry.struck_by:
        raise ConfigError(f"Line {number} was struck out by {entry.struck_by}.")
    return entry


def _is_begun(stand: Now, plan: Plan, number: int) -> bool:
    at = stand.at(plan)
    return (
        any(state.fraction_number == number and state.is_partial for state in at.fractions) if at else False
    )


def _beams(stand: Now, plan: Plan, written: Written, *, continues: bool) -> tuple[tuple[int, float], ...]:
    """Return what was given: as typed, else what the fraction still needed."""
    if written.beams:
        return tuple(sorted(written.beams.items()))
    at = stand.at(plan)
    state = next(
        (one for one in (at.fractions if at else ()) if one.fraction_number == written.fraction_number), None
    )
    partial = {number: given for number, given, _ in state.partial_beams} if continues and state else {}
    missing = state.missing_beam_numbers if continues and state else ()
    left = []
    for beam in _treatment(plan):
        if beam.beam_meterset is None:
            raise ConfigError(
                f"The plan states no meterset for beam {beam.beam_number}.",
                do_next="Give it: --beam 2=117.2.",
            )
        if not continues or beam.beam_number in missing:
            left.append((beam.beam_number, beam.beam_meterset))
        elif beam.beam_number in partial:
            left.append((beam.beam_number, beam.beam_meterset - partial[beam.beam_number]))
    return tuple(left)


def _treatment(plan: Plan) -> tuple[Beam, ...]:
    found = (beam for group in fraction_groups(plan) for beam in treatment_beams(plan, group))
    return tuple({beam.beam_number: beam for beam in found}.values())


def _verify(plan: Plan, written: Written, beams: tuple[tuple[int, float], ...], *, now: datetime) -> None:
    planned = plan.number_of_fractions_planned
    if written.fraction_number < 1 or (planned is not None and written.fraction_number > planned):
        raise ConfigError(
            f"The plan has {planned} fractions; there is no fraction {written.fraction_number}."
        )
    if written.given_at > now:
        raise ConfigError("That is in the future.", do_next="Check date and time, and the computer's clock.")
    known = {beam.beam_number: beam for beam in _treatment(plan)}
    if not beams:
        raise ConfigError("Nothing was given.", do_next="Name the beams: --beam 2=117.2.")
    for number, meterset in beams:
        beam = known.get(number)
        if beam is None:
            raise ConfigError(
                f"The plan has no beam {number} to treat with.",
                do_next=f"It has {', '.join(map(str, known))}.",
            )
        if not math.isfinite(meterset) or meterset <= 0:
            raise ConfigError(f"Beam {number}: {meterset!r} is no meterset.")
        most = beam.beam_meterset
        off = DEFAULT_TOLERANCE.allowed(most or 0.0, beam.primary_dosimeter_unit) + ROUNDED_TO
        if most is not None and meterset > most + off and not written.remark:
            raise ConfigError(
                f"Beam {number}: {meterset:g} is more than the {most:g} that the plan gives.",
                do_next="Read the paper again. If it was given: tell a physicist now, say so in --remark.",
            )


def _write(
    folder: IncidentFolder,
    deed: Deed,
    pseudonym: str,
    details: Mapping[str, object],
    *,
    by: str,
    clock: Clock,
    outcome: str = "ok",
) -> AuditRow:
    write(folder, deed, by=by, at=clock.now(), pseudonym=pseudonym, outcome=outcome, **details)
    return next(row for row in reversed(folder.journal.rows()) if row.action == deed)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
