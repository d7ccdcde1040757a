"""The outsider: a small process elsewhere that sees a vault or a mirror of it go silent, back or wrong.

It knows the public root key and nothing secret, so it can stand anywhere: another site, a cloud host,
a desk. `look` reads the signed metadata and some of the parcels and returns what is wrong, in words;
`told` decides what to tell now, so that an alarm is told at once, again while it lasts, and when it is
over. The present and what was seen before are arguments; `app/jobs/watching.py` keeps the notes and
makes the noise. Choices: `docs/decisions/0053-watch.md`.
"""

from beamkeeper.protect.watch.findings import DayCount, Finding, FindingKind, WatchRule, due_night
from beamkeeper.protect.watch.heartbeat import HEARTBEAT_BYTES_MAX, packed, unpack
from beamkeeper.protect.watch.looking import Look, Proved, look
from beamkeeper.protect.watch.telling import OpenAlarm, Telling, TellingKind, told

__all__ = [
    "HEARTBEAT_BYTES_MAX",
    "DayCount",
    "Finding",
    "FindingKind",
    "Look",
    "OpenAlarm",
    "Proved",
    "Telling",
    "TellingKind",
    "WatchRule",
    "due_night",
    "look",
    "packed",
    "told",
    "unpack",
]
