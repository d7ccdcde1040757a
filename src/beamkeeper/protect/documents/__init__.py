"""Documents of a patient beside DICOM: where they lie on a share, fetching them, which versions stay.

Others may use what is named here. `wanted_by_ois` says where a document of the OIS may lie (a rule without
I/O), `Finder` finds files by their names where no OIS says which they are; `fetch` brings one, its outcomes
and refusals told apart; `documents_after` is what a vault holds after a night, `text_difference` what
changed. No path of a database is opened by its name alone.
"""

from beamkeeper.protect.documents.comparing import TextDifference, is_readable, text_difference
from beamkeeper.protect.documents.content import DENSE, EMPTY, UNKNOWN, media_type_of, suffix_of
from beamkeeper.protect.documents.fetching import Fetched, FetchLimits, Outcome, fetch
from beamkeeper.protect.documents.finding import Finder, pattern_problem
from beamkeeper.protect.documents.places import (
    Place,
    ShareRules,
    Wanted,
    each_once,
    is_safe_name,
    quarter_folder,
    wanted_by_ois,
)
from beamkeeper.protect.documents.versions import Seen, documents_after, new_document, state_in_words
from beamkeeper.protect.documents.visible import visible
from beamkeeper.wire.fence import landlock_version, what_stays_open

__all__ = [
    "DENSE",
    "EMPTY",
    "UNKNOWN",
    "FetchLimits",
    "Fetched",
    "Finder",
    "Outcome",
    "Place",
    "Seen",
    "ShareRules",
    "TextDifference",
    "Wanted",
    "documents_after",
    "each_once",
    "fetch",
    "is_readable",
    "is_safe_name",
    "landlock_version",
    "media_type_of",
    "new_document",
    "pattern_problem",
    "quarter_folder",
    "state_in_words",
    "suffix_of",
    "text_difference",
    "visible",
    "wanted_by_ois",
    "what_stays_open",
]
