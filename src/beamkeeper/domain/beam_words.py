"""How a beam is said on paper: the same on the dossier and on the chart sheet."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from beamkeeper.domain.plan import DosimeterUnit, RadiationType
from beamkeeper.domain.words import number, plural

if TYPE_CHECKING:
    from beamkeeper.domain.plan import Beam

STILL_DEG = 0.05
UNITS = {DosimeterUnit.MU: "MU", DosimeterUnit.MINUTE: "min", DosimeterUnit.NP: "NP"}


def gantry(beam: Beam) -> str:
    """Return the gantry angle, or where it starts, which way it turns and where it stops."""
    angles = [p.gantry_angle_deg for p in beam.control_points if p.gantry_angle_deg is not None]
    if not angles:
        return "–"
    if all(abs(angle - angles[0]) <= STILL_DEG for angle in angles):
        return number(angles[0])
    return f"{number(angles[0])} → {number(angles[-1])} {beam.setup.gantry_rotation or '(which way?)'}"


def energy(beam: Beam) -> str:
    """Return the energies a beam uses: "6 MV FFF", "10 MV / 6 MV", "160.0–220.5 MeV"."""
    stated = dict.fromkeys(
        p.nominal_beam_energy for p in beam.control_points if p.nominal_beam_energy is not None
    )
    unit = "MV" if beam.radiation_type is RadiationType.PHOTON else "MeV"
    if beam.radiation_type is RadiationType.BRACHY or not stated:
        return beam.radiation_type.value.lower() if not stated else "–"
    mode = " FFF" if "FFF" in beam.setup.fluence_mode.upper() else ""
    if len(stated) > 1 and beam.radiation_type is not RadiationType.PHOTON:  # layers of a scanned beam
        return f"{min(stated):.1f}–{max(stated):.1f} {unit}"
    return " / ".join(f"{value:g} {unit}{mode}" for value in stated)


def meterset(beam: Beam) -> str:
    """Return the meterset of one fraction with its unit; "setup" for a beam without."""
    if beam.beam_meterset is None:
        return "setup" if not beam.is_treatment else "–"
    return f"{beam.beam_meterset:.2f} {UNITS.get(beam.primary_dosimeter_unit, '?')}"


def mlc(beam: Beam) -> str:
    """Return the leaves of a beam: "60 pairs: 10 × 10, 40 × 5, 10 × 10 mm"."""
    if not beam.mlc_leaf_pairs:
        return "no MLC"
    widths = [round(after - before, 2) for before, after in pairwise(beam.setup.leaf_boundaries_mm)]
    runs: list[tuple[float, int]] = []
    for width in widths:
        if runs and runs[-1][0] == width:
            runs[-1] = (width, runs[-1][1] + 1)
        else:
            runs.append((width, 1))
    shown = ", ".join(f"{count} × {width:g}" for width, count in runs[:8])
    return plural(beam.mlc_leaf_pairs, "pair") + (f": {shown} mm" if shown else "")
