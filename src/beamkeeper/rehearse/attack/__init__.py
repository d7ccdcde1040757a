"""An attack at a minute nobody chose, and whether what is left tells the truth about everybody.

`month_of` decides a month of the simulated department, `moment_of` the minute of the attack and the copy
that is left of it; `verdict` holds an inventory against what was truly given, patient by patient. All of it
is pure and repeatable by its seed; `app` plays it with the real program. Why: `docs/decisions`,
0085-attacked-month.md.
"""

from beamkeeper.rehearse.attack.moment import Copy, Minute, Moment, copy_at, moment_of
from beamkeeper.rehearse.attack.month import Month, Visit, month_of, sessions_due
from beamkeeper.rehearse.attack.verdict import Given, OfPatient, Said, Verdict, given_in, given_until, verdict

__all__ = [
    "Copy",
    "Given",
    "Minute",
    "Moment",
    "Month",
    "OfPatient",
    "Said",
    "Verdict",
    "Visit",
    "copy_at",
    "given_in",
    "given_until",
    "moment_of",
    "month_of",
    "sessions_due",
    "verdict",
]
