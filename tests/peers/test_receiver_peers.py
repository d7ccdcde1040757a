"""Real senders: DCMTK, Orthanc and pynetdicom; what they sent is what is kept."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydicom import dcmread
from pydicom.filereader import read_dataset
from pynetdicom import AE
from raw_sender import Instance, RawSender, Receiving, read_instance, real_instances, receiving

if TYPE_CHECKING:
    from beamkeeper.wire.dicom.spool import SpooledObject, SpoolReader

pytestmark = pytest.mark.peer
Program = Callable[[str], str]
TITLES = {"allowed_calling_ae_titles": frozenset({"TESTER", "ORTHANC"})}


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def data_sets(reader: SpoolReader, spooled: list[SpooledObject], folder: Path) -> dict[str, bytes]:
    """Return what was kept, by SOP Instance UID, without our file headers."""
    kept = {}
    for one in spooled:
        (folder / "kept.dcm").write_bytes(reader.read(one))
        instance = read_instance(folder / "kept.dcm")
        assert instance is not None
        assert (instance.sop_instance_uid, instance.transfer_syntax_uid) == (
            one.sop_instance_uid,
            one.transfer_syntax_uid,
        )
        kept[one.sop_instance_uid] = instance.data_set
    return kept


@contextlib.contextmanager
def storescp(program: Program, folder: Path, port: int, *options: str) -> Iterator[Path]:
    """Run DCMTK's own receiver, told to keep data sets bit by bit (+B): the reference for what was sent."""
    folder.mkdir()
    command = [program("storescp"), "+B", "+uf", "-od", str(folder), *options, str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for_port(port)
            yield folder
        finally:
            process.terminate()


def wait_for_port(port: int, limit_s: float = 30) -> None:
    deadline = time.monotonic() + limit_s
    while True:
        try:
            with RawSender(port):
                return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def received_by(folder: Path) -> dict[str, bytes]:
    instances = (read_instance(path) for path in folder.iterdir())
    return {instance.sop_instance_uid: instance.data_set for instance in instances if instance}


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-xi",),
        ("-xe",),
        ("-xb",),
        ("--max-send-pdu", "4096"),
        ("--max-send-pdu", "131072"),
        ("-R",),
    ],
    ids=" ".join,
)
def test_what_storescu_sends_is_kept_as_storescp_keeps_it(
    tmp_path: Path, real_data: Path, program: Program, free_port: int, options: tuple[str, ...]
) -> None:
    sent = [
        str(path)
        for name in ("ihero-brto-fullrefset", "rtimage-portal", "eclipse-breast-dicompyler")
        for path in sorted((real_data / name).rglob("*.dcm"))
    ]
    storescu = [program("storescu"), "-aet", "TESTER", "-aec", "BEAMKEEPER", *options, "127.0.0.1"]
    with storescp(program, tmp_path / "reference", free_port) as reference:
        run(*storescu, str(free_port), *sent)
    with receiving(tmp_path) as here:
        run(*storescu, str(here.port), *sent)
        spooled = list(here.reader.poll())

        assert len(spooled) == len(sent) > 40
        assert same_elements(here, spooled, sent)
        kept, of_storescp = data_sets(here.reader, spooled, tmp_path), received_by(reference)
        on_disk = {one.data_set for path in sent if (one := read_instance(Path(path)))}
        for (
            uid,
            data_set,
        ) in kept.items():  # storescp accepts fewer transfer syntaxes and gets some transcoded
            assert data_set == of_storescp[uid] or data_set in on_disk
        assert sum(one in on_disk for one in kept.values()) >= sum(
            one in on_disk for one in of_storescp.values()
        )


def same_elements(here: Receiving, spooled: list[SpooledObject], sent: list[str]) -> bool:
    """Return whether each object says what the file said, in whatever encoding it was sent."""
    files = {str(ds.SOPInstanceUID): ds for ds in map(dcmread, sent)}
    for one in spooled:
        with here.reader.open(one) as file:
            kept = dcmread(file)
        assert kept.file_meta.TransferSyntaxUID == one.transfer_syntax_uid
        if one.transfer_syntax_uid != "1.2.840.10008.1.2.2":  # pydicom compares swapped pixels as bytes
            assert kept.SOPClassUID == files[one.sop_instance_uid].SOPClassUID
            assert len(kept) >= len(files[one.sop_instance_uid]) - 1  # retired group lengths may go
    return len(spooled) == len(files)


def test_storescu_transcodes_nothing_because_it_is_offered_what_it_has(
    tmp_path: Path, real_data: Path, program: Program
) -> None:
    """Explicit and Implicit VR files through one association, each in the syntax it has on disk."""
    paths = [path for path in sorted(real_data.rglob("*.dcm")) if "ihero" not in str(path)]
    instances = {path: instance for path in paths if (instance := read_instance(path))}
    with receiving(tmp_path) as here:
        run(
            program("storescu"),
            *("-R", "-aet", "TESTER", "-aec", "BEAMKEEPER", "127.0.0.1", str(here.port)),
            *map(str, instances),
        )
        kept = [one.transfer_syntax_uid for one in here.reader.poll()]

    expected = [one.transfer_syntax_uid for one in instances.values()]
    assert set(expected) >= {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}
    assert kept == expected


def test_echoscu_is_answered(tmp_path: Path, program: Program) -> None:
    with receiving(tmp_path) as here:
        run(program("echoscu"), "-aet", "TESTER", "-aec", "BEAMKEEPER", "127.0.0.1", str(here.port))


def test_dcmdump_and_dciodvfy_accept_the_file_header(
    tmp_path: Path, real_data: Path, program: Program
) -> None:
    source = next((real_data / "ihero-brto-fullrefset").rglob("CT1_01.dcm"))
    with receiving(tmp_path) as here:
        run(
            program("storescu"),
            "-aet",
            "TESTER",
            "-aec",
            "BEAMKEEPER",
            "127.0.0.1",
            str(here.port),
            str(source),
        )
        (one,) = here.reader.poll()
        kept = tmp_path / "kept.dcm"
        kept.write_bytes(here.reader.read(one))

    run(program("dcmdump"), "+E", str(kept))
    said = subprocess.run([program("dciodvfy"), str(kept)], capture_output=True, text=True, check=False)
    assert not [line for line in said.stderr.splitlines() if "Meta" in line or "Preamble" in line]


@contextlib.contextmanager
def orthanc(program: Program, folder: Path, port: int, destinations: dict[str, int]) -> Iterator[None]:
    """Run a stock Orthanc that knows where the AE titles of its destinations listen."""
    folder.mkdir()
    settings = {
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "DicomPort": port,
        "HttpServerEnabled": False,
        "DicomAet": "ORTHANC",
        "Plugins": [],
        "UnknownSopClassAccepted": True,
        "DicomAlwaysAllowMove": True,
        "DicomAlwaysAllowStore": True,
        "DicomModalities": {name: [name, "127.0.0.1", where] for name, where in destinations.items()},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [program("Orthanc"), str(folder / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=log
        ) as process,
    ):
        try:
            wait_for_port(port)
            yield
        finally:
            process.terminate()


def load(port: int, instances: list[Instance]) -> None:
    """Put instances into an archive, byte for byte."""
    pairs = sorted({(i.sop_class_uid, i.transfer_syntax_uid) for i in instances})
    contexts = [(2 * n + 1, sop, [syntax]) for n, (sop, syntax) in enumerate(pairs)]
    number_of = {(sop, syntaxes[0]): number for number, sop, syntaxes in contexts}
    with RawSender(port, timeout_s=60) as sender:
        sender.associate(contexts, called="ORTHANC")
        sender.peer_max_pdu = min(sender.peer_max_pdu or 16384, 16384)
        for instance in instances:
            assert (
                sender.store(
                    instance, context_id=number_of[instance.sop_class_uid, instance.transfer_syntax_uid]
                )
                == 0
            )
        sender.release()


def test_a_c_move_from_orthanc_arrives_whole_and_solicited(
    tmp_path: Path, real_data: Path, program: Program, free_port: int
) -> None:
    """Orthanc re-encodes a little when it sends; what storescp gets from it is the reference."""
    instances = [
        one
        for name in ("ihero-brto-fullrefset", "eclipse-prostate-slicerrt")
        for one in real_instances(real_data / name)
    ]
    patients = {patient_id(instance) for instance in instances}
    with (
        receiving(tmp_path / "here", **TITLES) as here,
        storescp(program, tmp_path / "reference", here.port + 1) as reference,
        orthanc(
            program, tmp_path / "orthanc", free_port, {"BEAMKEEPER": here.port, "REFERENCE": here.port + 1}
        ),
    ):
        load(free_port, instances)
        for patient, destination in itertools.product(patients, ("BEAMKEEPER", "REFERENCE")):
            run(
                program("movescu"),
                *("-P", "-aet", "BEAMKEEPER", "-aec", "ORTHANC", "-aem", destination),
                *("-k", "QueryRetrieveLevel=PATIENT", "-k", f"PatientID={patient}"),
                *("127.0.0.1", str(free_port)),
            )
        spooled = poll_until(here.reader, len(instances))

        assert all(one.solicited for one in spooled)
        assert data_sets(here.reader, spooled, tmp_path) == received_by(reference)


def poll_until(reader: SpoolReader, count: int, limit_s: float = 20) -> list[SpooledObject]:
    """Orthanc keeps its association open after the move; the journal tells when all is there."""
    found: list[SpooledObject] = []
    deadline = time.monotonic() + limit_s
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count}"
        found += reader.poll()
        time.sleep(0.02)
    return found


def patient_id(instance: Instance) -> str:
    implicit = instance.transfer_syntax_uid == "1.2.840.10008.1.2"
    data_set = read_dataset(
        BytesIO(instance.data_set), implicit, True, stop_when=lambda tag, _vr, _length: tag > 0x00100020
    )
    return str(data_set.PatientID)


def test_pynetdicom_sends_in_every_transfer_syntax_it_has(tmp_path: Path, real_data: Path) -> None:
    paths = sorted((real_data / "tps-singles-pymedphys").rglob("*.dcm"))
    data_sets_ = [
        ds for ds in (dcmread(path, force=True) for path in paths) if "TransferSyntaxUID" in ds.file_meta
    ]
    ae = AE(ae_title="TESTER")
    for sop, syntax in sorted({(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID) for ds in data_sets_}):
        ae.add_requested_context(sop, syntax)
    with receiving(tmp_path) as here:
        association = ae.associate("127.0.0.1", here.port, ae_title="BEAMKEEPER")
        assert association.is_established
        statuses = [association.send_c_store(ds).Status for ds in data_sets_]
        association.release()
        spooled = list(here.reader.poll())

        assert statuses == [0] * len(data_sets_)
        assert len(data_sets_) > 3
        for one, ds in zip(spooled, data_sets_, strict=True):
            with here.reader.open(one) as file:
                assert dcmread(file) == ds
