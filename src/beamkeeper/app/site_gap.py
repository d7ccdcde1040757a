"""The `[gap]` part of the site file: parameters and days of the department, for gaps in courses."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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
