"""What one course is computed with: the parameters of its tumour site, and what its own file changes."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

from beamkeeper.respond.gap.parameters import (
    DayCount,
    Model,
    Parameter,
    Repopulation,
    Source,
    Tissue,
    Tumour,
    from_doubling,
    from_proliferation,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.respond.gap.parameters import ParameterSets

COURSE_SOURCE: Final = Source(tag="course", cite="given in the course file itself", known="agreed")
GIVEN_TITLE: Final = "Tumour as given in the course file"
DEFAULT_LATE: Final = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """What a course says of itself instead of what the parameters say; None changes nothing."""

    alpha_beta_gy: float | None = None
    k_gy_per_day: float | None = None
    proliferation_gy_per_day: float | None = None
    alpha_per_gy: float | None = None
    doubling_days: float | None = None
    delay_days: float | None = None
    repair_half_time_h: float | None = None
    rcr_category: int | None = None
    day_count: DayCount | None = None
    interval_h: float | None = None
    late_rise_percent_max: float | None = None
    extra_fractions_max: float | None = None


def model_for(
    sets: ParameterSets,
    tumour_site: str,
    *,
    change: ModelChange | None = None,
    late: tuple[Tissue, ...] = (),
) -> Model:
    """Return the model of one course.

    Parameters
    ----------
    tumour_site
        Its id; "" where `change` gives α/β, repopulation and delay.
    late
        The late-reacting tissues to look at; those of the tumour site where there are none.

    Raises
    ------
    ValueError
        There is no such tumour site.
    """
    change = change or ModelChange()
    tumour = _changed(_tumour(sets, tumour_site, change), change)
    rules = replace(
        sets.rules,
        **{
            name: _course(value, getattr(sets.rules, name).unit)
            for name in ("interval_h", "late_rise_percent_max", "extra_fractions_max")
            if (value := getattr(change, name)) is not None
        },
    )
    tissues = late or tuple(sets.tissues[name] for name in tumour.late)
    made = Model(
        tumour=tumour,
        late=tissues,
        rules=rules,
        day_count=change.day_count or sets.day_count,
        sources=(),
        parameters_title=f"{sets.title}, {sets.edition}",
        parameters_sha256=sets.sha256,
    )
    named = {**sets.sources, COURSE_SOURCE.tag: COURSE_SOURCE}
    tags = sorted({parameter.source for parameter in parameters_of(made)})
    return replace(made, sources=tuple(named[tag] for tag in tags))


def parameters_of(model: Model) -> Iterator[Parameter]:
    """Yield every number a model stands on."""
    tumour = model.tumour
    yield tumour.alpha_beta_gy
    yield tumour.repopulation.k_gy_per_day
    yield tumour.repopulation.delay_days
    yield tumour.repair_half_time_h
    for tissue in model.late:
        yield tissue.alpha_beta_gy
        yield tissue.repair_half_time_h
    for field in fields(model.rules):
        yield getattr(model.rules, field.name)


def _tumour(sets: ParameterSets, tumour_site: str, change: ModelChange) -> Tumour:
    if tumour_site in sets.tumours:
        return sets.tumours[tumour_site]
    if tumour_site:
        raise ValueError(
            f"there is no tumour site {tumour_site!r}; there are {', '.join(sorted(sets.tumours))}"
        )
    if change.alpha_beta_gy is None or change.delay_days is None or not _has_repopulation(change):
        raise ValueError(
            "without a tumour site, the model has to give alpha_beta_gy, delay_days, and k_gy_per_day or "
            "another form of repopulation"
        )
    nothing = _course(0.0, "h")
    return Tumour(
        id="given",
        title=GIVEN_TITLE,
        rcr_category=None,
        alpha_beta_gy=_course(change.alpha_beta_gy, "Gy"),
        repopulation=Repopulation(_course(0.0, "Gy/d"), _course(change.delay_days, "d")),
        repair_half_time_h=nothing,
        cord_near=False,
        late=(DEFAULT_LATE,),
    )


def _changed(tumour: Tumour, change: ModelChange) -> Tumour:
    alpha_beta = tumour.alpha_beta_gy if change.alpha_beta_gy is None else _course(change.alpha_beta_gy, "Gy")
    delay = tumour.repopulation.delay_days if change.delay_days is None else _course(change.delay_days, "d")
    half_time = (
        tumour.repair_half_time_h
        if change.repair_half_time_h is None
        else _course(change.repair_half_time_h, "h")
    )
    return replace(
        tumour,
        alpha_beta_gy=alpha_beta,
        repopulation=_repopulation(tumour.repopulation, change, alpha_beta, delay),
        repair_half_time_h=half_time,
        rcr_category=change.rcr_category or tumour.rcr_category,
    )


def _repopulation(
    before: Repopulation, change: ModelChange, alpha_beta: Parameter, delay: Parameter
) -> Repopulation:
    if change.k_gy_per_day is not None:
        return Repopulation(_course(change.k_gy_per_day, "Gy/d"), delay)
    if change.proliferation_gy_per_day is not None:
        return from_proliferation(_course(change.proliferation_gy_per_day, "Gy/d"), alpha_beta, delay)
    if change.alpha_per_gy is not None and change.doubling_days is not None:
        return from_doubling(_course(change.alpha_per_gy, "/Gy"), _course(change.doubling_days, "d"), delay)
    return replace(before, delay_days=delay)


def _has_repopulation(change: ModelChange) -> bool:
    return (
        change.k_gy_per_day is not None
        or change.proliferation_gy_per_day is not None
        or None not in (change.alpha_per_gy, change.doubling_days)
    )


def _course(value: float, unit: str) -> Parameter:
    return Parameter(value, unit, COURSE_SOURCE.tag)
