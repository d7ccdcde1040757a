"""Seven weeks of one site by the moved clock: every night, hour, vote, call, copy and removal, as ruled.

No month of a European wall holds both nights on which clocks change; in Morocco they change for Ramadan. So
the site stands in Casablanca, from 28 February to 15 April 2024: a leap day, the hour that comes twice
(10 March) and the one that does not come (14 April), at the same hours as in Brussels, on one calendar.

The timeline below was written by the rules, not by the program: docs/guide/two-people-confirm.md,
the-hour.md, mirrors.md, copies.md, retention.md, watch.md. Stars are what people and misfortune do;
everything else must happen, and nothing more.

Three patients. Photons: a fraction every Monday, by hours that look from 9 to 16. Electrons: complete on
1 March, to be kept ten days more. The other electrons: treated last on 27 February with fractions left,
gone from every source on 1 March, to be kept thirty days and released by two people.
The night is at 02:00, the deadline at 10:00; nobody has to confirm a quiet night.
A parcel is sealed where there are new objects, and where the list says something else of a patient: in the
night after a treatment, when the OIS counts it. Photons and electrons are both called Maria Jansen: once
electrons is on no list any more, nobody can be taken for photons, which is news of photons, too.
"""

from __future__ import annotations

import json
import os
from datetime import date
from typing import TYPE_CHECKING

import pytest
from ward import played_ward

if TYPE_CHECKING:
    from pathlib import Path

    from moved_clock import Played
    from ward import Ward

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1200)]

FIRST_DAYS = """
02-28         01:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
02-28         01:00                   copies partner: complete; the watcher calls: night missing
02-28         02:00                   night complete, 0 changes to look at; letter to an bo: report
02-28         02:00                   the night of {night} is unverified
02-28         02:00                   mirror near: mirrored, 3 sent; mirror far: mirrored, 3 sent
02-28         02:00                   copies partner: complete, 40 sent
02-28         03:00                   the watcher calls: night missing, over
02-28         08:00                   * an confirms by page; an votes: confirm by page
02-28         08:05                   * bo confirms by mail; bo votes: confirm by mail; letter to bo: answer
02-28         08:05                   the night of {night} is confirmed

02-28..03-01  11:20                   * electrons is treated
02-28..03-01  12:00                   hour: kept: 1 record of 1 patient
02-28..03-01  12:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
02-28..03-01  12:00                   copies partner: complete, 1 sent
02-29..03-01  02:00                   night complete, 0 changes to look at; letter to an bo: report
02-29..03-01  02:00                   the night of {night} is quiet
02-29..03-01  02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
"""
ONE_IS_COMPLETE_AND_ONE_LEAVES = """
03-01         17:30                   * electrons is complete
03-01         17:40                   * the other electrons leaves

03-02         02:00                   night complete, 7 changes to look at; letter to an bo: report
03-02         02:00                   the night of {night} is unverified
03-02         02:00                   mirror near: mirrored, 2 sent; mirror far: mirrored, 2 sent
03-02         08:00                   * an confirms by file; an votes: confirm by file
03-02         08:05                   * bo confirms by mail; bo votes: confirm by mail; letter to bo: answer
03-02         08:05                   the night of {night} is confirmed
"""
MONDAYS = """
03-04         11:20                   * photons is treated
03-11         11:20                   * photons is treated
03-18         11:20                   * photons is treated
03-25         11:20                   * photons is treated
04-01         11:20                   * photons is treated
04-08         11:20                   * photons is treated
03-04         12:00                   hour: kept: 3 records of 1 patient; mirror near: mirrored, 1 sent
03-11         12:00                   hour: kept: 3 records of 1 patient; mirror near: mirrored, 1 sent
03-18         12:00                   hour: kept: 3 records of 1 patient
04-01         12:00                   hour: kept: 3 records of 1 patient; mirror near: mirrored, 1 sent
04-08         12:00                   hour: kept: 3 records of 1 patient; mirror near: mirrored, 1 sent
03-04         12:00                   mirror far: mirrored, 1 sent; copies partner: complete, 3 sent
03-11         12:00                   mirror far: mirrored, 1 sent; copies partner: complete, 3 sent
03-18         12:00                   mirror far: mirrored, 1 sent; copies partner: complete, 3 sent
04-01         12:00                   mirror far: mirrored, 1 sent; copies partner: complete, 3 sent
04-08         12:00                   mirror far: mirrored, 1 sent; copies partner: complete, 3 sent
03-05         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-19         02:00                   mirror far: mirrored, 1 sent
04-02         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
04-09         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
"""
QUIET_NIGHTS = """
03-03..03-05  02:00                   night complete, 0 changes to look at; letter to an bo: report
03-03..03-05  02:00                   the night of {night} is quiet
03-07..03-09  02:00                   night complete, 0 changes to look at; letter to an bo: report
03-07..03-09  02:00                   the night of {night} is quiet
03-11         02:00                   night complete, 0 changes to look at; letter to an bo: report
03-11         02:00                   the night of {night} is quiet
03-13..03-21  02:00                   night complete, 0 changes to look at; letter to an bo: report
03-13..03-21  02:00                   the night of {night} is quiet
03-29..04-13  02:00                   night complete, 0 changes to look at; letter to an bo: report
03-29..04-13  02:00                   the night of {night} is quiet
04-15         02:00                   night complete, 0 changes to look at; letter to an bo: report
04-15         02:00                   the night of {night} is quiet
"""
THE_NAMESAKE_IS_ON_NO_LIST = """
03-09         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
"""
OVERDUE_AND_ESCALATED = """
03-05         18:00                   * somebody moves a leaf
03-06         02:00                   night complete, 1 changes to look at; letter to an bo: report
03-06         02:00                   the night of {night} is unverified; copies partner: complete, 1 sent
03-06         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-06         10:00                   the night of {night} is overdue
03-06         10:00..10:50 every 10   letter to an bo: overdue; pager: overdue; log: overdue
03-06         10:15                   * an confirms by file; an votes: confirm by file
03-06         11:00                   letter to an bo head: escalated; pager: escalated; log: escalated
03-06         11:05                   * bo confirms by mail; bo votes: confirm by mail; letter to bo: answer
03-06         11:05                   the night of {night} is confirmed
03-06         11:05                   letter to an bo head: all_clear; pager: all_clear; log: all_clear
"""
THE_HOUR_THAT_COMES_TWICE = """
03-09         18:00                   * somebody moves a leaf
03-10         02:00                   night complete, 1 changes to look at; letter to an bo: report
03-10         02:00                   the night of {night} is unverified; copies partner: complete, 1 sent
03-10         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-10         10:00                   the night of {night} is overdue
03-10         10:00..10:20 every 10   letter to an bo: overdue; pager: overdue; log: overdue
03-10         10:25                   * an confirms by page; an votes: confirm by page
03-10         10:26                   * bo confirms by file; bo votes: confirm by file
03-10         10:26                   the night of {night} is confirmed
03-10         10:26                   letter to an bo head: all_clear; pager: all_clear; log: all_clear
"""
A_DISPUTE_KEEPS_ELECTRONS = """
03-11         18:00                   * somebody renames the structures
03-12         02:00                   night complete, 1 changes to look at; letter to an bo: report
03-12         02:00                   the night of {night} is unverified; copies partner: complete, 1 sent
03-12         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-12         07:40                   * bo disputes by page; bo votes: dispute by page
03-12         07:40                   the night of {night} is disputed
03-12         07:40                   letter to an bo head: disputed; pager: disputed; log: disputed

03-13         13:10                   * bo confirms by page the night of 03-12; bo votes: confirm by page
03-13         13:20                   * an confirms by page the night of 03-12; an votes: confirm by page
03-13         13:20                   the night of 03-12 is confirmed
03-13         13:20                   letter to an bo head: all_clear; pager: all_clear; log: all_clear
03-13         14:00                   removal decided; removed from the vault
03-13         14:00                   mirror near: gone; mirror far: gone
03-13         15:30                   * the partner removes electrons
03-13         16:00                   copies partner: gone; removal done
"""
A_MIRROR_IS_DEAD_FOR_A_WEEK = """
03-14         14:00                   * the near mirror dies
03-15         02:00                   mirror near: unreachable
03-16         02:00                   letter to an bo cy head: mirror; pager: mirror; log: mirror
03-17..03-21  00:00                   letter to an bo cy head: mirror; pager: mirror; log: mirror
03-21         14:05                   * the near mirror is back
03-21         15:00                   mirror near: mirrored, 2 sent
"""
A_WEEK_WITHOUT_NETWORK = """
03-22         00:30                   * the network goes
03-22..03-28  02:00                   night incomplete, 0 changes to look at
03-22..03-28  02:00                   the night of {night} is unverified
03-22         02:00                   quorum fails: SourceUnavailable
03-22         02:00                   mirror near: unreachable; mirror far: unreachable
03-22         09:00                   hour: incomplete
03-22         02:00                   copies partner: unreachable
03-22         07:00                   the watcher calls: night missing
03-22         08:00                   the watcher calls: stale
03-23..03-28  07:00                   the watcher calls: night missing, still
03-23..03-28  08:00                   the watcher calls: stale, still
03-22..03-24  08:00                   * an confirms by page; an votes: confirm by page
03-22..03-24  08:05                   * bo confirms by file; bo votes: confirm by file
03-22..03-24  08:05                   the night of {night} is confirmed
03-23         02:00                   pager: copies; pager: mirror; pager: mirror
03-24..03-29  00:00                   pager: copies; pager: mirror; pager: mirror

03-25         10:00                   the night of {night} is overdue
03-25         10:00..10:50 every 10   pager: overdue
03-25         10:00..11:00 every 60   pager: channel_failed
03-25         11:00..11:10 every 10   pager: escalated
03-25         11:15                   * an confirms by page; an votes: confirm by page
03-25         11:16                   * bo confirms by file; bo votes: confirm by file
03-25         11:16                   the night of {night} is confirmed; pager: all_clear

03-26..03-28  08:00                   * an confirms by page; an votes: confirm by page
03-26..03-28  08:05                   * bo confirms by file; bo votes: confirm by file
03-26..03-28  08:05                   the night of {night} is confirmed
03-29         00:30                   * the network is back
03-29         00:30                   letter to an bo: report
03-29         01:00                   mirror near: mirrored; mirror far: mirrored; copies partner: complete
03-29         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-29         02:00                   copies partner: complete, 3 sent
03-29         03:00                   the watcher calls: night missing, over; the watcher calls: stale, over
"""
AN_INCIDENT_KEEPS_THE_OTHER_ELECTRONS = """
03-25         09:00                   * an releases the other electrons; an releases the patient
03-25         09:10                   * bo releases the other electrons; bo releases the patient
03-27         16:00                   * head holds everybody; head holds everybody
03-30         14:10                   * an releases everybody; an releases everybody
03-30         14:11                   * bo releases everybody; bo releases everybody
03-30         15:00                   removal decided; removed from the vault
03-30         15:00                   mirror near: gone; mirror far: gone
03-30         16:30                   * the partner removes the other electrons
03-30         17:00                   copies partner: gone; removal done
"""
THE_HOUR_THAT_DOES_NOT_COME = """
04-13         18:00                   * somebody moves a leaf
04-14         02:00                   night complete, 1 changes to look at; letter to an bo: report
04-14         02:00                   the night of {night} is unverified; copies partner: complete, 1 sent
04-14         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
04-14         10:00                   the night of {night} is overdue
04-14         10:00..10:20 every 10   letter to an bo: overdue; pager: overdue; log: overdue
04-14         10:25                   * an confirms by mail; an votes: confirm by mail; letter to an: answer
04-14         10:26                   * bo confirms by file; bo votes: confirm by file
04-14         10:26                   the night of {night} is confirmed
04-14         10:26                   letter to an bo head: all_clear; pager: all_clear; log: all_clear
"""
THE_MONTH = (
    FIRST_DAYS
    + ONE_IS_COMPLETE_AND_ONE_LEAVES
    + MONDAYS
    + QUIET_NIGHTS
    + THE_NAMESAKE_IS_ON_NO_LIST
    + OVERDUE_AND_ESCALATED
    + THE_HOUR_THAT_COMES_TWICE
    + A_DISPUTE_KEEPS_ELECTRONS
    + A_MIRROR_IS_DEAD_FOR_A_WEEK
    + A_WEEK_WITHOUT_NETWORK
    + AN_INCIDENT_KEEPS_THE_OTHER_ELECTRONS
    + THE_HOUR_THAT_DOES_NOT_COME
)


def test_everything_happens_when_the_rules_say_and_nothing_else(program, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("Dovecot changes to users of its own: as root only")
    with played_ward(program("dovecot"), tmp_path / "ward", date(2024, 2, 28), "Africa/Casablanca") as (
        ward,
        played,
    ):
        played.follow(THE_MONTH, ward.actions(played), until=played.at(date(2024, 4, 16), "00:00"))
        verify_what_is_left(ward, played)


def verify_what_is_left(ward: Ward, played: Played) -> None:
    """One patient is kept, alike in the vault and in both mirrors; two receipts say where the others went."""
    vaults = [ward.root / "site" / "vault", ward.root / "near", ward.root / "far"]
    left = [{path.name for path in (vault / "targets").rglob("*.age")} for vault in vaults]
    receipts = [json.loads(path.read_text()) for path in (ward.root / "site" / "data" / "receipts").iterdir()]

    assert left[0] == left[1] == left[2] != set()
    assert len(played.ledger.patients()) == 1
    assert len(receipts) == 2
    assert played.ledger.audit.verify_chain().is_whole
