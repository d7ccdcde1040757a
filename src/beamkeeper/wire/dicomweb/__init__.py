"""DICOMweb as a client: store (STOW-RS), retrieve (WADO-RS), search (QIDO-RS), delete where it is offered.

`DicomWeb` speaks to one `WebPeer`. Bodies are streamed, answers parsed strictly and within bounds, and
nothing that a service says of itself counts as proof. What is sent and what its return means is decided
elsewhere.
"""

from beamkeeper.wire.dicomweb.client import DicomWeb
from beamkeeper.wire.dicomweb.peer import WebPeer, basic, bearer

__all__ = ["DicomWeb", "WebPeer", "basic", "bearer"]
