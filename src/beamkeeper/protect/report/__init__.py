"""The report of a night: one page that opens offline, and the same as text that may be mailed.

Worst first, in words, with what is expected set apart from what is not. The page carries patients'
names and stays on the collector; the text is made of a masked copy of the report, in which patients
are named by their vault pseudonym only.
Others use `render_html`, `render_text`.
"""

from beamkeeper.protect.report.page import render_html
from beamkeeper.protect.report.text import render_text

__all__ = ["render_html", "render_text"]
