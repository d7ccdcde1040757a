"""Tables of MOSAIQ that are asked, with their real names: one schema for SQLite, PostgreSQL, SQL Server.

Names are written unquoted, as SQL Server has them: PostgreSQL folds them, and so do the questions.
"""

from __future__ import annotations

from sqlalchemy import DateTime, LargeBinary, Numeric, SmallInteger, Text
from sqlalchemy.dialects.mssql import BIT, DATETIME, IMAGE, TINYINT

from beamkeeper.rehearse.sim.vendor_tables import VendorTables

TABLES = VendorTables(
    types={
        "tinyint": SmallInteger().with_variant(TINYINT(), "mssql"),
        "bit": SmallInteger().with_variant(BIT(), "mssql"),
        "datetime": DateTime().with_variant(DATETIME(), "mssql"),
        "decimal": Numeric(12, 4, asdecimal=False),
        "text": Text(),
        "binary": LargeBinary().with_variant(IMAGE(), "mssql"),
    },
    quoted=frozenset({"Index"}),
)
_table = TABLES.table

_AUDIT = """
Create_DtTm Edit_DtTm Sanct_DtTm datetime
Create_ID Edit_ID Sanct_ID int
"""

PATIENT = _table(
    "Patient",
    """
    Pat_ID1 int
    Last_Name First_Name MIddle_Name Alias_Name Maiden_Name varchar:60
    Suffix varchar:10
    Birth_DtTm datetime
    SS_Number varchar:20
    Clin_Status smallint
    Inactive Status_Private bit
    Restricted tinyint
    """,
)
IDENT = _table(
    "Ident",
    """
    Idt_ID Pat_Id1 int
    IDA IDB IDC IDD IDE IDF varchar:40
    Version smallint
    Status_Inactive bit
    Start_DtTm End_DtTm datetime
    """,
    indexed=("Pat_Id1",),
)
ADMIN = _table(
    "Admin",
    """
    Adm_ID Pat_ID1 int
    Gender char:20
    Pat_Adr1 Pat_Adr2 Pat_City Pat_Country varchar:60
    Pat_Postal Pat_State Pat_Home_Phone Pat_Work_Phone Pat_CellPhone varchar:30
    Pat_EMail varchar:100
    Attending_Md_Id Pri_Md_ID Ref_Md_ID int
    Expired_DtTm datetime
    IsInPatient bit
    Nurse_Unit char:20
    Language_Spoken_Pro_ID int
    """,
    indexed=("Pat_ID1",),
)
EXTERNAL = _table("External", "PNP_ID int\nLast_Name First_Name char:40\nPhone varchar:30")
PROMPT = _table("Prompt", "Pro_ID int\nPGroup char:10\nEnum smallint\nText Description varchar:80")
STAFF = _table(
    "Staff",
    """
    Staff_ID int
    Last_Name First_Name char:40
    Initials char:10
    User_Name char:30
    Type char:20
    Machine_Type tinyint
    Dept_type smallint
    Status_inactive Deleted bit
    Work_Phone Pager varchar:30
    EMail varchar:100
    PasswordBytes binary
    """,
)
COURSE = _table(
    "PatCPlan",
    f"PCP_ID Pat_ID1 int\nCourse smallint\nMED_ID int\nTx_Intent varchar:40\nNotes text\n{_AUDIT}",
    indexed=("Pat_ID1",),
)
MEDICAL = _table("Medical", "MED_ID PAT_ID1 TPG_ID int")
TOPOG = _table("Topog", "TPG_ID int\nDiag_Code char:12\nDescription varchar:120")
SITE = _table(
    "Site",
    f"""
    SIT_ID SIT_SET_ID int
    Version smallint
    Pat_ID1 PCP_ID int
    Site_Name Technique Modality Target char:30
    Modality_Enum Energy Fractions smallint
    Rx_Depth char:20
    Target_Units char:10
    Dose_Tx Dose_Ttl Dose_Ttl_Cum decimal
    Frac_Pattern varchar:40
    Notes text
    DisplaySequence smallint
    Reference_SIT_Set_ID int
    Reference_Fraction Reference_Fx_Offset smallint
    IsDoseInCcGE bit
    Start_DtTm Last_DtTm datetime
    Frac_Act smallint
    Dose_Act decimal
    Status_Enum tinyint
    {_AUDIT}
    """,
    indexed=("SIT_SET_ID", "Pat_ID1", "PCP_ID", "Sanct_DtTm"),
)
FIELD = _table(
    "TxField",
    f"""
    FLD_ID FLD_SET_ID int
    Version smallint
    Pat_ID1 SIT_Set_ID int
    Field_Label char:10
    Field_Name char:30
    Machine_ID_Staff_ID int
    MachineCharID int
    Type_Enum Modality_Enum Beam_Type_Flag MetersetUnit_Enum tinyint
    Meterset cGrayPerMeterset Cgray decimal
    Fractions_Tx smallint
    Start_DtTm Last_Tx_DtTm datetime
    ControlPoints smallint
    OriginalPlanUID char:64
    OriginalBeamName char:64
    OriginalBeamNumber smallint
    Tol_Tbl_ID int
    Sad Ssd decimal
    Bolus Block Wdg_Appl Comp_Fda Mlc char:20
    IsFFF IsHidden IsExtLocked IsProtected bit
    DisplaySequence smallint
    Notes Alert text
    {_AUDIT}
    """,
    indexed=("FLD_SET_ID", "Pat_ID1", "SIT_Set_ID"),
)
POINT = _table(
    "TxFieldPoint",
    """
    TFP_ID FLD_ID int
    Point smallint
    Index decimal
    Gantry_Ang Coll_Ang Coll_X1 Coll_X2 Coll_Y1 Coll_Y2 Field_X Field_Y decimal
    Couch_Vrt Couch_Lat Couch_Lng Couch_Ang Couch_Pitch_Ang Couch_Roll_Ang decimal
    Gantry_Dir_Enum Energy_Unit_Enum tinyint
    Energy Meterset_Rate smallint
    Isocenter_X Isocenter_Y Isocenter_Z decimal
    MLC_Leaves smallint
    A_Leaf_Set B_Leaf_Set binary
    """,
    indexed=("FLD_ID",),
)
SETUP = _table(
    "SiteSetup",
    f"""
    SIS_ID SIS_Set_ID int
    Version smallint
    Pat_ID1 Sit_Set_ID int
    Setup_Name char:30
    Setup_Note text
    Patient_Orient tinyint
    Isocenter_Position_X Isocenter_Position_Y Isocenter_Position_Z Couch_Vrt Couch_Lat Couch_Lng decimal
    Setup_Technique_Description varchar:80
    TOL_ID Machine_ID_Staff_ID int
    Structure_Set_UID Frame_Of_Reference_UID char:64
    IsExcludedFromTreatment bit
    Status_Enum tinyint
    {_AUDIT}
    """,
    indexed=("Pat_ID1", "Sit_Set_ID"),
)
CALENDAR = _table(
    "PatCItem",
    """
    PCI_ID Pat_ID1 PCP_ID int
    Due_DtTm Act_DtTm Sanct_DtTm datetime
    Seq smallint
    Status_Enum System_Act tinyint
    IsPreTreat bit
    Inst_ID int
    Activity char:20
    """,
    indexed=("Pat_ID1", "Act_DtTm", "Due_DtTm"),
)
CALENDAR_FIELD = _table(
    "PatTxCal",
    """
    PTC_ID PCI_ID Pat_ID1 FLD_Set_ID int
    Status_enum tinyint
    TxSequence smallint
    IsPartial PF_Only PF_During bit
    """,
    indexed=("PCI_ID", "Pat_ID1", "FLD_Set_ID"),
)
DELIVERED = _table(
    "Dose_Hst",
    """
    DHS_ID Pat_ID1 SIT_ID FLD_ID PTC_ID SIS_ID Inst_ID int
    Tx_DtTm datetime
    Fractions_Tx Fx_Number_InEffect smallint
    Dose_Tx_Act Dose_Ttl_Act Dose_Addtl_Projected Meterset decimal
    MetersetUnit_Enum tinyint
    Energy smallint
    Machine_ID_Staff_ID MAC_ID Staff_Id int
    Type_Enum Modality_Enum tinyint
    WasQAMode WasVerified WasOverridden PartiallyTreated NewFieldDef IsOpenPort HasBeenCharted bit
    Overrides1 int
    TerminationCode int
    Termination_Status_Enum Termination_Verify_Status_Enum tinyint
    Notes text
    """,
    indexed=("Pat_ID1", "Tx_DtTm", "FLD_ID", "PTC_ID"),
)
TRACKED = _table(
    "TrackTreatment",
    """
    TTX_ID Pat_ID1 FLD_ID SIT_ID Machine_ID_Staff_ID int
    Create_DtTm Edit_DtTm datetime
    WasQAMode WasBeamEnabled WasBeamOn WasBeamComplete WasCanceled WasRecorded WasResolved bit
    DHS_ID PTC_ID int
    """,
    indexed=("Pat_ID1", "Create_DtTm"),
)
SCHEDULE = _table(
    "Schedule",
    """
    Sch_Id Sch_Set_Id int
    Version smallint
    Pat_ID1 int
    App_DtTm datetime
    Duration_time int
    Activity char:10
    Location Staff_ID int
    SchStatus_Hist_SD SchStatus_Hist_UD varchar:40
    Suppressed bit
    Notes Alert text
    Inst_ID int
    Create_DtTm Edit_DtTm datetime
    """,
    indexed=("Pat_ID1", "App_DtTm"),
)
CPT = _table(
    "CPT",
    """
    PRS_ID int
    Hsp_Code char:10
    CPT_Code CGroup char:10
    Tiny_Desc char:10
    Short_Desc char:30
    Description varchar:80
    Deleted Status_Inactive bit
    """,
    indexed=("Hsp_Code",),
)
NOTES = _table(
    "Notes",
    """
    Note_ID Pat_ID1 int
    Note_Type smallint
    Subject varchar:120
    notes text
    Status_Enum tinyint
    Create_DtTm Sanct_DtTm datetime
    Create_ID int
    """,
    indexed=("Pat_ID1",),
)
DOCUMENT = _table(
    "Object",
    """
    OBJ_ID OBJ_SET_ID int
    Version smallint
    Pat_ID1 int
    DocType File_Format smallint
    Filenum int
    Status_Enum tinyint
    Create_DtTm Sanct_DtTm datetime
    Inst_ID int
    """,
    indexed=("Pat_ID1",),
)
DOCUMENT_FILE = _table(
    "ObjFilenames",
    "OFN_ID OBJ_ID int\neSCANFilename varchar:200\nPageNumber smallint",
    indexed=("OBJ_ID",),
)
IMAGE_ROW = _table(
    "Image",
    """
    IMG_ID Fld_Set_ID SIT_Set_id Pat_ID1 int
    Image_Type Image_Class smallint
    Image_Name Short_Name char:60
    Storage_ID DCMSeries_ID int
    Att_App tinyint
    """,
    indexed=("Pat_ID1",),
)
