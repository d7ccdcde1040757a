"""The contract of stores of plain DICOM, over Orthanc by DICOM and DICOMweb and over dcmqrscp by C-MOVE."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from query_archives import OWN_AE_TITLE, dcmqrscp, orthanc
from web_stores import orthanc_web

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))

from plain_store_contract import *  # noqa: F403 - the tests themselves
from plain_store_contract import KINDS

from beamkeeper.protect.copies import DicomStore, ReadBack, WebStore
from beamkeeper.wire.dicom.peers import Peer, Timeouts
from beamkeeper.wire.dicom.receiver import ReceiverConfig
from beamkeeper.wire.dicomweb import WebPeer

pytestmark = pytest.mark.peer
TIMEOUTS = Timeouts(connect_s=5, associate_s=5, answer_s=20, pending_s=20, query_s=60, transfer_s=60)


def dicom(archive, way: ReadBack, receiver: ReceiverConfig | None = None) -> DicomStore:
    peer = Peer(ae_title=archive.ae_title, host="127.0.0.1", port=archive.port)
    return DicomStore(
        own_ae_title=OWN_AE_TITLE,
        peer=peer,
        asked=peer,
        kinds=KINDS,
        read_back_by=way,
        timeouts=TIMEOUTS,
        receiver=receiver,
    )


@pytest.fixture(params=["orthanc", "orthanc web", "dcmqrscp"])
def store(request, program, tmp_path):
    folder = tmp_path / "service"
    folder.mkdir()
    if request.param == "orthanc web":
        with orthanc_web(program("Orthanc"), folder) as archive:
            made = WebStore(WebPeer(url=archive.url), read_back_by=ReadBack.WEB, request_bytes_max=2_000)
            yield made
            made.close()
    elif request.param == "orthanc":
        with orthanc(program("Orthanc"), folder) as archive:
            made = dicom(archive, ReadBack.GET)
            yield made
            made.close()
    else:
        with dcmqrscp(program("dcmqrscp"), folder) as archive:
            receiver = ReceiverConfig(
                ae_title=OWN_AE_TITLE,
                allowed_calling_ae_titles=frozenset({archive.ae_title}),
                port=archive.destination_port,
            )
            made = dicom(archive, ReadBack.MOVE, receiver)
            yield made
            made.close()
