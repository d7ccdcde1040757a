"""Papers about one patient, as PDF that opens anywhere and prints in black and white.

`record_report` is the sheet of what was delivered: where each plan stands, each fraction with its beams,
and what the records do not agree on. Typst sets it; every value goes in as data, never as markup.
"""

from beamkeeper.protect.dossier.record_report import RecordReport, record_report

__all__ = ["RecordReport", "record_report"]
