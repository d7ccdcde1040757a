"""The published real cases that are shipped with the department (see `real/README.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO

from pydicom import dcmread

SETS = (
    "monaco-hn-proknow",
    "eclipse-prostate-slicerrt",
    "monaco-tinyvmat-pymedphys",
    "varian-proton-dcpt",
)
"""Every set that is shipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealPlan:
    """One plan of a real case, as far as the department's database repeats it."""

    uid: str
    label: str
    fractions: int | None
    machine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RealCase:
    """One real case: its files as published, and who it says it is about.

    Attributes
    ----------
    files
        (name, bytes), in order of name.
    """

    name: str
    patient_id: str
    patient_name: str
    plans: tuple[RealPlan, ...]
    files: tuple[tuple[str, bytes], ...]


@cache
def load_case(name: str) -> RealCase:
    """Return one shipped set."""
    if name not in SETS:
        raise LookupError(f"no real case called {name!r}; there are {', '.join(SETS)}")
    folder = files("beamkeeper.rehearse.sim") / "real" / name
    held = tuple(
        sorted((entry.name, entry.read_bytes()) for entry in folder.iterdir() if entry.name.endswith(".dcm"))
    )
    plans, patient_id, patient_name = [], "", ""
    for _, data in held:
        dataset = dcmread(BytesIO(data), force=True, stop_before_pixels=True)
        patient_id, patient_name = str(dataset.PatientID), str(dataset.PatientName)
        if dataset.Modality == "RTPLAN":
            beams = dataset.get("BeamSequence") or dataset.get("IonBeamSequence") or []
            groups = dataset.get("FractionGroupSequence") or []
            plans.append(
                RealPlan(
                    uid=str(dataset.SOPInstanceUID),
                    label=str(dataset.RTPlanLabel),
                    fractions=int(groups[0].NumberOfFractionsPlanned) if groups else None,
                    machine=str(beams[0].TreatmentMachineName) if beams else "",
                )
            )
    return RealCase(
        name=name, patient_id=patient_id, patient_name=patient_name, plans=tuple(plans), files=held
    )
