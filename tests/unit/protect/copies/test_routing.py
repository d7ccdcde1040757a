"""What goes to a store of plain DICOM: a plan with what it stands on, of the right patients."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.census import CensusReason
from beamkeeper.domain.clinical import ClinicalObject, Content
from beamkeeper.domain.objects import ObjectKind, ObjectRef
from beamkeeper.domain.plan import ApprovalStatus, Plan
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.domain.volume import Dose, StructureSet
from beamkeeper.protect.copies import CopyFacts, Group, RoutingRule, Share, route
from beamkeeper.vault import StoredObject

STORAGE = "1.2.840.10008.5.1.4.1.1."
CLASSES = {
    "RTPLAN": "481.5",
    "RTSTRUCT": "481.3",
    "RTDOSE": "481.2",
    "RTRECORD": "481.4",
    "CT": "2",
    "RTIMAGE": "481.1",
    "REG": "66.1",
    "SR": "88.22",
    "DOC": "104.1",
}
TODAY = date(2026, 3, 2)
SHA256 = "0" * 64


def held(
    uid: str, modality: str, *, series: str = "", patient_id: str = "P1", **more: object
) -> StoredObject:
    item = StoredObject(
        sop_class_uid=STORAGE + CLASSES[modality],
        sop_instance_uid=uid,
        study_instance_uid="1",
        series_instance_uid=series or f"series of {uid}",
        patient_id=patient_id,
        modality=modality,
        transfer_syntax_uid="1.2.840.10008.1.2",
        sha256=SHA256,
        size_bytes=1,
        parcel="p",
        member=f"dicom/{modality}/{uid}.dcm",
        first_seen_on=TODAY,
        last_seen_on=TODAY,
    )
    return replace(item, **more)


def said(item: StoredObject, content: Content) -> ClinicalObject:
    ref = ObjectRef(**{name: getattr(item, name) for name in ObjectRef.__dataclass_fields__})
    return ClinicalObject(ref=ref, kind=ObjectKind.OTHER, label="", content=content)


def plan(
    uid: str = "plan", *, status: ApprovalStatus = ApprovalStatus.APPROVED, **more: object
) -> ClinicalObject:
    fields = {"rt_plan_label": "", "patient_id": "P1", "referenced_structure_set_uid": "set"} | more
    return said(held(uid, "RTPLAN"), Plan(sop_instance_uid=uid, approval_status=status, **fields))


def structures(uid: str = "set", *images: str) -> ClinicalObject:
    drawn = StructureSet(
        sop_instance_uid=uid, patient_id="P1", structure_set_label="", referenced_image_uids=images
    )
    return said(held(uid, "RTSTRUCT"), drawn)


def dose(uid: str, *plans: str, sets: tuple[str, ...] = ()) -> ClinicalObject:
    made = Dose(
        sop_instance_uid=uid,
        patient_id="P1",
        dose_units="GY",
        dose_type="PHYSICAL",
        dose_summation_type="PLAN",
        referenced_plan_uids=plans,
        referenced_structure_set_uids=sets,
    )
    return said(held(uid, "RTDOSE"), made)


def record(uid: str, plan_uid: str) -> ClinicalObject:
    made = TreatmentRecord(
        sop_instance_uid=uid, patient_id="P1", referenced_plan_uid=plan_uid, treated_at=None
    )
    return said(held(uid, "RTRECORD"), made)


def stored(item: ClinicalObject) -> StoredObject:
    return held(item.ref.sop_instance_uid, item.ref.modality)


USUAL = (
    plan(),
    structures("set", "ct1"),
    dose("dose", "plan"),
    record("record", "plan"),
)
IMAGES = (
    held("ct1", "CT", series="planning"),
    held("ct2", "CT", series="planning"),
    held("cbct", "CT", series="daily"),
    held("drr", "RTIMAGE"),
    held("reg", "REG"),
    held("sr", "SR"),
)
DOSSIER = held("paper", "DOC", member="dossier.pdf")


def patient(
    described: tuple[ClinicalObject, ...] = USUAL,
    others: tuple[StoredObject, ...] = IMAGES,
    *,
    reasons: frozenset[CensusReason] = frozenset({CensusReason.TREATED_RECENTLY}),
    pseudonym: str = "p",
    **more: object,
) -> CopyFacts:
    facts = CopyFacts(
        pseudonym=pseudonym,
        patient_id="P1",
        last_seen_on=TODAY,
        finished=False,
        reasons=reasons,
        held=(*map(stored, described), *others),
        described=described,
        dossier=DOSSIER,
    )
    return replace(facts, **more)


def going(*patients: CopyFacts, **rule: object) -> set[str]:
    return {item.sop_instance_uid for _, item in route(RoutingRule(**rule), patients).objects}


def test_a_plan_goes_with_what_it_stands_on_and_a_cone_beam_ct_stays():
    assert going(patient()) == {"plan", "set", "dose", "record", "ct1", "ct2"}


def test_every_share_can_be_asked_for_by_itself():
    by_share = {share: going(patient(), shares=frozenset({share})) for share in Share}

    assert by_share == {
        Share.PLAN: {"plan"},
        Share.STRUCTURES: {"set"},
        Share.DOSE: {"dose"},
        Share.RECORDS: {"record"},
        Share.PLANNING_IMAGES: {"ct1", "ct2"},
        Share.OTHER_IMAGES: {"cbct"},
        Share.RT_IMAGES: {"drr"},
        Share.REGISTRATIONS: {"reg"},
        Share.OTHER: {"sr"},
        Share.DOSSIER: {"paper"},
        Share.LISTS: set(),
    }


def test_modalities_narrow_what_goes():
    assert going(patient(), modalities=frozenset({"RTPLAN", "CT"})) == {"plan", "ct1", "ct2"}


def test_the_dossier_goes_only_where_it_is_asked_for_and_with_its_patient():
    wanted = frozenset({Share.PLAN, Share.DOSSIER})
    stranger = patient(reasons=frozenset({CensusReason.SIMULATED_RECENTLY}))

    assert "paper" not in going(patient())
    assert going(patient(), shares=wanted) == {"plan", "paper"}
    assert going(patient(finished=True), shares=wanted) == set()
    assert going(stranger, shares=wanted, groups=frozenset({Group.ON_TREATMENT})) == set()
    assert going(patient(), shares=wanted, modalities=frozenset({"RTPLAN"})) == {"plan"}


def test_the_triage_list_goes_where_it_is_asked_for_and_is_no_patient():
    lists = (("department", held("list", "DOC", member="lists/triage-list.dcm")),)
    wanted = RoutingRule(shares=frozenset({Share.PLAN, Share.LISTS}))

    routed = route(wanted, [patient()], lists)
    assert [item.sop_instance_uid for _, item in routed.objects] == ["plan", "list"]
    assert (routed.patient_count, routed.without_lists) == (1, False)
    assert route(wanted, [patient()]).without_lists
    assert not route(RoutingRule(), [patient()]).without_lists
    assert len(route(RoutingRule(), [patient()], lists).objects) == 6


@pytest.mark.parametrize("given", [None, replace(DOSSIER, patient_id="P2")])
def test_a_patient_whose_dossier_cannot_go_is_counted(given):
    rule = RoutingRule(shares=frozenset({Share.PLAN, Share.DOSSIER}))
    routed = route(rule, [patient(dossier=given)])

    assert [item.sop_instance_uid for _, item in routed.objects] == ["plan"]
    assert routed.without_dossier == 1
    assert route(RoutingRule(), [patient(dossier=given)]).without_dossier == 0


@pytest.mark.parametrize("status", sorted(set(ApprovalStatus) - {ApprovalStatus.APPROVED}))
def test_a_plan_nobody_approved_stays_here_with_its_chain_and_is_counted(status):
    facts = patient((plan(status=status), structures("set", "ct1"), dose("dose", "plan")))
    routed = route(RoutingRule(), [facts])

    assert routed.objects == ()
    assert routed.plans_not_approved == 1
    assert "plan" in going(facts, any_plan=True)


def test_a_plan_that_was_treated_goes_whatever_it_says_of_itself():
    facts = patient((plan(status=ApprovalStatus.UNKNOWN), record("record", "plan")))

    assert going(facts) == {"plan", "record"}


def test_a_verification_plan_is_not_sent_for_being_approved():
    assert "plan" not in going(patient((plan(plan_intent="VERIFICATION"),)))


def test_doses_of_other_plans_and_structure_sets_of_other_plans_stay_here():
    facts = patient((*USUAL, dose("other", "elsewhere"), structures("spare", "cbct")))

    assert going(facts) == {"plan", "set", "dose", "record", "ct1", "ct2"}


def test_a_dose_that_names_no_plan_goes_with_its_structure_set_or_when_the_plan_names_it():
    facts = patient(
        (plan(referenced_dose_uids=("named",)), structures(), dose("by set", sets=("set",)), dose("named")),
    )

    assert {"by set", "named"} <= going(facts)


def test_a_structure_set_without_kept_images_is_counted_because_its_ct_is_unknown():
    routed = route(RoutingRule(), [patient((plan(), structures("set", "elsewhere")))])

    assert routed.structures_without_images == 1


@pytest.mark.parametrize(
    ("reasons", "groups", "goes"),
    [
        ({CensusReason.TREATED_RECENTLY}, {Group.ON_TREATMENT}, True),
        ({CensusReason.KEPT_BEFORE}, {Group.ON_TREATMENT}, True),
        ({CensusReason.SIMULATED_RECENTLY}, {Group.ON_TREATMENT}, False),
        ({CensusReason.SIMULATED_RECENTLY}, {Group.PLAN_READY}, True),
        (set(), {Group.LISTED}, True),
        (set(), {Group.ON_TREATMENT}, False),
    ],
)
def test_a_patient_goes_by_group(reasons, groups, goes):
    assert bool(going(patient(reasons=frozenset(reasons)), groups=frozenset(groups))) is goes


def test_a_patient_without_an_approved_plan_is_not_plan_ready():
    facts = patient((record("record", "elsewhere"),), reasons=frozenset({CensusReason.SCHEDULED_SOON}))

    assert going(facts) == set()


def test_who_finished_and_who_is_on_no_list_any_more_is_not_sent():
    now = patient(pseudonym="now")
    long_ago = patient((plan("old"),), (), pseudonym="then", last_seen_on=TODAY - timedelta(days=8))
    finished = patient((plan("done"),), (), pseudonym="done", finished=True)

    assert not {"old", "done"} & going(now, long_ago, finished)
    assert "old" in going(now, replace(long_ago, last_seen_on=TODAY - timedelta(days=7)))


@pytest.mark.parametrize(
    "odd",
    [
        {"present": False},
        {"superseded": True},
        {"member": "quarantine/x.dcm"},
        {"patient_id": "P2"},
    ],
)
def test_what_is_gone_replaced_broken_or_of_somebody_else_does_not_go(odd):
    facts = patient(others=(held("ct1", "CT", series="planning", **odd),))

    assert "ct1" not in going(facts)


def test_a_worklist_entry_is_no_object_of_a_store():
    entry = held("ups", "SR", sop_class_uid="1.2.840.10008.5.1.4.34.6.1")

    assert "ups" not in going(patient(others=(entry,)), shares=frozenset(Share))


def test_a_uid_that_two_patients_hold_goes_nowhere_and_is_counted():
    routed = route(RoutingRule(), [patient(pseudonym="a"), patient(pseudonym="b")])

    assert routed.objects == ()
    assert routed.contested == 6


@given(
    st.sets(st.sampled_from(sorted(Share)), min_size=1),
    st.sets(st.sampled_from(sorted(Group)), min_size=1),
    st.booleans(),
    st.lists(st.sampled_from(sorted(CensusReason)), max_size=3),
    st.booleans(),
)
def test_nothing_goes_that_is_not_kept_whole_and_asked_for(shares, groups, any_plan, reasons, finished):
    facts = patient(reasons=frozenset(reasons), finished=finished)
    rule = RoutingRule(shares=frozenset(shares), groups=frozenset(groups), any_plan=any_plan)
    narrower = replace(rule, shares=frozenset(sorted(shares)[:1]))
    found = {item.sop_instance_uid for _, item in route(rule, [facts]).objects}

    assert found <= {item.sop_instance_uid for item in (*facts.held, DOSSIER)}
    assert not (finished and found)
    assert {item.sop_instance_uid for _, item in route(narrower, [facts]).objects} <= found
