"""An invented Elekta MOSAIQ database: the real names of tables and columns, and every trap we know of.

`Clinic` writes what a department would (a prescription, a field, an edit of it, a session, a beam),
`quirks` is a small department in which each way of going wrong happens to one patient, `bulk` ten years
of a large one. Names, types and codes are facts from public sources, gathered in the reference of this
project; nothing here was seen in a vendor's system, and no text of a vendor is in it.
"""

from beamkeeper.rehearse.sim.mosaiq.clinic import Beam, Clinic
from beamkeeper.rehearse.sim.mosaiq.quirks import quirky_clinic
from beamkeeper.rehearse.sim.mosaiq.tables import (
    ALL_TABLES,
    create_indexes,
    create_tables,
    write_rows,
    write_sqlite,
)

__all__ = [
    "ALL_TABLES",
    "Beam",
    "Clinic",
    "create_indexes",
    "create_tables",
    "quirky_clinic",
    "write_rows",
    "write_sqlite",
]
