"""Two people confirm a night that was really played, through the one place where votes are taken."""

from __future__ import annotations

import getpass
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from voting_site import (
    DEADLINE,
    MORNING,
    NIGHT_1,
    NIGHT_2,
    QUORUM,
    SmallSite,
    ask_people,
    audited,
    ballot,
    ledger_of,
    lose_a_structure_set,
    second_night,
    state_of,
)

from beamkeeper.app.jobs.quorum import cast, frozen_by, standings, take_reports
from beamkeeper.app.jobs.running import run_night
from beamkeeper.app.jobs.runtime import open_vault
from beamkeeper.app.jobs.signed_votes import sign_reports
from beamkeeper.app.jobs.vote_codes import code_secret, use_code, verify_code
from beamkeeper.clock import MovableClock, SystemClock, local_date
from beamkeeper.domain.ballot import THE_NIGHT
from beamkeeper.errors import ConfigError, VoteRefused
from beamkeeper.protect.quorum import Confirmed, Disputed, Overdue, Quiet, Unverified
from beamkeeper.protect.quorum.codes import VALID_FOR, WRONG_CODES_MAX, code_for
from beamkeeper.vault import SiteKeys

if TYPE_CHECKING:
    from forked import Forks


@pytest.fixture
def voting(kept_site: SmallSite) -> SmallSite:
    return second_night(kept_site)


def vote(site: SmallSite, person: str, verdict: str = "confirm", **about: object) -> object:
    given = ballot(site, person, verdict, **about)  # type: ignore[arg-type]
    return cast(site.site, ledger_of(site), given, given.at).state


def refused(site: SmallSite, person: str, verdict: str = "confirm", **about: object) -> str:
    with pytest.raises(VoteRefused) as error:
        vote(site, person, verdict, **about)
    return error.value.message


def test_the_night_waits_for_the_patient_whose_object_is_gone(voting: SmallSite) -> None:
    state = state_of(voting)

    assert isinstance(state, Unverified)
    assert len(state.missing) == 1
    assert state.missing[0] in {row.pseudonym for row in ledger_of(voting).patients()}


def test_two_people_confirm_and_it_is_kept_and_audited(voting: SmallSite) -> None:
    vote(voting, "an")
    after = vote(voting, "bo", minute=1)

    assert isinstance(after, Confirmed)
    assert after.by == ("an", "bo")
    assert state_of(voting) == after
    assert ledger_of(voting).votes.state(NIGHT_2) == "confirmed"
    assert [line["actor"] for line in audited(voting, "vote cast")] == ["an", "bo"]


def test_the_same_vote_again_is_refused_and_logged(voting: SmallSite) -> None:
    vote(voting, "an")

    assert "counted before" in refused(voting, "an", minute=3)
    assert isinstance(state_of(voting), Unverified)
    assert [line["why"] for line in audited(voting, "vote refused")] != []


def test_who_may_not_vote_and_who_is_nobody_are_refused(voting: SmallSite) -> None:
    assert "physicists and physicians vote" in refused(voting, "head")
    assert "Nobody of that name" in refused(voting, "mallory")


def test_a_vote_about_a_list_that_changed_since_is_refused(voting: SmallSite) -> None:
    stale = replace(ballot(voting, "an"), digest="0" * 64)

    with pytest.raises(VoteRefused, match="other changes since"):
        cast(voting.site, ledger_of(voting), stale, MORNING)


def test_a_vote_about_a_patient_off_the_list_is_refused_but_a_dispute_is_not(voting: SmallSite) -> None:
    waiting = state_of(voting).missing  # type: ignore[union-attr]
    other = next(row.pseudonym for row in ledger_of(voting).patients() if row.pseudonym not in waiting)

    assert "nothing to confirm" in refused(voting, "an", scope=(other,))
    assert isinstance(vote(voting, "an", "dispute", scope=(other,)), Disputed)
    assert "no such patient" in refused(voting, "bo", "dispute", scope=("nobody",))


def test_a_dispute_freezes_purging_until_it_is_withdrawn_and_backed(voting: SmallSite) -> None:
    ledger = ledger_of(voting)
    vote(voting, "an", "dispute")

    assert [state.night for state in frozen_by(voting.site, ledger, MORNING)] == [NIGHT_2]
    vote(voting, "an", minute=5)
    assert frozen_by(voting.site, ledger, MORNING) != ()
    vote(voting, "bo", minute=6)
    assert frozen_by(voting.site, ledger, MORNING) == ()
    assert isinstance(state_of(voting), Confirmed)


def test_a_clock_set_back_between_two_votes_loses_no_dispute_and_no_withdrawal(voting: SmallSite) -> None:
    vote(voting, "an", minute=60)
    vote(voting, "bo", minute=61)
    assert isinstance(vote(voting, "an", "dispute", minute=5), Disputed)
    assert isinstance(vote(voting, "an", minute=6), Disputed)
    assert isinstance(vote(voting, "bo", minute=7), Confirmed)
    assert isinstance(vote(voting, "bo", "dispute", minute=5), Disputed)


def test_a_night_run_again_with_another_result_voids_the_votes(voting: SmallSite) -> None:
    vote(voting, "an")
    vote(voting, "bo")
    first = ledger_of(voting).votes.facts(NIGHT_2)
    folder = voting.site.night_dir(NIGHT_2)
    text = (folder / "report.note").read_text("utf-8")
    finished = json.loads(text)["finished_at"]
    later = finished.replace("T02:", "T08:")
    for path in (folder / "report.note",):
        path.write_text(text.replace(finished, later).replace('"missing"', '"unreadable"'), "utf-8")
    ledger = ledger_of(voting)
    row = ledger.night(NIGHT_2)
    assert row is not None
    assert row.finished_at is not None
    ledger.finish_night(
        NIGHT_2, finished_at=row.finished_at + timedelta(hours=6), outcome=row.outcome, summary=row.summary
    )
    take_reports(voting.site, ledger, MORNING)

    assert ledger.votes.facts(NIGHT_2) != first
    assert isinstance(state_of(voting), Unverified)


def test_the_first_look_takes_the_newest_report_and_no_older_debt(kept_site: SmallSite) -> None:
    lose_a_structure_set(kept_site)
    kept_site.night(NIGHT_2)
    ask_people(kept_site)
    take_reports(kept_site.site, ledger_of(kept_site), MORNING)

    assert [item.night for item in standings(kept_site.site, ledger_of(kept_site), MORNING)] == [NIGHT_2]


def test_the_first_night_of_all_has_nothing_to_compare_with_and_is_looked_at(kept_site: SmallSite) -> None:
    ask_people(kept_site)
    take_reports(kept_site.site, ledger_of(kept_site), MORNING - timedelta(days=1))
    state = state_of(kept_site, MORNING - timedelta(days=1), NIGHT_1)

    assert isinstance(state, Unverified)
    assert state.missing == (THE_NIGHT,)


def test_a_quiet_night_needs_no_vote_and_a_night_that_did_not_run_is_overdue(kept_site: SmallSite) -> None:
    ask_people(kept_site)
    take_reports(kept_site.site, ledger_of(kept_site), MORNING - timedelta(days=1))
    for person in ("an", "bo"):
        given = replace(ballot(kept_site, person, night=NIGHT_1), at=MORNING - timedelta(days=1))
        cast(kept_site.site, ledger_of(kept_site), given, given.at)
    kept_site.night(NIGHT_2)
    take_reports(kept_site.site, ledger_of(kept_site), MORNING)
    after = DEADLINE + timedelta(days=1)
    found = standings(kept_site.site, ledger_of(kept_site), after)

    assert [type(item.state) for item in found] == [Confirmed, Quiet, Overdue]
    assert not found[-1].state.reported  # type: ignore[union-attr]
    assert "needs no vote" in refused(kept_site, "an")


def test_a_night_that_waits_is_signed_as_one_that_waits(voting: SmallSite) -> None:
    clock = MovableClock(MORNING)
    assert sign_reports(voting.site, ledger_of(voting), clock)
    (signed,) = open_vault(voting.site, clock, SiteKeys.load(voting.site.vault.keys_dir)).votes()

    assert (signed.facts.night, signed.ballots) == (NIGHT_2, ())
    assert signed.facts.items
    assert not sign_reports(voting.site, ledger_of(voting), clock)


def test_a_code_is_one_persons_for_one_list_once_and_for_a_day(voting: SmallSite) -> None:
    site, ledger = voting.site, ledger_of(voting)
    facts = ledger.votes.facts(NIGHT_2)
    assert facts is not None
    code = code_for(code_secret(site.vault.keys_dir), facts, "an")

    verify_code(site, ledger, facts, person="an", typed=code.lower().replace("-", " "), now=MORNING)
    with pytest.raises(VoteRefused, match="not your code"):
        verify_code(site, ledger, facts, person="bo", typed=code, now=MORNING)
    with pytest.raises(VoteRefused, match="not your code"):
        verify_code(site, ledger, replace(facts, digest="0" * 64), person="an", typed=code, now=MORNING)
    with pytest.raises(VoteRefused, match="too old"):
        verify_code(site, ledger, facts, person="an", typed=code, now=DEADLINE + VALID_FOR)
    use_code(ledger, facts, "an", MORNING)
    with pytest.raises(VoteRefused, match="used before"):
        verify_code(site, ledger, facts, person="an", typed=code, now=MORNING)


def test_after_five_wrong_codes_the_right_one_is_not_taken_either(voting: SmallSite) -> None:
    site, ledger = voting.site, ledger_of(voting)
    facts = ledger.votes.facts(NIGHT_2)
    assert facts is not None
    for number in range(WRONG_CODES_MAX):
        with pytest.raises(VoteRefused, match="not your code"):
            verify_code(site, ledger, facts, person="an", typed=f"WRONG-{number}", now=MORNING)
    code = code_for(code_secret(site.vault.keys_dir), facts, "an")

    with pytest.raises(VoteRefused, match="Too many"):
        verify_code(site, ledger, facts, person="an", typed=code, now=MORNING)


def test_the_secret_of_the_codes_is_made_once_for_the_owner_alone(voting: SmallSite) -> None:
    keys_dir = voting.site.vault.keys_dir
    secret = code_secret(keys_dir)

    assert code_secret(keys_dir) == secret
    assert (keys_dir / "votes.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('mail = "bo@hospital.example"', 'mail = "AN@hospital.example"', "same mail address"),
        ('mail = "bo@hospital.example"', 'mail = "an+2@hospital.example"', "same mail address"),
        ('login = "bo"', 'login = "an"', "same login"),
        ('recipients = ["an", "bo"]', 'recipients = ["zoe"]', "zoe"),
        ("[quorum]", "[quorum]\npeople_needed = 4", "may vote"),
        ("[quorum]", "[quorum]\nremind_minutes = 0", "remind_minutes"),
    ],
)
def test_a_site_file_in_which_one_person_could_count_twice_is_refused(
    kept_site: SmallSite, old: str, new: str, why: str
) -> None:
    ask_people(kept_site, QUORUM.replace(old, new, 1))

    with pytest.raises(ConfigError, match=why):
        _ = kept_site.site


@pytest.fixture
def today(kept_site: SmallSite) -> SmallSite:
    """A site whose night of this very day found a change: commands ask the machine's clock."""
    account = getpass.getuser().lower()
    ask_people(kept_site, QUORUM.replace('"cy"', f'"{account}"', 1))
    lose_a_structure_set(kept_site)
    clock = SystemClock()
    run_night(kept_site.site, clock, local_date(clock.now(), kept_site.site.zone))
    return kept_site


def test_votes_are_cast_and_shown_by_the_command_line(today: SmallSite, forked: Forks) -> None:
    waiting = forked.command(today, "quorum")
    facts = ledger_of(today).votes.all_facts()[-1]
    code = code_for(code_secret(today.site.vault.keys_dir), facts, "an")
    mine = forked.command(today, "vote", "confirm")
    again = forked.command(today, "vote", "confirm")
    nobody = forked.command(today, "vote", "confirm", "--as", "zoe", "--code", code)
    forged = forked.command(today, "vote", "confirm", "--as", "bo", "--code", code)
    by_code = forked.command(
        today, "vote", "confirm", "--as", "an", "--code", code, "--reason", "seen", "--json"
    )
    shown = forked.command(today, "quorum", "--json")

    assert [item.returncode for item in (waiting, mine, again, nobody, forged)] == [3, 0, 43, 2, 43]
    assert "nobody" in waiting.stdout
    assert json.loads(by_code.stdout)["state"]["word"] == "confirmed"
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["nights"][-1]["state"]["by"] == sorted(["an", getpass.getuser().lower()])
    assert "seen" not in shown.stdout


def test_a_dispute_on_the_command_line_names_a_patient_by_id(today: SmallSite, forked: Forks) -> None:
    row = ledger_of(today).patients()[0]
    disputed = forked.command(today, "vote", "dispute", "--patient", row.patient.patient_id)
    shown = forked.command(today, "quorum")

    assert disputed.returncode == 0
    assert "DISPUTED" in disputed.stdout
    assert shown.returncode == 3
    assert "Nothing is purged" in shown.stdout
