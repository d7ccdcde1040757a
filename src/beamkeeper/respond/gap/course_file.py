"""Reading a course file: facts of one patient's course in TOML, checked before anything is computed."""

from __future__ import annotations

from collections import Counter
from datetime import date
from importlib.resources import files
from itertools import islice
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from beamkeeper.domain.toml_text import tables_in
from beamkeeper.domain.words import line
from beamkeeper.errors import ConfigError
from beamkeeper.respond.gap.calendar_days import WEEKDAYS, Calendar, days_from
from beamkeeper.respond.gap.course import (
    DOSE_GY_MAX,
    FRACTIONS_MAX,
    Considered,
    Course,
    Given,
    Person,
    Schedule,
    TreatmentDay,
)
from beamkeeper.respond.gap.modelling import COURSE_SOURCE, ModelChange, model_for
from beamkeeper.respond.gap.parameters import DayCount, Model, Parameter, ParameterSets, Tissue
from beamkeeper.respond.gap.reading import ALPHA_BETA_GY_MIN, DIVISOR_MIN, INTERVAL_H_MIN, Id, OneLine, said
from beamkeeper.respond.gap.schedules import EXTRA_MAX, planned_course

FORMAT, VERSION = "beamkeeper-course", 1
FILE_BYTES_MAX = 200_000

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Day = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2100, 1, 1))]
Days = Annotated[list[Day], Field(max_length=1000)]
FractionDays = Annotated[list[Day], Field(min_length=1, max_length=FRACTIONS_MAX)]
Dose = Annotated[float, Field(gt=0, le=DOSE_GY_MAX, allow_inf_nan=False)]
FractionCount = Annotated[int, Field(ge=1, le=FRACTIONS_MAX)]
AlphaBeta = Annotated[float, Field(ge=ALPHA_BETA_GY_MIN, le=1000, allow_inf_nan=False)]
Divisor = Annotated[float, Field(ge=DIVISOR_MIN, le=1000, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PatientSection(_Section):
    """Whose sheet it is."""

    name: OneLine | None = None
    id: OneLine | None = None
    birth_on: date | None = None


class PrescriptionSection(_Section):
    """What was prescribed."""

    tumour_site: Id | None = None
    fractions: FractionCount
    dose_per_fraction_gy: Dose
    fractions_per_day: Literal[1, 2] = 1
    last_on: Day | None = None
    on: FractionDays | None = None
    with_chemotherapy: bool | None = None

    @model_validator(mode="after")
    def _days_and_number_agree(self) -> Self:
        if self.on is not None and len(self.on) != self.fractions:
            raise ValueError(f"`on` has {len(self.on)} days for {self.fractions} fractions")
        return self


class GivenSection(_Section):
    """What was delivered before the gap."""

    on: FractionDays | None = None
    dose_gy: Annotated[list[Dose], Field(max_length=FRACTIONS_MAX)] | None = None
    first_on: Day | None = None
    fractions: FractionCount | None = None
    missed: Days = []

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        listed, counted = self.on is not None, self.first_on is not None or self.fractions is not None
        if listed == counted or (counted and None in (self.first_on, self.fractions)):
            raise ValueError("give either `on`, a day for each fraction, or both `first_on` and `fractions`")
        if listed and self.missed:
            raise ValueError("`missed` goes with `first_on` and `fractions`, not with `on`")
        count = len(self.on) if self.on is not None else self.fractions
        if self.dose_gy is not None and len(self.dose_gy) != count:
            raise ValueError(f"`dose_gy` has {len(self.dose_gy)} doses for {count} fractions")
        return self


class GapSection(_Section):
    """When treatment can go on."""

    resume_on: Day


class CalendarSection(_Section):
    """The days of the department and the machine; what stands here adds to the site's."""

    treatment_days: Annotated[list[Weekday], Field(min_length=1, max_length=7)] | None = None
    make_up_days: Annotated[list[Weekday], Field(max_length=7)] | None = None
    make_up_on: Days = []
    holidays: Days = []
    service: Days = []

    def over(self, site: Calendar) -> Calendar:
        """Return the site's calendar with this laid over it."""
        return Calendar(
            treatment_weekdays=_weekdays(self.treatment_days, site.treatment_weekdays),
            make_up_weekdays=_weekdays(self.make_up_days, site.make_up_weekdays),
            make_up_on=site.make_up_on | set(self.make_up_on),
            holidays=site.holidays | set(self.holidays),
            service=site.service | set(self.service),
        )


class ModelSection(_Section):
    """Numbers of this course instead of those of its tumour site."""

    alpha_beta_gy: AlphaBeta | None = None
    k_gy_per_day: NotNegative | None = None
    proliferation_gy_per_day: NotNegative | None = None
    alpha_per_gy: Divisor | None = None
    doubling_days: Divisor | None = None
    delay_days: NotNegative | None = None
    repair_half_time_h: NotNegative | None = None
    rcr_category: Literal[1, 2, 3] | None = None
    day_count: Literal["elapsed", "inclusive"] | None = None
    interval_h: Annotated[float, Field(ge=INTERVAL_H_MIN, le=24, allow_inf_nan=False)] | None = None
    late_rise_percent_max: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    extra_fractions_max: Annotated[int, Field(ge=0, le=EXTRA_MAX)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = [
            self.k_gy_per_day is not None,
            self.proliferation_gy_per_day is not None,
            self.alpha_per_gy is not None or self.doubling_days is not None,
        ]
        if forms.count(True) > 1 or (self.alpha_per_gy is None) != (self.doubling_days is None):
            raise ValueError(
                "give repopulation in one form: k_gy_per_day, or proliferation_gy_per_day, or both "
                "alpha_per_gy and doubling_days"
            )
        return self

    def change(self) -> ModelChange:
        """Return what it changes."""
        said_ = self.model_dump(exclude={"day_count"})
        return ModelChange(**said_, day_count=DayCount(self.day_count) if self.day_count else None)


class LateSection(_Section):
    """One late-reacting tissue: one of the parameters file, or one of its own."""

    tissue: Id | None = None
    title: OneLine | None = None
    alpha_beta_gy: AlphaBeta | None = None
    repair_half_time_h: NotNegative | None = None
    dose_percent: Annotated[float, Field(gt=0, le=150, allow_inf_nan=False)] = 100.0
    is_cord: bool = False

    def over(self, sets: ParameterSets, number: int) -> Tissue:
        """Return the tissue; what is not said here comes from the parameters.

        Raises
        ------
        ValueError
            There is no such tissue.
        """
        name = self.tissue or "late"
        if name not in sets.tissues:
            raise ValueError(
                f"late.{number}: there is no tissue {name!r}; there are {', '.join(sets.tissues)}"
            )
        base = sets.tissues[name]
        return Tissue(
            id=f"{name}-{number}" if number else name,
            title=line(self.title) if self.title else base.title,
            alpha_beta_gy=_own(self.alpha_beta_gy, base.alpha_beta_gy),
            repair_half_time_h=_own(self.repair_half_time_h, base.repair_half_time_h),
            is_cord=self.is_cord or base.is_cord,
            dose_percent=self.dose_percent,
        )


class ConsideredSection(_Section):
    """A schedule somebody thought of: a day for each fraction, a day twice for two."""

    title: OneLine
    on: FractionDays
    dose_per_fraction_gy: Dose | None = None


class AimSection(_Section):
    """What fractions are sized for."""

    tumour_percent: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 100.0


class CourseFile(_Section):
    """A whole course file."""

    format: Literal["beamkeeper-course"]
    version: Literal[1]
    patient: PatientSection = PatientSection()
    prescription: PrescriptionSection
    given: GivenSection
    gap: GapSection
    calendar: CalendarSection = CalendarSection()
    aim: AimSection = AimSection()
    model: ModelSection = ModelSection()
    late: Annotated[list[LateSection], Field(max_length=6)] = []
    considered: Annotated[list[ConsideredSection], Field(max_length=10)] = []


def read_course(text: str, sets: ParameterSets, calendar: Calendar) -> tuple[Course, Model]:
    """Return the course of a file, and the model it is computed with.

    Parameters
    ----------
    calendar
        That of the site; what the file says goes over it.

    Raises
    ------
    ConfigError
        Not TOML, an unknown or missing key, a value out of bounds, facts that contradict one another.
    """
    try:
        read = CourseFile.model_validate(tables_in(text, "The course file", do_next=_DO_NEXT))
    except ValidationError as error:
        raise ConfigError(f"The course file is wrong. {said(error)}", do_next=_DO_NEXT) from error
    try:
        return _course(read, calendar), _model(read, sets)
    except ValueError as error:
        raise ConfigError(f"The course file cannot be computed: {error}.", do_next=_DO_NEXT) from error


EXAMPLE = files(__package__).joinpath("example_course.toml").read_text(encoding="utf-8")
"""A course file that can be computed, with a word on every line."""
_DO_NEXT = "Mend it by docs/formats/gap.md; `beamkeeper gap --example` prints one that works."


def _course(read: CourseFile, site: Calendar) -> Course:
    prescribed = read.prescription
    calendar = read.calendar.over(site)
    given = _given(read, calendar)
    return Course(
        tumour_site=prescribed.tumour_site or "",
        dose_per_fraction_gy=prescribed.dose_per_fraction_gy,
        fractions_per_day=prescribed.fractions_per_day,
        planned=_planned(prescribed, calendar, given[0].on),
        given=given,
        resume_on=read.gap.resume_on,
        calendar=calendar,
        tumour_aim_percent=read.aim.tumour_percent,
        with_chemotherapy=prescribed.with_chemotherapy,
        considered=tuple(
            Considered(
                title=line(item.title),
                schedule=_by_day(item.on, f"considered.{number}.on"),
                dose_per_fraction_gy=item.dose_per_fraction_gy,
            )
            for number, item in enumerate(read.considered)
        ),
        person=Person(
            name=read.patient.name or "", patient_id=read.patient.id or "", birth_on=read.patient.birth_on
        ),
    )


def _given(read: CourseFile, calendar: Calendar) -> tuple[Given, ...]:
    section, prescribed = read.given, read.prescription
    if section.on is not None:
        on = section.on
    else:
        assert section.first_on is not None, "one of two ways"  # noqa: S101
        assert section.fractions is not None, "both of them"  # noqa: S101
        on = _counted(section, section.first_on, section.fractions, prescribed.fractions_per_day, calendar)
    doses = section.dose_gy or [prescribed.dose_per_fraction_gy] * len(on)
    return tuple(Given(day, dose) for day, dose in zip(on, doses, strict=True))


def _counted(
    section: GivenSection, first_on: date, fractions: int, a_day: int, calendar: Calendar
) -> list[date]:
    if first_on in section.missed or not calendar.is_planned(first_on):
        raise ValueError(f"given.first_on: {first_on} is missed, a holiday, or no treatment day")
    days = (on for on in days_from(first_on) if calendar.is_planned(on) and on not in section.missed)
    found = list(islice((on for on in days for _ in range(a_day)), fractions))
    if len(found) < fractions:
        raise ValueError(f"given.fractions: the calendar has no {fractions} fractions from {first_on} on")
    return found


def _planned(prescribed: PrescriptionSection, calendar: Calendar, first_on: date) -> Schedule:
    if prescribed.on is not None:
        planned = _by_day(prescribed.on, "prescription.on")
    else:
        planned = planned_course(calendar, first_on, prescribed.fractions, a_day=prescribed.fractions_per_day)
    ends = planned[-1].on
    if prescribed.last_on is not None and prescribed.last_on != ends:
        raise ValueError(
            f"prescription.last_on is {prescribed.last_on}, and by the calendar fraction "
            f"{prescribed.fractions} falls on {ends}: name the holidays, or the days in prescription.on"
        )
    return planned


def _model(read: CourseFile, sets: ParameterSets) -> Model:
    late = tuple(item.over(sets, number) for number, item in enumerate(read.late))
    return model_for(sets, read.prescription.tumour_site or "", change=read.model.change(), late=late)


def _by_day(on: list[date], name: str) -> Schedule:
    if on != sorted(on):
        raise ValueError(f"{name}: the days are not in order")
    return tuple(TreatmentDay(day, number) for day, number in Counter(on).items())


def _weekdays(named: list[Weekday] | None, otherwise: frozenset[int]) -> frozenset[int]:
    return otherwise if named is None else frozenset(WEEKDAYS.index(name) for name in named)


def _own(value: float | None, otherwise: Parameter) -> Parameter:
    return otherwise if value is None else Parameter(value, otherwise.unit, COURSE_SOURCE.tag)
