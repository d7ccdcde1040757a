"""A site before an archive that gets new treatment records by day: what tests of the hour have in common."""

from __future__ import annotations

import shutil
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

from archive_site import OUR_AE, rewrite, site_before
from night_site import NIGHT_1, SESSIONS_A_PATIENT, WHO, ZONE, SmallSite
from pydicom import dcmread
from tests.listening import free_port

from beamkeeper.app.jobs.hourly import run_hour
from beamkeeper.clock import MovableClock
from beamkeeper.rehearse.sim import Archive
from beamkeeper.rehearse.sim.patients import session_objects
from beamkeeper.rehearse.sim.records import Session
from beamkeeper.rehearse.sim.state import at_first, patient_of
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from pydicom import Dataset
    from pynetdicom.association import Association

    from beamkeeper.app.jobs.hour_notes import HourReport
    from beamkeeper.rehearse.sim.treatments import SimPatient


def patient_number(index: int) -> SimPatient:
    state = at_first(1, max(WHO) + 1, NIGHT_1, NIGHT_1 - timedelta(days=1))
    return patient_of(state, state.patients[index])


def record(
    index: int,
    *,
    number: int = SESSIONS_A_PATIENT + 1,
    on: date = NIGHT_1,
    changed: Mapping[str, str] | None = None,
) -> bytes:
    """Return the record of one fraction of an invented patient; `changed` replaces elements."""
    session = Session(treatment_key="plan", version=1, fraction_number=number, on=on)
    made = [data for _, data in session_objects(patient_number(index), session, ZONE)]
    data = next(data for data in made if identify(data).modality == "RTRECORD")
    return data if changed is None else altered(data, lambda ds: _set_all(ds, changed))


def altered(data: bytes, change: Callable[[Dataset], None]) -> bytes:
    found = dcmread(BytesIO(data))
    change(found)
    written = BytesIO()
    found.save_as(written)
    return written.getvalue()


def _set_all(found: Dataset, changed: Mapping[str, str]) -> None:
    for keyword, value in changed.items():
        setattr(found, keyword, value)


@dataclass(frozen=True)
class HourSite:
    """A site whose source is an archive, after the first night."""

    site: SmallSite
    archive: CountingArchive

    def hour(
        self, day: date = NIGHT_1, hour: int = 9, *, on_step: Callable[[str], None] = lambda _name: None
    ) -> HourReport:
        """Look once, at that hour, UTC."""
        clock = MovableClock(datetime.combine(day, time(hour), tzinfo=UTC))
        return run_hour(self.site.site, clock, on_step=on_step)

    def kept_uids(self) -> frozenset[str]:
        """Return what the ledger believes to be kept."""
        ledger = self.site.runtime().ledger
        rows = (item for row in ledger.patients() for item in ledger.current_objects(row.pseudonym))
        return frozenset(item.sop_instance_uid for item in rows)

    def position_of(self, patient_id: str) -> tuple[int, datetime | None]:
        """Return how many fractions of the first plan are complete, and as of when."""
        ledger = self.site.runtime().ledger
        (row,) = ledger.patient_by_id(patient_id)
        last = ledger.positions(pseudonym=row.pseudonym)[-1]
        return last.position.plans[0].fractions_complete, last.as_of

    def restored_uids(self, out: Path) -> frozenset[str]:
        """Return what comes back out of the vault."""
        return frozenset(identify(data).sop_instance_uid for data in self.site.restored(out).values())


def site_of_60_days(archive: Archive, root: Path, *, changed: Mapping[str, str] | None = None) -> SmallSite:
    """Return a site whose list goes back so far that everybody is on it."""
    text = {"treated_days = 7": "treated_days = 60", **(changed or {})}
    return site_before(archive, root, port=free_port(), changed=text)


class CountingArchive(Archive):
    """An archive that knows how often it sent what.

    Attributes
    ----------
    sent
        SOP Instance UIDs, in the order they were sent.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sent: list[str] = []

    def send_raw(self, assoc: Association, named: Dataset, **options: Any) -> Dataset:
        self.sent.append(str(named.SOPInstanceUID))
        return super().send_raw(assoc, named, **options)


def archive_with(objects: Path, folder: Path) -> CountingArchive:
    """Return an archive, not started, that holds copies of these objects."""
    shutil.copytree(objects, folder)
    return CountingArchive(folder)


@contextmanager
def copied_site(original: Path, objects: Path, root: Path) -> Iterator[HourSite]:
    """Yield a copy of a site and of its archive, each with a port of its own."""
    shutil.copytree(original, root / "site")
    site = SmallSite(root / "site")
    told = tomllib.loads(site.site_file.read_text(encoding="utf-8"))
    with archive_with(objects, root / "archive") as archive:
        own = free_port()
        rewrite(
            site,
            {
                f"port = {told['sources'][0]['port']}": f"port = {archive.port}",
                f"port = {told['receiver']['port']}": f"port = {own}",
            },
        )
        archive.add_destination(OUR_AE, "127.0.0.1", own)
        yield HourSite(site, archive)
