"""What a placement is computed from: sites, machines with slots, patients with the places that fit them."""

from __future__ import annotations

import json
import tomllib
from contextlib import suppress
from datetime import date, time, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from beamkeeper.errors import ConfigError

PATIENTS_MAX: Final = 20_000
MACHINES_MAX: Final = 2_000
MOST: Final = (
    ("patient", "patients", PATIENTS_MAX),
    ("machine", "machines", MACHINES_MAX),
    ("site", "sites", MACHINES_MAX),
    ("holidays", "holidays", 366),
)
"""Key, in words, how many of them can be looked at."""
BYTES_MAX: Final = 64 << 20
WAYS_MAX: Final = 10_000_000
"""Machines of all patients times days: what fits into the memory of a laptop."""
_SATURDAY: Final = 5
_DAY_MINUTES: Final = 24 * 60

Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=10_000)]
"""Bounded, and therefore whole: half a character, which JSON can write, could not be printed."""
Day = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2100, 1, 1))]


def _of_the_wall(said: object) -> time:
    """Return a time of day as clocks on a wall show it: whole minutes, no offset."""
    at = said
    if isinstance(said, str):
        with suppress(ValueError):
            at = time.fromisoformat(said)
    if not isinstance(at, time) or at.tzinfo is not None or at.second or at.microsecond:
        raise ValueError("a time of day as 17:00")
    return at


WallTime = Annotated[time, BeforeValidator(_of_the_wall)]
Days = Annotated[int, Field(ge=0, le=60, strict=True)]
Count = Annotated[int, Field(ge=0, le=1000, strict=True)]
YesNo = Annotated[bool, Field(strict=True)]
Points = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False, strict=True)]
"""Percent points of tumour control: no day and no change is worth more than all of it."""
Minutes = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False, strict=True)]
HORIZON_DAYS: Final = 42
_DESCRIBED: Final = "docs/formats/placement.md describes it."
LEAD_DAYS: Final = (1, 2, 3)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SiteFacts(_Part):
    """A department that could take patients.

    Attributes
    ----------
    failure_domain
        What falls together: a partner in the attacked domain is never used.
    replans_a_day
        How many class C patients its physicists can plan again on one day.
    qa_a_day
        How many plans of new patients its physicists can check or measure on one day; None: no limit.
    """

    id: Name
    failure_domain: Text = ""
    agreement_signed: YesNo = True
    replans_a_day: Count = 0
    qa_a_day: Count | None = None


class MachineSlots(_Part):
    """A machine and how many patients of ours it can treat on each weekday.

    Attributes
    ----------
    other_days
        Days with another number: service, a late shift, a Saturday.
    first_slot_at
        When the first of them begins, on the wall there; None where times are agreed one by one.
    slot_minutes
        How long each of them is.
    """

    id: Name
    site: Name
    slots: Count
    other_days: dict[Day, Count] = {}
    first_slot_at: WallTime | None = None
    slot_minutes: Annotated[int, Field(ge=5, le=240, strict=True)] = 15

    @model_validator(mode="after")
    def _ends_today(self) -> Self:
        most = max((self.slots, *self.other_days.values()))
        first = self.first_slot_at
        if first is not None and first.hour * 60 + first.minute + most * self.slot_minutes > _DAY_MINUTES:
            raise ValueError(
                f"{most} slots of {self.slot_minutes} min from {first:%H:%M} on do not end on the same day"
            )
        return self


class Option(_Part):
    """A machine on which a patient could be treated.

    Attributes
    ----------
    delivery_class
        A direct, B recalculate, C plan again, D not there.
    qa
        Whether the plan has to be checked there before the first fraction; not so on the own machine.
    """

    machine: Name
    delivery_class: Annotated[Literal["A", "B", "C", "D"], Field(alias="class")]
    travel_min: Minutes = 0
    qa: YesNo = True
    why: Text = ""


class PatientNeed(_Part):
    """One patient.

    Attributes
    ----------
    priority
        Place in the order of triage, 1 first.
    days_to_spare
        Treatment days that may be missed without loss; negative when too many are missed already.
    per_day
        Sessions a day: 2 takes two slots.
    announced
        The machine that was promised already; `begun_there` keeps the patient on it.
    announced_from
        The first day that was promised; another one is a change, too.
    sent_there
        The patient's data went to the house of the announced machine: only a person sends them elsewhere.
    fixed
        A person decided: this machine, and with `fixed_from` this day, however long the work before it.
    """

    id: Name
    priority: Annotated[int, Field(ge=1, le=10**9, strict=True)]
    category: Annotated[int, Field(ge=1, le=3, strict=True)]
    fractions_left: Annotated[int, Field(ge=1, le=100, strict=True)]
    days_to_spare: Annotated[int, Field(ge=-100, le=100, strict=True)] = 0
    per_day: Annotated[int, Field(ge=1, le=3, strict=True)] = 1
    options: tuple[Option, ...] = ()
    announced: Text = ""
    announced_from: Day | None = None
    begun_there: YesNo = False
    sent_there: YesNo = False
    fixed: Text = ""
    fixed_from: Day | None = None

    @property
    def is_bound(self) -> bool:
        """Whether the course has begun at the announced machine, or was handed over to its house."""
        return bool(self.announced) and (self.begun_there or self.sent_there)


class Weights(_Part):
    """The objective, in percent points of tumour control; published with every result.

    Attributes
    ----------
    loss_a_day
        Tumour control lost for each treatment day beyond what can be spared, by category, percent points.
        RCR quotes about 1.4 (0.4 to 2.5) a day for fast tumours; the others are a department's choice.
    refused
        Added for a patient without any place.
    priority_a_day
        For each day of waiting, of the first in the order; the last counts almost nothing.
    travel_a_visit_hour, change
        For each hour on the road and visit; for a place other than the one announced.
    """

    loss_a_day: tuple[Points, Points, Points] = (1.4, 0.5, 0.1)
    refused: Points = 5.0
    priority_a_day: Points = 0.01
    travel_a_visit_hour: Points = 0.005
    change: Points = 0.3


class Instance(_Part):
    """Everything one placement is computed from.

    Attributes
    ----------
    first_on, days
        The first day, and for how many calendar days it is planned.
    not_before
        Today, where the first day is over: nobody begins before it, and the work before a first fraction is
        counted from it. Waiting is counted from the first day all the same.
    holidays
        Days on which nobody treats, unless a machine's `other_days` says so.
    attacked_domain
        Sites of this failure domain are never used.
    lead_days
        Treatment days from the decision to the first fraction, by class A, B, C.
    move_announced
        Whether a place that was announced may be changed for more than `change`; else it is kept where it
        can be.
    """

    format: Literal[1]
    first_on: Day
    days: Annotated[int, Field(ge=1, le=366, strict=True)] = HORIZON_DAYS
    not_before: Day | None = None
    holidays: tuple[Day, ...] = ()
    attacked_domain: Text = ""
    lead_days: tuple[Days, Days, Days] = LEAD_DAYS
    weights: Weights = Weights()
    move_announced: YesNo = False
    site: tuple[SiteFacts, ...] = ()
    machine: tuple[MachineSlots, ...] = ()
    patient: tuple[PatientNeed, ...] = ()

    @model_validator(mode="after")
    def _joined(self) -> Self:
        for name, many, most in MOST:
            if len(getattr(self, name)) > most:
                raise ValueError(f"at most {most} {many}")
        sites = {one.id for one in self.site}
        machines = {one.id for one in self.machine}
        for kind, ids in (
            ("site", [one.id for one in self.site]),
            ("machine", [one.id for one in self.machine]),
            ("patient", [one.id for one in self.patient]),
        ):
            if len(set(ids)) != len(ids):
                raise ValueError(f"two {kind}s share an id")
        if strange := next((one for one in self.machine if one.site not in sites), None):
            raise ValueError(f"the machine {strange.id} stands at {strange.site}, which is not listed")
        for one in self.patient:
            named = {option.machine for option in one.options} | {one.announced, one.fixed} - {""}
            if len({option.machine for option in one.options}) != len(one.options):
                raise ValueError(f"the patient {one.id} names a machine twice")
            if unknown := sorted((named - {""}) - machines):
                raise ValueError(f"a patient names the machine {unknown[0]}, which is not listed")
            if (one.begun_there or one.sent_there or one.announced_from) and not one.announced:
                raise ValueError(
                    f"the patient {one.id} has begun or was told of a day, and `announced` is empty"
                )
            if one.fixed_from and not one.fixed:
                raise ValueError(f"the patient {one.id} has `fixed_from`, and `fixed` is empty")
        if (ways := sum(len(one.options) for one in self.patient) * self.days) > WAYS_MAX:
            raise ValueError(
                f"{ways} ways to place somebody; at most {WAYS_MAX} can be looked at: fewer days, or fewer "
                "machines a patient"
            )
        return self

    def calendar(self) -> tuple[date, ...]:
        """Return every day on which any machine treats to which somebody can go, in order."""
        machines = [one for one in self.machine if not self.shut(one)]
        days = (self.first_on + timedelta(days=number) for number in range(self.days))
        return tuple(day for day in days if any(self.slots_on(machine, day) for machine in machines))

    @property
    def weekdays(self) -> int:
        """How many weekdays the horizon has, holidays too: a tumour grows on them as well."""
        return sum(
            (self.first_on + timedelta(days=number)).weekday() < _SATURDAY for number in range(self.days)
        )

    def shut(self, machine: MachineSlots) -> str:
        """Return why nobody at all can go to a machine's site; "" where somebody can."""
        site = next(one for one in self.site if one.id == machine.site)
        attacked = plain(self.attacked_domain)
        if attacked and plain(site.failure_domain) == attacked:
            return f"{site.id} stands in the attacked failure domain {site.failure_domain}"
        return "" if site.agreement_signed else f"the agreement with {site.id} is not signed"

    def slots_on(self, machine: MachineSlots, day: date) -> int:
        """Return how many sessions a machine has for us on a day."""
        if day in machine.other_days:
            return machine.other_days[day]
        return 0 if day.weekday() >= _SATURDAY or day in self.holidays else machine.slots


def plain(domain: str) -> str:
    """Return a failure domain as it is compared: "AD-1 " and "ad-1" fall together."""
    return domain.strip().casefold()


def read_instance(data: bytes, *, is_json: bool = False) -> Instance:
    """Return the instance that a TOML or JSON text holds.

    Raises
    ------
    ConfigError
        Not an instance; the message says where and what was expected.
    """
    if len(data) > BYTES_MAX:
        raise ConfigError(f"The instance is larger than {BYTES_MAX} bytes.", do_next=_DESCRIBED)
    try:
        text = data.decode()
        table = json.loads(text, object_pairs_hook=_each_once) if is_json else tomllib.loads(text)
        for name, many, most in MOST:
            listed = table.get(name) if isinstance(table, dict) else None
            if isinstance(listed, list) and len(listed) > most:
                raise ConfigError(
                    f"The instance has {len(listed)} {many}; at most {most} can be looked at.",
                    do_next="Place a part of it.",
                )
        return Instance.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ConfigError(
            f"In the instance, {where}: {first['msg'].removeprefix('Value error, ')}{more}.",
            do_next=_DESCRIBED,
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"The instance cannot be read: {error}.", do_next=_DESCRIBED) from error


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of a JSON text; a key that is there twice would hide one of two facts."""
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found
