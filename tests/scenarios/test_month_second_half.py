"""A month by the moved clock, second half: clocks go forward, an incident holds, a patient's time is over.

Written by the rules (docs/guide/retention.md beside those of `test_month_first_half`), on a site of its own.
The patient with electrons was treated last on 27 February with fractions left, and leaves every source on
20 March: 30 days after the treatment the copy is due, when two people have released it and nothing holds.
"""

from __future__ import annotations

import shutil
from datetime import date
from typing import TYPE_CHECKING

import pytest
from source_changes import patient_id_of
from town import watched_town

from beamkeeper.protect.retain import WordKind

if TYPE_CHECKING:
    from pathlib import Path

    from moved_clock import Played
    from town import Town

pytestmark = pytest.mark.long

FIRST_NIGHT = """
03-20         01:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-20         01:00                   the watcher calls: night missing
03-20         02:00                   night complete, 0 changes to look at; letter to an bo: report
03-20         02:00                   the night of {night} is unverified
03-20         02:00                   mirror near: mirrored, 2 sent; mirror far: mirrored, 2 sent
03-20         03:00                   the watcher calls: night missing, over
03-20         08:00                   * an confirms; an votes: confirm
03-20         08:05                   * bo confirms; bo votes: confirm; the night of {night} is confirmed
03-20         18:00                   * the patient with electrons leaves
"""
A_PATIENT_LEFT = """
03-21         02:00                   night complete, 7 changes to look at; letter to an bo: report
03-21         02:00                   the night of {night} is unverified
03-21         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-21         08:00                   * an confirms; an votes: confirm
03-21         08:05                   * bo confirms; bo votes: confirm; the night of {night} is confirmed
03-22..03-28  02:00                   night complete, 0 changes to look at; letter to an bo: report
03-22..03-28  02:00                   the night of {night} is quiet
03-23         09:00                   * an releases the patient; an releases the patient
03-23         09:10                   * bo releases the patient; bo releases the patient
"""
AN_INCIDENT_AND_THE_CLOCKS_GO_FORWARD = """
03-27         16:00                   * head holds everybody; head holds everybody
03-28         18:00                   * somebody moves a leaf

03-29         02:00                   night complete, 1 changes to look at; letter to an bo: report
03-29         02:00                   the night of {night} is unverified
03-29         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-29         10:00                   the night of {night} is overdue
03-29         10:00..10:20 every 10   letter to an bo: overdue; pager: overdue
03-29         10:25                   * an confirms; an votes: confirm
03-29         10:26                   * bo confirms; bo votes: confirm; the night of {night} is confirmed
03-29         10:26                   letter to an bo head: all_clear; pager: all_clear
"""
THE_INCIDENT_IS_OVER = """
03-30..04-01  02:00                   night complete, 0 changes to look at; letter to an bo: report
03-30..04-01  02:00                   the night of {night} is quiet
03-30         14:10                   * an releases everybody; an releases everybody
03-30         14:11                   * bo releases everybody; bo releases everybody
03-30         15:00                   removal decided; removed from the vault; copy elsewhere; copy elsewhere
03-30         15:00                   removal done
"""
SECOND_HALF = FIRST_NIGHT + A_PATIENT_LEFT + AN_INCIDENT_AND_THE_CLOCKS_GO_FORWARD + THE_INCIDENT_IS_OVER


def leaving(town: Town, played: Played) -> dict[str, object]:
    """Return the actions of the patient with electrons, whose pseudonym is known once a night has run."""
    patient_id = patient_id_of(town.site, "p3")

    def release(person: str) -> None:
        rows = {row.patient.patient_id: row.pseudonym for row in played.ledger.patients()}
        played.retain(person, WordKind.RELEASE, rows[patient_id])

    return {
        "the patient with electrons leaves": lambda: shutil.rmtree(town.site.source / "p3"),
        "an releases the patient": lambda: release("an"),
        "bo releases the patient": lambda: release("bo"),
    }


def test_from_the_20th_to_the_1st_everything_happens_when_the_rules_say(tmp_path: Path) -> None:
    with watched_town(tmp_path, date(2026, 3, 20)) as (town, played):
        before = sorted(path.name for path in (tmp_path / "far" / "targets").rglob("*.age"))
        actions = town.actions | leaving(town, played)
        played.follow(SECOND_HALF, actions, until=played.at(date(2026, 4, 2), "00:00"))
        vaults = [town.site.vault_dir, tmp_path / "near", tmp_path / "far"]
        left = [{path.parent.name for path in (vault / "targets").rglob("*.age")} for vault in vaults]

        assert before == []
        assert len(list((town.site.site.data_dir / "receipts").iterdir())) == 1
        assert left[0] == left[1] == left[2]
