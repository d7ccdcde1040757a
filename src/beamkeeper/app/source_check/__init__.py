"""Before a source is trusted: a look at it that two people sign (`beamkeeper source check`).

`check_sources` makes one `Sheet` for each OIS database (or for the archives, where there is none); `words`
writes it as text and `pdf` as PDF. A sheet names patients: it is printed and stays at the site.
"""

from beamkeeper.app.source_check.checking import check_sources
from beamkeeper.app.source_check.pdf import sheets_pdf
from beamkeeper.app.source_check.sheet import Part, Sheet
from beamkeeper.app.source_check.words import sheet_lines

__all__ = ["Part", "Sheet", "check_sources", "sheet_lines", "sheets_pdf"]
