"""What a house's own systems recorded of a received patient: asked for by C-FIND, fetched, kept as files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.copy_stores import asked_requester, connect
from beamkeeper.app.jobs.desk_shelf import said_number, shelf
from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.app.site_copies import DicomCopies
from beamkeeper.domain.objects import ObjectKind, ObjectRef
from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.wire.dicom.outgoing import Outgoing
from beamkeeper.wire.dicom.reader import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beamkeeper.app.site_desk import DeskSystems
    from beamkeeper.respond.handover import Desk
    from beamkeeper.wire.dicom.peers import ExpectedObject

RECORD_BYTES_MAX: Final = 64 << 20
_EXPLICIT_LITTLE: Final = "1.2.840.10008.1.2.1"


def fetch_records(desk: Desk, bundle_id: str, systems: DeskSystems, into: Path) -> tuple[Path, ...]:
    """Write every treatment record that the house's stores hold of a patient, and that was not sent along.

    Parameters
    ----------
    into
        Folder of the files, named by SOP Instance UID; those that are there stay as they are.

    Raises
    ------
    ConfigError
        No such bundle.
    SourceUnavailable
        A store gives no answer.
    SourceAnswerInvalid
        It lists a record and does not give it.
    StorageFull
    """
    lying = shelf(desk)
    manifest = lying.find(bundle_id)
    number, _ = said_number(lying, manifest)
    sent = {item.sop_instance_uid for item in manifest.packed}
    written = []
    for section in systems.dicom:
        if not isinstance(section, DicomCopies):
            continue
        with asked_requester(section, systems.own_ae_title) as asking:
            listed = asking.find_instances(number)
        wanted = [
            one
            for one in listed
            if _is_record(one)
            and one.sop_instance_uid not in sent
            and not (into / f"{one.sop_instance_uid}.dcm").exists()
        ]
        if wanted:
            written += _fetched(section, systems.own_ae_title, wanted, into)
    return tuple(written)


def _is_record(one: ExpectedObject) -> bool:
    ref = ObjectRef(
        sop_class_uid=one.sop_class_uid,
        sop_instance_uid=one.sop_instance_uid,
        study_instance_uid=one.study_instance_uid,
        series_instance_uid=one.series_instance_uid,
        patient_id=one.patient_id,
        modality=one.modality,
        transfer_syntax_uid="",
        sha256="",
        size_bytes=0,
    )
    return kind_of(ref) in {ObjectKind.TREATMENT_RECORD, ObjectKind.TREATMENT_SUMMARY}


def _fetched(
    section: DicomCopies, own_ae_title: str, wanted: Iterable[ExpectedObject], into: Path
) -> list[Path]:
    """Have a store give its records, and write each under its own name once all of them came."""
    items = {one.sop_instance_uid: _asked(one) for one in wanted}
    kinds = frozenset((one.sop_class_uid, _EXPLICIT_LITTLE) for one in items.values())
    store = connect(section, kinds, own_ae_title)
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    try:
        with tempfile.TemporaryDirectory(prefix=".asking-", dir=into) as work:
            came = {back.sop_instance_uid: back for back in store.fetch(tuple(items.values()), Path(work))}
            if missing := items.keys() - came.keys():
                raise SourceAnswerInvalid(
                    f"{section.where} lists {len(missing)} treatment records that it does not give.",
                    do_next="Export them there by hand into the same folder.",
                )
            for uid, back in came.items():
                target = into / f"{uid}.dcm"
                write_whole(target, back.path.read_bytes())
                written.append(target)
    finally:
        store.close()
    return written


def _asked(one: ExpectedObject) -> Outgoing:
    return Outgoing(
        sop_class_uid=one.sop_class_uid,
        sop_instance_uid=one.sop_instance_uid,
        study_instance_uid=one.study_instance_uid,
        series_instance_uid=one.series_instance_uid,
        transfer_syntax_uid=_EXPLICIT_LITTLE,
        path=Path(),
        sha256="",
        size_bytes=RECORD_BYTES_MAX,
        data_set_at=0,
    )
