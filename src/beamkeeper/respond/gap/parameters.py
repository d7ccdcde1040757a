"""Radiobiological parameters: what is believed of a tumour or tissue, from where, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.respond.gap.effect import REFERENCE_DOSE_GY, k_of_doubling, k_of_proliferation, unrepaired

if TYPE_CHECKING:
    from collections.abc import Mapping


class DayCount(StrEnum):
    """How overall time is counted; one day is up to 1 Gy of BED."""

    ELAPSED = "elapsed"
    """The first day is day 0: 35 fractions, Monday to Friday from a Monday, take 46 days."""
    INCLUSIVE = "inclusive"
    """The first day is day 1: 25 fractions from a Monday take 33 days."""

    @property
    def first(self) -> int:
        """The number of the first day."""
        return 1 if self is DayCount.INCLUSIVE else 0

    @property
    def words(self) -> str:
        """The convention in words."""
        return f"{self.value}: the day of the first fraction is day {self.first}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number with its unit, its range and its source.

    Attributes
    ----------
    low, high
        The range its source gives; None where it gives none, infinity where it has no end.
    source
        The tag of its source.
    """

    value: float
    unit: str
    source: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Repopulation:
    """How a tumour grows back during treatment.

    Attributes
    ----------
    k_gy_per_day
        Gy of BED a day, after the delay.
    derivation
        How K comes from what the source gives, in figures; "" where it gives K itself.
    """

    k_gy_per_day: Parameter
    delay_days: Parameter
    derivation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tumour:
    """One tumour site.

    Attributes
    ----------
    rcr_category
        1, 2 or 3; None where nobody has said.
    cord_near
        Whether the spinal cord often lies in or near the fields.
    late
        Ids of the late-reacting tissues looked at where the course names none.
    """

    id: str
    title: str
    rcr_category: int | None
    alpha_beta_gy: Parameter
    repopulation: Repopulation
    repair_half_time_h: Parameter
    cord_near: bool
    late: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tissue:
    """One late-reacting tissue; it does not repopulate during treatment.

    Attributes
    ----------
    dose_percent
        What it gets of each fraction's dose.
    """

    id: str
    title: str
    alpha_beta_gy: Parameter
    repair_half_time_h: Parameter
    is_cord: bool = False
    dose_percent: float = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a department agreed on: bounds beyond which the program warns; each prints its source.

    Attributes
    ----------
    interval_h
        Between two fractions of one day.
    dose_per_fraction_low_gy, dose_per_fraction_high_gy
        Where the model is believed.
    """

    interval_h: Parameter
    late_rise_percent_max: Parameter
    dose_per_fraction_low_gy: Parameter
    dose_per_fraction_high_gy: Parameter
    two_a_day_dose_gy_max: Parameter
    cord_half_time_h: Parameter
    fractions_a_week_max: Parameter
    extra_fractions_max: Parameter
    tolerated_days_category_1: Parameter
    tolerated_days_category_2: Parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a number comes from.

    Attributes
    ----------
    known
        How we know it: read there, restated by others, recalled, agreed.
    """

    tag: str
    cite: str
    known: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSets:
    """Everything a parameters file holds.

    Attributes
    ----------
    sha256
        Digest of the file, or of the files one after another.
    """

    title: str
    edition: str
    sha256: str
    day_count: DayCount
    tumours: Mapping[str, Tumour]
    tissues: Mapping[str, Tissue]
    rules: Rules
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What one course is computed with."""

    tumour: Tumour
    late: tuple[Tissue, ...]
    rules: Rules
    day_count: DayCount
    sources: tuple[Source, ...]
    parameters_title: str
    parameters_sha256: str

    @property
    def tumour_h(self) -> float:
        """What of the damage to the tumour is unrepaired at the second fraction of a day."""
        return unrepaired(self.rules.interval_h.value, self.tumour.repair_half_time_h.value)

    def late_h(self, tissue: Tissue) -> float:
        """Return what of the damage to a tissue is unrepaired at the second fraction of a day."""
        return unrepaired(self.rules.interval_h.value, tissue.repair_half_time_h.value)


def from_proliferation(given: Parameter, alpha_beta: Parameter, delay: Parameter) -> Repopulation:
    """Return the repopulation of a proliferation in Gy of 2 Gy fractions a day."""

    def k(value: float | None) -> float | None:
        return None if value is None else k_of_proliferation(value, alpha_beta.value)

    made = k_of_proliferation(given.value, alpha_beta.value)
    said = f"K = {given.value:g} Gy/d × (1 + {REFERENCE_DOSE_GY:g}/{alpha_beta.value:g}) = {made:.4f} Gy/d"
    return Repopulation(Parameter(made, "Gy/d", given.source, k(given.low), k(given.high)), delay, said)


def from_doubling(alpha: Parameter, doubling: Parameter, delay: Parameter) -> Repopulation:
    """Return the repopulation of Fowler's form: ln2 / (α Tp)."""
    made = k_of_doubling(alpha.value, doubling.value)
    said = f"K = ln2 / ({alpha.value:g} /Gy × {doubling.value:g} d) = {made:.4f} Gy/d"
    return Repopulation(Parameter(made, "Gy/d", doubling.source), delay, said)
