"""How every number comes about: formula, inputs, intermediate values, so that it can be checked by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.respond.gap.effect import dose_per_fraction, physical_compensation, quadratic_weight
from beamkeeper.respond.gap.outcome import PERCENT, amount_of_given

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beamkeeper.respond.gap.options import Option, Options
    from beamkeeper.respond.gap.outcome import Outcome, TissueEffect
    from beamkeeper.respond.gap.parameters import Model


def explained(options: Options) -> Iterator[str]:
    """Yield the lines that show how each number comes about."""
    yield ""
    yield "HOW EACH NUMBER COMES ABOUT"
    yield "   T is counted from the first fraction to the last."
    yield "   Σd² counts two fractions d of one day as 2 d² (1 + h), h = exp(−ln2 · ΔT/T½)."
    yield "   EQD2 = BED / (1 + 2/(α/β))."
    yield from _shares(options.model)
    if options.model.tumour.repopulation.derivation:
        yield f"   {options.model.tumour.repopulation.derivation}"
    yield ""
    yield "   Prescribed"
    yield from _outcome(options, options.prescribed)
    yield ""
    yield "   No compensation"
    yield from _outcome(options, options.nothing)
    for number, option in enumerate(options.options, 1):
        yield ""
        yield f"{number:>2} {option.title}"
        if option.sized_for:
            yield from _size(options, option)
        yield from _outcome(options, option.outcome)
    yield from _rule_of_thumb(options)


def _shares(model: Model) -> Iterator[str]:
    interval = model.rules.interval_h.value
    for title, half_time, h in (
        ("tumour", model.tumour.repair_half_time_h.value, model.tumour_h),
        *((item.title.lower(), item.repair_half_time_h.value, model.late_h(item)) for item in model.late),
    ):
        how = f"exp(−ln2 · {interval:g}/{half_time:g})" if half_time else "repair taken for complete"
        yield f"   h of {title}: {how} = {h:.5f}"


def _outcome(options: Options, outcome: Outcome) -> Iterator[str]:
    course, model = options.course, options.model
    repopulation = model.tumour.repopulation
    k, delay = repopulation.k_gy_per_day.value, repopulation.delay_days.value
    tumour = outcome.tumour
    counted = "" if not model.day_count.first else " + 1"
    yield (
        f"     T = {outcome.last_on:%d %b} − {course.first_on:%d %b}{counted} = {outcome.overall_days} d; "
        f"loss = {k:.4g} · max(0, {outcome.overall_days} − {delay:g}) = {tumour.loss_gy:.4f} Gy"
    )
    yield f"     tumour: {_bed(tumour)}"
    for tissue, effect in zip(model.late, outcome.late, strict=True):
        share = "" if tissue.dose_percent == PERCENT else f" ({tissue.dose_percent:g} % of each dose)"
        yield f"     {tissue.title.lower()}{share}: {_bed(effect)}"
    planned = options.prescribed.tumour.bed_gy
    if outcome is not options.prescribed:
        yield (
            f"     tumour of prescribed: {tumour.bed_gy:.4f}/{planned:.4f} − 1 = "
            f"{tumour.vs_prescribed_percent:.3f} %".replace("-", "−")
        )


def _bed(effect: TissueEffect) -> str:
    loss = f" − {effect.loss_gy:.4f}" if effect.loss_gy else ""
    return (
        f"{effect.dose_gy:.4f} + {effect.weight_gy2:.4f}/{effect.alpha_beta_gy:g}{loss} = "
        f"{effect.bed_gy:.4f} Gy, EQD2 {effect.eqd2_gy:.2f}"
    )


def _size(options: Options, option: Option) -> Iterator[str]:
    """Yield how the fraction size was found: the positive root of G/(α/β) · x² + N · x = what is needed."""
    course, model, outcome = options.course, options.model, option.outcome
    days = [day.fractions for day in outcome.schedule]
    if option.sized_for == "tumour":
        aim = options.prescribed.tumour.bed_gy * course.tumour_aim_percent / PERCENT
        before = amount_of_given(course.given, model.tumour_h).bed(model.tumour.alpha_beta_gy.value)
        loss = outcome.tumour.loss_gy
        needed = aim + loss - before
        yield f"     needed: {aim:.4f} (aim) + {loss:.4f} (loss) − {before:.4f} (given) = {needed:.4f} Gy"
        yield from _root(needed, days, model.tumour.alpha_beta_gy.value, h=model.tumour_h)
        return
    for tissue, planned in zip(model.late, options.prescribed.late, strict=True):
        h, share = model.late_h(tissue), tissue.dose_percent / PERCENT
        before = amount_of_given(course.given, h, share=share).bed(planned.alpha_beta_gy)
        needed = planned.bed_gy - before
        yield (
            f"     needed, {tissue.title.lower()}: {planned.bed_gy:.4f} (prescribed) − {before:.4f} (given) "
            f"= {needed:.4f} Gy"
        )
        yield from _root(needed, days, planned.alpha_beta_gy, h=h, share=share)
    if len(model.late) > 1:
        yield "     the smallest of them is taken"


def _root(
    needed_gy: float, days: Sequence[int], alpha_beta_gy: float, *, h: float, share: float = 1.0
) -> Iterator[str]:
    weight = sum(quadratic_weight((1.0,) * number, h) for number in days)
    root = dose_per_fraction(needed_gy, days, alpha_beta_gy, h=h)
    shared = "" if share == 1 else f", for {PERCENT * share:g} % of each dose: {root / share:.4f} Gy"
    yield (
        f"     {weight:.4f}/{alpha_beta_gy:g} · x² + {sum(days)} · x = {needed_gy:.4f}; "
        f"x = {root:.4f} Gy{shared}"
    )


def _rule_of_thumb(options: Options) -> Iterator[str]:
    course = options.course
    days = options.nothing.overall_days - options.prescribed.overall_days
    k = options.model.tumour.repopulation.k_gy_per_day.value
    if days <= 0 or not k:
        return
    added = physical_compensation(days, k)
    size = course.dose_per_fraction_gy + added / course.fractions_left
    yield ""
    yield "   Not an option, and shown so that nobody takes it for one: K × days as dose"
    yield (
        f"     {k:.4g} × {days} = {added:.2f} Gy, {course.fractions_left} × {size:.2f} Gy. It takes a BED "
        "for a dose, and knows no delay."
    )
