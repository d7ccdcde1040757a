"""Taking a patient in from another house: proved, of one person, newer than what we had, or not at all.

1. signature, then digest, then seal: nothing of a stranger is unpacked;
2. every DICOM object must be of the patient that the manifest names;
3. a bundle that came before is not used again, an older one never replaces a newer one;
4. only then the folder of the patient appears, and a line in the desk's journal says so.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.bundle_objects import Held, read_held
from beamkeeper.domain.audit import AuditEvent
from beamkeeper.domain.patient import shown_name
from beamkeeper.errors import ConfigError, IntegrityError, KeyUnavailable, PatientMismatch, StorageFull
from beamkeeper.respond.handover import BundleKind, Desk, Role, open_bundle, read_header
from beamkeeper.respond.handover.desk import RECEIVED
from beamkeeper.respond.handover.manifest import MANIFEST, read_manifest
from beamkeeper.respond.handover.working import set_aside, working
from beamkeeper.respond.incident import Journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.handover import Header, Manifest, Opened, Packed

JOURNAL: Final = "journal.jsonl"


class DeskDeed(StrEnum):
    """What a line of a desk's journal is about."""

    RECEIVED = "bundle received"
    REFUSED = "bundle refused"
    CHECKED = "bundle verified"
    KNOWN_AS = "patient has our number"
    STORED = "objects stored"
    TOLD = "message sent"
    REPLIED = "return bundle made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A patient's bundle at the house that treats on.

    Attributes
    ----------
    folder
        Its files, as they came.
    is_new
        False when this very bundle was received before.
    strangers
        Files beside the bundle that were not read.
    """

    manifest: Manifest
    folder: Path
    is_new: bool
    strangers: tuple[str, ...] = ()


def receive(desk: Desk, bundle: Path, *, by: str, now: datetime) -> Received:
    """Verify a bundle, unpack it into the desk, and write that down.

    Raises
    ------
    IntegrityError
        Not signed by who is trusted, changed, cut short, no handover, or older than what is here.
    PatientMismatch
        An object in it is of another person.
    KeyUnavailable
        It is sealed for another house.
    SourceUnavailable, StorageFull
        It cannot be read; there is no room.
    """
    try:
        return _received(desk, bundle, by=by, now=now)
    except (IntegrityError, PatientMismatch, KeyUnavailable) as error:
        note(desk, DeskDeed.REFUSED, by=by, at=now, outcome="failed", said=error.message)
        raise


def _received(desk: Desk, bundle: Path, *, by: str, now: datetime) -> Received:
    header, _ = read_header(bundle, desk.known())
    if header.kind is not BundleKind.HANDOVER:
        raise IntegrityError(
            "This is a return bundle: it belongs to the house that sent the patient.",
            do_next="`beamkeeper handover back` takes it in there.",
        )
    with desk.held():
        return _taken_in(desk, bundle, header, by=by, now=now)


def _taken_in(desk: Desk, bundle: Path, header: Header, *, by: str, now: datetime) -> Received:
    """Unpack, keep and write down; between the folder and its line nobody else may look."""
    home = desk.path / RECEIVED
    row = _row_of(desk, header.bundle_id)
    if row is not None and row.details["sha256"] != header.sha256:
        raise another_under_its_name()
    known = _known(desk, header.bundle_id)
    if known is not None:
        return Received(manifest=known, folder=home / header.bundle_id, is_new=False)
    if (home / header.bundle_id).exists():
        set_aside(home / header.bundle_id)
    with working(home, ".opening-") as work:
        opened = open_bundle(bundle, keys=desk.keys(), known=desk.known(), out_dir=work / header.bundle_id)
        verify_whose(opened)
        digest = hashlib.sha256((opened.folder / MANIFEST).read_bytes()).hexdigest()
        _verify_newest(desk, opened.manifest)
        try:
            opened.folder.rename(home / header.bundle_id)
        except OSError as error:
            raise StorageFull(f"The bundle cannot be kept: {error.strerror}.") from error
    manifest = opened.manifest
    note(
        desk,
        DeskDeed.RECEIVED,
        by=by,
        at=now,
        pseudonym=manifest.pseudonym,
        about=manifest.bundle_id,
        sender=manifest.sender,
        incident=manifest.incident_id,
        number=manifest.number,
        said=f"from {manifest.sender}, number {manifest.number}, {len(manifest.packed)} files as signed",
        sha256=header.sha256,
        sha256_of_manifest=digest,
    )
    return Received(
        manifest=manifest, folder=home / header.bundle_id, is_new=True, strangers=opened.strangers
    )


def verify_whose(opened: Opened) -> None:
    """Refuse a bundle with a DICOM file that is of another person, or no DICOM at all.

    Raises
    ------
    PatientMismatch, IntegrityError
    """
    patient = opened.manifest.patient
    other = opened.manifest.reply.their_ids if opened.manifest.reply else ()
    for one in objects_of(opened.manifest, opened.folder):
        if not isinstance(one, Held):
            raise IntegrityError(
                "A file of this bundle is named as DICOM and is none; nothing of it was used.",
                do_next="Ask the sender for the bundle again.",
            )
        if not one.is_of(patient, other_ids=other):
            raise PatientMismatch(
                "An object in this bundle is of another person than the bundle; nothing of it was used.",
                do_next="Call the sender: two patients may have been mixed up. Keep the bundle as it is.",
                sop_instance_uid=one.uid,
            )


def objects_of(manifest: Manifest, folder: Path) -> Iterator[Held | Path]:
    """Yield every DICOM file of an opened bundle, read.

    Raises
    ------
    IntegrityError
        A file is not there, or not what the manifest names.
    """
    digests = {
        folder.joinpath(*item.name.split("/")): item.sha256
        for item in manifest.packed
        if item.role is Role.DICOM
    }
    for one in read_held(_whole(digests), ZoneInfo(manifest.time_zone)):
        if isinstance(one, Held) and one.content.ref.sha256 != digests[one.path]:
            raise _changed(one.path.name)
        yield one


def _whole(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_file():
            raise _changed(path.name)
        yield path


def kept_manifest(desk: Desk, bundle_id: str, sha256: str) -> Manifest:
    """Return the manifest of a bundle that was taken in, as the journal names it.

    Raises
    ------
    IntegrityError
        It is not there, or not what was taken in.
    """
    try:
        data = (desk.path / RECEIVED / bundle_id / MANIFEST).read_bytes()
    except OSError as error:
        raise _changed(MANIFEST) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _changed(MANIFEST)
    return read_manifest(data)


def kept_file(folder: Path, item: Packed) -> bytes:
    """Return a file of an opened bundle, if it is the one that its manifest names.

    Raises
    ------
    IntegrityError
        It is not there, or not what was taken in.
    """
    try:
        data = folder.joinpath(*item.name.split("/")).read_bytes()
    except OSError as error:
        raise _changed(item.name) from error
    if hashlib.sha256(data).hexdigest() != item.sha256:
        raise _changed(item.name)
    return data


def _changed(name: str) -> IntegrityError:
    return IntegrityError(
        f"{name} of a bundle that was taken in is not what was taken in.",
        do_next="Keep the folder as evidence; take the bundle itself in again at a copy of the folder.",
    )


def received(desk: Desk) -> tuple[Manifest, ...]:
    """Return what was received and is here, in the order of its arrival."""
    found = (_known(desk, bundle_id) for bundle_id in _written_down(desk))
    return tuple(manifest for manifest in found if manifest is not None)


def missing(desk: Desk) -> tuple[str, ...]:
    """Return the bundles that were received and whose folder is no longer here."""
    return tuple(one for one in _written_down(desk) if not (desk.path / RECEIVED / one).is_dir())


def _written_down(desk: Desk) -> tuple[str, ...]:
    rows = (row for row in journal(desk).rows() if row.action == DeskDeed.RECEIVED)
    return tuple(dict.fromkeys(str(row.details["about"]) for row in rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class AtTheDesk:
    """One received patient, as a desk shows it.

    Attributes
    ----------
    known_as
        Patient IDs of this house; () while nobody wrote one down.
    answers
        Return bundles that were made.
    """

    bundle_id: str
    sender: str
    name: str
    patient_id: str
    number: int
    known_as: tuple[str, ...]
    answers: tuple[str, ...]


def at_the_desk(desk: Desk) -> tuple[AtTheDesk, ...]:
    """Return everybody who was received, in order."""
    rows = journal(desk).rows()
    return tuple(
        AtTheDesk(
            bundle_id=one.bundle_id,
            sender=one.sender,
            name=shown_name(one.patient.name) or "(no name)",
            patient_id=one.patient.patient_id,
            number=one.number,
            known_as=_numbers(rows, one),
            answers=_said(rows, DeskDeed.REPLIED, one.bundle_id, "bundle"),
        )
        for one in received(desk)
    )


def find_received(desk: Desk, bundle_id: str) -> Manifest:
    """Return what was received under an identifier, or the first digits of one.

    Raises
    ------
    ConfigError
        None or several.
    """
    found = [one for one in received(desk) if one.bundle_id.startswith(bundle_id.strip().lower())]
    if len(found) != 1:
        raise ConfigError(
            f"{len(found)} received bundles begin with {bundle_id!r}.",
            do_next="`beamkeeper desk show` names them.",
        )
    return found[0]


def know_as(desk: Desk, bundle_id: str, patient_id: str, *, by: str, now: datetime) -> AuditRow:
    """Write down a Patient ID of this house for a received patient.

    Raises
    ------
    ConfigError
        No such bundle, no number, or the number is another received patient's.
    """
    manifest, number = find_received(desk, bundle_id), patient_id.strip()
    rows = journal(desk).rows()
    taken = [
        one.bundle_id
        for one in received(desk)
        if (one.pseudonym, one.sender) != (manifest.pseudonym, manifest.sender)
        and number in {*_numbers(rows, one), one.patient.patient_id}
    ]
    if not number or taken:
        raise ConfigError(
            "This cannot be this patient's number"
            + (f": it is that of the patient of bundle {taken[0]}." if taken else "."),
            do_next="Look into your own system; two patients must never share a number.",
        )
    return note(
        desk,
        DeskDeed.KNOWN_AS,
        by=by,
        at=now,
        pseudonym=manifest.pseudonym,
        about=manifest.bundle_id,
        sender=manifest.sender,
        patient_id=number,
    )


def their_ids(desk: Desk, bundle_id: str) -> tuple[str, ...]:
    """Return the Patient ID under which a received patient is known here: the last word; () before any."""
    return _numbers(journal(desk).rows(), find_received(desk, bundle_id))


def said_number(desk: Desk, manifest: Manifest) -> tuple[str, datetime]:
    """Return the number under which a patient is known here, and when that was written down.

    Raises
    ------
    ConfigError
        Nobody wrote one down: what goes into a system under the sender's number may land in the chart of
        somebody who has that number here.
    """
    rows = _said_numbers(journal(desk).rows(), manifest)
    if not rows:
        raise ConfigError(
            "Your own number of this patient is not known here.",
            do_next=f"beamkeeper desk known-as {manifest.bundle_id} NUMBER, also where it is the sender's.",
        )
    return str(rows[-1].details["patient_id"]), rows[-1].at


def _numbers(rows: Sequence[AuditRow], manifest: Manifest) -> tuple[str, ...]:
    """Return the number that was last said of the patient."""
    return tuple(str(row.details["patient_id"]) for row in _said_numbers(rows, manifest)[-1:])


def _said_numbers(rows: Sequence[AuditRow], manifest: Manifest) -> list[AuditRow]:
    """Return who said which number of the patient, with whichever of the sender's bundles."""
    return [
        row
        for row in rows
        if row.action == DeskDeed.KNOWN_AS
        and (row.patient_pseudonym, row.details.get("sender")) == (manifest.pseudonym, manifest.sender)
    ]


def answers(desk: Desk, bundle_id: str) -> tuple[str, ...]:
    """Return the return bundles that were made of a received one."""
    return _said(journal(desk).rows(), DeskDeed.REPLIED, bundle_id, "bundle")


def _said(rows: Sequence[AuditRow], deed: DeskDeed, bundle_id: str, key: str) -> tuple[str, ...]:
    found = (row for row in rows if row.action == deed and row.details.get("about") == bundle_id)
    return tuple(dict.fromkeys(str(row.details[key]) for row in found))


def journal(desk: Desk) -> Journal:
    """Return the journal of a desk."""
    return Journal(desk.path / JOURNAL)


def note(
    desk: Desk,
    deed: DeskDeed,
    *,
    by: str,
    at: datetime,
    pseudonym: str | None = None,
    outcome: str = "ok",
    **details: object,
) -> AuditRow:
    """Write one line into the journal of a desk."""
    told = {key: value for key, value in details.items() if value not in ("", None)}
    return journal(desk).append(
        AuditEvent(
            action=deed.value, actor=by, outcome=outcome, at=at, patient_pseudonym=pseudonym, details=told
        )
    )


def _known(desk: Desk, bundle_id: str) -> Manifest | None:
    """Return the manifest of a bundle that was written down as received, and whose folder is there."""
    row = _row_of(desk, bundle_id)
    if row is None or not (desk.path / RECEIVED / bundle_id).is_dir():
        return None
    return kept_manifest(desk, bundle_id, str(row.details["sha256_of_manifest"]))


def _row_of(desk: Desk, bundle_id: str) -> AuditRow | None:
    """Return the first line that says that a bundle was received."""
    rows = (row for row in journal(desk).rows() if row.action == DeskDeed.RECEIVED)
    return next((row for row in rows if row.details["about"] == bundle_id), None)


def another_under_its_name() -> IntegrityError:
    """Return what to say of a bundle whose identifier another one has that was taken in."""
    return IntegrityError(
        "Another bundle was taken in under the identifier of this one; nothing of this one was used.",
        do_next="Call whoever made it: no two bundles have one identifier. Ask for it anew.",
    )


def _verify_newest(desk: Desk, manifest: Manifest) -> None:
    """Refuse what is older than what came of the same patient and sender, though its folder be gone."""
    numbers = [
        int(str(row.details["number"]))
        for row in journal(desk).rows()
        if row.action == DeskDeed.RECEIVED
        and row.details["about"] != manifest.bundle_id
        and (row.details["sender"], row.patient_pseudonym, row.details["incident"])
        == (manifest.sender, manifest.pseudonym, manifest.incident_id)
    ]
    if numbers and max(numbers) >= manifest.number:
        raise IntegrityError(
            f"This bundle is number {manifest.number} of its patient, and number {max(numbers)} is here.",
            do_next="Use the newer one; an old one is never put in its place. In doubt call the sender.",
        )
