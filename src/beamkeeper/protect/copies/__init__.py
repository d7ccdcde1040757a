"""Plain DICOM to other stores: which patients' objects should be there, sent, and proved by reading back.

A second patient list that works without us, as the Iridium network keeps one: plain objects in a PACS or a
cloud store. What should be there is a pure rule (`route`); what is to be done is that minus what is proved
there, so it survives restarts and weeks of absence. "Stored" is what was read back and is ours by bytes or
by content; where a destination gives nothing back, its word is called its word. Nothing is encoded anew,
and nothing is removed there but by an explicit list.

Others use `route` with `RoutingRule` and `CopyFacts`, `Copying` (one run over one destination),
`CopyOutcome`, `CopyState`, and the stores `DicomStore` and `WebStore`.
"""

from beamkeeper.protect.copies.copying import Copying, CopyLimits
from beamkeeper.protect.copies.dicom_store import DicomStore
from beamkeeper.protect.copies.interfaces import (
    How,
    Judge,
    Judgement,
    Known,
    Memory,
    PlainStore,
    ReadBack,
    Returned,
    Source,
    TakenOut,
)
from beamkeeper.protect.copies.outcome import CopyOutcome, CopyState, Problem, ProblemKind
from beamkeeper.protect.copies.plan import name_of
from beamkeeper.protect.copies.routing import CopyFacts, Group, Routed, RoutingRule, Share, route
from beamkeeper.protect.copies.web_store import WebStore

__all__ = [
    "CopyFacts",
    "CopyLimits",
    "CopyOutcome",
    "CopyState",
    "Copying",
    "DicomStore",
    "Group",
    "How",
    "Judge",
    "Judgement",
    "Known",
    "Memory",
    "PlainStore",
    "Problem",
    "ProblemKind",
    "ReadBack",
    "Returned",
    "Routed",
    "RoutingRule",
    "Share",
    "Source",
    "TakenOut",
    "WebStore",
    "name_of",
    "route",
]
