"""The day it happens: what a department does from the first hour without its systems until they are back.

One folder a capability, and they do not import one another; `app.jobs` joins them. Here: `incident` (declare,
inventory, journal, checklist), `gap` (what a gap in a course costs, and what can be done about it). Rooms to
come: `triage` (who first, and why), `placement` (who goes where), `handover` (a bundle a partner can treat
from), `emergency` (the emergency OIS), `filemode` and `paper` (the other two ways to treat). Everything here
is decision support and says who decides.
"""
