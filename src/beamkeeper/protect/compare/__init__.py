"""Compare two copies by meaning: equal bytes, else equal content, else what changed, in words.

Others may use what is named here. `compare_objects` judges one object, `is_whole` whether every element
of it can be reached, `compare_paths` two files or folders, `compare_with_imprint` an object against keyed
digests (`imprint_of`) of a copy that is sealed; `CompareRules` holds what a site declares as never
counting; `content_digest` is one digest for all encodings of one content. `judge_expected` tells changes
that were to be expected from those that were not, `mass_change_alarm` stops a night in which too much
changed at once. Nothing here writes or asks the network, and no input makes it raise anything but our own
errors.
"""

from beamkeeper.protect.compare.against_imprint import compare_with_imprint
from beamkeeper.protect.compare.alarm import (
    ENTROPY_SAMPLE_BYTES,
    Alarm,
    AlarmKind,
    EntropySample,
    MassFacts,
    MassLimits,
    byte_entropy,
    mass_change_alarm,
)
from beamkeeper.protect.compare.digest import content_digest
from beamkeeper.protect.compare.expected import (
    Announcement,
    ArrivalFacts,
    CourseFacts,
    arrival_facts,
    judge_expected,
)
from beamkeeper.protect.compare.imprint import Imprint, imprint_of
from beamkeeper.protect.compare.objects import compare_objects, is_whole
from beamkeeper.protect.compare.paths import PathComparison, compare_paths
from beamkeeper.protect.compare.rules import DEFAULT_VOLATILE, CompareRules

__all__ = [
    "DEFAULT_VOLATILE",
    "ENTROPY_SAMPLE_BYTES",
    "Alarm",
    "AlarmKind",
    "Announcement",
    "ArrivalFacts",
    "CompareRules",
    "CourseFacts",
    "EntropySample",
    "Imprint",
    "MassFacts",
    "MassLimits",
    "PathComparison",
    "arrival_facts",
    "byte_entropy",
    "compare_objects",
    "compare_paths",
    "compare_with_imprint",
    "content_digest",
    "imprint_of",
    "is_whole",
    "judge_expected",
    "mass_change_alarm",
]
