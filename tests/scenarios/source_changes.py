"""What happens at the source of a small site between two nights: treatments go on, people change things."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING

from night_site import NIGHT_1, ZONE
from pydicom import dcmread

from beamkeeper.rehearse.sim.patients import session_objects
from beamkeeper.rehearse.sim.records import Session
from beamkeeper.rehearse.sim.state import at_first, patient_of
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from night_site import SmallSite
    from pydicom import Dataset


def a_plan(site: SmallSite, patient: str) -> Path:
    """Return the file of a patient's first plan."""
    return next(iter(sorted((site.source / patient).glob("RTPLAN-*.dcm"))))


def move_a_leaf(site: SmallSite, patient: str, *, by_mm: float = 5.0) -> str:
    """Move one MLC leaf of one control point and nothing else; return the plan's SOP Instance UID."""
    path = a_plan(site, patient)
    data = with_a_leaf_moved(path.read_bytes(), by_mm=by_mm)
    path.write_bytes(data)
    return identify(data).sop_instance_uid


def with_a_leaf_moved(data: bytes, *, by_mm: float = 5.0) -> bytes:
    """Return a plan with one MLC leaf of one control point moved."""
    plan = dcmread(BytesIO(data))
    device = _leaves(plan)
    positions = [float(value) for value in device.LeafJawPositions]
    positions[len(positions) // 4] -= by_mm
    device.LeafJawPositions = positions
    return _written(plan)


def _leaves(plan: Dataset) -> Dataset:
    for beam in plan.BeamSequence:
        for point in beam.ControlPointSequence:
            for device in point.get("BeamLimitingDevicePositionSequence", ()):
                if device.RTBeamLimitingDeviceType.startswith("MLC"):
                    found: Dataset = device
                    return found
    raise AssertionError("the plan has no leaves")


def rename_structures(site: SmallSite, patient: str) -> None:
    """Give the structure set another label: administrative, and unexpected in an approved one."""
    path = next(iter(sorted((site.source / patient).glob("RTSTRUCT-*.dcm"))))
    path.write_bytes(with_structures_renamed(path.read_bytes()))


def with_structures_renamed(data: bytes) -> bytes:
    """Return a structure set with another label."""
    structures = dcmread(BytesIO(data))
    structures.StructureSetLabel = f"{structures.StructureSetLabel}2"[-16:]
    return _written(structures)


def _written(found: Dataset) -> bytes:
    written = BytesIO()
    found.save_as(written)
    return written.getvalue()


def give_a_fraction(folder: Path, index: int, *, on: date, number: int) -> None:
    """Write the records of one more session of an invented patient."""
    state = at_first(1, index + 1, NIGHT_1, NIGHT_1 - timedelta(days=1))
    patient = patient_of(state, state.patients[index])
    session = Session(treatment_key="plan", version=1, fraction_number=number, on=on)
    for part, (_, data) in enumerate(session_objects(patient, session, ZONE)):
        (folder / f"p{index}" / f"fraction-{number}-{part}.dcm").write_bytes(data)


def patient_id_of(site: SmallSite, patient: str) -> str:
    """Return the Patient ID that a patient's plan states."""
    return str(dcmread(a_plan(site, patient), stop_before_pixels=True).PatientID)
