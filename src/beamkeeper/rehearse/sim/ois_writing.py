"""The department, written into the tables of whichever product it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.rehearse.sim import aria, mosaiq
from beamkeeper.rehearse.sim.ois import write_database
from beamkeeper.rehearse.sim.ois_aria import AriaDepartment
from beamkeeper.rehearse.sim.ois_content import ois_rows
from beamkeeper.rehearse.sim.ois_kind import OisKind
from beamkeeper.rehearse.sim.ois_mosaiq import MosaiqDepartment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from beamkeeper.rehearse.sim.documents import SimDocument
    from beamkeeper.rehearse.sim.realcases import RealCase
    from beamkeeper.rehearse.sim.state import DepartmentState
    from beamkeeper.rehearse.sim.vendor_tables import Rows, VendorTables


def write_ois(
    kind: OisKind, path: Path, state: DepartmentState, real: Sequence[RealCase], zone: ZoneInfo
) -> list[SimDocument]:
    """Write the department into a database at `path`; return the documents that lie on its share."""
    if kind is OisKind.SMALL:
        rows, documents = ois_rows(state, real, zone)
        write_database(path, rows)
        return documents
    made = (AriaDepartment if kind is OisKind.ARIA else MosaiqDepartment).of(state, real, zone)
    _replace(path, aria.TABLES if kind is OisKind.ARIA else mosaiq.TABLES, made.clinic.rows)
    return made.documents


def _replace(path: Path, tables: VendorTables, rows: Rows) -> None:
    """Put a whole new database in the place of the old one; a reader sees one of them."""
    arriving = path.with_suffix(".part")
    arriving.unlink(missing_ok=True)
    tables.write_sqlite(arriving, rows)
    arriving.replace(path)
