"""A move by hand as the command and the pages take it: what was said since counts, nobody is hurt unseen."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.room_house.incident import DECLARED, make_incident, patient
from tests.room_house.placing import make_placement
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.handover_placed import verify_placed
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.placing import Who, board_at, keep_proposal, make_version, propose
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.app.jobs.placing_hand import announce, begin, move_back, priced, take, undo
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.respond.placement import Move

C = Who(by="Co Dumont, coordinator", at=DECLARED + timedelta(hours=2))
TODAY = date(2026, 3, 4)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty patients on three machines: each plan fits some of them."""
    path = tmp_path_factory.mktemp("kept") / "incident"
    make_placement(make_incident(path, tuple(patient(number) for number in range(20))))
    return path


@pytest.fixture
def placing(kept: Path, tmp_path: Path) -> PlacementFolder:
    shutil.copytree(kept, tmp_path / "incident")
    return PlacementFolder(IncidentFolder.open(tmp_path / "incident"))


def moves(placing: PlacementFolder, today: date) -> list[Move]:
    """Return every move that can be made on the board as it stands."""
    at = board_at(placing)
    found = (
        priced(at, one.id, option.machine, day, today=today)
        for one in at.board.instance.patient
        for option in one.options
        for day in (None, *at.board.columns.days[1:4])
        if option.delivery_class != "D"
    )
    return [one for one in found if not one.refusal]


def one_that_displaces(placing: PlacementFolder, today: date) -> Move:
    return next(one for one in moves(placing, today) if one.displaced)


def test_who_was_told_after_the_version_was_made_is_not_displaced_unseen(placing: PlacementFolder) -> None:
    before = one_that_displaces(placing, TODAY)
    announce(placing, [before.displaced[0].patient], who=C)
    at = board_at(placing)
    now = priced(at, before.patient, *before.wanted, today=TODAY)

    assert before.hurt == ()
    if before.displaced[0].patient in {one.patient for one in now.displaced}:
        assert before.displaced[0].patient in {one.patient for one in now.hurt}
    announce(placing, None, who=C)
    at = board_at(placing)
    now = priced(at, before.patient, *before.wanted, today=TODAY)
    assert {one.patient for one in now.hurt} == {one.patient for one in now.displaced} != set()
    with pytest.raises(ConfigError, match="was told of the one that is taken away"):
        take(placing, at, now, who=C, reason="r")
    assert take(placing, at, now, who=C, reason="r", even_so=True).number == 2


def test_who_has_begun_after_the_version_was_made_is_not_displaced(placing: PlacementFolder) -> None:
    before = one_that_displaces(placing, TODAY)
    begun = before.displaced[0].patient
    begin(placing, begun, given=1, who=C)
    now = priced(board_at(placing), before.patient, *before.wanted, today=TODAY)

    assert begun not in {one.patient for one in now.displaced}


def test_who_was_told_since_does_not_go_back_when_a_decision_is_undone(placing: PlacementFolder) -> None:
    move = one_that_displaces(placing, TODAY)
    take(placing, board_at(placing), move, who=C, reason="r")
    back = move_back(placing, board_at(placing), move.patient, today=TODAY)
    assert {one.patient for one in back.moved} == {one.patient for one in move.moved}

    displaced = move.displaced[0]
    announce(placing, [displaced.patient], who=C)
    at = board_at(placing)
    back = move_back(placing, at, move.patient, today=TODAY)
    undone = undo(placing, at, back, who=C, reason="r")

    assert undone.places()[displaced.patient] == displaced.after


def test_undoing_does_not_go_back_to_a_day_that_is_over(placing: PlacementFolder) -> None:
    at = board_at(placing)
    first = next(one for one in at.version.placed if one.first_on == TODAY)
    tomorrow = TODAY + timedelta(days=2)
    later = priced(at, first.patient, first.machine, TODAY + timedelta(days=5), today=tomorrow)
    take(placing, at, later, who=C, reason="r", even_so=True)
    back = move_back(placing, board_at(placing), first.patient, today=tomorrow)

    assert back.wanted[1] is not None
    assert back.wanted[1] >= tomorrow


def test_solving_a_day_later_gives_nobody_a_day_that_is_over_and_says_so(placing: PlacementFolder) -> None:
    at = board_at(placing)
    first = next(one for one in at.version.placed if one.machine)
    decided = priced(at, first.patient, first.machine, None, today=TODAY - timedelta(days=2))
    take(placing, at, decided, who=C, reason="r", even_so=True)
    late = Who(by="C", at=C.at + timedelta(days=9))
    today = placing.today(late.at)
    version, _ = make_version(placing, who=late, seconds=0.3)
    said = " ".join(version.notes)

    assert decided.wanted[1] is not None
    assert decided.wanted[1] < today
    assert all(one.first_on is None or one.first_on >= today for one in version.placed)
    assert f"nobody begins before {today}" in said
    assert f"{decided.wanted[1]}, for which Co Dumont, coordinator decided, is over" in said
    assert version.places()[first.patient][0] == decided.wanted[0]


def test_a_reason_of_blanks_is_none(placing: PlacementFolder) -> None:
    at = board_at(placing)
    with pytest.raises(ConfigError, match="without a reason"):
        take(placing, at, next(one for one in moves(placing, TODAY) if not one.hurt), who=C, reason="  ")


def said_which_holds(placing: PlacementFolder, pseudonym: str) -> int:
    """Let two people say of a patient that another plan holds; return the line."""
    told: dict[str, Any] = {"old": "1.1", "new": "1.9", "after": 0, "goes_on": False, "doubts": {}}
    return write(
        placing.incident, Deed.PLAN_REPLACED, by="A and B", at=C.at, pseudonym=pseudonym, **told
    ).sequence


def taken_back(placing: PlacementFolder, pseudonym: str, line: int) -> None:
    write(placing.incident, Deed.PLAN_TAKEN_BACK, by="A and B", at=C.at, pseudonym=pseudonym, line=line)


OLD_DRAFT = r"Which plan holds was said of 1 patient \(p\d+\) after draft 1 was made"


def test_nothing_is_solved_by_a_draft_of_the_plan_before_until_that_is_taken_back(
    placing: PlacementFolder,
) -> None:
    patient_of_it = board_at(placing).version.placed[0].patient
    computed = propose(placing, now=C.at, seconds=0.3, move_announced=False)
    line = said_which_holds(placing, patient_of_it)
    with pytest.raises(ConfigError, match=OLD_DRAFT) as refused:
        make_version(placing, who=C, seconds=0.3)
    assert "placement draft" in refused.value.do_next
    with pytest.raises(ConfigError, match=OLD_DRAFT):
        keep_proposal(placing, computed, who=C)

    taken_back(placing, patient_of_it, line)
    assert make_version(placing, who=C, seconds=0.3)[0].number == 2


def test_by_a_draft_of_the_plan_before_nobody_is_announced_or_sent_and_others_are(
    placing: PlacementFolder,
) -> None:
    ruled, other = [one.patient for one in board_at(placing).version.placed if one.machine][:2]
    said_which_holds(placing, ruled)

    for patients in ([ruled], [other, ruled]):
        with pytest.raises(ConfigError, match=OLD_DRAFT):
            announce(placing, patients, who=C)
    with pytest.raises(ConfigError, match=OLD_DRAFT):
        verify_placed(placing.incident, ruled)
    verify_placed(placing.incident, other)
    assert announce(placing, [other], who=C) == (other,)
    told = announce(placing, None, who=C)
    assert other in told
    assert ruled not in told


def test_announcing_everybody_names_who_was_left_out_and_why(placing: PlacementFolder) -> None:
    placed = [one.patient for one in board_at(placing).version.placed if one.machine]
    name = {one.id: one.name for one in board_at(placing).draft.patients}[placed[0]]
    said_which_holds(placing, placed[0])
    told = ["placement", "announce", "--incident", str(placing.incident.path), "--by", "C"]
    done = CliRunner().invoke(app, told, standalone_mode=False)

    assert done.return_value == 3
    said = " ".join(done.stdout.split())
    assert f"{len(placed) - 1} told: in the journal; ✗ 1 not told" in said
    assert f"of {name}. Draft and solve again." in said


def test_by_a_draft_of_the_plan_before_nobody_is_moved_by_hand_nor_pushed_aside(
    placing: PlacementFolder,
) -> None:
    move = one_that_displaces(placing, TODAY)
    before = board_at(placing)
    pushed = move.displaced[0].patient
    line = said_which_holds(placing, pushed)
    now = board_at(placing)

    assert now.outdated == {pushed}
    with pytest.raises(ConfigError, match=OLD_DRAFT):
        take(placing, before, move, who=C, reason="r", even_so=True)
    for patient_of_it, to in ((move.patient, move.wanted), (pushed, move.displaced[0].before)):
        with pytest.raises(ConfigError, match=OLD_DRAFT):
            priced(now, patient_of_it, *to, today=TODAY)
    taken_back(placing, pushed, line)
    take(placing, board_at(placing), move, who=C, reason="r", even_so=True)
    said_which_holds(placing, move.patient)
    with pytest.raises(ConfigError, match=OLD_DRAFT):
        move_back(placing, board_at(placing), move.patient, today=TODAY)


def test_a_decision_is_undone_without_pushing_back_whom_the_draft_knows_by_the_plan_before(
    placing: PlacementFolder,
) -> None:
    move = one_that_displaces(placing, TODAY)
    take(placing, board_at(placing), move, who=C, reason="r", even_so=True)
    pushed = move.displaced[0].patient
    said_which_holds(placing, pushed)
    at = board_at(placing)
    back = move_back(placing, at, move.patient, today=TODAY)

    assert pushed not in {one.patient for one in back.moved}
    assert (
        undo(placing, at, back, who=C, reason="r", even_so=True).places()[pushed]
        == at.version.places()[pushed]
    )


def said(placing: PlacementFolder, *arguments: object) -> str:
    typed = ["placement", "announce", *map(str, arguments), "--incident", str(placing.incident.path)]
    done = CliRunner().invoke(app, typed, standalone_mode=False, env={"COLUMNS": "200"})
    if done.exception is not None:
        raise done.exception
    return done.stdout


def announced(placing: PlacementFolder) -> set[int]:
    return set(placing.standing().announced.values())


def test_which_version_is_announced_is_said_before_it_is(placing: PlacementFolder) -> None:
    first, then = said(placing).splitlines()

    assert first == "What is announced is version 1 of Tue 2026-03-03 09:20 by Co Dumont, coordinator."
    assert then.startswith("✓")
    assert announced(placing) == {1}
    assert said(placing, "--version", 1).splitlines()[0] == first


def test_a_version_that_counts_no_more_or_never_was_is_not_announced(placing: PlacementFolder) -> None:
    make_version(placing, who=C, seconds=0.3)

    with pytest.raises(
        ConfigError, match=r"Version 1 does not count any more: version 2 of .* by Co Dumont"
    ) as no:
        said(placing, "--version", 1)
    assert "--version 2" in no.value.do_next
    with pytest.raises(ConfigError, match="There is no version 7"):
        said(placing, "--version", 7)
    assert announced(placing) == set()
    assert "version 2 of" in said(placing, "--version", 2)
    assert announced(placing) == {2}


def test_what_somebody_solves_while_it_is_said_is_not_announced(
    placing: PlacementFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "beamkeeper.app.cli.placement.print_wrapped", lambda _: make_version(placing, who=C, seconds=0.3)
    )

    with pytest.raises(ConfigError, match="Version 1 does not count any more"):
        said(placing)
    assert announced(placing) == set()
