"""Collecting: from a patient's name on the list to every byte the source holds, or a named reason why not.

A source first says what it has (the expected list), then is asked for it; what arrives is counted by
name. Each object ends in one of three ways: received, refused by the source's own word, or no answer.
Others use `collect_patient`, `Collection`, `Outcome`, the `PatientSource` port with its two adapters
`ArchiveSource` and `FolderSource`, and `Arrivals`.
"""

from beamkeeper.protect.collect.archive import ArchiveSource
from beamkeeper.protect.collect.arrivals import Arrivals
from beamkeeper.protect.collect.collection import Collection, Outcome, collect_patient
from beamkeeper.protect.collect.folder import FolderSource
from beamkeeper.protect.collect.interfaces import FetchAnswer, PatientSource

__all__ = [
    "ArchiveSource",
    "Arrivals",
    "Collection",
    "FetchAnswer",
    "FolderSource",
    "Outcome",
    "PatientSource",
    "collect_patient",
]
