"""The `[hour]` part of the site file: when the day's treatment records are fetched between two nights."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class HourSection(BaseModel):
    """Every so many minutes while patients are treated; off unless the section is there.

    Attributes
    ----------
    begins, until
        On the site's wall, `from` in the file; the last look begins before `until`.
    days_back
        Records of so many days before today are taken too, so that no missed day is lost.
    network_minutes
        The longest time one look may hold the network, where the network is rationed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_minutes: Annotated[int, Field(ge=1, le=240)] = 10
    begins: time = Field(default=time(7, 0), alias="from")
    until: time = time(19, 0)
    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")
    days_back: Annotated[int, Field(ge=0, le=60)] = 7
    network_minutes: Annotated[int, Field(ge=1, le=120)] = 10

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> HourSection:
        if self.begins >= self.until:
            raise ValueError("`from` must be earlier on the day than `until`")
        return self
