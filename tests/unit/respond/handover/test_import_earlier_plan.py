"""Records of a plan that is given and therefore was not sent: looked at, and no reason to stop."""

from __future__ import annotations

from datetime import date

from beamkeeper.clock import zone
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.rehearse.sim.patients import plan_objects, session_time, treatment_of
from beamkeeper.rehearse.sim.records import records
from beamkeeper.rehearse.sim.state import at_first, patient_of
from beamkeeper.respond.handover.import_facts import Imported, read_imported
from beamkeeper.respond.handover.import_finding import Announced, Grade
from beamkeeper.respond.handover.import_report import verify_import

WITH_A_BOOST = 5
EARLIER = "Records of plans that the sender counts and did not send"
STRANGE = "Objects of a plan that is not here"
UTC_ZONE = zone("UTC")


def test_records_of_a_plan_that_is_given_do_not_stop_the_set_and_those_of_a_stranger_do() -> None:
    day = date(2025, 3, 10)
    state = at_first(1, WITH_A_BOOST + 1, day, day)
    member = state.patients[WITH_A_BOOST]
    patient = patient_of(state, member)
    plan = patient.plan_uid(patient.treatments[0])
    files = list(plan_objects(patient, patient.treatments, UTC_ZONE))
    for session in member.sessions:
        treated_at = session_time(patient, session, UTC_ZONE)
        files += records(patient, treatment_of(patient, session), session, treated_at)
    whole = [one for one in read_imported(files, zone=UTC_ZONE) if isinstance(one, Imported)]
    whose = next(one.patient for one in whole if one.patient is not None)
    counted = verify_import(whole, Announced(patient=whose)).position
    sent = [one for one in whole if one.uid != plan and one.item.kind is not ObjectKind.DOSE]
    by_count, by_nothing = (
        {one.what: one for one in verify_import(sent, Announced(patient=whose, position=position)).findings}
        for position in (counted, None)
    )

    assert by_count[STRANGE].grade is Grade.OK
    assert by_count[EARLIER].grade is Grade.LOOK
    assert "5 of 30 given" in by_count[EARLIER].found
    assert by_nothing[STRANGE].grade is Grade.STOP
    assert EARLIER not in by_nothing
