"""Reading a parameters file, and laying a department's own over the one that comes with the program."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from beamkeeper.domain.toml_text import tables_in
from beamkeeper.domain.words import line
from beamkeeper.errors import ConfigError
from beamkeeper.respond.gap.parameters import (
    DayCount,
    Parameter,
    ParameterSets,
    Repopulation,
    Rules,
    Source,
    Tissue,
    Tumour,
    from_doubling,
    from_proliferation,
)
from beamkeeper.respond.gap.reading import ALPHA_BETA_GY_MIN, DIVISOR_MIN, INTERVAL_H_MIN, Id, OneLine, said
from beamkeeper.respond.gap.schedules import EXTRA_MAX

FORMAT = "beamkeeper-gap-parameters"
OWN_TEXT = files(__package__).joinpath("parameters.toml").read_text(encoding="utf-8")
"""The file that comes with the program."""

_RULES: dict[str, tuple[str, float, float]] = {
    "interval_h": ("h", INTERVAL_H_MIN, 24),
    "late_rise_percent_max": ("%", 0, 100),
    "dose_per_fraction_low_gy": ("Gy", 0, 30),
    "dose_per_fraction_high_gy": ("Gy", 0.1, 30),
    "two_a_day_dose_gy_max": ("Gy", 0, 30),
    "cord_half_time_h": ("h", 0, 48),
    "fractions_a_week_max": ("", 1, 21),
    "extra_fractions_max": ("", 0, EXTRA_MAX),
    "tolerated_days_category_1": ("d", 0, 60),
    "tolerated_days_category_2": ("d", 0, 60),
}
"""Unit and bounds of each rule."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NumberSection(_Section):
    """One number with its source; bounds that make sense of any parameter here."""

    value: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
    range: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    source: Id

    @model_validator(mode="after")
    def _is_in_its_range(self) -> Self:
        if self.range is not None and not 0 <= self.range[0] <= self.value <= self.range[1]:
            raise ValueError(
                f"the value {self.value:g} is not within its range {self.range[0]:g} to {self.range[1]:g}"
            )
        return self

    def parameter(self, unit: str) -> Parameter:
        """Return it with its unit."""
        low, high = self.range or (None, None)
        return Parameter(self.value, unit, self.source, low, high)


class PositiveSection(NumberSection):
    """A number by which something is divided."""

    value: Annotated[float, Field(ge=DIVISOR_MIN, le=1000, allow_inf_nan=False)]


class RatioSection(NumberSection):
    """An α/β."""

    value: Annotated[float, Field(ge=ALPHA_BETA_GY_MIN, le=1000, allow_inf_nan=False)]


class SourceSection(_Section):
    """Where a number comes from."""

    cite: Annotated[str, Field(min_length=1, max_length=400)]
    known: Literal["read", "abstract", "restated", "recalled", "agreed"]


class TissueSection(_Section):
    """A late-reacting tissue."""

    id: Id
    title: OneLine
    is_cord: bool = False
    alpha_beta_gy: RatioSection
    repair_half_time_h: NumberSection

    def tissue(self) -> Tissue:
        """Return what it describes."""
        return Tissue(
            id=self.id,
            title=line(self.title),
            is_cord=self.is_cord,
            alpha_beta_gy=self.alpha_beta_gy.parameter("Gy"),
            repair_half_time_h=self.repair_half_time_h.parameter("h"),
        )


class TumourSection(_Section):
    """A tumour site; its repopulation in one of three forms."""

    id: Id
    title: OneLine
    rcr_category: Literal[1, 2, 3] | None = None
    cord_near: bool = False
    late: Annotated[list[Id], Field(min_length=1, max_length=6)]
    alpha_beta_gy: RatioSection
    k_gy_per_day: NumberSection | None = None
    proliferation_gy_per_day: NumberSection | None = None
    alpha_per_gy: PositiveSection | None = None
    doubling_days: PositiveSection | None = None
    delay_days: NumberSection
    repair_half_time_h: NumberSection
    notes: Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=5)] = []

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = [
            self.k_gy_per_day is not None,
            self.proliferation_gy_per_day is not None,
            self.alpha_per_gy is not None or self.doubling_days is not None,
        ]
        halves = (self.alpha_per_gy is None) != (self.doubling_days is None)
        if forms.count(True) != 1 or halves:
            raise ValueError(
                "give repopulation in one form: k_gy_per_day, or proliferation_gy_per_day, or both "
                "alpha_per_gy and doubling_days"
            )
        return self

    def tumour(self) -> Tumour:
        """Return what it describes."""
        alpha_beta = self.alpha_beta_gy.parameter("Gy")
        return Tumour(
            id=self.id,
            title=line(self.title),
            rcr_category=self.rcr_category,
            alpha_beta_gy=alpha_beta,
            repopulation=self._repopulation(alpha_beta),
            repair_half_time_h=self.repair_half_time_h.parameter("h"),
            cord_near=self.cord_near,
            late=tuple(self.late),
            notes=tuple(self.notes),
        )

    def _repopulation(self, alpha_beta: Parameter) -> Repopulation:
        delay = self.delay_days.parameter("d")
        if self.k_gy_per_day is not None:
            return Repopulation(self.k_gy_per_day.parameter("Gy/d"), delay)
        if self.proliferation_gy_per_day is not None:
            return from_proliferation(self.proliferation_gy_per_day.parameter("Gy/d"), alpha_beta, delay)
        assert self.alpha_per_gy is not None, "one of three forms"  # noqa: S101
        assert self.doubling_days is not None, "both halves"  # noqa: S101
        return from_doubling(self.alpha_per_gy.parameter("/Gy"), self.doubling_days.parameter("d"), delay)


class ParametersFile(_Section):
    """A whole parameters file; a department's own holds only what differs."""

    format: Literal["beamkeeper-gap-parameters"]
    version: Literal[1]
    title: OneLine
    edition: OneLine
    day_count: Literal["elapsed", "inclusive"] | None = None
    sources: Annotated[dict[Id, SourceSection], Field(max_length=200)] = {}
    rules: Annotated[dict[str, NumberSection], Field(max_length=20)] = {}
    tissues: Annotated[list[TissueSection], Field(max_length=50)] = []
    tumours: Annotated[list[TumourSection], Field(max_length=200)] = []

    @model_validator(mode="after")
    def _rules_are_known(self) -> Self:
        for name, rule in self.rules.items():
            if name not in _RULES:
                raise ValueError(f"rules.{name}: no such rule; there are {', '.join(_RULES)}")
            _, low, high = _RULES[name]
            if not low <= rule.value <= high:
                raise ValueError(f"rules.{name}: {rule.value:g} is not between {low:g} and {high:g}")
        return self


def own_parameters() -> ParameterSets:
    """Return what comes with the program."""
    return read_parameters([])


def read_parameters(texts: list[tuple[str, str]]) -> ParameterSets:
    """Return the program's parameters under a department's.

    Parameters
    ----------
    texts
        (name of the file, its text), the last going before the others.

    Raises
    ------
    ConfigError
        Not TOML, an unknown or missing key, a number out of bounds, a source that is not listed.
    """
    read = [_parse("the parameters of the program", OWN_TEXT)]
    read += [_parse(name, text) for name, text in texts]
    digest = hashlib.sha256("".join([OWN_TEXT, *(text for _, text in texts)]).encode()).hexdigest()
    sources = {tag: item for file in read for tag, item in file.sources.items()}
    rules = {name: item for file in read for name, item in file.rules.items()}
    tissues = {item.id: item.tissue() for file in read for item in file.tissues}
    tumours = {item.id: item.tumour() for file in read for item in file.tumours}
    made = ParameterSets(
        title=" + ".join(file.title for file in read),
        edition=" + ".join(file.edition for file in read),
        sha256=digest,
        day_count=DayCount(next(file.day_count for file in reversed(read) if file.day_count)),
        tumours=tumours,
        tissues=tissues,
        rules=Rules(**{name: rules[name].parameter(unit) for name, (unit, _, _) in _RULES.items()}),
        sources={tag: Source(tag=tag, cite=item.cite, known=item.known) for tag, item in sources.items()},
    )
    _check(made)
    return made


def _parse(name: str, text: str) -> ParametersFile:
    try:
        return ParametersFile.model_validate(tables_in(text, f"The parameters file {name}"))
    except ValidationError as error:
        raise ConfigError(
            f"The parameters file {name} is wrong. {said(error)}",
            do_next="docs/formats/gap.md says what it holds.",
        ) from error


def _check(sets: ParameterSets) -> None:
    used = [
        *(p for t in sets.tumours.values() for p in _numbers_of(t)),
        *(p for t in sets.tissues.values() for p in (t.alpha_beta_gy, t.repair_half_time_h)),
        *(getattr(sets.rules, name) for name in _RULES),
    ]
    if absent := sorted({parameter.source for parameter in used} - set(sets.sources)):
        raise ConfigError(
            f"A number names a source that is not listed: {', '.join(absent)}.",
            do_next="Add it under [sources] with `cite` and `known`.",
        )
    for tumour in sets.tumours.values():
        if unknown := [tissue for tissue in tumour.late if tissue not in sets.tissues]:
            raise ConfigError(f"The tumour {tumour.id} names a tissue that is not there: {unknown[0]}.")
    if sets.rules.dose_per_fraction_low_gy.value >= sets.rules.dose_per_fraction_high_gy.value:
        raise ConfigError("rules: dose_per_fraction_low_gy must be below dose_per_fraction_high_gy.")


def _numbers_of(tumour: Tumour) -> tuple[Parameter, ...]:
    return (
        tumour.alpha_beta_gy,
        tumour.repopulation.k_gy_per_day,
        tumour.repopulation.delay_days,
        tumour.repair_half_time_h,
    )
