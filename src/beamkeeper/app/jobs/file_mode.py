"""A drop, in order: facts, reasons against it, two people, files onto the share, the plan last, read back.

1. everything is read and checked before anything is written;
2. what is released is kept in the incident's folder and stands in the journal, with two names and a reason;
3. only then files go onto the share, into a folder that no operator opens; the plan comes last;
4. the folder gets its name, every file is read back, and the journal says that it is there.

Killed anywhere, the same command goes on; another plan is refused until this one is collected.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.file_mode_files import Planned, planned_files
from beamkeeper.app.jobs.file_mode_records import (
    DROP_NAME,
    FOLDER,
    MachineShare,
    activations,
    drops,
    next_drop_id,
    one_at_a_time,
)
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.errors import ConfigError, IntegrityError, ObjectUnreadable
from beamkeeper.respond.filemode import (
    Asked,
    Drop,
    Facts,
    FileKind,
    cautions,
    folder_name,
    refusals,
    session_beams,
    staging,
)
from beamkeeper.respond.filemode.slip import slip_pdf
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.placement import DeliveryClass, classify
from beamkeeper.wire.dicom.reader import read_object
from beamkeeper.wire.share.drop_folder import DropFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.file_mode_records import DropState
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.since import Now
    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.clock import Clock
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.plan import Plan
    from beamkeeper.respond.filemode import DropFile
    from beamkeeper.respond.placement import MachineProfile
    from beamkeeper.wire.shared_files import Segments

SLIP: Final = "slip.pdf"
SIMULATOR: Final = "BEAMKEEPER-SIMULATOR.txt"
"""A share with this file is a simulator's: no machine reads it."""
LOOKED_AT_BYTES_MAX: Final = 64 << 20
"""Larger files of the share are taken for images; no plan is so large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What two people ask for.

    Attributes
    ----------
    plan
        Label or UID; None for the only open plan.
    people
        The two who release.
    """

    pseudonym: str
    plan: str | None
    machine: MachineProfile
    share: MachineShare
    asked: Asked
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing was written to the share.

    Attributes
    ----------
    reasons
        Every one.
    other_plans
        Where other plans lie on the share.
    """

    reasons: tuple[str, ...]
    other_plans: tuple[Segments, ...] = ()


def share_for(rows: Sequence[AuditRow], machine_id: str, path: Path, *, drill: bool) -> MachineShare:
    """Return the share that may be written to: a simulator's in a drill, else one that was activated.

    Raises
    ------
    ConfigError
        It is neither, or the incident is the other kind.
    """
    where = str(path.resolve())
    active = activations(rows)
    if drill:
        if active or any(row.action == Deed.ENTERED for row in rows):
            raise ConfigError(
                "This incident treats patients: what a simulator gives must not be counted in it.",
                do_next="Declare another one for a drill, in a folder of its own.",
            )
        if not (path / SIMULATOR).is_file():
            raise ConfigError(
                f"{path} is not the share of a simulator.",
                do_next="`beamkeeper filemode simulate` makes one; a real machine is activated first.",
            )
        return MachineShare(machine_id=machine_id, path=where, logs="Logs", is_simulator=True)
    if (path / SIMULATOR).is_file():
        raise ConfigError(
            f"{path} is the share of a simulator.", do_next="Say --drill; nothing of it reaches a patient."
        )
    found = active.get(machine_id)
    if found is None or found.path != where:
        raise ConfigError(
            f"Nobody activated File Mode for {machine_id} at {path}.",
            do_next="By default simulators only: `beamkeeper filemode activate` after your own tests.",
        )
    return found


def drop(folder: IncidentFolder, opened: OpenedVault, wish: Wish, clock: Clock) -> Drop | Refused:
    """Release a plan for one session and lay it on the share; go on with the same one after an interruption.

    Raises
    ------
    AlreadyRunning
        Somebody drops a plan in this incident at this moment.
    StorageFull, SourceUnavailable
        The share takes no files; the same command goes on.
    IntegrityError
        Bytes are not what they were.
    """
    with (
        one_at_a_time(folder),
        tempfile.TemporaryDirectory(prefix=".filemode-", dir=folder.path) as scratch,
    ):
        now = patient_now(folder, folder.inventory(), wish.pseudonym, clock.now())
        plan = now.plan(wish.plan)
        files = planned_files(opened, now.person, plan, Path(scratch), now.head.zone)
        rows = folder.journal.rows()
        release = _Release(wish, now, plan, files, drops(folder, rows).states, next_drop_id(rows))
        own = (release.begun.drop,) if release.begun is not None else ()
        strangers = tuple(_other_plans(wish.share, now.head.zone, own=own))
        facts = release.facts(len(strangers))
        if against := refusals(facts, wish.asked):
            said = " ".join(against)[:8000]
            _write(folder, Deed.RELEASED, release, clock, outcome="refused", said=said)
            return Refused(reasons=against, other_plans=strangers)
        begun = release.begun
        made = begun.drop if begun is not None else _released(folder, release, facts, clock)
        _lay(made, files)
        folder.keep(f"{FOLDER}/{made.drop_id}/{SLIP}", slip_pdf(made, now.head.zone))
        if begun is None or not begun.laid:
            _write(
                folder,
                Deed.LAID,
                release,
                clock,
                about=made.drop_id,
                said=_laid(made),
                plan_sha256=_plan_of(made).sha256,
            )
    return made


@dataclass(frozen=True, slots=True)
class _Release:
    """One release in the making: what is wished, what is known, what would go along."""

    wish: Wish
    now: Now
    plan: Plan
    files: Planned
    known: tuple[DropState, ...]
    next_id: str

    @property
    def begun(self) -> DropState | None:
        """The release that is asked for again after an interruption; None without one."""
        wish, at = self.wish, self.now.at(self.plan)
        for state in self.known:
            one = state.drop
            is_same = (one.pseudonym, one.plan_uid, one.share, one.machine_id, one.fraction_number) == (
                wish.pseudonym,
                self.plan.sop_instance_uid,
                wish.share.path,
                wish.share.machine_id,
                wish.asked.fraction_number,
            )
            goes_on = at is not None and at.next_is_continuation == one.is_continuation
            if is_same and goes_on and state.is_open and not state.returned:
                return state
        return None

    def facts(self, other_plans: int) -> Facts:
        """Return what is known when somebody asks."""
        wish, now, plan, begun = self.wish, self.now, self.plan, self.begun
        line, said = now.line(plan), now.said_of(plan)
        judged = classify(self.files.demand, wish.machine)
        others = [
            one.drop
            for one in self.known
            if one is not begun
            and one.is_open
            and (one.share.path == wish.share.path or one.drop.pseudonym == wish.pseudonym)
        ]
        return Facts(
            patient=now.person.entry.patient,
            plan=plan,
            demand=self.files.demand,
            at=now.at(plan),
            blocking=(
                *line.missing,
                *(one.text for one in now.doubts(plan)),
                *(text for text in line.conflicts if text not in said),
            ),
            machine_name=wish.machine.treatment_machine_name,
            machine_profile=wish.machine.profile,
            machine_refusal="" if judged.delivery_class is DeliveryClass.A else judged.reason,
            other_drops=tuple(
                f"drop {one.drop_id} on {one.treatment_machine_name} was not collected." for one in others
            ),
            other_plans=other_plans,
        )

    def drop(self, facts: Facts, at: datetime) -> Drop:
        """Return what is released."""
        wish, position = self.wish, facts.at
        assert position is not None, "a course that is not known is refused"  # noqa: S101
        continues, drop_id = position.next_is_continuation, self.next_id
        name = folder_name(facts.patient, wish.asked.fraction_number, is_continuation=continues)
        return Drop(
            drop_id=drop_id,
            pseudonym=wish.pseudonym,
            patient=facts.patient,
            plan_uid=self.plan.sop_instance_uid,
            rt_plan_label=self.plan.rt_plan_label,
            fraction_number=wish.asked.fraction_number,
            fractions_planned=position.fractions_planned,
            fractions_complete=position.fractions_complete,
            is_continuation=continues,
            beams=session_beams(self.plan, position),
            machine_id=wish.share.machine_id,
            treatment_machine_name=wish.machine.treatment_machine_name,
            share=wish.share.path,
            folder=f"{name}_{drop_id}",
            is_simulator=wish.share.is_simulator,
            files=self.files.files,
            released_at=at,
            released_by=wish.people,
            reason=wish.asked.reason.strip(),
            physicist=wish.asked.physicist.strip() if continues else "",
            cautions=(
                *self.now.row.warnings,
                *(text for text in self.now.row.remarks if text.startswith("Alert")),
                *self.now.said_of(self.plan),
                *cautions(facts, now=at, zone=self.now.head.zone),
                *self.files.cautions,
            ),
        )


def _released(folder: IncidentFolder, release: _Release, facts: Facts, clock: Clock) -> Drop:
    """Keep what is released, and say so in the journal, before the share gets anything."""
    made, share = release.drop(facts, clock.now()), release.wish.share
    name = f"{FOLDER}/{made.drop_id}/{DROP_NAME}"
    digest = hashlib.sha256(folder.keep_value(name, made)).hexdigest()
    _write(
        folder,
        Deed.RELEASED,
        release,
        clock,
        about=made.drop_id,
        said=_in_words(made),
        people=list(made.released_by),
        fraction=made.fraction_number,
        machine=made.treatment_machine_name,
        treatment=share.treatment,
        logs=share.logs,
        drill=made.is_simulator,
        sha256_of={name: digest},
    )
    return made


def _write(
    folder: IncidentFolder,
    deed: Deed,
    release: _Release,
    clock: Clock,
    *,
    outcome: str = "ok",
    **details: object,
) -> None:
    wish = release.wish
    people = " and ".join(wish.people)
    write(folder, deed, by=people, at=clock.now(), pseudonym=wish.pseudonym, outcome=outcome, **details)


def _laid(made: Drop) -> str:
    return f"{len(made.files)} files read back from the share, each as it was received."


def _plan_of(made: Drop) -> DropFile:
    return next(one for one in made.files if one.kind is FileKind.PLAN)


def _other_plans(share: MachineShare, zone: ZoneInfo, *, own: Iterable[Drop]) -> Iterator[Segments]:
    """Yield where RT Plans lie on the share, besides those of some drops and what arrives as records."""
    known = {share.treatment, share.logs, *(name for one in own for name in (one.folder, staging(one)))}
    root = DropFolder(Path(share.path))
    for found in root.walk().files:
        if found.place[0] in known or found.size_bytes > LOOKED_AT_BYTES_MAX:
            continue
        data = root.read(found.place)
        if data is not None and _is_plan(data, zone):
            yield found.place


def _is_plan(data: bytes, zone: ZoneInfo) -> bool:
    try:
        return read_object(data, zone=zone).kind is ObjectKind.PLAN
    except ObjectUnreadable:
        return False


def _lay(made: Drop, files: Planned) -> None:
    """Bring the files of a drop onto the share, the plan last, and read all of them back."""
    root = DropFolder(Path(made.share))
    ordered = sorted(made.files, key=lambda one: one.kind is FileKind.PLAN)
    if not root.is_there((made.folder,)):
        for one in ordered:
            root.put((staging(made), one.name), files.data(one))
        root.rename(staging(made), made.folder)
    for one in ordered:
        data = root.read((made.folder, one.name))
        if data is None or hashlib.sha256(data).hexdigest() != one.sha256:
            raise IntegrityError(
                f"{one.name} on the share is not what was laid there.",
                do_next="Do not treat from it. Keep it as evidence, and take it off the share by hand.",
            )


def _in_words(made: Drop) -> str:
    going_on = f" (going on with a begun one, decided by {made.physicist})" if made.is_continuation else ""
    drill = "DRILL. " if made.is_simulator else ""
    return (
        f"{drill}Fraction {made.fraction_number}{going_on} of plan {made.rt_plan_label!r} on "
        f"{made.treatment_machine_name}: {made.reason}"
    )
