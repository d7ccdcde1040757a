"""Lists that people work from when the systems are gone: triage, contacts, the day, the binder.

`list_rows` makes the rows, one a patient, in a published order with a reason for each place; pages and sheets
are made of the same rows, and set as PDF, HTML, text, CSV and XLSX. Nothing here reads a file: whoever calls
brings the facts. Why so: `docs/decisions/0070-lists.md`.
"""

from beamkeeper.protect.lists.row import ListHead, ListRow, Person, PlanLine, Section
from beamkeeper.protect.lists.rows import list_rows, row_among

__all__ = ["ListHead", "ListRow", "Person", "PlanLine", "Section", "list_rows", "row_among"]
