"""The formulas: biologically effective dose (BED), repopulation, incomplete repair, and their inverses.

Doses in Gy, days in days, half times in hours. `alpha_beta_gy` is the α/β of the tissue that is asked for.

References
----------
.. [1] Dale RG, Hendry JH, Jones B et al. Practical methods for compensating for missed treatment days in
   radiotherapy. Clin Oncol 2002;14:382-393. doi 10.1053/clon.2002.0111.
.. [2] Fowler JF. The linear-quadratic formula and progress in fractionated radiotherapy. Br J Radiol
   1989;62:679-694.
.. [3] Thames HD. An 'incomplete-repair' model for survival after fractionated and continuous irradiations.
   Int J Radiat Biol 1985;47:319-339.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

REFERENCE_DOSE_GY: Final = 2.0
"""Dose per fraction that EQD2 and a proliferation in Gy a day speak of."""


def unrepaired(interval_h: float, half_time_h: float) -> float:
    """Return h, the share of the damage that is still there after the interval: exp(-ln2 · ΔT / T½) [3]_.

    A half time of 0 means that everything is repaired.
    """
    return 0.0 if half_time_h == 0 else math.exp(-math.log(2) * interval_h / half_time_h)


def quadratic_weight(doses_gy: Sequence[float], h: float) -> float:
    """Return what stands over α/β for the fractions of one day, in Gy².

    Σ dᵢ² + 2 Σ dᵢ dⱼ h^(j-i): for two equal fractions 2 d² (1 + h). Repair is complete overnight.
    """
    if len(doses_gy) == 1:
        return doses_gy[0] * doses_gy[0]
    total = 0.0
    for later, dose in enumerate(doses_gy):
        total += dose * dose
        total += 2 * sum(
            dose * earlier * h ** (later - index) for index, earlier in enumerate(doses_gy[:later])
        )
    return total


def bed(days: Iterable[Sequence[float]], alpha_beta_gy: float, *, h: float = 0.0) -> float:
    """Return the BED of fractions, day by day, without any loss to repopulation, in Gy.

    Parameters
    ----------
    days
        The doses of each day, in their order.
    h
        What of the damage of one fraction is there at the next of the same day.
    """
    dose = weight = 0.0
    for doses in days:
        dose += sum(doses)
        weight += quadratic_weight(doses, h)
    return dose + weight / alpha_beta_gy


def repopulation_loss(overall_days: float, k_gy_per_day: float, delay_days: float) -> float:
    """Return the BED that repopulation takes away: K · max(0, T - Td) [1]_, in Gy."""
    return k_gy_per_day * max(0.0, overall_days - delay_days)


def eqd2(bed_gy: float, alpha_beta_gy: float) -> float:
    """Return the dose in fractions of 2 Gy of the same BED, in Gy."""
    return bed_gy / (1 + REFERENCE_DOSE_GY / alpha_beta_gy)


def k_of_proliferation(proliferation_gy_per_day: float, alpha_beta_gy: float) -> float:
    """Return K in Gy of BED a day, of a proliferation in Gy of 2 Gy fractions a day."""
    return proliferation_gy_per_day * (1 + REFERENCE_DOSE_GY / alpha_beta_gy)


def proliferation_of_k(k_gy_per_day: float, alpha_beta_gy: float) -> float:
    """Return the proliferation in Gy of 2 Gy fractions a day, of K in Gy of BED a day."""
    return k_gy_per_day / (1 + REFERENCE_DOSE_GY / alpha_beta_gy)


def k_of_doubling(alpha_per_gy: float, doubling_days: float) -> float:
    """Return K of Fowler's form, ln2 / (α · Tp) [2]_, in Gy of BED a day."""
    return math.log(2) / (alpha_per_gy * doubling_days)


def dose_per_fraction(
    bed_gy: float, fractions_a_day: Sequence[int], alpha_beta_gy: float, *, h: float = 0.0
) -> float:
    """Return the size of equal fractions that together give a BED, in Gy; 0 where none is needed.

    With N fractions and G = Σ of the days' weights of 1 Gy fractions, it is the positive root of
    G/(α/β) · x² + N · x = BED.

    Parameters
    ----------
    bed_gy
        What they shall give, in Gy, without any loss to repopulation.
    fractions_a_day
        How many there are on each day; at least one in all.
    """
    if bed_gy <= 0:
        return 0.0
    count = sum(fractions_a_day)
    weight = sum(quadratic_weight((1.0,) * number, h) for number in fractions_a_day)
    # The form without a difference of near numbers: exact for a large α/β, too.
    return 2 * bed_gy / (count + math.sqrt(count * count + 4 * weight * bed_gy / alpha_beta_gy))


def physical_compensation(days_lost: float, k_gy_per_day: float) -> float:
    """Return K × days, the dose in Gy that a rule of thumb adds; to show by how much it is off, never to use.

    It takes K, a BED, for a physical dose, and counts days before the delay is over.
    """
    return days_lost * k_gy_per_day
