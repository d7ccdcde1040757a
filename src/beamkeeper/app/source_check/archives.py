"""Part 7: whether a plan that the OIS names can be found in the archive, and comes when it is asked for."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.runtime import only_one
from beamkeeper.app.jobs.sources import Sources, peer_of
from beamkeeper.app.site import DicomSourceSection
from beamkeeper.app.source_check.sheet import Part, one_line
from beamkeeper.errors import AlreadyRunning, BeamkeeperError
from beamkeeper.protect.collect import ArchiveSource
from beamkeeper.wire.dicom.identify import identify
from beamkeeper.wire.dicom.known import write_known
from beamkeeper.wire.dicom.requester import Requester

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from beamkeeper.app.finding import Verdict
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.wire.dicom.requester import ExpectedObject

TITLE = "One plan by DICOM"
PATIENTS_ASKED_MAX = 5
ARRIVES_WITHIN = timedelta(minutes=2)
QUIET_S = 3.0

WORST_FIRST: Final[tuple[Verdict, ...]] = ("bad", "warning", "unchecked", "good")

Named = tuple[str, str]
"""Patient ID and SOP Instance UID of a plan, as the OIS says them."""


def archives_part(site: Site, clock: Clock, entries: Sequence[CensusEntry]) -> Part:
    """Return part 7 over every archive of the site file."""
    sections = [section for section in site.sources if isinstance(section, DicomSourceSection)]
    if not sections:
        return Part(
            number=7, title=TITLE, verdict="unchecked", lines=("The site file names no DICOM archive.",)
        )
    named = list(_plans(entries))
    folder = site.data_dir / "source-check"
    try:
        with only_one(site):
            folder.mkdir(mode=0o700, exist_ok=True)
            write_known(folder / "known", ())
            try:
                found = [_archive(site, clock, section, named, folder) for section in sections]
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except AlreadyRunning as error:
        return Part(number=7, title=TITLE, verdict="unchecked", lines=(error.message, error.do_next))
    lines = [line for _, of_archive in found for line in of_archive]
    worst = min((verdict for verdict, _ in found), key=WORST_FIRST.index)
    if folder.exists():
        lines.append(f"▲ {folder} could not be removed and may hold a plan: remove it.")
        worst = "bad"
    return Part(number=7, title=TITLE, verdict=worst, lines=tuple(lines))


def _plans(entries: Sequence[CensusEntry]) -> Iterator[Named]:
    for entry in entries:
        uids = (
            *(count.plan_uid for count in entry.counts),
            *(plan.plan_uid for chart in entry.charts for plan in chart.plans if plan.status == "approved"),
        )
        if uid := next(filter(None, uids), ""):
            yield entry.patient.patient_id, uid


def _archive(
    site: Site, clock: Clock, section: DicomSourceSection, named: Sequence[Named], folder: Path
) -> tuple[Verdict, list[str]]:
    """Return how one archive did, with its lines."""
    lines = [f"{section.name}, {section.ae_title}:"]
    sources = Sources(site, spool_dir=folder / section.name / "spool", known_path=folder / "known")
    archive = next(
        one for one in sources.patient_sources if isinstance(one, ArchiveSource) and one.name == section.name
    )
    try:
        with Requester(own_ae_title=site.receiver.ae_title, peer=peer_of(section)) as requester:
            requester.echo()
        lines.append("  C-ECHO: answers.")
        item = _found(archive, named, lines)
        if item is None:
            return ("unchecked" if not named else "bad"), lines
        sources.start()
        archive.fetch([item], deadline=clock.now() + ARRIVES_WITHIN)
        return _arrived(sources, section, item, lines), lines
    except BeamkeeperError as error:
        lines.append(f"  ▲ {one_line(error.message)} {one_line(error.do_next)}".rstrip())
        return "bad", lines
    finally:
        sources.stop()


def _found(archive: ArchiveSource, named: Sequence[Named], lines: list[str]) -> ExpectedObject | None:
    """Return the first plan of the OIS that the archive lists; some of the OIS's may not be there yet."""
    for patient_id, uid in named[:PATIENTS_ASKED_MAX]:
        listed = {item.sop_instance_uid: item for item in archive.list_objects(patient_id)}
        if uid in listed:
            lines.append(f"  C-FIND: plan {uid} of ID {one_line(patient_id)} is there.")
            return listed[uid]
        lines.append(
            f"  ▲ C-FIND: plan {uid} of ID {one_line(patient_id)} is not among {len(listed)} objects."
        )
    if not named:
        lines.append("  No source named a plan by its UID: nothing to find.")
    return None


def _arrived(
    sources: Sources, section: DicomSourceSection, item: ExpectedObject, lines: list[str]
) -> Verdict:
    how = "C-MOVE" if section.method == "move" else "C-GET"
    uid = item.sop_instance_uid
    sources.arrivals.wait_for([uid], quiet_s=QUIET_S, longest_s=ARRIVES_WITHIN.total_seconds())
    came = sources.arrivals.of([uid]).get(uid, ())
    if not came:
        lines.append(f"  ▲ {how}: nothing came. Does the archive know our AE title, host and port?")
        return "bad"
    inside = identify(sources.arrivals.reader.read(came[0])).sop_instance_uid
    if inside != uid:
        lines.append(f"  ▲ {how}: what came says of itself that it is {inside}.")
        return "bad"
    lines.append(f"  {how}: it came, {came[0].size_bytes:,} bytes, and is the one that was asked for.")
    return "good"
