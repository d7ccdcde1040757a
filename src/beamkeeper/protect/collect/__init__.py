"""Collecting: from a patient's name on the list to every byte the source holds, or a named reason why not.

A source first says what it has (the expected list), then is asked for it; what arrives is counted by
name. Each object ends in one of three ways: received, refused by the source's own word, or no answer.
Others use `collect_patient`, `Collection`, `Outcome`, the `PatientSource` port with its two adapters
`ArchiveSource` and `FolderSource`, and `Arrivals`; between two nights `new_records` and `bring`, which
ask a `RecordSource` for treatment records alone.
"""

from beamkeeper.protect.collect.archive import ArchiveSource
from beamkeeper.protect.collect.arrivals import Arrivals
from beamkeeper.protect.collect.collection import Collection, Outcome, collect_patient
from beamkeeper.protect.collect.folder import FolderSource
from beamkeeper.protect.collect.interfaces import FetchAnswer, PatientSource, RecordSource
from beamkeeper.protect.collect.records import Brought, RecordList, bring, new_records

__all__ = [
    "ArchiveSource",
    "Arrivals",
    "Brought",
    "Collection",
    "FetchAnswer",
    "FolderSource",
    "Outcome",
    "PatientSource",
    "RecordList",
    "RecordSource",
    "bring",
    "collect_patient",
    "new_records",
]
