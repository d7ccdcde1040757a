"""An invented Elekta MOSAIQ database: the real names of tables and columns, and every trap we know of.

`Clinic` writes what a department would (a prescription, a field, an edit of it, a session, a beam),
`quirks` is a small department in which each way of going wrong happens to one patient, `bulk` ten years
of a large one. Names, types and codes are facts from public sources, gathered in the reference of this
project; nothing here was seen in a vendor's system, and no text of a vendor is in it.
"""

from beamkeeper.rehearse.sim.mosaiq.clinic import Beam, Clinic
from beamkeeper.rehearse.sim.mosaiq.quirks import quirky_clinic
from beamkeeper.rehearse.sim.mosaiq.tables import TABLES

__all__ = ["TABLES", "Beam", "Clinic", "quirky_clinic"]
