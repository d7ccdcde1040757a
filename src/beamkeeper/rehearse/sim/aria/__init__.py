"""An invented Varian ARIA database: the real names of tables and columns, and every trap we know of.

`Clinic` writes what a department would (a plan with its fields, a session, a beam, an appointment),
`quirky_clinic` is a small department in which each way of going wrong happens to one patient. Names, types
and codes are facts from public sources, gathered in the reference of this project; nothing here was seen in
a vendor's system, and no text of a vendor is in it.
"""

from beamkeeper.rehearse.sim.aria.clinic import Clinic, Plan
from beamkeeper.rehearse.sim.aria.quirks import NIGHT, quirky_clinic
from beamkeeper.rehearse.sim.aria.tables import TABLES

__all__ = ["NIGHT", "TABLES", "Clinic", "Plan", "quirky_clinic"]
