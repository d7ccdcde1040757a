"""The verification report of a received patient: made of the files as they came, kept beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.desk_journal import DeskDeed, note
from beamkeeper.app.jobs.desk_shelf import shelf
from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.app.jobs.receiving import kept_file
from beamkeeper.errors import IntegrityError
from beamkeeper.respond.handover import Role
from beamkeeper.respond.handover.desk import RECEIVED
from beamkeeper.respond.handover.import_facts import Unread, read_imported
from beamkeeper.respond.handover.import_finding import Announced, Grade
from beamkeeper.respond.handover.import_page import import_facts, import_files
from beamkeeper.respond.handover.import_photos import photographs
from beamkeeper.respond.handover.import_report import verify_import

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.respond.handover import Desk, Manifest
    from beamkeeper.respond.handover.import_report import ImportReport

REPORTS: Final = "reports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A report and where it lies: PDF, HTML, text and JSON."""

    bundle_id: str
    report: ImportReport
    folder: Path


def check_received(desk: Desk, bundle_id: str, *, by: str, now: datetime) -> Checked:
    """Judge what was received of a patient, write the report, and write that down.

    Raises
    ------
    ConfigError
        No such bundle was received.
    StorageFull
        The report cannot be kept.
    """
    manifest = shelf(desk).find(bundle_id)
    zone = ZoneInfo(manifest.time_zone)
    changed: list[Unread] = []
    read = read_imported(_files(manifest, desk.path / RECEIVED / manifest.bundle_id, changed), zone=zone)
    report = verify_import(
        (*read, *changed),
        Announced(
            patient=manifest.patient,
            object_uids=frozenset(
                item.sop_instance_uid for item in manifest.packed if item.role is Role.DICOM
            ),
            plan_uids=tuple(plan.plan_uid for plan in manifest.plans),
            position=manifest.position,
        ),
    )
    lies = desk.path / RECEIVED / manifest.bundle_id
    photos = photographs(manifest.packed, lambda item: kept_file(lies, item))
    report = replace(report, findings=(*photos.findings, *report.findings), pictures=photos.pictures)
    folder = desk.path / REPORTS / manifest.bundle_id
    files = import_files(report, site_name=desk.card.name, made_at=now, zone=zone)
    files["import-report.json"] = json.dumps(import_facts(report), ensure_ascii=False, indent=1).encode()
    for name, data in files.items():
        write_whole(folder / name, data)
    grades = [finding.grade for finding in report.findings]
    note(
        desk,
        DeskDeed.CHECKED,
        by=by,
        at=now,
        pseudonym=manifest.pseudonym,
        outcome="ok" if report.worst is not Grade.STOP else "failed",
        about=manifest.bundle_id,
        said=f"{grades.count(Grade.STOP)} stop, {grades.count(Grade.LOOK)} look, {len(grades)} tests",
    )
    return Checked(bundle_id=manifest.bundle_id, report=report, folder=folder)


def _files(manifest: Manifest, folder: Path, changed: list[Unread]) -> Iterator[tuple[str, bytes]]:
    """Yield what is still as it was signed; nothing is judged by bytes that nobody signed."""
    for item in manifest.packed:
        if item.role is Role.DICOM:
            try:
                yield item.name, kept_file(folder, item)
            except IntegrityError as error:
                changed.append(Unread(name=item.name, why=error.message))
