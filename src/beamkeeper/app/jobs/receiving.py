"""Taking a patient in from another house: proved, of one person, newer than what we had, or not at all.

1. signature, then digest, then seal: nothing of a stranger is unpacked;
2. every DICOM object must be of the patient that the manifest names;
3. a bundle that came before is not used again, an older one never replaces a newer one;
4. only then the folder of the patient appears, and a line in the desk's journal says so.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.bundle_objects import Held, read_held
from beamkeeper.app.jobs.desk_journal import DeskDeed, journal, note
from beamkeeper.app.jobs.desk_shelf import kept_manifest, not_taken_in, received_row, shelf
from beamkeeper.errors import IntegrityError, KeyUnavailable, PatientMismatch, StorageFull
from beamkeeper.respond.handover import BundleKind, Desk, Role, open_bundle, read_header
from beamkeeper.respond.handover.bundle import is_bundle_id
from beamkeeper.respond.handover.desk import RECEIVED
from beamkeeper.respond.handover.manifest import MANIFEST
from beamkeeper.respond.handover.working import set_aside, working

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.respond.handover import Header, Manifest, Opened, Packed


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A patient's bundle at the house that treats on.

    Attributes
    ----------
    folder
        Its files, as they came.
    is_new
        False when this very bundle was received before, and every file of it is still as signed.
    newer
        A newer bundle of the same patient that is here; "" where this is the newest.
    strangers
        Files beside the bundle that were not read.
    """

    manifest: Manifest
    folder: Path
    is_new: bool
    newer: str = ""
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
        about = bundle.name if is_bundle_id(bundle.name) else ""
        note(desk, DeskDeed.REFUSED, by=by, at=now, outcome="failed", about=about, said=error.message)
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
    row = received_row(journal(desk).rows(), header.bundle_id)
    if row is not None and row.details["sha256"] != header.sha256:
        raise another_under_its_name()
    digest = None if row is None else str(row.details["sha256_of_manifest"])
    known = kept_whole(desk, header.bundle_id, digest)
    if known is not None:
        newer = shelf(desk).newer(known)
        folder = home / header.bundle_id
        return Received(manifest=known, folder=folder, is_new=False, newer=newer[-1] if newer else "")
    with working(home, ".opening-") as work:
        opened = open_bundle(bundle, keys=desk.keys(), known=desk.known(), out_dir=work / header.bundle_id)
        verify_whose(opened)
        digest = hashlib.sha256((opened.folder / MANIFEST).read_bytes()).hexdigest()
        _verify_newest(desk, opened.manifest)
        folder = keep(desk, opened)
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
    return Received(manifest=manifest, folder=folder, is_new=True, strangers=opened.strangers)


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
        path = one.path if isinstance(one, Held) else one
        found = one.content.ref.sha256 if isinstance(one, Held) else _sha256(path)
        if found != digests[path]:
            raise not_taken_in(path.name)
        yield one


def _whole(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_file():
            raise not_taken_in(path.name)
        yield path


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
        raise not_taken_in(item.name) from error
    if hashlib.sha256(data).hexdigest() != item.sha256:
        raise not_taken_in(item.name)
    return data


def another_under_its_name() -> IntegrityError:
    """Return what to say of a bundle whose identifier another one has that was taken in."""
    return IntegrityError(
        "Another bundle was taken in under the identifier of this one; nothing of this one was used.",
        do_next="Call whoever made it: no two bundles have one identifier. Ask for it anew.",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kept_whole(desk: Desk, bundle_id: str, sha256: str | None) -> Manifest | None:
    """Return the manifest of a bundle that lies here as it was taken in; None where one has to come again.

    Parameters
    ----------
    sha256
        Of its manifest, by the journal; None when no journal knows the bundle.
    """
    if sha256 is None:
        return None
    try:
        manifest = kept_manifest(desk, bundle_id, sha256)
        for item in manifest.packed:
            path = (desk.path / RECEIVED / bundle_id).joinpath(*item.name.split("/"))
            if _sha256(path) != item.sha256:
                return None
    except (IntegrityError, OSError):
        return None
    return manifest


def keep(desk: Desk, opened: Opened) -> Path:
    """Give a bundle that was proved its place; what lies there is of a try that broke off, or damaged.

    Raises
    ------
    StorageFull
        It cannot be kept.
    """
    target = desk.path / RECEIVED / opened.manifest.bundle_id
    if target.exists():
        set_aside(target)
    try:
        opened.folder.rename(target)
    except OSError as error:
        raise StorageFull(f"The bundle cannot be kept: {error.strerror}.") from error
    return target


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
