"""Who must be kept tonight: sources are asked, their answers merged, nobody is lost in silence.

A `Source` answers with everybody it thinks must be kept; `SqlSource` reads an OIS through the site's
mapping, `DicomSource` asks an archive for treatment records by date, `ReceiptSource`
reads what the planning system says it sent. `ask_all` asks them one by one and
turns no answer into a fact; `merge` is the rule that makes one `Census` out of the answers and of last
night's list. The rule is pure; the sources only read.
"""

from beamkeeper.domain.names import same_name
from beamkeeper.protect.census.aria import aria_mapping
from beamkeeper.protect.census.dicom_source import DicomSource
from beamkeeper.protect.census.mapping import OisMapping, load_mapping, parse_mapping
from beamkeeper.protect.census.merge import DropRule, merge
from beamkeeper.protect.census.mosaiq import mosaiq_mapping
from beamkeeper.protect.census.photos import OisPhotos
from beamkeeper.protect.census.raycare import raycare_mapping
from beamkeeper.protect.census.receipt_source import ReceiptSource
from beamkeeper.protect.census.self_check import SectionFound, SelfCheck, WordCount
from beamkeeper.protect.census.source import CensusWindow, Source, SourceAnswer, ask_all
from beamkeeper.protect.census.sql_source import SqlSource

__all__ = [
    "CensusWindow",
    "DicomSource",
    "DropRule",
    "OisMapping",
    "OisPhotos",
    "ReceiptSource",
    "SectionFound",
    "SelfCheck",
    "Source",
    "SourceAnswer",
    "SqlSource",
    "WordCount",
    "aria_mapping",
    "ask_all",
    "load_mapping",
    "merge",
    "mosaiq_mapping",
    "parse_mapping",
    "raycare_mapping",
    "same_name",
]
