"""One list out of several answers: the rules, one by one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from census_builders import BORN, NOW, answer, census, entry, patient, silent

from beamkeeper.domain.census import CensusReason, Claim, OisCount
from beamkeeper.domain.chart import Chart, Triage
from beamkeeper.domain.patient import Contact
from beamkeeper.errors import ImplausibleChange, SourceUnavailable
from beamkeeper.protect.census import DropRule, merge
from beamkeeper.protect.census.merge import LAST_LIST

TOMORROW = NOW + timedelta(days=1)


def ids(taken) -> list[str]:
    return [one.patient.patient_id for one in taken.entries]


def report(taken, source: str):
    return next(one for one in taken.sources if one.source == source)


def test_sources_are_joined_by_patient_id_and_every_claim_is_kept() -> None:
    soon = entry("P1", reason=CensusReason.SCHEDULED_SOON)
    taken = merge([answer("ois", soon), answer("pacs", entry("P1", source="pacs"))], now=NOW, previous=None)

    assert ids(taken) == ["P1"]
    assert taken.entries[0].claims == (
        Claim(source="ois", reason=CensusReason.SCHEDULED_SOON),
        Claim(source="pacs", reason=CensusReason.TREATED_RECENTLY),
    )
    assert not taken.stale


def test_a_source_that_is_down_is_said_and_the_others_are_used() -> None:
    taken = merge([silent("ois"), answer("pacs", entry("P2", source="pacs"))], now=NOW, previous=None)

    assert ids(taken) == ["P2"]
    assert not report(taken, "ois").answered
    assert report(taken, "ois").error == "The database gave no answer."


def test_when_every_source_is_down_the_last_list_is_used_with_its_own_time_and_marked_stale() -> None:
    before = census(entry("P1"), entry("P2"), ois=2)
    taken = merge([silent("ois"), silent("pacs")], now=TOMORROW, previous=before)

    assert taken.stale
    assert taken.entries == before.entries
    assert taken.taken_at == NOW
    assert [one.answered for one in taken.sources] == [False, False]


@pytest.mark.parametrize("answers", [[silent("ois")], []])
def test_without_any_answer_and_without_a_last_list_there_is_no_list_at_all(answers) -> None:
    with pytest.raises(SourceUnavailable, match="no earlier list") as caught:
        merge(answers, now=NOW, previous=None)

    assert caught.value.do_next


def test_an_empty_list_is_never_taken_for_a_quiet_night() -> None:
    with pytest.raises(ImplausibleChange, match="nobody"):
        merge([answer("ois"), answer("pacs")], now=NOW, previous=None)


def test_a_source_that_names_nobody_loses_nobody_and_is_said_aloud() -> None:
    before = census(entry("P1"), entry("P2"), ois=2)
    taken = merge([answer("ois")], now=TOMORROW, previous=before)

    assert ids(taken) == ["P1", "P2"]
    assert {claim.reason for one in taken.entries for claim in one.claims} == {CensusReason.KEPT_BEFORE}
    assert report(taken, "ois").warnings == ("ois answered, but named nobody (2 the time before).",)


@pytest.mark.parametrize(("count", "warned"), [(70, False), (69, True)])
def test_a_drop_beyond_the_limit_is_said_aloud(count: int, warned: bool) -> None:
    named = [entry(f"P{number:03}") for number in range(count)]
    taken = merge([answer("ois", *named)], now=TOMORROW, previous=census(entry("P000"), ois=100))

    assert any("fewer" in text for text in report(taken, "ois").warnings) is warned


def test_in_a_small_department_percentages_say_nothing() -> None:
    taken = merge([answer("ois", entry("P1"))], now=TOMORROW, previous=census(entry("P1"), ois=4))

    assert report(taken, "ois").warnings == ()


def test_a_drop_counts_against_what_the_same_source_named_then() -> None:
    taken = merge(
        [answer("ois", entry("P1")), answer("pacs", *(entry(f"P{n}", source="pacs") for n in range(9)))],
        now=TOMORROW,
        previous=census(entry("P1"), ois=1, pacs=9),
    )

    assert all(one.warnings == () for one in taken.sources)


def test_many_patients_finished_at_once_are_said_aloud() -> None:
    before = census(*(entry(f"P{number}") for number in range(10)), ois=10)
    finished = frozenset(f"P{number}" for number in range(4))
    taken = merge(
        [answer("ois", *before.entries, finished_patient_ids=finished)],
        now=TOMORROW,
        previous=before,
        drop=DropRule(percent_max=30),
    )

    assert report(taken, "ois").warnings == ("ois says that 4 of 10 patients finished since the last list.",)


def test_a_patient_who_vanished_from_the_sources_stays_with_what_was_known() -> None:
    known = entry(
        patient(contacts=(Contact(relation="self", name="", phone="1"),)),
        counts=(OisCount(plan_uid="1", source="ois", fractions_planned=5, fractions_done=2),),
    )
    taken = merge([answer("ois", entry("P2"))], now=TOMORROW, previous=census(known, ois=1))

    kept = taken.entries[0]
    assert kept.patient == known.patient
    assert kept.claims == (Claim(source=LAST_LIST, reason=CensusReason.KEPT_BEFORE),)
    assert kept.counts == ()
    assert not kept.finished


def test_a_patient_who_finished_is_listed_once_more_and_then_no_longer() -> None:
    other = entry("P2")
    done = answer("ois", other, finished_patient_ids=frozenset({"P1"}))
    second = merge([done], now=NOW, previous=census(entry("P1"), other, ois=2))
    third = merge([done], now=TOMORROW, previous=second)

    assert [(one.patient.patient_id, one.finished) for one in second.entries] == [("P1", True), ("P2", False)]
    assert ids(third) == ["P2"]


def test_finished_by_one_and_more_planned_by_another_is_shown_and_not_finished() -> None:
    finished = entry("P1", finished=True)
    more = entry("P1", source="second", reason=CensusReason.SCHEDULED_SOON)
    taken = merge([answer("ois", finished), answer("second", more)], now=NOW, previous=None)

    assert not taken.entries[0].finished
    assert taken.entries[0].disagreements == ("ois: treatment finished; second: more is planned",)


def test_what_sources_say_differently_is_shown_in_words_and_not_resolved() -> None:
    in_ois = patient(name="Peeters^Jan", birth_on=BORN, sex="F")
    in_pacs = patient(name="Pieters^Jan", birth_on=date(1960, 2, 1), sex="M")
    taken = merge(
        [answer("ois", entry(in_ois)), answer("pacs", entry(in_pacs, source="pacs"), authority=1)],
        now=NOW,
        previous=None,
    )

    assert taken.entries[0].disagreements == (
        "ois: name Peeters^Jan, pacs: Pieters^Jan",
        "ois: birth date 1960-01-02, pacs: 1960-02-01",
        "ois: sex F, pacs: M",
    )
    assert taken.entries[0].patient.name == "Peeters^Jan"


def test_one_source_with_two_spellings_of_one_patient_is_shown() -> None:
    taken = merge(
        [answer("pacs", entry(patient(name="Peeters^Jan")), entry(patient(name="Janssens^Jan")))],
        now=NOW,
        previous=None,
    )

    assert len(taken.entries) == 1
    assert taken.entries[0].disagreements == ("pacs: name Janssens^Jan, pacs: Peeters^Jan",)


def test_a_source_that_does_not_know_a_fact_disagrees_with_nobody() -> None:
    taken = merge(
        [answer("ois", entry(patient(birth_on=BORN, sex="M"))), answer("pacs", entry(patient(name="")))],
        now=NOW,
        previous=None,
    )

    assert taken.entries[0].disagreements == ()
    assert (taken.entries[0].patient.birth_on, taken.entries[0].patient.sex) == (BORN, "M")


def test_test_patients_are_left_out_and_named() -> None:
    taken = merge(
        [
            answer("ois", entry("P1"), test_patient_ids=frozenset({"$QA"})),
            answer("pacs", entry("$QA", source="pacs")),
        ],
        now=NOW,
        previous=census(entry("$QA"), ois=1),
    )

    assert ids(taken) == ["P1"]
    assert "1 test patient is left out: $QA." in report(taken, "ois").warnings


def test_the_same_patient_id_of_two_issuers_is_two_people_and_said() -> None:
    one, other = patient(issuer="A"), patient(name="Other^Person", issuer="B")
    taken = merge(
        [answer("ois", entry(one), entry(other), finished_patient_ids=frozenset({"P1"}))],
        now=NOW,
        previous=None,
    )

    assert [entry_.patient.issuer_of_patient_id for entry_ in taken.entries] == ["A", "B"]
    assert [entry_.finished for entry_ in taken.entries] == [False, False]
    assert "several issuers (A, B): not merged" in taken.entries[0].disagreements[0]


def test_the_same_patient_id_without_issuers_is_two_people_where_name_and_birth_date_differ() -> None:
    one, other = patient(birth_on=BORN), patient(name="Other^Person", birth_on=date(1948, 5, 6))
    pacs = answer("pacs", entry(one, source="pacs"), entry(other, source="pacs"), authority=1)
    taken = merge([answer("ois", entry(one)), pacs], now=NOW, previous=None)
    again = merge([answer("ois", entry(one))], now=NOW, previous=taken)

    assert [found.patient.name for found in taken.entries] == ["Other^Person", "Peeters^Jan"]
    assert [len(found.claims) for found in taken.entries] == [1, 2]
    assert "used for 2 persons" in taken.entries[0].disagreements[0]
    assert [found.patient.name for found in again.entries] == ["Other^Person", "Peeters^Jan"]


def test_who_is_named_too_briefly_to_be_told_apart_keeps_both_on_the_list() -> None:
    one, other = patient(birth_on=BORN), patient(name="Other^Person", birth_on=date(1948, 5, 6))
    brief = entry(patient(name=""), source="pacs", finished=True)
    said = [answer("ois", entry(one), entry(other)), answer("pacs", brief, authority=1)]
    taken = merge(said, now=NOW, previous=None)

    assert len(taken.entries) == 2
    for found in taken.entries:
        assert {claim.source for claim in found.claims} == {"ois", "pacs"}
        assert not found.finished
        assert any("any of those who have it" in text for text in found.disagreements)


def test_a_source_without_issuers_means_the_only_issuer_there_is_also_on_the_last_list() -> None:
    with_issuer, without = entry(patient(issuer="HOSP")), entry(patient(), source="pacs")
    together = merge([answer("ois", with_issuer), answer("pacs", without)], now=NOW, previous=None)
    ois_down = merge([silent("ois"), answer("pacs", without)], now=NOW, previous=together)

    assert len(together.entries) == len(ois_down.entries) == 1
    assert ois_down.entries[0].patient.issuer_of_patient_id == "HOSP"


def test_while_the_ois_is_down_its_phone_numbers_are_not_forgotten() -> None:
    phones = (Contact(relation="self", name="", phone="+32 3"),)
    before = census(entry(patient(contacts=phones, birth_on=BORN)), ois=1)
    partial = merge([silent("ois"), answer("pacs", entry("P1", source="pacs"))], now=NOW, previous=before)
    whole = merge([answer("ois", entry("P1"))], now=NOW, previous=before)

    assert partial.entries[0].patient.contacts == phones
    assert partial.entries[0].patient.birth_on == BORN
    assert whole.entries[0].patient.contacts == ()


def chart_of(who, source: str = "raystation", code: str = "1") -> tuple[object, Chart]:
    return who, Chart(source=source, triage=Triage(code=code))


def test_what_a_source_knows_of_somebody_on_the_list_is_given_to_them_and_lists_nobody() -> None:
    told = answer("raystation", charts=(chart_of(patient("P1")), chart_of(patient("P9"))))
    taken = merge([answer("ois", entry("P1")), told], now=NOW, previous=None)

    assert ids(taken) == ["P1"]
    assert [chart.source for chart in taken.entries[0].charts] == ["raystation"]


def test_a_chart_of_an_id_that_two_persons_have_goes_to_the_one_it_names() -> None:
    one = patient("P1", name="Peeters^Jan", birth_on=BORN)
    other = patient("P1", name="Claes^An", birth_on=date(1990, 3, 4))
    told = answer("raystation", charts=(chart_of(patient("P1", name="Claes^An")),))
    taken = merge([answer("ois", entry(one), entry(other)), told], now=NOW, previous=None)

    assert {who.patient.name: len(who.charts) for who in taken.entries} == {"Peeters^Jan": 0, "Claes^An": 1}


def test_a_chart_of_nobody_who_has_that_id_goes_to_nobody_and_is_said() -> None:
    born = patient("P1", name="Peeters^Jan", birth_on=BORN)
    told = answer(
        "raystation", charts=(chart_of(patient("P1", name="Zwart^Wim", birth_on=date(1990, 3, 4))),)
    )
    taken = merge([answer("ois", entry(born)), told], now=NOW, previous=None)

    assert taken.entries[0].charts == ()
    assert "unclear of whom" in taken.entries[0].disagreements[-1]


def test_while_a_source_is_silent_its_chart_of_before_stays_and_no_others() -> None:
    charts = (
        Chart(source="raystation", triage=Triage(code="1")),
        Chart(source="ois", triage=Triage(code="3")),
    )
    before = census(entry("P1", charts=charts), ois=1)
    taken = merge([answer("ois", entry("P1")), silent("raystation")], now=NOW, previous=before)

    assert [chart.source for chart in taken.entries[0].charts] == ["raystation"]


def test_a_newer_chart_takes_the_place_of_the_one_before() -> None:
    before = census(entry("P1", charts=(Chart(source="raystation", triage=Triage(code="1")),)), ois=1)
    told = answer("raystation", charts=(chart_of(patient("P1"), code="5"),))
    taken = merge([answer("ois"), told], now=NOW, previous=before)

    assert [chart.triage for chart in taken.entries[0].charts] == [Triage(code="5")]
