"""RayStation's scripting interface as public scripts use it, without RayStation: strict, and it remembers.

What is here was seen in public code (record 0072): names of objects, arguments of `ScriptableDicomExport` of
two generations, what it returns and raises. An argument or an attribute that is not there is refused, as
RayStation would.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

CONTENT = frozenset({
    "Examinations", "RtStructureSetsForExaminations", "RtStructureSetsReferencedFromBeamSets", "BeamSets",
    "PhysicalBeamSetDoseForBeamSets", "EffectiveBeamSetDoseForBeamSets", "PhysicalBeamDosesForBeamSets",
    "EffectiveBeamDosesForBeamSets", "TreatmentBeamDrrImages", "SetupBeamDrrImages",
    "SpatialRegistrationForExaminations", "DeformableSpatialRegistrationsForExaminations",
    "RtRadiationSetForBeamSets", "RtRadiationsForBeamSets",
})  # fmt: skip
COMMON = frozenset({"DicomFilter", "IgnorePreConditionWarnings", "ExportFolderPath", "RayGatewayTitle"})
CURRENT = CONTENT | COMMON | {"Connection", "AnonymizationSettings"}
UP_TO_8 = (
    (CONTENT | COMMON | {"AEHostname", "AEPort", "CallingAETitle", "CalledAETitle", "BeamSetDoseForBeamSets"})
    | {"Anonymize", "AnonymizedName", "AnonymizedId"}
) - {"PhysicalBeamSetDoseForBeamSets", "PhysicalBeamDosesForBeamSets"}
CONNECTIONS = ({"Title"}, {"Node", "Port", "CalledAE", "CallingAE"})


class InvalidOperationException(Exception):
    """`System.InvalidOperationException`, as either Python shows it."""


class DateTime:
    """`System.DateTime`: no zone, capital letters."""

    def __init__(self, at: datetime) -> None:
        self.Year, self.Month, self.Day = at.year, at.month, at.day
        self.Hour, self.Minute, self.Second = at.hour, at.minute, at.second


@dataclass(slots=True)
class Review:
    ApprovalStatus: str
    ReviewerName: str
    ReviewTime: Any


@dataclass(slots=True)
class Examination:
    Name: str


@dataclass(slots=True)
class BeamSet:
    DicomPlanLabel: str
    plan_name: str
    Review: Review | None = None

    def BeamSetIdentifier(self) -> str:
        return f"{self.plan_name}:{self.DicomPlanLabel}"

    def GetPlanningExamination(self) -> Examination:
        return Examination("CT 1")


@dataclass(slots=True)
class Plan:
    Name: str
    BeamSets: list[BeamSet]


@dataclass(slots=True)
class Export:
    """One call as it came."""

    patient_id: str
    arguments: dict[str, Any]

    @property
    def where(self) -> str:
        connection = self.arguments.get("Connection", {})
        return (
            connection.get("Title")
            or connection.get("Node")
            or self.arguments.get("AEHostname")
            or self.arguments.get("ExportFolderPath")
            or self.arguments["RayGatewayTitle"]
        )


@dataclass
class Case:
    CaseName: str
    TreatmentPlans: list[Plan]
    patient: Patient

    def ScriptableDicomExport(self, **arguments: Any) -> str:
        department = self.patient.department
        known = department.arguments
        if strange := sorted(set(arguments) - known):
            raise InvalidOperationException(f"Unknown argument {strange[0]}")
        self._one_destination(arguments)
        if self.patient.unsaved:
            raise InvalidOperationException("The patient has unsaved changes.")
        department.exports.append(Export(self.patient.PatientID, arguments))
        where = department.exports[-1].where
        if where in department.down:
            raise InvalidOperationException(f"No connection to {where}.")
        if where in department.warns and not arguments.get("IgnorePreConditionWarnings"):
            raise InvalidOperationException(department.warns[where])
        return json.dumps({"Comment": "", "Warnings": [], "Notifications": ["Exported."]})

    def _one_destination(self, arguments: dict[str, Any]) -> None:
        forms = [
            name
            for name in ("Connection", "AEHostname", "ExportFolderPath", "RayGatewayTitle")
            if name in arguments
        ]
        if len(forms) != 1:
            raise InvalidOperationException(f"Exactly one destination, not {forms}")
        if "Connection" in arguments and set(arguments["Connection"]) not in CONNECTIONS:
            raise InvalidOperationException("A title, or node, port and both AE titles")
        title = arguments.get("Connection", {}).get("Title")
        if title is not None and title not in self.patient.department.titles:
            raise InvalidOperationException(f"No DICOM application entity {title}")


@dataclass
class Patient:
    PatientID: str
    Name: str
    department: Department
    Cases: list[Case] = field(default_factory=list)
    unsaved: bool = False
    saves: int = 0

    def Save(self) -> None:
        if self.department.save_fails:
            raise InvalidOperationException("The patient is read-only.")
        self.saves += 1
        self.unsaved = False


@dataclass
class PatientDB:
    department: Department

    def QueryPatientInfo(self, *, Filter: dict[str, str]) -> list[dict[str, Any]]:
        assert Filter == {}
        return [
            {
                "PatientID": patient.PatientID,
                "LastName": patient.Name.partition("^")[0],
                "LastModified": DateTime(self.department.modified[patient.PatientID]),
            }
            for patient in self.department.patients
        ]

    def LoadPatient(self, *, PatientInfo: dict[str, Any]) -> Patient:
        wanted = PatientInfo["PatientID"]
        if wanted in self.department.locked:
            raise InvalidOperationException(f"The patient {wanted} is locked by another user.")
        self.department.loads.append(wanted)
        return next(patient for patient in self.department.patients if patient.PatientID == wanted)


@dataclass
class Department:
    """Everything a script can reach, and what it did."""

    arguments: frozenset[str] = CURRENT
    titles: frozenset[str] = frozenset({"SUNCHECK", "CATALYST", "VARIAN_DB"})
    patients: list[Patient] = field(default_factory=list)
    modified: dict[str, datetime] = field(default_factory=dict)
    current: dict[str, Any] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)
    down: set[str] = field(default_factory=set)
    warns: dict[str, str] = field(default_factory=dict)
    save_fails: bool = False
    exports: list[Export] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def add(
        self, patient_id: str, label: str, *, approved_at: datetime | None, modified: datetime
    ) -> BeamSet:
        """Add a patient with one plan of one beam set, reviewed where a time is given."""
        review = Review("Approved", "Dr. Peeters", DateTime(approved_at)) if approved_at else None
        beam_set = BeamSet(label, f"{label} plan", review)
        patient = Patient(patient_id, "Jansen^Anna", self)
        patient.Cases.append(Case("Case 1", [Plan(f"{label} plan", [beam_set])], patient))
        self.patients.append(patient)
        self.modified[patient_id] = modified
        return beam_set

    def open(self, patient_id: str) -> Patient:
        """Open a patient on the screen, changed and not yet saved."""
        patient = next(patient for patient in self.patients if patient.PatientID == patient_id)
        patient.unsaved = True
        case = patient.Cases[0]
        self.current = {"Patient": patient, "Case": case, "Plan": case.TreatmentPlans[0]}
        return patient

    def connect(self) -> ModuleType:
        """Return the module that scripts import."""
        module = ModuleType("connect")
        module.get_current = self._get_current  # type: ignore[attr-defined]
        return module

    def _get_current(self, kind: str) -> Any:
        if kind == "PatientDB":
            return PatientDB(self)
        if kind not in self.current:
            raise SystemError(f"No {kind} is loaded.")
        return self.current[kind]
