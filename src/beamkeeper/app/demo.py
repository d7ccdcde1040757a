"""The demonstration: two nights of a simulated department, a restore two ways, and the day it happens.

Every stage looks at what is there and goes on, so that it can be stopped at any point and started
again. Nothing is pretended: the nights are the real job over real DICOM associations on loopback, and
what the report says is held against what was done to the department.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from beamkeeper.app.demo_day import INCIDENT, USB, Day
from beamkeeper.app.dossier_files import dossier_files
from beamkeeper.app.jobs.lists import gather_by_site
from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.app.jobs.running import run_night
from beamkeeper.app.jobs.runtime import open_runtime
from beamkeeper.app.jobs.vault_dossiers import Wanted, vault_dossier
from beamkeeper.app.opened import open_by_site, recovery_from_cards
from beamkeeper.app.setup import make_site
from beamkeeper.app.site import load_site
from beamkeeper.app.site_template import SiteAnswers
from beamkeeper.clock import MovableClock, local_date, local_instant, zone
from beamkeeper.domain.change import DOCUMENT
from beamkeeper.errors import ConfigError, IntegrityError
from beamkeeper.ledger import AnnouncementRow
from beamkeeper.protect.lists import list_rows
from beamkeeper.protect.lists.files import list_files
from beamkeeper.rehearse.sim import DayEventKind, Department, OisKind
from beamkeeper.vault import LocalStore

if TYPE_CHECKING:
    from beamkeeper.app.jobs.progress import Listener
    from beamkeeper.app.opened import OpenedVault
    from beamkeeper.app.site import Site
    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.domain.night import NightReport
    from beamkeeper.rehearse.sim import DayEvent

ZONE_NAME = "Europe/Brussels"
NIGHT_AT = time(2, 0)
TEN = time(10, 0)
CARDS_FOUND = (0, 2, 4)
_CARDS_HEAD = (
    "The demonstration's five cards, one a line; three open the vault. Real ones are on paper alone."
)
HEADER_BYTES_MAX = 1024
"""A file header of ours: preamble and a handful of UIDs."""
_MORE = """\
[[sources]]
kind = "aria"                    # the invented department's database has ARIA's tables
name = "aria"
url = {url}
schema = ""                      # SQLite has none; a real one has "dbo"
timezone = "{zone}"
triage_column = "UserDefAttrib03"

[[documents]]
name = "share"
kind = "folder"
path = {share}
quarters_since = 2018-05-14      # ARIA files documents by quarter
"""
STOCK_TOOLS = ("age", "zstd", "tar")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that was done to the department, and what the report of night 2 said of it.

    Attributes
    ----------
    said
        The report's words; "" when it says nothing.
    as_it_should
        Whether that is the grade and the expectation such an event must get.
    """

    event: DayEvent
    said: str
    as_it_should: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """One patient given back.

    Attributes
    ----------
    how
        "beamkeeper restore" or "age | zstd | tar".
    equal_count, object_count
        Objects whose data sets equal what the archive holds, byte for byte, of all it holds.
    """

    how: str
    patient_id: str
    equal_count: int
    object_count: int
    skipped: str = ""


class Demo:
    """A demonstration in one folder; a context manager that runs the department.

    Parameters
    ----------
    root
        Where everything lies: `department/`, `site/`, `restored/`.
    now
        The real present: night 2 is today's, so that the commands to try next find a fresh vault.
    """

    def __init__(self, root: Path, *, now: datetime, patients: int = 8, seed: int = 1) -> None:
        self.root = root = root.resolve()
        self.site_file = root / "site" / "beamkeeper.toml"
        self._zone, self._now = zone(ZONE_NAME), now
        self.second_night = self._begun_on(now)
        self.first_night = self.second_night - timedelta(days=1)
        self.clock = MovableClock(local_instant(self.first_night, NIGHT_AT, self._zone))
        site = load_site(self.site_file) if self.site_file.exists() else None
        self.receiver_port = site.receiver.port if site else _free_port()
        archive_port = next((s.port for s in site.sources if s.kind == "dicom"), 0) if site else _free_port()
        self.department = Department(
            root / "department",
            seed=seed,
            synthetic_patients=patients,
            clock=self.clock,
            zone_name=ZONE_NAME,
            archive_port=archive_port,
            ois=OisKind.ARIA,
        )

    def __enter__(self) -> Demo:  # noqa: PYI034
        self.department.start()
        self.department.add_destination("BEAMKEEPER", "127.0.0.1", self.receiver_port)
        return self

    def __exit__(self, *_: object) -> None:
        self.department.stop()

    def _begun_on(self, now: datetime) -> date:
        """Return the date of night 2, remembered from the first start of this folder."""
        note = self.root / "night-2-is-on.txt"
        if note.exists():
            return date.fromisoformat(note.read_text(encoding="utf-8").strip())
        today = local_date(now, self._zone)
        if local_instant(today, NIGHT_AT, self._zone) > now:
            today -= timedelta(days=1)  # before two in the morning the last night is yesterday's
        self.root.mkdir(parents=True, exist_ok=True)
        note.write_text(today.isoformat() + "\n", encoding="utf-8")
        return today

    @property
    def cards_file(self) -> Path:
        """Where the five cards lie; of a real department they exist on paper alone."""
        return self.root / "cards.txt"

    @property
    def usb_dir(self) -> Path:
        """The disk that is left: a copy of the vault."""
        return self.root / USB

    def _cards_found(self) -> list[str]:
        """Return the three cards that were found; none where an interrupted start left none."""
        if not self.cards_file.exists():
            return []
        lines = [one for one in self.cards_file.read_text(encoding="utf-8").splitlines() if one]
        return [lines[1 + index] for index in CARDS_FOUND]

    @property
    def site(self) -> Site:
        """The demonstration's site."""
        return load_site(self.site_file)

    def make_site(self) -> None:
        """Make keys, an empty vault and a site file, once."""
        if self.site_file.exists():
            return
        answers = SiteAnswers(
            name="Simulated department",
            time_zone=ZONE_NAME,
            data_dir=Path("data"),
            vault_dir=Path("vault"),
            keys_dir=Path("keys"),
            receiver_port=self.receiver_port,
            archive=(self.department.archive_ae, self.department.host, self.department.port),
            more=_MORE.format(
                url=json.dumps(self.department.ois_url),
                zone=ZONE_NAME,
                share=json.dumps(str(self.department.documents_dir)),
            ),
        )
        shutil.rmtree(self.site_file.parent, ignore_errors=True)  # what an interrupted start left
        made = make_site(self.site_file, answers, self.clock)
        cards = "\n\n".join(" ".join(card) for card in made.cards)
        write_whole(self.cards_file, f"{_CARDS_HEAD}\n\n{cards}\n".encode())
        told = self.site_file.read_text(encoding="utf-8")
        # Pictures of everybody take a third of the demonstration; one paper is drawn in the end.
        self.site_file.write_text(told.replace("# pictures = false", "pictures = false"), encoding="utf-8")

    def night(self, run_on: date, listener: Listener) -> NightReport:
        """Run one night at two o'clock of that date; a complete one is not run again."""
        self.clock.move_to(local_instant(run_on, NIGHT_AT, self._zone))
        return run_night(self.site, self.clock, run_on, listener=listener)

    def day_between(self) -> tuple[DayEvent, ...]:
        """Play the day, and announce the replan as a dosimetrist would; once."""
        self.clock.move_to(local_instant(self.first_night, time(16, 0), self._zone))
        if self.department.days_played == 0:
            events = self.department.play_day_between()
        else:
            events = self.department.events_of(1)
        for event in events:
            if event.kind is DayEventKind.REPLAN:
                self._announce(event.patient_id)
        return events

    def _announce(self, patient_id: str) -> None:
        runtime = open_runtime(self.site, self.clock)
        (row,) = runtime.ledger.patient_by_id(patient_id)
        now = self.clock.now()
        runtime.ledger.announce(
            AnnouncementRow(
                pseudonym=row.pseudonym,
                scope="replan",
                reason="weight loss, new mask",
                announced_by="dosimetrist on duty",
                announced_at=now,
                valid_from=now,
                valid_until=now + timedelta(days=2),
            )
        )

    def told(self, events: tuple[DayEvent, ...], report: NightReport) -> tuple[Told, ...]:
        """Return each event beside what the report says of the objects it touched."""
        return tuple(_told(event, report) for event in events)

    @property
    def lists_dir(self) -> Path:
        """Where `lists` writes."""
        return self.root / "lists"

    def lists(self) -> int:
        """Write the triage list, the contact list and the day schedule; return how many are on them."""
        found = gather_by_site(open_runtime(self.site, self.clock))
        rows = list_rows(found.persons, found.head)
        for name, data in list_files(found.head, rows).items():
            write_whole(self.lists_dir / name, data)
        return len(rows)

    @property
    def dossier_file(self) -> Path:
        """Where `dossier` writes."""
        return self.root / "dossier.pdf"

    def dossier(self, patient_id: str) -> None:
        """Make a patient's dossier with pictures, from what is sealed alone."""
        opened = open_by_site(self.site, self.clock)
        wanted = Wanted(zone=self._zone, now=self.clock.now(), scratch=self.root / "scratch")
        source = vault_dossier(opened, opened.find_pseudonym(patient_id), None, wanted)
        write_whole(self.dossier_file, dict(dossier_files(source))[".pdf"])

    @property
    def incident_dir(self) -> Path:
        """The folder of the day."""
        return self.root / INCIDENT

    def day(self) -> tuple[Day, OpenedVault]:
        """Leave nothing but a disk, at ten in the morning; return the day and the disk, opened.

        Three cards open it; the collector's key, where a start was stopped before they were written.
        """
        ten = local_instant(self.second_night, TEN, self._zone)
        self.clock.move_to(min(ten, self._now))
        day = Day(self.root, clock=self.clock, zone_name=ZONE_NAME)
        day.save(self.site.vault.directory)
        if cards := self._cards_found():
            return day, day.open_with(cards)
        return day, open_by_site(self.site, self.clock)

    def restore(self, patient_id: str) -> tuple[Restored, Restored]:
        """Give one patient back with Beamkeeper, and again with stock tools only."""
        shutil.rmtree(self.root / "restored", ignore_errors=True)
        return self._restore_with_us(patient_id), self._restore_with_stock_tools(patient_id)

    def _restore_with_us(self, patient_id: str) -> Restored:
        opened = open_by_site(self.site, self.clock)
        out_dir = self.root / "restored" / "with-beamkeeper"
        pseudonym = opened.find_pseudonym(patient_id)
        opened.vault.restore_patient(pseudonym, identities=opened.identities, out_dir=out_dir)
        return self._compared("beamkeeper restore", patient_id, out_dir)

    def _restore_with_stock_tools(self, patient_id: str) -> Restored:
        how = " | ".join(STOCK_TOOLS)
        absent = [tool for tool in STOCK_TOOLS if shutil.which(tool) is None]
        if absent:
            skipped = f"not tried: {', '.join(absent)} is not installed here"
            return Restored(how=how, patient_id=patient_id, equal_count=0, object_count=0, skipped=skipped)
        opened = open_by_site(self.site, self.clock)
        out_dir = self.root / "restored" / "with-stock-tools"
        out_dir.mkdir(parents=True)
        pseudonym = opened.find_pseudonym(patient_id)
        parcels = [entry for entry in opened.vault.entries() if entry.pseudonym == pseudonym]
        store = LocalStore(self.site.vault.directory)
        with tempfile.TemporaryDirectory() as folder:
            identity = Path(folder) / "identity"
            identity.touch(mode=0o600)
            identity.write_text(self._recovery_identity(opened.identities), encoding="utf-8")
            for entry in sorted(parcels, key=lambda entry: (entry.night, entry.number)):
                _open_with_stock_tools(store.root / entry.storage_name, identity, out_dir)
        return self._compared(how, patient_id, out_dir)

    def _recovery_identity(self, otherwise: tuple[str, ...]) -> str:
        """Join the recovery key from cards 1, 3 and 5; without them only the collector's is left."""
        cards = self._cards_found()
        return recovery_from_cards(cards).identity if cards else otherwise[0]

    def _compared(self, how: str, patient_id: str, out_dir: Path) -> Restored:
        files = {path.stem: path for path in out_dir.rglob("*.dcm")}
        uids = self.department.sop_instance_uids(patient_id)
        equal = sum(
            uid in files and _same_data_set(files[uid], self.department.source_dataset(uid)) for uid in uids
        )
        return Restored(how=how, patient_id=patient_id, equal_count=equal, object_count=len(uids))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _same_data_set(restored: Path, data_set: bytes) -> bool:
    """Return whether a restored file is our header and exactly the source's data set."""
    data = restored.read_bytes()
    return data.endswith(data_set) and len(data) - len(data_set) <= HEADER_BYTES_MAX


def _open_with_stock_tools(parcel: Path, identity: Path, out_dir: Path) -> None:
    script = 'age -d -i "$1" "$2" | zstd -dq | tar -xf - -C "$3"'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script, "restore", str(identity), str(parcel), str(out_dir)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise IntegrityError("age, zstd and tar could not open a parcel.", parcel=parcel.name)


_MUST_BE: dict[DayEventKind, tuple[str, bool]] = {
    DayEventKind.FRACTION_DELIVERED: ("new", True),
    DayEventKind.PLAN_RE_ENCODED: ("re_encoded", False),
    DayEventKind.REPLAN: ("new", True),
    DayEventKind.LEAF_ALTERED: ("clinical", False),
    DayEventKind.STRUCTURE_SET_DELETED: ("missing", False),
    DayEventKind.PATIENT_NEW: ("new", True),
    DayEventKind.RECORD_WITHOUT_PLAN: ("new", False),
    DayEventKind.DOCUMENT_ALTERED: ("clinical", False),
}
"""The grade each event must get, and whether it must count as expected."""


def _told(event: DayEvent, report: NightReport) -> Told:
    if event.kind is DayEventKind.PATIENT_FINISHED:
        finished = any(p.finished and p.patient_id == event.patient_id for p in report.patients)
        return Told(event=event, said="finished" if finished else "", as_it_should=finished)
    of_patient = [item for p in report.patients if p.patient_id == event.patient_id for item in p.comparisons]
    items = [item for item in of_patient if _concerns(event, item)]
    grade, expected = _MUST_BE[event.kind]
    all_there = len(items) == (len(event.sop_instance_uids) or 1)
    if event.kind is DayEventKind.RECORD_WITHOUT_PLAN:
        items = [item for item in items if item.kind == "treatment record"]
    right = bool(items) and all(i.grade.value == grade and bool(i.expected) == expected for i in items)
    return Told(event=event, said=_words(items), as_it_should=right and all_there)


def _concerns(event: DayEvent, item: ObjectComparison) -> bool:
    if event.document:
        return item.kind == DOCUMENT and item.label == event.document
    return item.sop_instance_uid in event.sop_instance_uids


def _words(items: list[ObjectComparison]) -> str:
    if not items:
        return ""
    worst = max(items, key=lambda item: (not item.expected, len(item.changes)))
    text = worst.changes[0].text if worst.changes else worst.label
    reason = f" (expected: {worst.expected})" if worst.expected else ""
    more = f", and {len(items) - 1} more" if len(items) > 1 else ""
    return f"{worst.grade.value.replace('_', '-')}: {text}{reason}{more}"


def clear(root: Path) -> None:
    """Remove an earlier demonstration; only a folder that holds one.

    Raises
    ------
    ConfigError
        The folder holds something else.
    """
    if root.exists() and not (root / "night-2-is-on.txt").exists() and any(root.iterdir()):
        raise ConfigError(f"{root} holds no demonstration.", do_next="Name an empty folder with --dir.")
    shutil.rmtree(root, ignore_errors=True)
