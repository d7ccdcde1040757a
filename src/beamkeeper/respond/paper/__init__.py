"""Treating from paper: the chart of one patient to sign on, and what was signed, typed back in.

`HandEntry` is a fraction as it was written; `as_records` puts it into the count, never besides a machine's
record of the same beam. `chart_pdf` prints the chart. Why: `docs/decisions/0084-file-mode.md`.
"""

from beamkeeper.respond.paper.entry import HandEntry, as_records, details_of, entries

__all__ = ["HandEntry", "as_records", "details_of", "entries"]
