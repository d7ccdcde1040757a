"""A small OIS database with the cases that go wrong, in SQL that SQLite and PostgreSQL both take."""

from __future__ import annotations

from datetime import UTC, datetime

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
"""Sunday 22 November 2026, 02:00 in Brussels."""

TABLES = """
CREATE TABLE Patient (PatientSer BIGINT, PatientId VARCHAR(80), LastName VARCHAR(64), FirstName VARCHAR(64),
  DateOfBirth VARCHAR(30), Sex CHAR(16), HomePhone VARCHAR(64), DeathDate VARCHAR(30), Test INTEGER);
CREATE TABLE Course (CourseSer BIGINT, PatientSer BIGINT, CourseId VARCHAR(64), Status VARCHAR(32),
  Ended TIMESTAMP);
CREATE TABLE PlanSetup (PlanSer BIGINT, CourseSer BIGINT, PlanId VARCHAR(64), PlanUID CHAR(64),
  Status VARCHAR(32), StatusDate TIMESTAMP, Intent VARCHAR(32), Fractions INTEGER);
CREATE TABLE Hstry (PlanSer BIGINT, FractionNumber INTEGER, TreatedAt TIMESTAMP);
CREATE TABLE Schedule (PatientSer BIGINT, StartTime TIMESTAMP, Activity VARCHAR(64), Machine VARCHAR(32),
  Status VARCHAR(64), Active INTEGER);
CREATE TABLE Contact (PatientSer BIGINT, Relation VARCHAR(32), Name VARCHAR(64), Phone VARCHAR(64));
CREATE TABLE Rx (CourseSer BIGINT, Name VARCHAR(64), DoseCGy DOUBLE PRECISION, Fractions INTEGER);
CREATE TABLE Document (DocSer BIGINT, PatientSer BIGINT, Title VARCHAR(64), Path VARCHAR(200), Valid INTEGER);
"""

PATIENTS = [
    (1, "treated ", "Peeters", "Zoë", "1960-01-02", "Female", "+32 1", None, 0),
    (2, "scheduled", "Peeters", "Zoë", "1961-01-02 00:00:00", "Male", None, None, 0),
    (3, "waiting", "Łukasz", "Żółć", "19620102", "", None, None, 0),
    (4, "simulated", "Sim", "Ann", None, "F", None, None, 0),
    (5, "finished", "Done", "Dora", "1964-01-02", "F", None, None, 0),
    (6, "long-gone", "Old", "Olga", "1930-01-02", "F", None, None, 0),
    (7, "$QA", "Phantom", "Cube", None, "O", None, None, 0),
    (8, "flagged", "Test", "Flag", None, "O", None, None, 1),
    (9, "x" * 64, "Long", "Id", "unknown", "F", None, None, 0),
    (10, "unmapped", "Odd", "Status", "1970-01-02", "F", None, None, 0),
    (11, "cancelled", "No", "Show", "1970-01-02", "F", None, None, 0),
    (12, "deceased", "Late", "Lee", "1940-01-02", "M", None, "2026-11-20", 0),
    (13, "second-course", "Two", "Tina", "1950-01-02", "F", None, None, 0),
    (14, None, "No", "Identity", "1950-01-02", "F", None, None, 0),
    (15, "overdue", "Still", "Here", "1950-01-02", "F", None, None, 0),
    (16, "ended", "Ended", "Ella", "1950-01-02", "F", None, None, 0),
]

COURSES = [
    *((10 + number, number, "C1", "ACTIVE", None) for number in (1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 14)),
    (15, 5, "C1", "COMPLETED", "2026-11-20 10:00:00"),
    (16, 6, "C1", "COMPLETED", "2019-11-20 10:00:00"),
    (23, 13, "C1", "COMPLETED", "2026-11-01 10:00:00"),
    (33, 13, "C2", "ACTIVE", None),
    (26, 16, "C1", "COMPLETED", "2026-09-25 10:00:00"),
]

APPROVED = "2026-11-10 09:00:00"

PLANS = [
    (100, 11, "VMAT1", "1.2.100", "TreatApproval", APPROVED, "CURATIVE", 15),
    (101, 11, "QA", "1.2.101", "TreatApproval", APPROVED, "VERIFICATION", 1),
    (102, 12, "VMAT1", "1.2.102", "UnApproved", APPROVED, "CURATIVE", 15),
    (103, 13, "VMAT1", "1.2.103", "TreatApproval", APPROVED, "CURATIVE", 15),
    (105, 15, "VMAT1", "1.2.105", "Completed", "2026-10-20 09:00:00", "CURATIVE", 5),
    (106, 16, "VMAT1", "1.2.106", "Completed", "2019-10-20 09:00:00", "CURATIVE", 5),
    (107, 17, "QA", "1.2.107", "TreatApproval", APPROVED, "CURATIVE", 1),
    (108, 18, "QA", "1.2.108", "TreatApproval", APPROVED, "CURATIVE", 1),
    (109, 19, "Long", "1.2.109", "TreatApproval", "2025-01-01 09:00:00", "CURATIVE", 30),
    (110, 20, "Odd", "1.2.110", "Ready-ish", APPROVED, "CURATIVE", 5),
    (112, 22, "Late", "1.2.112", "TreatApproval", APPROVED, "CURATIVE", 5),
    (113, 33, "Boost", "1.2.113", "TreatApproval", APPROVED, "CURATIVE", 5),
    (116, 26, "Ended", "1.2.116", "Completed", "2026-04-01 09:00:00", "CURATIVE", 5),
    (114, 24, "Lost", "1.2.114", "TreatApproval", APPROVED, "CURATIVE", 5),
]

HISTORY = [
    *((100, number, f"2026-11-{16 + number} 10:00:00") for number in (1, 2, 3)),
    (100, 3, "2026-11-19 10:30:00"),
    *((105, number, f"2026-11-{15 + number} 10:00:00") for number in range(1, 6)),
    *((106, number, f"2019-11-{15 + number} 10:00:00") for number in range(1, 6)),
    (109, 29, "2026-11-14 23:30:00"),
    (109, 30, "2026-11-15 02:30:00"),
    (112, 1, "2026-11-19 10:00:00"),
]

SCHEDULE = [
    (2, "2026-11-29 01:30:00", "Treatment 15 min", "LINAC1", "Open", 1),
    (2, "2026-11-24 10:00:00", "Treatment 15 min", "LINAC1", "Cancelled", 1),
    (15, "2026-11-21 14:00:00", "Treatment 15 min", "LINAC1", "Open", 1),
    (4, "2026-11-10 10:00:00", "CT sim", "CT1", "Completed", 1),
    (6, "2026-11-24 10:00:00", "Follow-up consult", "ROOM1", "Open", 1),
    (11, "2026-11-24 10:00:00", "Treatment 15 min", "LINAC1", "Cancelled", 1),
    (11, "2026-11-25 10:00:00", "Treatment 15 min", "LINAC1", "Open", 0),
    (11, "2026-11-20 10:00:00", "CT sim", "CT1", "Cancelled", 1),
]

CONTACTS = [(1, "spouse", "Janssens An", "+32 2")]
PRESCRIPTIONS = [(11, "breast", 267.0, 15)]
DOCUMENTS = [(1, 1, "Consult", r"\\share\a.pdf", 1), (2, 1, "Wrong", r"\\share\b.pdf", 0)]

CONTENT = {
    "Patient": PATIENTS,
    "Course": COURSES,
    "PlanSetup": PLANS,
    "Hstry": HISTORY,
    "Schedule": SCHEDULE,
    "Contact": CONTACTS,
    "Rx": PRESCRIPTIONS,
    "Document": DOCUMENTS,
}

MAPPING = r"""
format = 1
source = "ois"
timezone = "Europe/Brussels"
test_patient_ids = ["$*"]

[patient]
table = "patient"
[patient.columns]
patient_key = "PatientSer"
patient_id = "PatientId"
last_name = "LastName"
first_name = "FirstName"
birth_date = "DateOfBirth"
sex = "Sex"
phone_home = "HomePhone"
phone_mobile = "MobilePhone"
deceased_date = "DeathDate"
is_test = "Test"

[contact]
table = "contact"
columns = { patient_key = "PatientSer", relation = "Relation", name = "Name", phone = "Phone" }

[course]
select = '''
SELECT CourseSer AS course_key, PatientSer AS patient_key, CourseId AS course_id, Status AS status,
       Ended AS "end"
FROM Course
'''
status = { "active" = "open", "COMPLETED " = "done" }

[prescription]
select = '''
SELECT CourseSer AS course_key, Name AS name, DoseCGy / 100.0 AS total_dose_gy, Fractions AS fractions
FROM Rx
'''

[plan]
table = "plansetup"
status = { "TreatApproval" = "approved", "UnApproved" = "unapproved", "Completed" = "done" }
[plan.columns]
plan_key = "PlanSer"
course_key = "CourseSer"
plan_id = "PlanId"
plan_uid = "PlanUID"
status = "Status"
approved_at = "StatusDate"
intent = "Intent"
planned_fractions = "Fractions"

[fraction_count]
select = '''
SELECT PlanSer AS plan_key, count(DISTINCT FractionNumber) AS fractions_done,
       max(TreatedAt) AS last_treated_at
FROM Hstry WHERE TreatedAt <= :now GROUP BY PlanSer
'''

[appointment]
table = "schedule"
status = { "Open" = "open", "Completed" = "done", "Cancelled" = "cancelled" }
treatment = ["treatment*"]
simulation = ["CT*"]
[appointment.columns]
patient_key = "PatientSer"
start = "StartTime"
activity = "Activity"
machine = "Machine"
status = "Status"
active = "Active"

[document]
table = "document"
columns = { doc_key = "DocSer", patient_key = "PatientSer", title = "Title", path = "Path", valid = "Valid" }
"""
