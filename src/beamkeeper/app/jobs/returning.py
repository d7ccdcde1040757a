"""The way back, at the house that treated: records and report, checked, sealed to who sent the patient."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.bundle_objects import Held, read_held
from beamkeeper.app.jobs.desk_journal import DeskDeed, note
from beamkeeper.app.jobs.desk_shelf import shelf
from beamkeeper.domain.crosswalk import Link, home_of
from beamkeeper.domain.patient import Patient, named_apart
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.record import TreatmentRecord, TreatmentSummary
from beamkeeper.domain.words import line
from beamkeeper.errors import ConfigError, StorageFull
from beamkeeper.respond.handover import BundleKind, Packed, Reply, Role, new_bundle_id, seal_bundle
from beamkeeper.respond.handover.working import working
from beamkeeper.wire.dicom.coercing import read_stated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from beamkeeper.app.jobs.desk_shelf import Shelf
    from beamkeeper.respond.handover import Card, Desk, Header, Manifest

FILES_MAX: Final = 20_000
FILE_BYTES_MAX: Final = 2 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What people at the partner say with the records.

    Attributes
    ----------
    said
        In words: how it went, what was given by hand.
    same_plans
        (plan as treated here, plan as it was sent, why): where it was treated by a copy of the plan.
    is_last
        Whether the patient is not treated here any more.
    """

    by: str
    said: str = ""
    same_plans: tuple[tuple[str, str, str], ...] = ()
    is_last: bool = False

    @property
    def says_nothing_was_given(self) -> bool:
        """Whether a return without any file means something: a person says that it is the last, and why."""
        return self.is_last and bool(self.said.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A return bundle that was made.

    Attributes
    ----------
    whose
        The patient it is of, as others of that name are told apart.
    not_taken
        Files that are not in it, each with the reason.
    """

    header: Header
    folder: Path
    whose: str
    record_count: int
    not_taken: tuple[str, ...] = ()


def answer(desk: Desk, bundle_id: str, files: Path | None, report: Report, *, now: datetime) -> Answer:
    """Make the return bundle of a received patient out of a folder of records and reports.

    It is sealed under a hidden name, written down, then named: killed anywhere, it is known or not there.

    Raises
    ------
    ConfigError
        No such bundle was received, the folder holds nothing to send, a plan is named that was not sent, or
        it is said to be the last of a patient of whom a newer bundle came.
    IntegrityError
        What was received is damaged.
    StorageFull, SourceUnavailable
    """
    made = _answered(desk, bundle_id, files, report, now=now, only_new=False)
    assert made is not None, "only what is asked to be new is left out"  # noqa: S101
    return made


def answer_news(desk: Desk, bundle_id: str, files: Path, report: Report, *, now: datetime) -> Answer | None:
    """Make a return bundle as `answer` does, None where an earlier one held the same files; raises alike."""
    return _answered(desk, bundle_id, files, report, now=now, only_new=True)


def _answered(
    desk: Desk, bundle_id: str, files: Path | None, report: Report, *, now: datetime, only_new: bool
) -> Answer | None:
    with desk.held(), working(desk.path, ".packing-") as work:
        lying = shelf(desk)
        desk.settle(_known(lying))
        manifest = lying.find(bundle_id)
        _verify_plans(manifest, report)
        _verify_last(lying, manifest, report)
        made = _gathered(files, work, lying, manifest, report)
        if only_new and made.digest in _held_before(lying, manifest):
            return None
        back = _reply(desk, lying, manifest, made, report, now=now)
        sender = _card_of(desk, manifest.sender)
        header = seal_bundle(back, work, keys=desk.keys(), to=sender, folder=desk.hidden(back.bundle_id))
        note(
            desk,
            DeskDeed.REPLIED,
            by=report.by,
            at=now,
            pseudonym=manifest.pseudonym,
            about=manifest.bundle_id,
            bundle=header.bundle_id,
            is_last=report.is_last,
            same_plans=list(map(list, report.same_plans)),
            holds=made.digest,
            said=f"{made.records} treatment records, {len(made.packed) - made.records} other files; "
            f"{report.said}",
            sha256=header.sha256,
        )
        folder = desk.give_out(header.bundle_id)
    return Answer(
        header=header,
        folder=folder,
        whose=named_apart(manifest.patient),
        record_count=made.records,
        not_taken=made.not_taken,
    )


def _held_before(lying: Shelf, manifest: Manifest) -> frozenset[object]:
    """Return what earlier returns of a bundle held."""
    return frozenset(
        row.details.get("holds")
        for row in lying.rows
        if row.action == DeskDeed.REPLIED and row.details.get("about") == manifest.bundle_id
    )


def made_answer(desk: Desk, bundle_id: str) -> Path:
    """Return the folder of a return bundle that the desk's journal names, by its first digits.

    Raises
    ------
    ConfigError
        None, or several; or it lies there and nobody wrote down whose it is.
    """
    with desk.held():
        known = _known(shelf(desk))
        desk.settle(known)
        found = desk.bundle(bundle_id)
    if found.name not in known:
        raise ConfigError(
            f"The journal of this desk does not say that bundle {found.name} was made here.",
            do_next="Do not send it: make it again with `beamkeeper desk return`; at home use "
            "`beamkeeper handover send`.",
        )
    return found


def note_sent(desk: Desk, bundle_id: str, *, by: str, now: datetime) -> None:
    """Write down that a return bundle lies at a place, read back."""
    row = next(
        row
        for row in shelf(desk).rows
        if row.action == DeskDeed.REPLIED and row.details.get("bundle") == bundle_id
    )
    note(desk, DeskDeed.SENT, by=by, at=now, pseudonym=row.patient_pseudonym, bundle=bundle_id)


def _known(lying: Shelf) -> frozenset[object]:
    """Return the return bundles that the journal names."""
    return frozenset(row.details.get("bundle") for row in lying.rows if row.action == DeskDeed.REPLIED)


def _reply(
    desk: Desk, lying: Shelf, manifest: Manifest, made: _Gathered, report: Report, *, now: datetime
) -> Manifest:
    """Return what a return bundle says of itself."""
    return replace(
        manifest,
        bundle_id=new_bundle_id(),
        kind=BundleKind.RETURN,
        number=1 + len(lying.answers(manifest.bundle_id)),
        sender=desk.card.name,
        recipient=manifest.sender,
        made_at=now,
        made_by=report.by,
        packed=made.packed,
        plans=(),
        sessions=(),
        cancelled=(),
        moved=(),
        accessories=(),
        before=made.not_taken,
        left_out=len(made.not_taken),
        reply=Reply(
            answers=manifest.bundle_id,
            their_ids=lying.their_ids(manifest),
            same_plans=report.same_plans,
            said=report.said,
            is_last=report.is_last,
        ),
    )


def _card_of(desk: Desk, name: str) -> Card:
    for card in desk.known():
        if card.name == name:
            return card
    raise ConfigError(
        f"The card of {name} is no longer among those that are trusted here.",
        do_next="Ask for it, compare its number by telephone: `beamkeeper desk trust`.",
    )


def _verify_plans(manifest: Manifest, report: Report) -> None:
    sent = {plan.plan_uid for plan in manifest.plans}
    here = [plan_uid for plan_uid, _, _ in report.same_plans]
    for plan_uid, ours, _ in report.same_plans:
        if ours not in sent:
            raise ConfigError(
                f"{ours} is no plan of this bundle.", do_next=f"It holds {', '.join(sorted(sent))}."
            )
        if plan_uid in sent or here.count(plan_uid) > 1:
            raise ConfigError(
                f"{plan_uid} cannot stand for another plan: it was sent itself, or is named twice.",
                do_next="Name each plan that was made here once.",
            )


def _verify_last(lying: Shelf, manifest: Manifest, report: Report) -> None:
    """Refuse to end with an older bundle what a newer one goes on with."""
    newer = lying.newer(manifest)
    if report.is_last and newer:
        raise ConfigError(
            "A newer bundle of this patient was received: the last return answers that one.",
            do_next=f"beamkeeper desk return {newer[-1]} DIR --last; the older one without --last.",
        )


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What may go, what may not with the reason, and how many are treatment records."""

    packed: tuple[Packed, ...]
    not_taken: tuple[str, ...]
    records: int

    @property
    def digest(self) -> str:
        """SHA-256 over those of the files: two returns with the same one hold the same."""
        return hashlib.sha256("".join(sorted(item.sha256 for item in self.packed)).encode()).hexdigest()


def _gathered(files: Path | None, work: Path, lying: Shelf, manifest: Manifest, report: Report) -> _Gathered:
    """Copy what may go; nothing, where no folder is named.

    Raises
    ------
    ConfigError
        Nothing may.
    """
    theirs, others = lying.their_ids(manifest), _others(lying, manifest)
    packed: list[Packed] = []
    not_taken: list[str] = []
    records = 0
    plan_uids = {plan.plan_uid for plan in manifest.plans} | {new for new, _, _ in report.same_plans}
    paths = _regular_files(files) if files else []
    for number, one in enumerate(read_held(paths, ZoneInfo(manifest.time_zone)), start=1):
        if isinstance(one, Path) and _claims_dicom(one):
            not_taken.append(f"file {number}: it is no whole DICOM object")
            continue
        if isinstance(one, Path):
            name = f"report/{number}{_suffix(one)}"
            packed.append(_copied(one, work, name, Role.REPORT, title=line(one.name)))
            continue
        if not one.is_of(manifest.patient, other_ids=theirs):
            not_taken.append(f"file {number}: it is of another person{_whose(one, others)}")
        elif (why := _not_of_the_plans(one, plan_uids)) is not None:
            not_taken.append(f"file {number}: {why}")
        else:
            name = f"dicom/{_folder(one)}/{number}.dcm"
            packed.append(_copied(one.path, work, name, Role.DICOM, uid=one.uid))
            records += isinstance(one.content.content, TreatmentRecord)
    if not packed and (not_taken or not report.says_nothing_was_given):
        raise ConfigError(
            f"{files or 'No folder'} holds nothing that can go back"
            + (f": {not_taken[0]}" if not_taken else "."),
            do_next="Name the folder with the treatment records that your OIS exported, and reports; or "
            'say that nothing was given and nothing will be: --last --said "never came".',
        )
    return _Gathered(tuple(packed), tuple(not_taken), records)


def _claims_dicom(path: Path) -> bool:
    """Whether a file that cannot be read as DICOM says that it is: a record cut short is no report."""
    with path.open("rb") as file:
        return path.suffix.lower() == ".dcm" or file.read(132)[128:] == b"DICM"


def _others(lying: Shelf, manifest: Manifest) -> dict[str, tuple[Link, ...]]:
    """Return the other patients who were received, by bundle."""
    return {
        other.bundle_id: tuple(
            Link(
                home=other.patient,
                partner=Patient(patient_id=number, name=""),
                plan_uids=frozenset(plan.plan_uid for plan in other.plans),
            )
            for number in (*lying.their_ids(other), other.patient.patient_id)
        )
        for other in lying.received
        if (other.sender, other.pseudonym) != (manifest.sender, manifest.pseudonym)
    }


def _whose(one: Held, others: Mapping[str, tuple[Link, ...]]) -> str:
    """Say of which other received patient a file is: a fraction must not be lost in the wrong folder."""
    stated = read_stated(one.path.read_bytes(), zone=ZoneInfo("UTC"))
    found = home_of(stated, [link for links in others.values() for link in links])
    if found.home is None:
        return ""
    bundles = [bundle for bundle, links in others.items() if links[0].home == found.home]
    return f", who came with bundle {bundles[-1]}: `beamkeeper desk return {bundles[-1]}`"


def _not_of_the_plans(one: Held, plan_uids: set[str]) -> str | None:
    content = one.content.content
    if isinstance(content, TreatmentRecord | TreatmentSummary):
        if content.referenced_plan_uid is None:
            return "it names no plan: say in the report what it is"
        if content.referenced_plan_uid not in plan_uids:
            return "it is of a plan that is not in this bundle"
    if isinstance(content, Plan) and content.sop_instance_uid not in plan_uids:
        return f"a plan that nobody said to stand for one of the bundle{_derived(content, plan_uids)}"
    return None


def _derived(plan: Plan, plan_uids: set[str]) -> str:
    """Say of which plan of the bundle a plan says that it was made from: people have to say it, too."""
    of = next((uid for _, uid in plan.related_plan_uids if uid in plan_uids), None)
    if of is None:
        return ""
    return f'; it names one itself: --same-plan "{plan.sop_instance_uid}={of}:WHY"'


def _regular_files(folder: Path) -> list[Path]:
    """Return the files of a folder, links left out."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    if len(found) > FILES_MAX or any(path.stat().st_size > FILE_BYTES_MAX for path in found):
        raise ConfigError(
            f"{folder} holds more, or larger, files than records can be.",
            do_next="Export the records of this patient alone.",
        )
    return found


def _copied(path: Path, work: Path, name: str, role: Role, *, uid: str = "", title: str = "") -> Packed:
    target = work.joinpath(*name.split("/"))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        with target.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        raise StorageFull(
            f"{path.name} cannot be copied into the bundle: {error.strerror}.",
            do_next="See that the file can be read and that there is room; nothing was made.",
        ) from error
    return Packed(name=name, role=role, size_bytes=size, sha256=digest, sop_instance_uid=uid, title=title)


def _folder(one: Held) -> str:
    modality = one.content.ref.modality
    return modality if modality.isalnum() and modality.isascii() else "OTHER"


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    return suffix if suffix[1:].isalnum() and suffix.isascii() else ""
