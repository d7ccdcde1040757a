"""After a session: everything the machine left is brought home first, then the plan is taken off the share.

1. every file beside the drop's own is read, kept byte for byte under its digest, and judged;
2. that stands in the journal before anything is removed;
3. the plan goes first, then what else is ours and unchanged; the rest is named and left.

A plan stays while nothing of its session came back, unless two people say that nothing was given.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.file_mode_records import FOLDER, RETURNED, drops, one_at_a_time
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.errors import ConfigError, ObjectUnreadable
from beamkeeper.respond.filemode import FileKind, Returned, ReturnedKind, judged, staging
from beamkeeper.respond.filemode.returned import OF_OTHERS, is_numbered
from beamkeeper.respond.incident import Deed
from beamkeeper.wire.dicom.reader import read_object
from beamkeeper.wire.share.drop_folder import DropFolder
from beamkeeper.wire.shared_files import FileRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beamkeeper.app.jobs.file_mode_records import Drops, DropState
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.clock import Clock
    from beamkeeper.respond.filemode import Drop
    from beamkeeper.wire.shared_files import Segments

CHANGED: Final = "It is not what was laid there: somebody changed it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Something on the share that was not removed, or not read, and why."""

    place: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a collection found and did.

    Attributes
    ----------
    new
        What came back now; `state.returned` has everything that ever did.
    withdrawn
        Whether the plan is off the share.
    """

    state: DropState
    new: tuple[Returned, ...]
    left: tuple[Left, ...]
    withdrawn: bool

    @property
    def problems(self) -> tuple[str, ...]:
        """What a person has to look at."""
        return tuple(dict.fromkeys(text for item in self.state.returned for text in item.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingGiven:
    """What two people say when no record is to come."""

    people: tuple[str, ...]
    reason: str


def find_drop(known: Drops, drop_id: str | None) -> DropState:
    """Return the drop that is meant: the one that is named, else the only open one.

    Raises
    ------
    ConfigError
        None, or several.
    IntegrityError
        It cannot be read.
    """
    states = known.states
    found = [
        one for one in states if (one.is_open if drop_id is None else one.drop.drop_id == drop_id.strip())
    ]
    for one in known.damaged:
        if not found and (not one.withdrawn if drop_id is None else one.drop_id == drop_id.strip()):
            raise one.error
    if len(found) != 1:
        raise ConfigError(
            f"{len(found)} drops are meant.",
            do_next="Name one: " + (", ".join(one.drop.drop_id for one in states) or "there is none."),
        )
    return found[0]


def collect(
    folder: IncidentFolder,
    drop_id: str | None,
    *,
    by: str,
    clock: Clock,
    nothing_given: NothingGiven | None = None,
) -> Collected:
    """Bring home what a drop's session left, and take its plan off the share.

    Raises
    ------
    ConfigError
        No such drop, or people say that nothing was given and records say otherwise.
    SourceUnavailable, StorageFull
        The share gives no answer, or there is no room here: nothing was removed.
    """
    with one_at_a_time(folder):
        return _collect(folder, drop_id, by, clock, nothing_given)


def _collect(
    folder: IncidentFolder, drop_id: str | None, by: str, clock: Clock, nothing_given: NothingGiven | None
) -> Collected:
    known_drops = drops(folder, folder.journal.rows())
    state = find_drop(known_drops, drop_id)
    root, zone = DropFolder(Path(state.share.path)), ZoneInfo(folder.incident().time_zone)
    known = {item.sha256 for one in known_drops.states for item in one.returned}
    new, left = _brought_home(folder, root, state, known, zone)
    if new:
        _keep(folder, state, new, by=by, clock=clock)
        state = replace(state, returned=(*state.returned, *new))
    if not _is_over(state, nothing_given):
        return Collected(state=state, new=new, left=left, withdrawn=state.withdrawn)
    still = _taken_off(root, state.drop)
    off = not any(root.is_there(place) for place in _plan_places(state.drop))
    if off and not state.withdrawn:
        _say_withdrawn(folder, state, still, nothing_given, by=by, clock=clock)
    return Collected(
        state=replace(state, withdrawn=off or state.withdrawn),
        new=new,
        left=_each_once((*left, *still)),
        withdrawn=off,
    )


def has_record(state: DropState) -> bool:
    """Return whether a record of the drop's plan and patient came back."""
    return any(
        item.kind is ReturnedKind.RECORD and not (set(item.problems) & OF_OTHERS) for item in state.returned
    )


def _is_over(state: DropState, nothing_given: NothingGiven | None) -> bool:
    if nothing_given is None:
        return has_record(state) or state.withdrawn
    if has_record(state):
        raise ConfigError(
            "Records of this session came back: something was given.",
            do_next="Collect without --nothing-given, and look at the records.",
        )
    if not nothing_given.reason.strip():
        raise ConfigError("Why nothing was given has to be said.", do_next="Give --reason.")
    return True


# What came back --------------------------------------------------------------------------------------


def _brought_home(
    folder: IncidentFolder, root: DropFolder, state: DropState, known: set[str], zone: ZoneInfo
) -> tuple[tuple[Returned, ...], tuple[Left, ...]]:
    """Keep every new file in the incident's folder; return what it is, and what could not be read."""
    new: dict[str, Returned] = {}
    left: list[Left] = []
    laid = {one.name: one.sha256 for one in state.drop.files}
    for place in _places(root, state, left):
        try:
            data = root.read(place)
        except FileRefused as error:
            left.append(Left(place=place, why=error.message))
            continue
        if data is None:
            continue
        digest = hashlib.sha256(data).hexdigest()
        is_ours = place[0] in _own_folders(state.drop) and len(place) == _IN_FOLDER and place[1] in laid
        if is_ours and laid[place[1]] == digest:
            continue
        if digest in known | set(new):
            continue
        item = _judged(state.drop, place, data, digest, zone)
        if is_ours:
            left.append(Left(place=place, why=CHANGED))
            item = replace(item, problems=(*item.problems, CHANGED))
        folder.keep(f"{FOLDER}/{state.drop.drop_id}/{RETURNED}/{digest}", data)
        new[digest] = item
    return tuple(new.values()), tuple(left)


_IN_FOLDER: Final = 2
"""Names of a file that lies in a folder of the share."""


def _own_folders(drop: Drop) -> tuple[str, str]:
    return drop.folder, staging(drop)


def _places(root: DropFolder, state: DropState, left: list[Left]) -> Iterator[Segments]:
    folders = dict.fromkeys((*_own_folders(state.drop), state.share.treatment, state.share.logs))
    for name in filter(None, folders):
        try:
            walked = root.walk((name,))
        except FileRefused as error:
            left.append(Left(place=(name,), why=error.message))
            continue
        left += [Left(place=one.place, why=one.why) for one in walked.odd]
        yield from (one.place for one in walked.files)


def _judged(drop: Drop, place: Segments, data: bytes, digest: str, zone: ZoneInfo) -> Returned:
    found = Returned(place=place, kind=ReturnedKind.OTHER_FILE, sha256=digest, size_bytes=len(data))
    try:
        item = read_object(data, zone=zone)
    except ObjectUnreadable as error:
        if place[-1].casefold().endswith(".dcm"):
            return replace(found, problems=(f"A file that should be DICOM cannot be read: {error.message}",))
        return found
    found = replace(found, sop_instance_uid=item.ref.sop_instance_uid, kind=ReturnedKind.OTHER_OBJECT)
    record = item.content
    if isinstance(record, TreatmentRecord):
        return replace(
            found,
            kind=ReturnedKind.RECORD,
            problems=judged(drop, record),
            fraction_missing=not is_numbered(record),
        )
    foreign = item.ref.patient_id.strip() != drop.patient.patient_id.strip()
    return replace(
        found,
        kind=ReturnedKind.IMAGE if item.kind in {ObjectKind.IMAGE, ObjectKind.RT_IMAGE} else found.kind,
        problems=(f"An object ({item.kind.value}) of another Patient ID lies with the session.",)
        if foreign
        else (),
    )


def _keep(
    folder: IncidentFolder, state: DropState, new: tuple[Returned, ...], *, by: str, clock: Clock
) -> None:
    """Write down what came back, before anything is removed."""
    drop = state.drop
    stamp = hashlib.sha256("".join(item.sha256 for item in new).encode()).hexdigest()[:12]
    name = f"{FOLDER}/{drop.drop_id}/collected-{stamp}.json"
    digest = hashlib.sha256(folder.keep_value(name, new)).hexdigest()
    write(
        folder,
        Deed.COLLECTED,
        by=by,
        at=clock.now(),
        pseudonym=drop.pseudonym,
        about=drop.drop_id,
        said=counted_in_words(new),
        sha256_of={name: digest},
    )


def counted_in_words(items: Sequence[Returned]) -> str:
    """Return how many files of which kind came back, and how many have to be looked at."""
    kinds = {kind: sum(item.kind is kind for item in items) for kind in ReturnedKind}
    said = ", ".join(
        f"{count} {kind.value}{'' if count == 1 else 's'}" for kind, count in kinds.items() if count
    )
    looks = sum(bool(item.problems) for item in items)
    return (said or "nothing") + (f"; {looks} to be looked at" if looks else "") + "."


# What is taken off -----------------------------------------------------------------------------------


def _plan_places(drop: Drop) -> tuple[Segments, ...]:
    plan = next(one for one in drop.files if one.kind is FileKind.PLAN)
    return tuple((name, plan.name) for name in _own_folders(drop))


def _taken_off(root: DropFolder, drop: Drop) -> tuple[Left, ...]:
    """Remove what is ours and unchanged, the plan first; return what stays, and why."""
    left: list[Left] = []
    for name in _own_folders(drop):
        if not root.is_there((name,)):
            continue
        try:
            ordered = sorted(drop.files, key=lambda file: file.kind is not FileKind.PLAN)
            whys = ((one, root.remove((name, one.name), one.sha256)) for one in ordered)
            left += [Left(place=(name, one.name), why=why) for one, why in whys if why]
            if not root.remove_empty((name,)):
                left += [
                    Left(place=found.place, why="It is not ours: it was collected, and stays.")
                    for found in root.walk((name,)).files
                    if not any(one.place == found.place for one in left)
                ]
        except FileRefused as error:
            left.append(Left(place=(name,), why=error.message))
    return tuple(left)


def _say_withdrawn(
    folder: IncidentFolder,
    state: DropState,
    still: Sequence[Left],
    nothing_given: NothingGiven | None,
    *,
    by: str,
    clock: Clock,
) -> None:
    people = by if nothing_given is None else " and ".join(nothing_given.people)
    why = "" if nothing_given is None else f" Nothing was given: {nothing_given.reason}"
    write(
        folder,
        Deed.WITHDRAWN,
        by=people,
        at=clock.now(),
        pseudonym=state.drop.pseudonym,
        about=state.drop.drop_id,
        said=f"The plan is off the share; {len(still)} files stay there.{why}",
        nothing_given=nothing_given is not None,
    )


def _each_once(items: Sequence[Left]) -> tuple[Left, ...]:
    return tuple({one.place: one for one in reversed(items)}.values())[::-1]
