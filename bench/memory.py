"""The largest process of a night in which a 600 MB dose comes and 400,000 objects are known.

    python bench/memory.py [--dose-mb 600] [--known 400000] [--json FILE]

The dose comes from the simulated archive by C-MOVE into our receiver, is sealed, and in a second night
comes again with one voxel changed, so that old and new are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Self

from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from beamkeeper.app.jobs.running import run_night
from beamkeeper.app.site import load_site
from beamkeeper.clock import MovableClock
from beamkeeper.rehearse.sim import ArchiveProcess
from bench_site import make_site_before

NIGHT = date(2026, 3, 2)
PORT = 11998
PAGE = os.sysconf("SC_PAGE_SIZE")


def dose(size_mb: int, *, altered: bool) -> bytes:
    """Return an RT Dose of about that size; `altered` differs in one voxel."""
    frames = max(1, size_mb)
    data = Dataset()
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.2"
    data.SOPInstanceUID, data.StudyInstanceUID, data.SeriesInstanceUID = "2.25.1", "2.25.2", "2.25.3"
    data.StudyDate, data.Modality = "20260301", "RTDOSE"
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = "BIG^DOSE", "BIG", "", "O"
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.NumberOfFrames, data.Rows, data.Columns = frames, 500, 500
    data.BitsAllocated = data.BitsStored = 32
    data.HighBit, data.PixelRepresentation = 31, 0
    data.DoseUnits, data.DoseType, data.DoseSummationType = "GY", "PHYSICAL", "PLAN"
    data.DoseGridScaling = "1e-5"
    pixels = bytearray(os.urandom(1_000_000) * frames)
    pixels[3::4] = bytes(len(pixels) // 4)
    if altered:
        pixels[len(pixels) // 2] ^= 1
    data.PixelData = bytes(pixels)
    data["PixelData"].VR = "OW"
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = BytesIO()
    dcmwrite(buffer, data, enforce_file_format=True)
    return buffer.getvalue()


def record() -> bytes:
    """Return a small treatment record: it puts the patient on the list."""
    data = Dataset()
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.4"
    data.SOPInstanceUID, data.StudyInstanceUID, data.SeriesInstanceUID = "2.25.4", "2.25.2", "2.25.5"
    data.StudyDate, data.SeriesDate, data.Modality = "20260301", "20260301", "RTRECORD"
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = "BIG^DOSE", "BIG", "", "O"
    data.TreatmentDate, data.TreatmentTime = "20260301", "100000"
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = BytesIO()
    dcmwrite(buffer, data, enforce_file_format=True)
    return buffer.getvalue()


def fill_ledger(url: str, count: int) -> None:
    """Make the ledger know `count` objects, in a process of its own."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[3])\n"
        "from growth import digest_of, PER_PATIENT, START\n"
        "from beamkeeper.ledger import Ledger\n"
        "from beamkeeper.vault import StoredObject\n"
        "ledger = Ledger.open(sys.argv[1]); ledger.migrate()\n"
        "for first in range(0, int(sys.argv[2]), PER_PATIENT):\n"
        "    ledger.record_objects(f'other{first}', [StoredObject(\n"
        "        sop_class_uid='1.2', sop_instance_uid=f'2.25.9{n}',\n"
        "        study_instance_uid='1', series_instance_uid='1', patient_id='X', modality='CT',\n"
        "        transfer_syntax_uid='1.2.840.10008.1.2.1', sha256=digest_of(n).hex(), size_bytes=1,\n"
        "        parcel='p', member='m', first_seen_on=START.date(), last_seen_on=START.date())\n"
        "        for n in range(first, first + PER_PATIENT)])\n"
    )
    subprocess.run([sys.executable, "-c", script, url, str(count), str(Path(__file__).parent)], check=True)


class Watch:
    """Samples the private memory of this process and of every descendant that is ours."""

    def __init__(self, but_not: set[int]) -> None:
        self.peak_mb = 0.0
        self.largest_mb = 0.0
        self._but_not = but_not
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            sizes = [anonymous_mb(pid) for pid in family(os.getpid()) if pid not in self._but_not]
            self.peak_mb = max(self.peak_mb, sum(sizes))
            self.largest_mb = max([self.largest_mb, *sizes])


def anonymous_mb(pid: int) -> float:
    """Return the memory a process really holds, MB: mapped files can be dropped and do not count."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                found += family(int(child))
    except OSError:
        return found
    return found


def main() -> int:
    """Run both nights under the watch."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dose-mb", type=int, default=600)
    parser.add_argument("--known", type=int, default=400_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--make", type=Path, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        arguments.make[0].write_bytes(dose(arguments.dose_mb, altered=arguments.make[1].name == "altered"))
        return 0
    rows = []
    with tempfile.TemporaryDirectory(prefix="beamkeeper-bench-") as scratch:
        root = Path(scratch)
        (root / "archive").mkdir()
        make = [sys.executable, __file__, "--dose-mb", str(arguments.dose_mb), "--make"]
        subprocess.run([*make, root / "archive" / "dose.dcm", "plain"], check=True)
        (root / "archive" / "record.dcm").write_bytes(record())
        with ArchiveProcess(root / "archive", ae_title="SIM") as archive:
            theirs = set(family(os.getpid())[1:])
            clock = MovableClock(datetime(2026, 3, 1, tzinfo=UTC))
            site = load_site(make_site_before(archive, root, clock, port=PORT))
            fill_ledger(site.ledger_url, arguments.known)
            for number, altered in enumerate((False, True)):
                if altered:
                    subprocess.run([*make, root / "archive" / "dose.dcm", "altered"], check=True)
                    archive.rescan()
                run_on = NIGHT + timedelta(days=number)
                clock.move_to(datetime(run_on.year, run_on.month, run_on.day, 1, tzinfo=UTC))
                begun = time.monotonic()
                with Watch(theirs) as watch:
                    report = run_night(site, clock, run_on)
                grades = [item.grade.value for patient in report.patients for item in patient.comparisons]
                rows.append(
                    {
                        "night": number + 1,
                        "outcome": report.outcome.value,
                        "grades": grades,
                        "largest_process_mb": watch.largest_mb,
                        "all_processes_mb": watch.peak_mb,
                        "wall_s": time.monotonic() - begun,
                    }
                )
                sys.stdout.write(
                    f"night {number + 1} ({arguments.dose_mb} MB dose, {arguments.known} known): "
                    f"{report.outcome.value}, {grades}; "
                    f"largest process {watch.largest_mb:.0f} MB, together {watch.peak_mb:.0f} MB, "
                    f"{rows[-1]['wall_s']:.0f} s\n"
                )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
