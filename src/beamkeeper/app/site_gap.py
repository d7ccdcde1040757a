"""The `[gap]` part of the site file: parameters and days of the department, for gaps in courses."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from beamkeeper.respond.gap.calendar_days import WEEKDAYS, Calendar

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Days = Annotated[tuple[date, ...], Field(max_length=1000)]


class GapSection(BaseModel):
    """What a gap is computed with here.

    Attributes
    ----------
    parameters
        A file whose numbers go before those that come with the program.
    make_up_days, make_up_on
        When a fraction can be made up besides treatment days.
    holidays
        Nobody is treated.
    service
        The machines are not there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameters: Path | None = None
    treatment_days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = ("mon", "tue", "wed", "thu", "fri")
    make_up_days: tuple[Weekday, ...] = ("sat", "sun")
    make_up_on: Days = ()
    holidays: Days = ()
    service: Days = ()

    @property
    def calendar(self) -> Calendar:
        """The days of the department."""
        return Calendar(
            treatment_weekdays=frozenset(map(WEEKDAYS.index, self.treatment_days)),
            make_up_weekdays=frozenset(map(WEEKDAYS.index, self.make_up_days)),
            make_up_on=frozenset(self.make_up_on),
            holidays=frozenset(self.holidays),
            service=frozenset(self.service),
        )
