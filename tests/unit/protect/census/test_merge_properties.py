"""What holds for every set of answers: order does not matter, nobody is lost, nothing is silent."""

from __future__ import annotations

from datetime import date

from census_builders import BORN, NOW, census
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.census import Census, CensusEntry, CensusReason, Claim
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import ImplausibleChange, SourceUnavailable
from beamkeeper.protect.census import SourceAnswer, merge

BORN_ELSE = date(1948, 5, 6)
IDS = st.sampled_from(["P1", "P2", "P3", "P4"])

PEOPLE = st.builds(
    Patient,
    patient_id=IDS,
    name=st.sampled_from(["Peeters^Jan", "PEETERS^JAN", "Jan^Peeters", "Other^Person", ""]),
    issuer_of_patient_id=st.sampled_from(["", "A", "B"]),
    birth_on=st.sampled_from([None, BORN, BORN_ELSE]),
    sex=st.sampled_from(["", "F", "M"]),
)


def entries_of(source: str) -> st.SearchStrategy[CensusEntry]:
    claim = st.builds(Claim, source=st.just(source), reason=st.sampled_from(list(CensusReason)[:4]))
    return st.builds(CensusEntry, patient=PEOPLE, claims=st.tuples(claim), finished=st.booleans())


@st.composite
def answers(draw: st.DrawFn) -> list[SourceAnswer]:
    found = []
    for source in draw(st.sets(st.sampled_from(["ois", "pacs", "share"]), min_size=1)):
        if draw(st.integers(0, 4)) == 0:
            found.append(SourceAnswer(source=source, error="No answer."))
            continue
        found.append(
            SourceAnswer(
                source=source,
                entries=tuple(draw(st.lists(entries_of(source), max_size=4))),
                authority=0 if source == "ois" else 1,
                finished_patient_ids=draw(st.frozensets(IDS, max_size=2)),
                test_patient_ids=draw(st.frozensets(IDS, max_size=1)),
            )
        )
    return found


def _key(entry: CensusEntry) -> tuple[object, ...]:
    who = entry.patient
    return (who.patient_id, who.issuer_of_patient_id, who.name, who.birth_on)


@st.composite
def last_lists(draw: st.DrawFn) -> Census | None:
    if draw(st.booleans()):
        return None
    listed = draw(st.lists(entries_of("ois"), max_size=5, unique_by=_key))
    return census(*listed, ois=len(listed))


def taken(said: list[SourceAnswer], before: Census | None) -> Census | str:
    try:
        return merge(said, now=NOW, previous=before)
    except (ImplausibleChange, SourceUnavailable) as error:
        return type(error).__name__


@given(answers(), last_lists(), st.randoms())
def test_the_order_of_sources_and_of_what_they_say_does_not_matter(said, before, random) -> None:
    shuffled = [
        SourceAnswer(
            source=one.source,
            entries=tuple(random.sample(one.entries, len(one.entries))),
            authority=one.authority,
            finished_patient_ids=one.finished_patient_ids,
            test_patient_ids=one.test_patient_ids,
            error=one.error,
        )
        for one in random.sample(said, len(said))
    ]

    assert taken(shuffled, before) == taken(said, before)


@given(answers(), last_lists())
def test_nobody_whom_a_source_names_is_lost(said, before) -> None:
    result = taken(said, before)
    if isinstance(result, str):
        return
    listed = {entry.patient.patient_id for entry in result.entries}
    tests = frozenset().union(*(one.test_patient_ids for one in said))
    named = {entry.patient.patient_id for one in said for entry in one.entries}

    assert named - tests <= listed


@given(answers(), last_lists())
def test_nobody_of_the_last_list_is_lost_unless_known_to_have_finished(said, before) -> None:
    result = taken(said, before)
    if isinstance(result, str) or before is None:
        return
    listed = {entry.patient.patient_id for entry in result.entries}
    tests = frozenset().union(*(one.test_patient_ids for one in said))
    unfinished = {entry.patient.patient_id for entry in before.entries if not entry.finished}

    assert unfinished - tests <= listed


@given(answers(), last_lists())
def test_every_entry_says_why_and_is_there_once(said, before) -> None:
    result = taken(said, before)
    if isinstance(result, str):
        return

    assert all(entry.claims for entry in result.entries)
    keys = [_key(entry) for entry in result.entries]
    assert len(set(keys)) == len(keys)


@given(answers(), last_lists())
def test_a_list_without_anybody_exists_only_as_the_stale_copy_of_one(said, before) -> None:
    result = taken(said, before)
    if isinstance(result, str) or result.entries:
        return

    assert result.stale


@given(answers(), last_lists())
def test_asking_again_without_change_gives_the_same_people(said, before) -> None:
    first = taken(said, before)
    if isinstance(first, str) or first.stale:
        return
    second = taken(said, first)
    if isinstance(second, str):
        return
    tests = frozenset().union(*(one.test_patient_ids for one in said))
    still = {entry.patient.patient_id for entry in first.entries if not entry.finished}

    assert still - tests <= {entry.patient.patient_id for entry in second.entries}
