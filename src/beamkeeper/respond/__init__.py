"""The day it happens: what a department does from the first hour without its systems until they are back.

One folder a capability, and they do not import one another; `app.jobs` joins them. Here: `incident` (declare,
inventory, journal, checklist), `triage` (who first, and why), `gap` (what a gap in a course costs, and what
can be done about it), `placement` (which machine can give a plan, who goes where), `filemode` (from files on
a machine's share) and `paper` (what hands wrote). Rooms to come: `handover` (a bundle a partner can treat
from), `emergency` (the emergency OIS). Everything here is decision support and says who decides.
"""
