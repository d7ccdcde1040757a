"""Tables of ARIA that are asked, with their real names; `…Ser` keys are given out by the application."""

from __future__ import annotations

from beamkeeper.rehearse.sim.vendor_tables import VendorTables

TABLES = VendorTables()

_table = TABLES.table

PATIENT = _table(
    "Patient",
    """
    PatientSer bigint
    PatientId PatientId2 varchar:25
    PatientUID varchar:64
    PatientType varchar:30
    SSN FirstName MiddleName LastName varchar:64
    Honorific NameSuffix varchar:16
    DateOfBirth datetime
    Sex char:16
    HomePhone MobilePhone WorkPhone Language SpecialNeeds varchar:64
    Comment varchar:254
    ArchiveDate CreationDate datetime
    """,
    indexed=("PatientId",),
)
PATIENT_PARTICULAR = _table(
    "PatientParticular",
    """
    PatientSer bigint
    DeathDate RetireDate datetime
    PregnancyStatus varchar:32
    MedicalAlerts ContrastAllergies varchar:64
    UserDefAttrib01 UserDefAttrib02 UserDefAttrib03 varchar:16
    """,
)
POINT_OF_CONTACT = _table(
    "PointOfContact",
    """
    PointOfContactSer PatientSer bigint
    PrimaryFlag EntrustedContactFlag int
    Relationship FirstName LastName HomePhone MobilePhone WorkPhone varchar:64
    """,
    indexed=("PatientSer",),
)
PHOTO = _table(
    "Photo",
    """
    PhotoSer PatientSer bigint
    PhotoType varchar:32
    Picture Thumbnail binary
    """,
    indexed=("PatientSer",),
)
PATIENT_NOTE = _table(
    "PatientNote",
    """
    PatientNoteSer PatientSer bigint
    Note varchar:512
    DisplayDateTime datetime
    ObjectStatus varchar:16
    """,
    indexed=("PatientSer",),
)
PATIENT_DOCTOR = _table(
    "PatientDoctor",
    """
    PatientDoctorSer PatientSer ResourceSer bigint
    PrimaryFlag OncologistFlag int
    """,
    indexed=("PatientSer",),
)
DOCTOR = _table(
    "Doctor",
    """
    ResourceSer bigint
    DoctorId varchar:16
    FirstName LastName AliasName varchar:64
    OncologistFlag int
    """,
)
COURSE = _table(
    "Course",
    """
    CourseSer PatientSer bigint
    CourseId varchar:16
    StartDateTime CompletedDateTime datetime
    ClinicalStatus varchar:16
    Comment varchar:254
    """,
    indexed=("PatientSer", "CompletedDateTime"),
)
COURSE_DIAGNOSIS = _table(
    "CourseDiagnosis",
    """
    CourseDiagnosisSer CourseSer DiagnosisSer bigint
    """,
    indexed=("CourseSer",),
)
DIAGNOSIS = _table(
    "Diagnosis",
    """
    DiagnosisSer bigint
    DiagnosisCode varchar:16
    DiagnosisTableName varchar:64
    Description varchar:254
    """,
)
PHYSICIAN_INTENT = _table(
    "PhysicianIntent",
    """
    PhysicianIntentSer CourseSer bigint
    TreatmentIntentType varchar:64
    """,
    indexed=("CourseSer",),
)
TREATMENT_PHASE = _table("TreatmentPhase", "TreatmentPhaseSer CourseSer bigint", indexed=("CourseSer",))
PRESCRIPTION = _table(
    "Prescription",
    """
    PrescriptionSer TreatmentPhaseSer bigint
    PrescriptionName Status Technique Site varchar:64
    NumberOfFractions int
    Notes varchar:1024
    """,
    indexed=("TreatmentPhaseSer",),
)
PRESCRIPTION_ANATOMY = _table(
    "PrescriptionAnatomy",
    """
    PrescriptionAnatomySer PrescriptionSer bigint
    AnatomyRole smallint
    AnatomyName varchar:256
    """,
    indexed=("PrescriptionSer",),
)
PRESCRIPTION_ANATOMY_ITEM = _table(
    "PrescriptionAnatomyItem",
    """
    PrescriptionAnatomyItemSer PrescriptionAnatomySer bigint
    ItemType ItemValue varchar:64
    ItemValueUnit varchar:16
    """,
    indexed=("PrescriptionAnatomySer",),
)
PRESCRIPTION_PROPERTY = _table(
    "PrescriptionProperty",
    """
    PrescriptionPropertySer PrescriptionSer bigint
    PropertyType smallint
    PropertyValue varchar:64
    """,
    indexed=("PrescriptionSer",),
)
APPROVAL = _table(
    "Approval",
    """
    ApprovalSer TypeSer bigint
    ApprovalType Status varchar:64
    StatusUserName varchar:255
    StatusDate datetime
    """,
    indexed=("TypeSer",),
)
PLAN_SETUP = _table(
    "PlanSetup",
    """
    PlanSetupSer CourseSer bigint
    PlanSetupId varchar:16
    PlanSetupName Status varchar:64
    StatusUserName varchar:255
    StatusDate CreationDate datetime
    TreatmentType TreatmentTechnique Intent varchar:16
    PrescriptionSer bigint
    """,
    indexed=("CourseSer", "StatusDate"),
)
RT_PLAN = _table(
    "RTPlan",
    """
    RTPlanSer PlanSetupSer bigint
    PlanUID char:64
    NoFractions int
    PrescribedDose float
    DicomSeqNumber int
    CreationDate datetime
    """,
    indexed=("PlanSetupSer",),
)
PLAN_RELATIONSHIP = _table(
    "PlanRelationship",
    """
    PlanRelationshipSer RTPlanSer RelatedRTPlanSer bigint
    RelationshipType varchar:64
    """,
)
DOSE_CONTRIBUTION = _table(
    "DoseContribution",
    """
    DoseContributionSer RTPlanSer RefPointSer bigint
    DosePerFraction float
    PrimaryFlag int
    """,
    indexed=("RTPlanSer",),
)
REF_POINT_LOG = _table(
    "RefPointLog",
    """
    RefPointLogSer RefPointSer bigint
    ModificationType varchar:30
    DoseDelta float
    OvrdAuthorizedName varchar:255
    HstryDateTime datetime
    """,
    indexed=("RefPointSer",),
)
RADIATION = _table(
    "Radiation",
    """
    RadiationSer PlanSetupSer ResourceSer bigint
    RadiationId varchar:16
    RadiationName varchar:64
    RadiationType varchar:32
    RadiationNumber int
    TechniqueLabel varchar:64
    SetupNote varchar:254
    """,
    indexed=("PlanSetupSer",),
)
EXTERNAL_FIELD_COMMON = _table(
    "ExternalFieldCommon",
    """
    RadiationSer bigint
    Meterset PatientSupportAngle float
    SetupFieldFlag int
    EnergyModeSer ToleranceSer bigint
    """,
)
EXTERNAL_FIELD = _table(
    "ExternalField",
    """
    RadiationSer bigint
    GantryRtn StopAngle CollRtn CollX1 CollX2 CollY1 CollY2 float
    GantryRtnDirection varchar:16
    DoseRate int
    """,
)
ENERGY_MODE = _table(
    "EnergyMode",
    """
    EnergyModeSer bigint
    RadiationType varchar:16
    Energy int
    DisplayCode varchar:32
    """,
)
TOLERANCE = _table("Tolerance", "ToleranceSer bigint\nToleranceId varchar:16")
FIELD_ADD_ON = _table("FieldAddOn", "FieldAddOnSer RadiationSer AddOnSer bigint", indexed=("RadiationSer",))
ADD_ON = _table("AddOn", "AddOnSer bigint\nAddOnId varchar:16\nAddOnType varchar:30")
MACHINE = _table(
    "Machine",
    """
    ResourceSer bigint
    MachineId MachineScale varchar:16
    MachineName MachineModel varchar:64
    MachineType varchar:30
    """,
)
TREATMENT_RECORD = _table(
    "TreatmentRecord",
    """
    TreatmentRecordSer PatientSer RTPlanSer bigint
    PlanUID TreatmentRecordUID varchar:64
    TreatmentRecordDateTime datetime
    ActualMachineSer bigint
    MachOverrideFlag NoOfFractions int
    """,
    indexed=("PatientSer", "RTPlanSer"),
)
RADIATION_HSTRY = _table(
    "RadiationHstry",
    """
    RadiationHstrySer TreatmentRecordSer RadiationSer bigint
    RadiationHstryType varchar:32
    TreatmentDeliveryType TerminationStatus RadiationId varchar:16
    TreatmentStartTime TreatmentEndTime datetime
    FractionNumber OverrideFlag int
    """,
    indexed=("TreatmentRecordSer", "TreatmentStartTime"),
)
EXTERNAL_FIELD_COMMON_HSTRY = _table(
    "ExternalFieldCommonHstry",
    """
    RadiationHstrySer bigint
    PlannedMeterset ActualMeterset float
    MetersetOverrideFlag NominalEnergy int
    """,
)
SESSION = _table("Session", "SessionSer CourseSer bigint\nSessionNum int", indexed=("CourseSer",))
SESSION_RT_PLAN = _table(
    "SessionRTPlan",
    "SessionRTPlanSer SessionSer RTPlanSer bigint\nStatus varchar:16",
    indexed=("RTPlanSer", "SessionSer"),
)
SCHEDULED_ACTIVITY = _table(
    "ScheduledActivity",
    """
    ScheduledActivitySer ActivityInstanceSer PatientSer bigint
    ScheduledStartTime ScheduledEndTime ActualStartDate ActualEndDate datetime
    ObjectStatus varchar:16
    ScheduledActivityCode varchar:64
    ActivityNote varchar:254
    """,
    indexed=("PatientSer", "ScheduledStartTime"),
)
ACTIVITY_INSTANCE = _table(
    "ActivityInstance", "ActivityInstanceSer ActivitySer DepartmentSer bigint\nObjectStatus varchar:16"
)
ACTIVITY = _table(
    "Activity",
    """
    ActivitySer ActivityCategorySer bigint
    ActivityCode varchar:64
    ActivityType varchar:32
    ObjectStatus varchar:16
    """,
)
LOOKUP_TABLE = _table(
    "LookupTable",
    """
    LookupTableSer bigint
    ListSelector LanguageId LookupValue SubSelector varchar:64
    Expression1 varchar:254
    """,
)
ATTENDEE = _table(
    "Attendee",
    "AttendeeSer ActivityInstanceSer ResourceSer bigint\nObjectStatus varchar:16",
    indexed=("ActivityInstanceSer",),
)
PT = _table("pt", "pt_id char:20\npatient_ser bigint", indexed=("patient_ser",))
VISIT_NOTE = _table(
    "visit_note",
    """
    visit_note_ser bigint
    pt_id char:20
    pt_visit_id visit_note_id note_typ int
    note_tstamp trans_log_tstamp trans_log_mtstamp appr_tstamp datetime
    template_name varchar:50
    doc_file_loc doc_preview_loc char:255
    appr_flag valid_entry_ind revised_ind char:1
    """,
    indexed=("pt_id",),
)
NOTE_TYP = _table("note_typ", "note_typ int\nnote_typ_desc char:40")
QUICK_NOTE = _table(
    "quick_note",
    """
    quick_note_ser bigint
    pt_id char:20
    note_tstamp datetime
    quick_note_text varchar:4000
    quick_note_typ int
    valid_entry_ind appr_flag char:1
    """,
    indexed=("pt_id",),
)
QUICK_NOTE_TYP = _table("quick_note_typ", "quick_note_typ int\nquick_note_desc char:40")
DOSE_FIGURES = _table(
    "vv_syDoseFiguresApp",
    """
    FigureSer RTPlanSer RefPointSer bigint
    FractionsDelivered FractionsPlanned FractionsRemaining RunningPartial int
    """,
    indexed=("RTPlanSer",),
)
