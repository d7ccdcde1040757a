"""A month by the moved clock, first half: who is called when, what is confirmed, mirrored and told.

The timeline below was written by the rules, not by the program (docs/guide/two-people-confirm.md,
mirrors.md, watch.md). Stars are what people and misfortune do; everything else must happen, and nothing more.

The month runs in two halves side by side, `test_month_second_half` on a site of its own.
The department has two patients, two mirrors and a watcher that reads the far mirror once an hour. The night
is at 02:00, the deadline at 10:00. Nobody has to confirm a quiet night.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from town import watched_town

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long

FIRST_NIGHT = """
03-02         01:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-02         01:00                   the watcher calls: night missing
03-02         02:00                   night complete, 0 changes to look at; letter to an bo: report
03-02         02:00                   the night of {night} is unverified
03-02         02:00                   mirror near: mirrored, 2 sent; mirror far: mirrored, 2 sent
03-02         03:00                   the watcher calls: night missing, over
03-02         08:00                   * an confirms; an votes: confirm
03-02         08:05                   * bo confirms; bo votes: confirm; the night of {night} is confirmed
"""
A_CHANGE_NOBODY_LOOKS_AT_IN_TIME = """
03-03         02:00                   night complete, 0 changes to look at; letter to an bo: report
03-03         02:00                   the night of {night} is quiet
03-03         18:00                   * somebody moves a leaf

03-04         02:00                   night complete, 1 changes to look at; letter to an bo: report
03-04         02:00                   the night of {night} is unverified
03-04         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-04         10:00                   the night of {night} is overdue
03-04         10:00..10:50 every 10   letter to an bo: overdue; pager: overdue
03-04         10:15                   * an confirms; an votes: confirm
03-04         11:00                   letter to an bo head: escalated; pager: escalated
03-04         11:05                   * bo confirms; bo votes: confirm; the night of {night} is confirmed
03-04         11:05                   letter to an bo head: all_clear; pager: all_clear
"""
A_DISPUTE = """
03-05         02:00                   night complete, 0 changes to look at; letter to an bo: report
03-05         02:00                   the night of {night} is quiet
03-05         18:00                   * somebody renames the structures

03-06         02:00                   night complete, 1 changes to look at; letter to an bo: report
03-06         02:00                   the night of {night} is unverified
03-06         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-06         07:40                   * bo disputes; bo votes: dispute; the night of {night} is disputed
03-06         07:40                   letter to an bo head: disputed; pager: disputed
03-06         09:00                   * bo confirms; bo votes: confirm
03-06         09:10                   * an confirms; an votes: confirm; the night of {night} is confirmed
03-06         09:10                   letter to an bo head: all_clear; pager: all_clear
"""
A_DEAD_MIRROR = """
03-07..03-11  02:00                   night complete, 0 changes to look at; letter to an bo: report
03-07..03-11  02:00                   the night of {night} is quiet
03-09         14:00                   * the near mirror dies
03-09         17:00                   * fraction 3 is given
03-10         02:00                   mirror near: unreachable; mirror far: mirrored, 1 sent
03-11         02:00                   letter to an bo cy head: mirror; pager: mirror
03-11         09:05                   * the near mirror is back
03-11         10:00                   mirror near: mirrored, 1 sent
"""
A_WEEK_WITHOUT_NETWORK = """
03-12         00:30                   * the network goes
03-12..03-18  02:00                   night incomplete, 0 changes to look at
03-12..03-18  02:00                   the night of {night} is unverified
03-12         02:00                   quorum fails: SourceUnavailable
03-12         02:00                   mirror near: unreachable; mirror far: unreachable
03-12         07:00                   the watcher calls: night missing
03-12         08:00                   the watcher calls: stale
03-13..03-18  07:00                   the watcher calls: night missing, still
03-13..03-18  08:00                   the watcher calls: stale, still
03-12..03-14  08:00                   * an confirms; an votes: confirm
03-12..03-14  08:05                   * bo confirms; bo votes: confirm; the night of {night} is confirmed
03-13         02:00                   pager: mirror; pager: mirror
03-14..03-19  00:00                   pager: mirror; pager: mirror

03-15         10:00                   the night of {night} is overdue
03-15         10:00..10:50 every 10   pager: overdue
03-15         10:00..11:00 every 60   pager: channel_failed
03-15         11:00..11:10 every 10   pager: escalated
03-15         11:15                   * an confirms; an votes: confirm
03-15         11:16                   * bo confirms; bo votes: confirm; the night of {night} is confirmed
03-15         11:16                   pager: all_clear

03-16..03-18  08:00                   * an confirms; an votes: confirm
03-16..03-18  08:05                   * bo confirms; bo votes: confirm; the night of {night} is confirmed
03-16         17:00                   * fraction 4 is given
03-19         00:30                   * the network is back
03-19         00:30                   letter to an bo: report
03-19         01:00                   mirror near: mirrored; mirror far: mirrored
03-19         02:00                   night complete, 0 changes to look at; letter to an bo: report
03-19         02:00                   the night of {night} is quiet
03-19         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-19         03:00                   the watcher calls: night missing, over; the watcher calls: stale, over
"""
FIRST_HALF = (
    FIRST_NIGHT + A_CHANGE_NOBODY_LOOKS_AT_IN_TIME + A_DISPUTE + A_DEAD_MIRROR + A_WEEK_WITHOUT_NETWORK
)


def test_from_the_2nd_to_the_19th_everything_happens_when_the_rules_say(tmp_path: Path) -> None:
    with watched_town(tmp_path, date(2026, 3, 2)) as (town, played):
        played.follow(FIRST_HALF, town.actions, until=played.at(date(2026, 3, 20), "00:00"))
