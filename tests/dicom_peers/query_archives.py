"""Real archives to ask (stock Orthanc, DCMTK dcmqrscp), a DCMTK receiver, and small objects to hold."""

from __future__ import annotations

import contextlib
import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from tests.listening import free_port, wait_for_port

if TYPE_CHECKING:
    from pathlib import Path

OWN_AE_TITLE = "BEAMKEEPER"
_STORAGE = "1.2.840.10008.5.1.4.1.1."
KINDS = {"CT": "2", "RTPLAN": "481.5", "RTRECORD": "481.4", "RTSTRUCT": "481.3"}


@dataclass(frozen=True)
class Archive:
    """A running archive and the port on which it expects us to receive."""

    ae_title: str
    port: int
    destination_port: int


@contextlib.contextmanager
def running(command: list[str], *, port: int, log: Path):
    """A server program while the block runs, its port open."""
    with (
        log.open("wb") as sink,
        subprocess.Popen(command, stdout=sink, stderr=sink, cwd=log.parent) as process,
    ):
        try:
            wait_for_port(port, process)
            yield
        finally:
            process.terminate()
            process.wait(10)


@contextlib.contextmanager
def orthanc(program: str, folder: Path):
    port, destination = free_port(), free_port()
    configuration = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "HttpServerEnabled": False,
        "DicomPort": port,
        "DicomAet": "ORTHANC",
        "DicomCheckCalledAet": True,
        "DicomModalities": {
            "us": {"AET": OWN_AE_TITLE, "Host": "127.0.0.1", "Port": destination},
            "filler": {"AET": "FILLER", "Host": "127.0.0.1", "Port": 1},
        },
        "UnknownSopClassAccepted": True,
    }
    path = folder / "orthanc.json"
    path.write_text(json.dumps(configuration))
    with running([program, str(path)], port=port, log=folder / "orthanc.log"):
        yield Archive("ORTHANC", port, destination)


@contextlib.contextmanager
def dcmqrscp(program: str, folder: Path):
    port, destination = free_port(), free_port()
    (folder / "db").mkdir()
    path = folder / "dcmqrscp.cfg"
    path.write_text(
        f"""NetworkTCPPort = {port}
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
us = ({OWN_AE_TITLE}, 127.0.0.1, {destination})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
DCMQRSCP {folder / "db"} RW (500, 1024mb) ANY
AETable END
"""
    )
    with running([program, "-c", str(path)], port=port, log=folder / "dcmqrscp.log"):
        yield Archive("DCMQRSCP", port, destination)


@contextlib.contextmanager
def storescp(program: str, folder: Path, port: int):
    """A DCMTK receiver; what it gets lies in `folder`, named by SOP Instance UID."""
    kept = folder / "received"
    kept.mkdir()
    command = [program, "-aet", OWN_AE_TITLE, "+xa", "-od", str(kept), str(port)]
    with running(command, port=port, log=folder / "storescp.log"):
        yield kept


def send(program: str, archive: Archive, folder: Path) -> str:
    """Send every file below a folder as stock DCMTK does; return what it complained of."""
    command = [program, "-R", "-nh", "-aet", "FILLER", "-aec", archive.ae_title]
    done = subprocess.run(
        [*command, "127.0.0.1", str(archive.port), "+sd", "+r", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


def write_object(folder: Path, *, patient_id: str, study: str, series: str, uid: str, kind: str, **more: str):
    """Write one small object of that modality."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = _STORAGE + KINDS[kind], uid
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = study, series, kind
    ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = patient_id, "Doe^Jane", "19600102", ""
    ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.ReferringPhysicianName = ds.StudyID = ""
    ds.SeriesNumber = ds.InstanceNumber = 1
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, uid
    ds.save_as(folder / f"{uid}.dcm", enforce_file_format=True)
