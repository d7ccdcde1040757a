"""A real Orthanc on loopback as the department's archive: somebody else's reading of the standard."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import time
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self

from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ImplicitVRLittleEndian

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 15.0
_REST_TIMEOUT_S = 60.0
_PROGRAM_FOLDERS = "/usr/sbin:/usr/local/sbin:/sbin"


def orthanc_program() -> str | None:
    """Return the path of an installed Orthanc; None when there is none."""
    return shutil.which("Orthanc") or shutil.which("Orthanc", path=_PROGRAM_FOLDERS)


class OrthancArchive:
    """Orthanc with the interface of `Archive`; it keeps its own storage below `folder`.

    Unlike `Archive` it may encode what it sends again, and it refuses nothing it could read.

    Parameters
    ----------
    folder
        Storage, database and log.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ae_title: str = "ORTHANC",
        port: int = 0,
        destinations: Mapping[str, tuple[str, int]] | None = None,
    ) -> None:
        self.ae_title = ae_title
        self.host = "127.0.0.1"
        self.port = port or _free_port()
        self._folder = folder
        self._http_port = _free_port()
        self._destinations = dict(destinations or {})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start Orthanc and wait until it answers.

        Raises
        ------
        SourceUnavailable
            Not installed, or it did not come up.
        """
        program = orthanc_program()
        if program is None:
            raise SourceUnavailable(
                "Orthanc is not installed here.", do_next="Install it, or use the built-in archive."
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "orthanc.json"
        configuration.write_text(json.dumps(self._configuration()), encoding="utf-8")
        with (self._folder / "orthanc.log").open("ab") as log:
            self._process = subprocess.Popen([program, str(configuration)], stdout=log, stderr=log)
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self._rest("GET", "/system")
            except SourceUnavailable:
                time.sleep(0.1)
            else:
                return
        self.stop()
        raise SourceUnavailable("Orthanc did not come up.", do_next="Read orthanc.log in its folder.")

    def stop(self) -> None:
        """End Orthanc."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add_destination(self, ae_title: str, host: str, port: int) -> None:
        """Allow C-MOVE to one more place, also before `start`."""
        self._destinations[ae_title] = (host, port)
        if self._process is not None:
            body = {"AET": ae_title, "Host": host, "Port": port}
            self._rest("PUT", f"/modalities/{ae_title}", json.dumps(body).encode())

    def rescan(self) -> int:
        """Return how many objects Orthanc holds."""
        return int(self._rest("GET", "/statistics")["CountInstances"])

    def store(self, data: bytes) -> str:
        """Add or replace one object; return its SOP Instance UID. Files without header are given one."""
        dataset = dcmread(BytesIO(data), force=True, specific_tags=["SOPClassUID", "SOPInstanceUID"])
        if data[128:132] != b"DICM":
            data = _header(dataset.SOPClassUID, dataset.SOPInstanceUID) + data
        self._rest("POST", "/instances", data)
        return str(dataset.SOPInstanceUID)

    def remove(self, sop_instance_uid: str) -> None:
        """Delete one object."""
        for found in self._find("Instance", {"SOPInstanceUID": sop_instance_uid}):
            self._rest("DELETE", f"/instances/{found['ID']}")
            return
        raise LookupError(f"the archive holds no {sop_instance_uid}")

    def uids_of(self, patient_id: str) -> tuple[str, ...]:
        """Return the SOP Instance UIDs of everything held for one Patient ID."""
        found = self._find("Instance", {"PatientID": patient_id})
        return tuple(str(entry["MainDicomTags"]["SOPInstanceUID"]) for entry in found)

    def _find(self, level: str, query: dict[str, str]) -> list[dict[str, Any]]:
        body = {"Level": level, "Query": query, "Expand": True, "CaseSensitive": True}
        found: list[dict[str, Any]] = self._rest("POST", "/tools/find", json.dumps(body).encode())
        return found

    def _rest(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Call Orthanc's own interface; return its JSON answer."""
        connection = http.client.HTTPConnection(self.host, self._http_port, timeout=_REST_TIMEOUT_S)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = response.read()
        except OSError as error:
            raise SourceUnavailable("Orthanc does not answer.") from error
        finally:
            connection.close()
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise SourceAnswerInvalid(f"Orthanc refused {method} {path} with status {response.status}.")
        return json.loads(answer) if answer else None

    def _configuration(self) -> dict[str, Any]:
        return {
            "Name": self.ae_title,
            "StorageDirectory": str(self._folder / "storage"),
            "IndexDirectory": str(self._folder / "storage"),
            "Plugins": [],
            "DicomAet": self.ae_title,
            "DicomPort": self.port,
            "DicomCheckCalledAet": True,
            "HttpPort": self._http_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "OverwriteInstances": True,
            "SyncStorageArea": False,  # need not outlive a loss of power
            "SynchronousCMove": True,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowMove": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowStore": True,
            "DicomModalities": {
                title: {"AET": title, "Host": host, "Port": port}
                for title, (host, port) in self._destinations.items()
            },
        }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _header(sop_class: UID, sop_instance: UID) -> bytes:
    """Return preamble and file meta group for a data set in implicit VR little endian."""
    empty = Dataset()
    empty.file_meta = FileMetaDataset()
    empty.file_meta.MediaStorageSOPClassUID = sop_class
    empty.file_meta.MediaStorageSOPInstanceUID = sop_instance
    empty.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    buffer = BytesIO()
    dcmwrite(buffer, empty, enforce_file_format=True)
    return buffer.getvalue()
