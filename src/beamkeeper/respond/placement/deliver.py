"""Can this machine give this plan: class A to D, element by element, each with its reason.

A direct: same kind of machine, same leaves and modes, declared matched, commissioned. B recalculate: it can
give every element, but it is another beam. C plan again: something of the plan it cannot give, though it
could give another plan. D not there: no plan of this kind can be given there.

References
----------
`clinical` 8: the premise of an immediate swap is same make, model and MLC with matched beams (BJR 20130238);
a plan of 5 mm leaves on finer ones is routine, the other way needs other apertures (PMC5875835).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.plan import RadiationType
from beamkeeper.respond.placement.machine import PhotonMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beamkeeper.domain.demand import BeamDemand, LimitingDevice, PlanDemand
    from beamkeeper.respond.placement.machine import MachineProfile

DECIDES: Final = "Decision support: the physicist of the machine decides whether a plan is given there."
END_TO_END: Final = "end-to-end test"
"""The element of a finding that says: nobody has tested this technique there from image to dose."""
_SERVED_BY: Final = {
    "MV": frozenset({"MV", "kV", "CBCT", "MR"}),
    "kV": frozenset({"kV", "CBCT", "MR"}),
    "CBCT": frozenset({"CBCT", "MR"}),
}
"""Pictures that show at least what was planned to be seen; margins were chosen for that."""
_EDGE_MM: Final = 0.02
"""Leaf edges that differ by less are the same: planning systems write them rounded."""


class DeliveryClass(IntEnum):
    """How a plan can be given on a machine; the larger, the more has to be done."""

    A = 0
    B = 1
    C = 2
    D = 3

    @property
    def said(self) -> str:
        """What it means, short."""
        return _SAID[self]


_SAID: Final = {
    DeliveryClass.A: "direct",
    DeliveryClass.B: "recalculate",
    DeliveryClass.C: "plan again",
    DeliveryClass.D: "not there",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One element of one beam, or of the plan, and what it makes of it.

    Attributes
    ----------
    beam_numbers
        () where it is about the whole plan.
    needed, there
        What the plan asks, and what the machine has, in words.
    """

    element: str
    needed: str
    there: str
    at_least: DeliveryClass
    beam_numbers: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """In a sentence."""
        numbers = ", ".join(map(str, self.beam_numbers))
        where = f"beam{'' if len(self.beam_numbers) == 1 else 's'} {numbers}: " if numbers else ""
        return f"{where}{self.element}: needs {self.needed}; there: {self.there}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverability:
    """What one machine makes of one plan.

    Attributes
    ----------
    findings
        What keeps it from a better class, the worst first; () for class A.
    remarks
        What has to go along or be looked at, whatever the class.
    to_do
        What has to be done on that machine before the first fraction, in minutes and not in plans.
    """

    machine_id: str
    delivery_class: DeliveryClass
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...]
    to_do: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The first of the worst findings; for class A what it rests on."""
        if self.findings:
            return self.findings[0].text
        return "same kind of machine, same leaves and modes, declared matched, commissioned."


def classify(demand: PlanDemand, machine: MachineProfile) -> Deliverability:
    """Return in which class a machine can give a plan, and why."""
    of_beams = (one for beam in demand.beams for one in _of_beam(beam, machine))
    findings = [*_of_plan(demand, machine), *_together(of_beams)]
    findings.sort(key=lambda one: (-one.at_least, one.beam_numbers))
    return Deliverability(
        machine_id=machine.machine_id,
        delivery_class=max((one.at_least for one in findings), default=DeliveryClass.A),
        findings=tuple(findings),
        remarks=tuple(dict.fromkeys(_remarks(demand))),
        to_do=tuple(_to_do(demand, machine)),
    )


def _together(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield each finding once, with all the beams it is about."""
    beams: dict[Finding, dict[int, None]] = {}
    for one in findings:
        beams.setdefault(replace(one, beam_numbers=()), {}).update(dict.fromkeys(one.beam_numbers))
    for one, numbers in beams.items():
        yield replace(one, beam_numbers=tuple(numbers))


def _of_plan(demand: PlanDemand, machine: MachineProfile) -> Iterator[Finding]:
    if not demand.beams:
        yield Finding(
            element="beams",
            needed="a beam with a meterset",
            there="the plan states none: a physicist looks",
            at_least=DeliveryClass.D,
        )
    missing = [one for one in demand.motion_techniques if one not in machine.motion]
    if missing:
        yield Finding(
            element="motion",
            needed=", ".join(one.replace("_", " ").lower() for one in missing),
            there=", ".join(sorted(one.replace("_", " ").lower() for one in machine.motion)) or "nothing",
            at_least=DeliveryClass.C,
        )
    unseen = [one for one in demand.imaging if one and not _SERVED_BY[one] & machine.imaging]
    if unseen:
        yield Finding(
            element="set-up imaging",
            needed=", ".join(unseen),
            there=", ".join(sorted(machine.imaging)) or "none",
            at_least=DeliveryClass.C,
        )
    if not machine.has_sgrt and any(_is_surface_only(word) for word in demand.setup_words):
        yield Finding(
            element="set-up",
            needed="surface guidance, without marks",
            there="none",
            at_least=DeliveryClass.D,
        )


def _is_surface_only(word: str) -> bool:
    said = word.casefold()
    return "sgrt only" in said or "tattooless" in said or "surface only" in said


def _of_beam(beam: BeamDemand, machine: MachineProfile) -> Iterator[Finding]:
    if (absent := _radiation(beam, machine)) is not None:
        yield absent
        if absent.at_least is DeliveryClass.D:
            return
    yield from _kind(beam, machine)
    yield from _technique(beam, machine)
    yield from _leaves(beam, machine)
    yield from _jaws(beam, machine)
    yield from _hardware(beam, machine)
    yield from _couch(beam, machine)
    yield from _matched(beam, machine)


def _finding(beam: BeamDemand, element: str, needed: str, there: str, at_least: DeliveryClass) -> Finding:
    return Finding(
        element=element, needed=needed, there=there, at_least=at_least, beam_numbers=(beam.beam_number,)
    )


# Radiation -------------------------------------------------------------------------------------------


def modes_of(beam: BeamDemand) -> tuple[PhotonMode, ...]:
    """Return the photon modes a beam uses; a fluence mode that is not stated is a flattened one."""
    return tuple(PhotonMode(energy, beam.fluence_mode == "FFF") for energy in beam.energies)


def _radiation(beam: BeamDemand, machine: MachineProfile) -> Finding | None:
    """Return what of the radiation is not there; None when all is."""
    energies = ", ".join(f"{energy:g}" for energy in beam.energies) or "not stated"
    if beam.radiation_type is RadiationType.PHOTON:
        modes = modes_of(beam)
        missing = [mode for mode in modes if mode not in machine.photon]
        there = ", ".join(mode.word for mode in sorted(machine.photon)) or "no photons"
        if modes and not missing and beam.fluence_mode in {"", "STANDARD", "FFF"}:
            return None
        needed = ", ".join(mode.word for mode in missing) or f"{energies} MV {beam.fluence_mode}".strip()
        worst = DeliveryClass.C if machine.photon else DeliveryClass.D
        return _finding(beam, "energy", needed, there, worst)
    if beam.radiation_type is RadiationType.ELECTRON:
        if beam.energies and set(beam.energies) <= machine.electron_mev:
            return None
        there = ", ".join(f"{energy:g} MeV" for energy in sorted(machine.electron_mev)) or "no electrons"
        worst = DeliveryClass.C if machine.electron_mev else DeliveryClass.D
        return _finding(beam, "energy", f"electrons {energies} MeV", there, worst)
    kind = beam.radiation_type.value.lower()
    return _finding(beam, "radiation", kind, "photons and electrons only", DeliveryClass.D)


def _kind(beam: BeamDemand, machine: MachineProfile) -> Iterator[Finding]:
    stated = f"{beam.manufacturer} {beam.model}".strip()
    if beam.model and any(beam.model.casefold() == model.casefold() for model in machine.models):
        return
    if not beam.model:
        yield _finding(
            beam, "machine", "a model, which the plan does not state", machine.profile, DeliveryClass.B
        )
        return
    yield _finding(beam, "machine", stated, machine.profile, DeliveryClass.B)


def _technique(beam: BeamDemand, machine: MachineProfile) -> Iterator[Finding]:
    techniques = ", ".join(sorted(machine.techniques))
    if beam.technique not in machine.techniques:
        yield _finding(
            beam, "technique", beam.technique or "one that is not known", techniques, DeliveryClass.C
        )
    elif machine.commissioned is None or beam.technique not in machine.commissioned:
        there = "not stated" if machine.commissioned is None else ", ".join(sorted(machine.commissioned))
        yield _finding(beam, END_TO_END, f"{beam.technique}, done there", there or "none", DeliveryClass.B)
    if beam.dose_rate_max and beam.dose_rate_max > machine.dose_rate_max and beam.gantry_moves:
        needed, there = f"{beam.dose_rate_max:g} MU/min", f"{machine.dose_rate_max:g} MU/min at most"
        yield _finding(beam, "dose rate of the arc", needed, there, DeliveryClass.B)


# Collimation -----------------------------------------------------------------------------------------


def _leaves(beam: BeamDemand, machine: MachineProfile) -> Iterator[Finding]:
    for device in beam.devices:
        if not device.is_mlc:
            continue
        edges = machine.mlc.get(device.device_type)
        named = dict(machine.mlc_name).get(device.device_type, "")
        needed = _leaf_words(device.boundaries_mm) or f"{device.pair_count} pairs"
        if edges is None:
            there = ", ".join(name for _, name in machine.mlc_name) or "no such leaves"
            yield _finding(beam, f"leaves {device.device_type}", needed, there, DeliveryClass.C)
            continue
        there = f"{named}: {_leaf_words(edges)}"
        if not device.boundaries_mm:
            asked = "leaf boundaries, which the plan does not state"
            yield _finding(beam, "leaves", asked, there, DeliveryClass.C)
        elif not _same(device.boundaries_mm, edges):
            yield _finding(beam, "leaves", needed, there, _other_leaves(device, edges))
        yield from _reach(beam, "leaf positions", device, machine.leaf_range_mm)


def _other_leaves(device: LimitingDevice, edges: tuple[float, ...]) -> DeliveryClass:
    """Return what other leaves mean: finer ones that cover what is open can take the same apertures."""
    open_from, open_to = device.open_from_mm, device.open_to_mm
    if open_from is None or open_to is None:
        return DeliveryClass.C
    covered = edges[0] - _EDGE_MM <= open_from and open_to <= edges[-1] + _EDGE_MM
    inside = [edge for edge in device.boundaries_mm if open_from <= edge <= open_to]
    finer = all(any(abs(edge - other) <= _EDGE_MM for other in edges) for edge in inside)
    return DeliveryClass.B if covered and finer else DeliveryClass.C


def _same(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(one) == len(other) and all(abs(a - b) <= _EDGE_MM for a, b in zip(one, other, strict=True))


def _leaf_words(edges: tuple[float, ...]) -> str:
    if len(edges) < 2:  # noqa: PLR2004 - one leaf has two edges
        return ""
    widths = [round(after - before, 2) for before, after in pairwise(edges)]
    narrow, wide = min(widths), max(widths)
    width = f"{narrow:g}" if narrow == wide else f"{narrow:g} to {wide:g}"
    return f"{len(widths)} pairs of {width} mm"


def _jaws(beam: BeamDemand, machine: MachineProfile) -> Iterator[Finding]:
    for device in beam.devices:
        if device.is_mlc:
            continue
        axis = device.device_type.removeprefix("ASYM")
        if axis not in machine.jaws:
            there = ", ".join(machine.jaws) or "none"
            yield _finding(beam, f"jaws {device.device_type}", "that pair", there, DeliveryClass.C)
            continue
        if device.moves and not machine.jaw_tracking:
            yield _finding(beam, f"jaws {axis}", "moving with the beam on", "standing", DeliveryClass.C)
        yield from _reach(beam, f"jaws {axis}", device, machine.jaw_range_mm[axis])


def _reach(
    beam: BeamDemand, element: str, device: LimitingDevice, reach_mm: tuple[float, float]
) -> Iterator[Finding]:
    if device.lowest_mm is None or device.highest_mm is None:
        return
    low, high = reach_mm
    if device.lowest_mm < low - _EDGE_MM or device.highest_mm > high + _EDGE_MM:
        used = f"{device.lowest_mm:g} to {device.highest_mm:g} mm"
        yield _finding(beam, element, used, f"{low:g} to {high:g} mm", DeliveryClass.C)


# What hangs in the beam, and the couch ---------------------------------------------------------------


def _hardware(beam: BeamDemand, machine: MachineProfile) -> Iterator[Finding]:
    for wedge in beam.wedges:
        if wedge.wedge_type not in machine.wedges:
            named = f"{wedge.wedge_type.lower() or 'a'} wedge {wedge.wedge_id}".strip()
            there = ", ".join(sorted(one.lower() for one in machine.wedges)) or "none"
            yield _finding(beam, "wedge", named, there, DeliveryClass.C)
        elif wedge.wedge_type == "STANDARD":
            yield _finding(
                beam, "wedge", f"the wedge {wedge.wedge_id}".strip(), "another one", DeliveryClass.B
            )
    if beam.applicator:
        if beam.applicator_type == "STEREOTACTIC":
            yield _finding(beam, "cone", beam.applicator, "none declared", DeliveryClass.D)
        elif machine.applicators is None or beam.applicator not in machine.applicators:
            there = "not stated" if machine.applicators is None else ", ".join(sorted(machine.applicators))
            yield _finding(beam, "applicator", beam.applicator, there, DeliveryClass.C)
    blocks = beam.block_count + beam.compensator_count
    if blocks:
        there, worst = ("taken", DeliveryClass.B) if machine.takes_blocks else ("not taken", DeliveryClass.C)
        yield _finding(beam, "blocks or compensators", str(blocks), there, worst)
    for name in beam.accessories:
        if name not in machine.accessories:
            there = f"{_named(machine)}; where it can be sent along, name it there"
            yield _finding(beam, "accessory", name, there, DeliveryClass.C)


def _named(machine: MachineProfile) -> str:
    return ", ".join(sorted(machine.accessories)) or "none named"


def _couch(beam: BeamDemand, machine: MachineProfile) -> Iterator[Finding]:
    turned = max((abs((angle + 180) % 360 - 180) for angle in beam.couch_angles_deg), default=0.0)
    if turned > machine.couch_range_deg + _EDGE_MM:
        there = f"up to {machine.couch_range_deg:g}°" if machine.couch_range_deg else "a couch that stays"
        yield _finding(beam, "couch", f"turned by {turned:g}°", there, DeliveryClass.C)
    elif beam.couch_moves:
        yield _finding(beam, "couch", "turning with the beam on", "a person has to say", DeliveryClass.C)


def _matched(beam: BeamDemand, machine: MachineProfile) -> Iterator[Finding]:
    own = beam.treatment_machine_name
    if own and machine.is_own and own == machine.treatment_machine_name:
        return
    needed = _mode_words(beam)
    declared: set[str] = set()
    for match in machine.matches:
        if match.machine == own:
            declared |= match.modes
    missing = [word for word in needed if word not in declared]
    if missing or not needed:
        there = ", ".join(sorted(declared)) or "nothing declared"
        asked = f"{', '.join(missing) or 'modes'} matched with {own or 'a machine the plan does not name'}"
        yield _finding(beam, "beam match", asked, there, DeliveryClass.B)


def _mode_words(beam: BeamDemand) -> tuple[str, ...]:
    if beam.radiation_type is RadiationType.ELECTRON:
        return tuple(f"{energy:g} MeV" for energy in beam.energies)
    return tuple(mode.word for mode in modes_of(beam))


def _to_do(demand: PlanDemand, machine: MachineProfile) -> Iterator[str]:
    there = machine.tolerance_tables
    for label in demand.tolerance_tables if there is not None else ():
        if label not in (there or ()):
            known = ", ".join(sorted(there or ())) or "none"
            yield f"choose a tolerance table on {machine.machine_id}: {label} is not there ({known})"
    if machine.is_own and machine.treatment_machine_name in demand.treatment_machine_names:
        return  # they lie in its own cupboard
    accessories = (name for beam in demand.beams for name in beam.accessories)
    for name in dict.fromkeys((*demand.things, *accessories)):
        if name not in machine.accessories:
            where = f"{machine.machine_id} (accessories there: {_named(machine)})"
            yield f"send {name} along, or find it at {where}"


def _remarks(demand: PlanDemand) -> Iterator[str]:
    for beam in demand.beams:
        if beam.bolus_count:
            yield f"Beam {beam.beam_number} uses bolus: send it, or say how to make it."
    silent = [
        str(beam.beam_number)
        for beam in demand.beams
        if beam.radiation_type is RadiationType.PHOTON and not beam.fluence_mode
    ]
    if silent:
        many = "s" if len(silent) > 1 else ""
        yield f"No fluence mode is stated for beam{many} {', '.join(silent)}: a flattened one is supposed."
    for word in demand.setup_words:
        yield f"Set-up: {word}."
    if "" in demand.imaging:
        yield "A setup beam does not say what it takes pictures with: ask what was seen before each fraction."
    if demand.tolerance_tables:
        named = ", ".join(demand.tolerance_tables)
        yield f"Tolerance table {named}: hold its limits against those there, the name alone says nothing."
