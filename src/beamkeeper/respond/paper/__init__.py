"""Treating from paper: the chart of one patient to sign on, and what was signed, typed back in.

`chart_pdf` prints the chart of one plan. `HandEntry` is a fraction as it was written; `as_records` puts it
into the count, never besides a machine's record of the same beam. Why: `docs/decisions/0084-file-mode.md`.
"""

from beamkeeper.respond.paper.chart import ChartSource, chart_pdf
from beamkeeper.respond.paper.entry import HandEntry, as_records, details_of, entries

__all__ = ["ChartSource", "HandEntry", "as_records", "chart_pdf", "details_of", "entries"]
