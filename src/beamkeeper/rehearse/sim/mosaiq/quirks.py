"""A small department in which each trap of MOSAIQ happens to one patient, who is named after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from beamkeeper.rehearse.sim.mosaiq import tables
from beamkeeper.rehearse.sim.mosaiq.clinic import HOLD, KV_SETUP, PENDING, VOID, Beam, Clinic

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 11, 22, 2, 0)  # noqa: DTZ001 - the server's wall clock
"""Sunday 22 November 2026, 02:00, as the clock of the server shows it."""

FIRST_DAY = datetime(2026, 11, 9, 10, 0)  # noqa: DTZ001 - as above
APPROVED_AT = datetime(2026, 11, 4, 16, 30)  # noqa: DTZ001 - as above
TREAT, SIMULATE, FOLLOW_UP = "77412", "77290", "99213"


def plan_uid(number: int) -> str:
    """Return the SOP Instance UID of an invented plan."""
    return f"1.2.826.0.1.3680043.10.5432.{number}"


def working_days(count: int, first: datetime = FIRST_DAY) -> list[datetime]:
    """Return `count` days from `first` on, without the weekends."""
    days = (first + timedelta(days=offset) for offset in range(3 * count + 3))
    return [day for day in days if day.weekday() < 5][:count]  # noqa: PLR2004 - Saturday


class _Treated:
    """A patient on treatment: two fields of one plan, ten sessions given or some of them."""

    def __init__(
        self,
        clinic: Clinic,
        mrn: str,
        name: str,
        number: int,
        *,
        given: int = 10,
        fractions: int = 15,
        days: int = 0,
        **person: Any,
    ) -> None:
        self.clinic = clinic
        self.fractions = fractions
        self.patient = clinic.patient(mrn, name, Birth_DtTm=datetime(1950 + number % 40, 3, 2), **person)  # noqa: DTZ001
        self.course = clinic.course(self.patient)
        self.site = clinic.site(
            self.patient, self.course, "BREAST", approved_at=APPROVED_AT, Fractions=fractions
        )
        self.uid = plan_uid(number)
        self.fields = [
            clinic.beam(self.patient, self.site, Beam(label=str(one), plan_uid=self.uid, number=one))
            for one in (1, 2)
        ]
        self.sessions: list[int] = []
        self.plan_days(given, days or fractions)

    def plan_days(self, given: int, fractions: int, fields: Sequence[int] = ()) -> None:
        """Put the sessions into the calendar and give the first ones."""
        for number, day in enumerate(working_days(fractions), start=1):
            session = self.clinic.session(self.patient, self.course, day, fields or self.fields, Seq=number)
            self.sessions.append(session)
            if number <= given:
                self.clinic.treat(session, day, fraction=number)

    def comes(self, *, days: int = 1, **values: Any) -> int:
        """Book the next appointment."""
        at = NOW.replace(hour=10) + timedelta(days=days)
        return self.clinic.appointment(self.patient, at, TREAT, "LINAC1", **values)


def quirky_clinic() -> Clinic:
    """Return the department."""
    clinic = Clinic()
    clinic.activity(TREAT, "Treatment Daily")
    clinic.activity(SIMULATE, "CT Simulation")
    clinic.activity(FOLLOW_UP, "Follow-up visit")
    for write in (
        _plain,
        _prescriptions,
        _fields,
        _history,
        _calendars,
        _doubled,
        _schedules,
        _people,
        _files,
        _hostile,
    ):
        write(clinic)
    return clinic


def _plain(clinic: Clinic) -> None:
    """Nothing goes wrong: ten of fifteen given, five to come."""
    plain = _Treated(clinic, "M1001", "Plain", 1)
    plain.comes()


def _prescriptions(clinic: Clinic) -> None:
    edited = _Treated(clinic, "M1002", "Edited", 2)
    clinic.edit_site(edited.site, Fractions=16, Dose_Ttl=267.0 * 16)
    boosted = _Treated(clinic, "M1003", "Boosted", 3)
    boost = clinic.site(
        boosted.patient, boosted.course, "BOOST", approved_at=APPROVED_AT, Fractions=5, Dose_Tx=200.0,
        Reference_SIT_Set_ID=boosted.site, Reference_Fraction=15, Reference_Fx_Offset=1,
    )  # fmt: skip
    clinic.beam(boosted.patient, boost, Beam(label="3", plan_uid=plan_uid(103), number=1))
    _Treated(clinic, "M1004", "Proton", 4)
    clinic.current(tables.SITE, "SIT_SET_ID", clinic.rows["Site"][-1]["SIT_SET_ID"])["IsDoseInCcGE"] = 1
    held = _Treated(clinic, "M1005", "OnHold", 5, given=4)
    clinic.current(tables.SITE, "SIT_SET_ID", held.site)["Status_Enum"] = HOLD
    replanned = _Treated(clinic, "M1006", "Replanned", 6, given=6, days=6)
    for set_id in replanned.fields:
        clinic.edit_beam(set_id, IsHidden=1)
    later = [
        clinic.beam(
            replanned.patient, replanned.site, Beam(label=f"{one}a", plan_uid=plan_uid(106), number=one)
        )
        for one in (1, 2)
    ]
    days = working_days(15)[6:]
    for number, day in enumerate(days, start=7):
        session = clinic.session(replanned.patient, replanned.course, day, later, Seq=number)
        if number <= 10:  # noqa: PLR2004 - as many as the others had
            clinic.treat(session, day, fraction=number)
    waiting = clinic.patient("M1007", "Waiting")
    course = clinic.course(waiting)
    site = clinic.site(waiting, course, "LUNG", approved_at=APPROVED_AT, Fractions=5, Dose_Tx=1000.0)
    clinic.beam(waiting, site, Beam(label="1", plan_uid=plan_uid(7), number=1))
    pending = clinic.patient("M1008", "Pending")
    draft = clinic.site(pending, clinic.course(pending), "BRAIN", approved_at=APPROVED_AT)
    clinic.current(tables.SITE, "SIT_SET_ID", draft).update(
        Status_Enum=PENDING, Sanct_DtTm=None, Sanct_ID=None
    )
    clinic.beam(pending, draft, Beam(label="1", plan_uid=plan_uid(8), number=1))


def _fields(clinic: Clinic) -> None:
    often = _Treated(clinic, "M1011", "SixVersions", 11, given=4)
    for edit in range(6):
        clinic.edit_beam(often.fields[0], Notes=f"edit {edit}")
    for number, day in list(enumerate(working_days(15), start=1))[4:10]:
        clinic.treat(often.sessions[number - 1], day, fraction=number)
    hidden = _Treated(clinic, "M1012", "HiddenField", 12)
    clinic.beam(hidden.patient, hidden.site, Beam(label="9", plan_uid=hidden.uid, number=9), IsHidden=1)
    imaged = _Treated(clinic, "M1013", "Imaged", 13)
    image = clinic.beam(
        imaged.patient, imaged.site,
        Beam(label="CBCT", plan_uid=imaged.uid, number=20, type_enum=KV_SETUP, meterset=0.0),
    )  # fmt: skip
    extra = clinic.session(imaged.patient, imaged.course, working_days(11)[10], [image])
    clinic.treat(extra, working_days(10)[9] + timedelta(hours=3), fraction=11)
    by_hand = _Treated(clinic, "M1014", "WithoutUid", 14)
    for set_id in by_hand.fields:
        clinic.current(tables.FIELD, "FLD_SET_ID", set_id).update(OriginalPlanUID=None, Type_Enum=1)


def _history(clinic: Clinic) -> None:
    qa = _Treated(clinic, "M1021", "QaMode", 21, given=9)
    for row in clinic.treat(qa.sessions[9], working_days(10)[9], fraction=10):
        clinic.row(tables.DELIVERED, row)["WasQAMode"] = 1
    clinic.row(tables.CALENDAR, qa.sessions[9]).update(Act_DtTm=None, Status_Enum=5)
    for set_id in qa.fields:
        clinic.current(tables.FIELD, "FLD_SET_ID", set_id)["Fractions_Tx"] = 9
    tried = _Treated(clinic, "M1022", "Cancelled", 22)
    clinic.add(
        tables.TRACKED, Pat_ID1=tried.patient, FLD_ID=tried.fields[0], Create_DtTm=NOW - timedelta(days=2),
        Edit_DtTm=NOW - timedelta(days=2), WasQAMode=0, WasBeamOn=0, WasCanceled=1, WasRecorded=0,
        DHS_ID=None,
    )  # fmt: skip
    broken = _Treated(clinic, "M1023", "PartialOpen", 23, given=9)
    clinic.treat(broken.sessions[9], working_days(10)[9], fraction=10, share=0.4)
    resumed = _Treated(clinic, "M1024", "PartialResumed", 24, given=9)
    clinic.treat(resumed.sessions[9], working_days(10)[9], fraction=10, share=0.4)
    clinic.treat(resumed.sessions[9], working_days(10)[9] + timedelta(minutes=40), fraction=10, share=0.6)
    for entry in clinic.rows["PatTxCal"]:
        if entry["PCI_ID"] == resumed.sessions[9]:
            entry["IsPartial"] = 0
    for set_id in resumed.fields:
        clinic.current(tables.FIELD, "FLD_SET_ID", set_id)["Fractions_Tx"] = 10
    one_field = _Treated(clinic, "M1025", "OneFieldShort", 25, given=9)
    clinic.treat(one_field.sessions[9], working_days(10)[9], fraction=10, only=one_field.fields[:1])
    broken_off = _Treated(clinic, "M1026", "LongBreak", 26, given=3)
    for given in clinic.rows["Dose_Hst"]:
        if given["Pat_ID1"] == broken_off.patient:
            given["Tx_DtTm"] -= timedelta(days=60)
    lost = _Treated(clinic, "M1027", "CalendarLost", 27)
    for entry in clinic.rows["PatCItem"]:
        if entry["PCI_ID"] in lost.sessions[8:10]:
            entry["Act_DtTm"] = None


def _calendars(clinic: Clinic) -> None:
    void = _Treated(clinic, "M1031", "VoidSession", 31)
    clinic.session(void.patient, void.course, working_days(16)[15], void.fields, Status_Enum=VOID)
    given_void = clinic.session(void.patient, void.course, working_days(1)[0], void.fields, Status_Enum=VOID)
    clinic.row(tables.CALENDAR, given_void)["Act_DtTm"] = working_days(1)[0]
    other = _Treated(clinic, "M1032", "OtherActivity", 32)
    clinic.session(other.patient, other.course, FIRST_DAY, other.fields, System_Act=1, Act_DtTm=FIRST_DAY)


def _doubled(clinic: Clinic) -> None:
    """Move a plan to a new course, whose calendar begins at zero; and keep beams of one session twice."""
    moved = _Treated(clinic, "M1033", "CourseMoved", 33, given=4)
    course = clinic.course(moved.patient, 2)
    clinic.current(tables.SITE, "SIT_SET_ID", moved.site)["PCP_ID"] = course
    for session in moved.sessions:
        clinic.row(tables.CALENDAR, session)["Status_Enum"] = VOID
    for number, due in enumerate(working_days(15)[4:], start=1):
        clinic.session(moved.patient, course, due, moved.fields, Seq=number)
    twice = _Treated(clinic, "M1034", "RecordedTwice", 34)
    last = [one for one in clinic.rows["Dose_Hst"] if one["Pat_ID1"] == twice.patient][-2:]
    for given in last:
        clinic.add(tables.DELIVERED, **{key: value for key, value in given.items() if key != "DHS_ID"})


def _schedules(clinic: Clinic) -> None:
    """Patients whom only the schedule knows, so that what it says decides."""

    def booked(mrn: str, name: str, **values: Any) -> int:
        patient = clinic.patient(mrn, name)
        at = NOW.replace(hour=10) + timedelta(days=2)
        return clinic.appointment(patient, at, TREAT, "LINAC1", **values)

    booked("M1041", "Booked")
    booked("M1042", "Suppressed", Suppressed=1)
    booked("M1043", "ReusedSlot", status=" C,X")
    booked("M1044", "NoShow", status="N")
    moved = booked("M1045", "Moved")
    clinic.edit(tables.SCHEDULE, "Sch_Set_Id", moved, App_DtTm=NOW + timedelta(days=40))
    booked("M1046", "FollowUp", Activity=FOLLOW_UP, Location=clinic.staff("CONSULT1", kind="Location"))
    simulated = clinic.patient("M1047", "Simulated")
    clinic.appointment(simulated, NOW - timedelta(days=5), SIMULATE, "CT1", status=" C")
    booked("M1048", "OddStatus", status="Q")
    booked("M1049", "Reopened", status="X, ")


def _people(clinic: Clinic) -> None:
    second = _Treated(clinic, "INSURANCE-7", "SecondId", 51, IDB="M1051")
    clinic.add(tables.IDENT, Pat_Id1=second.patient, IDA="OLD-51", IDB="OLD-M1051", Version=32000)
    inactive = clinic.patient("M1052", "Inactive", Inactive=1)
    idle = clinic.site(inactive, clinic.course(inactive), "NECK", approved_at=APPROVED_AT)
    clinic.beam(inactive, idle, Beam(label="1", plan_uid=plan_uid(52), number=1))
    _Treated(clinic, "M1053", "InactiveTreated", 53, Inactive=1)
    _Treated(clinic, "M1054", "Deceased", 54, Expired_DtTm=NOW - timedelta(days=2))
    _Treated(clinic, "QA-1", "ZZ-Phantom", 55)
    _Treated(clinic, "", "Nameless", 56)
    finished = _Treated(clinic, "M1057", "Finished", 57, given=9, fractions=9)
    clinic.current(tables.SITE, "SIT_SET_ID", finished.site)["Status_Enum"] = 3
    clinic.rows["Site"].append(
        dict(
            clinic.rows["Site"][0], SIT_ID=-1, SIT_SET_ID=-1, Pat_ID1=finished.patient, PCP_ID=finished.course
        )
    )


def _files(clinic: Clinic) -> None:
    noted = _Treated(clinic, "M1061", "Noted", 61)
    clinic.note(
        noted.patient,
        "Alert",
        "Pacemaker, left.\nKeep below 2 Gy.",
        NOW - timedelta(days=15),
        subject="PACEMAKER",
    )
    clinic.note(
        noted.patient, "Setup Note", "Bolus 5 mm on scar; arm up (left) – 20°.", NOW - timedelta(days=14)
    )
    clinic.note(noted.patient, "Progress", "Żółć: skin reaction grade 1.", NOW - timedelta(days=3))
    clinic.document(noted.patient, ["00012345.pdf", "00012346.pdf"], NOW - timedelta(days=10))
    clinic.document(noted.patient, ["00099999.pdf"], NOW - timedelta(days=9), status=VOID)
    clinic.add(
        tables.SETUP, SIS_Set_ID=1, Version=0, Pat_ID1=noted.patient, Sit_Set_ID=noted.site,
        Setup_Name="SETUP1",
        Setup_Note="Wingboard index B3", Patient_Orient=1, Status_Enum=5,
    )  # fmt: skip


HOSTILE_ID = "M'; DROP TABLE Patient; --"
"""A Patient ID that is SQL."""
NO_DATE = datetime(1900, 1, 1)  # noqa: DTZ001
"""What SQL Server makes of a date that was left empty."""


def _hostile(clinic: Clinic) -> None:
    """Text that is SQL wherever somebody may type, dates of 1900, an appointment of less than no time."""
    odd = _Treated(clinic, HOSTILE_ID, "O'); DROP TABLE TxField;--", 71, given=5)
    clinic.row(tables.PATIENT, odd.patient)["Birth_DtTm"] = NO_DATE
    site = clinic.current(tables.SITE, "SIT_SET_ID", odd.site)
    site |= {"Site_Name": "'; DELETE FROM Site; --", "Sanct_DtTm": NO_DATE}
    clinic.note(odd.patient, "Progress", "1'; DROP TABLE Notes; --", NO_DATE, subject="'); --")
    clinic.document(odd.patient, [r"..\..\x'; DROP TABLE Object; --.pdf"], NO_DATE)
    odd.comes(Duration_time=-1)
    clinic.appointment(odd.patient, NO_DATE, TREAT, "LINAC1")
