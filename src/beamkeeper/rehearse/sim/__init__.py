"""A department one can look at: archive, oncology information system, document share, patients.

Everything is invented from a seed, except a few published phantom and test cases with their
licences (`real/`). Use `Department`; `Archive`, `ArchiveProcess` and `OrthancArchive` are its DICOM
archives for tests that need one alone.
"""

from beamkeeper.rehearse.sim.archive import Archive, Faults
from beamkeeper.rehearse.sim.archive_process import ArchiveProcess
from beamkeeper.rehearse.sim.day import DayEvent, DayEventKind
from beamkeeper.rehearse.sim.department import Department, DepartmentPatient
from beamkeeper.rehearse.sim.ois_kind import OisKind
from beamkeeper.rehearse.sim.orthanc import OrthancArchive

__all__ = [
    "Archive",
    "ArchiveProcess",
    "DayEvent",
    "DayEventKind",
    "Department",
    "DepartmentPatient",
    "Faults",
    "OisKind",
    "OrthancArchive",
]
