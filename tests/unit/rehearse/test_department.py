"""A department must play its day exactly, and survive being stopped anywhere."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import pytest
from pydicom import dcmread
from sqlalchemy import create_engine, text

from beamkeeper.errors import ConfigError
from beamkeeper.protect.census import parse_mapping
from beamkeeper.rehearse.sim import DayEvent, DayEventKind, Department, OisKind, aria, mosaiq
from beamkeeper.rehearse.sim.ois import mapping_text, table_names
from beamkeeper.rehearse.sim.people import person
from beamkeeper.rehearse.sim.realcases import SETS, load_case
from beamkeeper.rehearse.sim.state import from_json

from .conftest import started


@dataclass(frozen=True)
class Played:
    """A department after its first day, for tests that only look; and what was there before."""

    department: Department
    events: tuple[DayEvent, ...]
    before: dict[str, bytes]
    rows_before: dict[str, int]

    @property
    def root(self):
        return self.department._root

    def only(self, kind):
        (found,) = [event for event in self.events if event.kind is kind]
        return found

    def plan_before(self, uid):
        plans = (dcmread(BytesIO(data), force=True) for data in self.before.values())
        return next(plan for plan in plans if plan.SOPInstanceUID == uid)


@pytest.fixture(scope="module")
def played(made, tmp_path_factory):
    root = tmp_path_factory.mktemp("played") / "department"
    shutil.copytree(made, root)
    with started(root) as running:
        before, rows = _files(root), _rows(running)
        yield Played(running, running.play_day_between(), before, rows)


def _files(root):
    return {path.name: path.read_bytes() for path in (root / "archive").glob("*.dcm")}


def _rows(department):
    asked = {
        "patients": "SELECT COUNT(*) FROM Patient",
        "done": "SELECT COUNT(*) FROM Course WHERE Status LIKE 'Completed%'",
        "deliveries": "SELECT COUNT(*) FROM Delivery",
    }
    engine = create_engine(department.ois_url)
    with engine.connect() as connection:
        found = {name: connection.execute(text(sql)).scalar_one() for name, sql in asked.items()}
    engine.dispose()
    return found


def test_the_day_between_is_the_nine_things(played):
    before, after = played.before, _files(played.root)

    kinds = Counter(event.kind for event in played.events)
    assert set(kinds) == set(DayEventKind)
    assert all(kinds[kind] == 1 for kind in set(DayEventKind) - {DayEventKind.FRACTION_DELIVERED})
    assert len(set(before) - set(after)) == 1
    assert sum(before[name] != after[name] for name in set(before) & set(after)) == 2
    named = {uid for event in played.events for uid in event.sop_instance_uids}
    assert len(set(after) - set(before)) == len(named) - 3


def _positions(plan):
    """Yield the names of every device's positions, and its item."""
    for beam in plan.BeamSequence:
        for point in beam.ControlPointSequence:
            for device in point.get("BeamLimitingDevicePositionSequence") or []:
                yield (beam.BeamNumber, point.ControlPointIndex), device


def test_the_altered_plan_differs_in_one_leaf_and_nothing_else(played):
    event = played.only(DayEventKind.LEAF_ALTERED)
    (uid,) = event.sop_instance_uids
    old, new = played.plan_before(uid), dcmread(BytesIO(played.department.source_file(uid)))

    differences = [
        (*named, leaf, a, b)
        for (named, device), (_, device2) in zip(_positions(old), _positions(new), strict=True)
        for leaf, (a, b) in enumerate(zip(device.LeafJawPositions, device2.LeafJawPositions, strict=True))
        if a != b
    ]
    leaf = event.leaf
    assert differences == [
        (leaf.beam_number, leaf.control_point_index, leaf.leaf_pair - 1, leaf.old_mm, leaf.new_mm)
    ]
    for (_, device), (_, device2) in zip(_positions(old), _positions(new), strict=True):
        device.LeafJawPositions = device2.LeafJawPositions
    assert new == old
    assert event.patient_id in {patient.patient_id for patient in played.department.patients}


def test_the_re_exported_plan_has_other_bytes_and_the_same_values(played):
    (uid,) = played.only(DayEventKind.PLAN_RE_ENCODED).sop_instance_uids
    before, now = played.plan_before(uid), dcmread(BytesIO(played.department.source_file(uid)))

    assert now.file_meta.TransferSyntaxUID != before.file_meta.TransferSyntaxUID
    assert now.to_json_dict() == before.to_json_dict()


def test_exactly_one_record_of_the_day_names_no_plan(played):
    event = played.only(DayEventKind.RECORD_WITHOUT_PLAN)
    held = (dcmread(BytesIO(data), force=True) for data in _files(played.root).values())
    empty = [d.SOPInstanceUID for d in held if d.Modality == "RTRECORD" and not d.ReferencedRTPlanSequence]

    assert len(empty) == 1
    assert empty[0] in event.sop_instance_uids


def test_a_replan_brings_an_approved_plan_a_structure_set_and_a_dose(played):
    event = played.only(DayEventKind.REPLAN)
    new = [dcmread(BytesIO(played.department.source_file(uid))) for uid in event.sop_instance_uids]
    by_modality = {dataset.Modality: dataset for dataset in new}

    plan = by_modality["RTPLAN"]
    assert set(by_modality) == {"RTPLAN", "RTSTRUCT", "RTDOSE"}
    assert plan.ApprovalStatus == "APPROVED"
    assert plan.ReferencedRTPlanSequence[0].RTPlanRelationship == "PRIOR"
    assert (
        plan.ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID
        == by_modality["RTSTRUCT"].SOPInstanceUID
    )


def test_a_department_goes_on_where_it_was(played, tmp_path):
    root = tmp_path / "department"
    shutil.copytree(played.root, root)

    with started(root, seed=99) as again:
        assert again.days_played == 1
        assert again.events_of(1) == played.events
        assert _files(root) == _files(played.root)
        assert again.patients == played.department.patients


@pytest.mark.parametrize("done", ["nothing", "half", "all files"])
def test_a_day_killed_after_its_decision_is_completed_by_the_next_start(made, played, tmp_path, done):
    killed = tmp_path / "killed"
    shutil.copytree(made, killed)
    _stage_again(made, played.root, killed, done)

    with started(killed) as again:
        assert again.events_of(1) == played.events
    assert _files(killed) == _files(played.root)
    assert not (killed / "day.json").exists()


def _stage_again(made, whole, killed, done):
    """Put a folder where it stands when the process dies after the journal was written."""
    before, after = _files(made), _files(whole)
    put = sorted(name for name in after if before.get(name) != after[name])
    count = {"nothing": 0, "half": len(put) // 2, "all files": len(put)}[done]
    (killed / "staging").mkdir()
    for name in put[count:]:
        (killed / "staging" / name).write_bytes(after[name])
    for name in put[:count]:
        (killed / "archive" / name).write_bytes(after[name])
    journal = {
        "state": (whole / "state.json").read_text(),
        "put": put,
        "remove": sorted(set(before) - set(after)),
        "events": json.loads((whole / "day-1.json").read_text()),
    }
    (killed / "day.json").write_text(json.dumps(journal))


def test_a_department_killed_while_it_is_made_is_made_again(made, tmp_path):
    root = tmp_path / "department"
    (root / "archive").mkdir(parents=True)
    (root / "archive" / "leftover.dcm").write_bytes(b"half")

    with started(root):
        pass

    assert _files(root) == _files(made)


def test_days_follow_one_another_and_somebody_joins_and_finishes_each_day(department):
    for day_number in (1, 2, 3):
        count = len(department.patients)
        events = department.play_day_between()

        assert {event.kind for event in events} == set(DayEventKind)
        assert len(department.patients) == count + 1
        assert sum(p.is_finished for p in department.patients) == day_number


def test_the_first_day_is_the_day_of_the_first_night(played):
    state = from_json((played.root / "state.json").read_text())

    assert state.last_day == state.first_day == date(2026, 3, 3)


def test_a_department_of_one_patient_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="at least 2"):
        Department(tmp_path, synthetic_patients=1)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    with started(tmp_path_factory.mktemp("published"), synthetic_patients=2, real_cases=SETS) as running:
        yield running


def test_published_cases_are_held_byte_for_byte_with_their_licences(published):
    held = set(_files(published._root).values())
    for name in SETS:
        case = load_case(name)
        assert {data for _, data in case.files} <= held
        assert case.patient_id in {p.patient_id for p in published.patients}


def test_monaco_files_are_held_without_preamble_and_sent_whole(published):
    for name, data in load_case("monaco-hn-proknow").files:
        uid = str(dcmread(BytesIO(data), force=True).SOPInstanceUID)
        assert data[128:132] != b"DICM", name
        assert published.source_dataset(uid) == data


def test_the_database_pads_its_text_as_fixed_length_columns_do(played):
    engine = create_engine(played.department.ois_url)
    with engine.connect() as connection:
        sex = connection.execute(text("SELECT Sex FROM Patient")).scalars().first()
    engine.dispose()

    assert sex == "Female          "


def test_the_database_follows_the_day(played):
    before, after = played.rows_before, _rows(played.department)

    kinds = Counter(event.kind for event in played.events)
    sessions = kinds[DayEventKind.FRACTION_DELIVERED] + kinds[DayEventKind.RECORD_WITHOUT_PLAN]
    assert after["patients"] - before["patients"] == 1
    assert after["done"] - before["done"] == 1
    assert after["deliveries"] - before["deliveries"] == sessions


def test_the_database_has_a_test_patient_and_a_cancelled_appointment(played):
    engine = create_engine(played.department.ois_url)
    with engine.connect() as connection:
        flags = connection.execute(text("SELECT TestFlag FROM Patient WHERE PatId LIKE '$%'")).scalars().all()
        cancelled = connection.execute(
            text("SELECT COUNT(*) FROM Appointment WHERE Status LIKE 'Cancelled%'")
        ).scalar_one()
    engine.dispose()

    assert flags == [1]
    assert cancelled == 1


@pytest.mark.parametrize(
    ("kind", "column"),
    [(OisKind.ARIA, aria.TABLES.meta.tables["Patient"].c.PatientId),
     (OisKind.MOSAIQ, mosaiq.TABLES.meta.tables["Ident"].c.IDA)],
)  # fmt: skip
def test_no_patient_id_is_longer_than_the_product_has_room_for(kind, column):
    longest = person(4, id_length_max=kind.patient_id_length_max).patient_id

    assert len(longest) == column.type.length == kind.patient_id_length_max


def test_the_shipped_mapping_is_one_the_census_reads():
    mapping = parse_mapping(mapping_text())

    assert {getattr(e.relation, "table", "") for e in mapping.entities.values()} <= {"", *table_names()}


def test_every_document_the_database_names_lies_on_the_share(made):
    engine = create_engine(f"sqlite:///{made / 'ois.sqlite'}")
    with engine.connect() as connection:
        paths = connection.execute(text("SELECT Path FROM Document")).scalars().all()
    engine.dispose()

    assert len(paths) == 16
    assert all((made / "documents" / path).stat().st_size for path in paths)
