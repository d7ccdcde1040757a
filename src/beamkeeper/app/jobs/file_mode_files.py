"""The files of one plan for one session, out of the vault: byte for byte, each digest verified."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.chain import resolve_chain
from beamkeeper.errors import IntegrityError, ObjectUnreadable
from beamkeeper.respond.filemode import DropFile, FileKind
from beamkeeper.wire.dicom.reader import read_object
from beamkeeper.wire.dicom.reader_bytes import open_object
from beamkeeper.wire.dicom.reader_demand import read_demand
from beamkeeper.wire.dicom.values import data_set_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.demand import PlanDemand
    from beamkeeper.domain.plan import Plan
    from beamkeeper.protect.lists import Person

REFERENCE_TYPES: Final = frozenset({"DRR", "SIMULATOR"})
"""Third value of Image Type (0008,0008) of RT images to compare with; PORTAL is what a session took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What goes along with one plan.

    Attributes
    ----------
    demand
        What the plan's own bytes ask of a machine.
    cautions
        What is not as usual about the files.
    """

    files: tuple[DropFile, ...]
    demand: PlanDemand
    paths: Mapping[str, Path]
    cautions: tuple[str, ...] = ()

    def data(self, wanted: DropFile) -> bytes:
        """Return a file's bytes, if they are those of its digest.

        Raises
        ------
        IntegrityError
            They are not: the computer's own disk is at fault.
        """
        path = self.paths.get(wanted.sha256)
        data = b"" if path is None else path.read_bytes()
        if hashlib.sha256(data).hexdigest() != wanted.sha256:
            raise IntegrityError(
                f"{wanted.name} is not in the vault as it was released.",
                do_next="The copy of the vault is another one than before: take the one of the release.",
            )
        return data


def planned_files(opened: OpenedVault, person: Person, plan: Plan, scratch: Path, zone: ZoneInfo) -> Planned:
    """Return the files that go along with a plan, restored from the night that the inventory is of.

    Raises
    ------
    IntegrityError
        The vault does not give back what it names, or not the plan of the inventory.
    """
    report = opened.vault.restore_patient(
        person.pseudonym, identities=opened.identities, out_dir=scratch, night=person.night
    )
    objects, paths = _read(scratch, zone)
    own = objects.get(plan.sop_instance_uid)
    listed = next((one.ref.sha256 for one in person.objects if one.content == plan), "")
    if own is None or own.ref.sha256 != listed:
        lost = "; ".join(failure.reason for failure in report.failures[:3])
        raise IntegrityError(
            f"The vault does not give back the plan of the inventory. {lost}".strip(),
            do_next="Take the copy of the vault that the incident was declared with.",
        )
    chain = resolve_chain(objects.values()).find(plan.sop_instance_uid)
    assert chain is not None, "the plan is among the objects"  # noqa: S101
    references = [
        uid for uid in chain.rt_image_uids if _is_reference(paths[objects[uid].ref.sha256].read_bytes(), zone)
    ]
    wanted = [
        (FileKind.PLAN, plan.sop_instance_uid),
        *(((FileKind.STRUCTURE_SET, chain.structure_set_uid),) if chain.structure_set_found else ()),
        *((FileKind.IMAGE, uid) for uid in chain.image_uids),
        *((FileKind.REFERENCE_IMAGE, uid) for uid in references),
    ]
    files = tuple(_file(kind, objects[uid or ""]) for kind, uid in wanted)
    return Planned(
        files=files,
        demand=read_demand(paths[own.ref.sha256].read_bytes(), zone=zone),
        paths=paths,
        cautions=tuple(_cautions(files)),
    )


def _read(folder: Path, zone: ZoneInfo) -> tuple[dict[str, ClinicalObject], dict[str, Path]]:
    objects: dict[str, ClinicalObject] = {}
    paths: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.dcm")):
        try:
            item = read_object(path.read_bytes(), zone=zone)
        except ObjectUnreadable:
            continue  # kept under quarantine, and named in the night's report
        objects[item.ref.sop_instance_uid] = item
        paths[item.ref.sha256] = path
    return objects, paths


def _file(kind: FileKind, item: ClinicalObject) -> DropFile:
    return DropFile(
        name=f"{kind.value}.{item.ref.sop_instance_uid}.dcm",
        kind=kind,
        sop_instance_uid=item.ref.sop_instance_uid,
        sha256=item.ref.sha256,
        size_bytes=item.ref.size_bytes,
    )


def _is_reference(data: bytes, zone: ZoneInfo) -> bool:
    values = data_set_of(open_object(data), zone).text("ImageType").upper().replace(",", "\\").split("\\")
    return len(values) > _THIRD and values[_THIRD].strip() in REFERENCE_TYPES


_THIRD: Final = 2


def _cautions(files: tuple[DropFile, ...]) -> Iterator[str]:
    kinds = {one.kind for one in files}
    if FileKind.REFERENCE_IMAGE not in kinds:
        yield "No reference image (DRR) is kept for this plan: match on the CT."
    if FileKind.STRUCTURE_SET not in kinds:
        yield "No structure set goes along."
    if FileKind.IMAGE not in kinds:
        yield "No planning CT goes along."
