"""The days of a department, from its site file, as gaps are computed with them.

Apart from the site file's own modules: every command reads those, and only some compute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.respond.gap.calendar_days import WEEKDAYS, Calendar

if TYPE_CHECKING:
    from beamkeeper.app.site_gap import GapSection


def calendar_of(section: GapSection) -> Calendar:
    """Return the calendar that the `[gap]` of a site file describes."""
    return Calendar(
        treatment_weekdays=frozenset(map(WEEKDAYS.index, section.treatment_days)),
        make_up_weekdays=frozenset(map(WEEKDAYS.index, section.make_up_days)),
        make_up_on=frozenset(section.make_up_on),
        holidays=frozenset(section.holidays),
        service=frozenset(section.service),
    )
