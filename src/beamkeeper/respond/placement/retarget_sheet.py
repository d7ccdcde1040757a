"""What goes with a retargeted copy: the sheet that two people sign, and the same for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.protect.lists.page import (
    Column,
    Group,
    Line,
    Page,
    PageRow,
    Style,
    cell,
    identifiers,
    name_of,
)
from beamkeeper.respond.placement.retarget import NOT_APPROVED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beamkeeper.respond.placement.retarget import Retargeted

BOX: Final = "Signature ______________________________ Date, time ______________"


def retarget_page(made: Retargeted) -> Page:
    """Return the sheet: whose plan, what differs, what to look at, where to sign."""
    machine = made.machine
    name = machine.treatment_machine_name
    return Page(
        title=f"Copy of a plan for {name}",
        site_name=machine.site,
        night=f"{name_of(made.patient)}, {identifiers(made.patient)}",
        trust=f"{made.original_label!r} for {made.machine_before}; copy {made.rt_plan_label!r} for {name}.",
        made=f"Made {made.made_at:%Y-%m-%d %H:%M %Z}".strip(),
        warnings=(NOT_APPROVED,),
        summary=(
            f"{len(made.changes)} differences; every other stored value is the same, byte by byte.",
            *(
                f"{one.machine} and {name}: matched for {', '.join(sorted(one.modes))}, declared by "
                f"{one.declared_by} on {one.declared_on}."
                for one in made.matches
            ),
        ),
        columns=(Column("", 1), Column("What", 18)),
        groups=(
            Group("What differs", "as the comparison tells it", _rows(one.text for one in made.changes)),
            Group("To be looked at", "it went along as it was", _rows(made.looks)),
            Group("Two people sign", made.words, _boxes(made.signers)),
            Group("The physicist of the machine", NOT_APPROVED, _boxes(("",))),
        ),
        notes=(
            f"Original {made.original_uid}, copy {made.sop_instance_uid}. The original was not altered.",
            "The copy's file header, before the elements that are compared, was written anew.",
            "The names were typed when the copy was made; a signature is what a hand writes here.",
        ),
        decides="Decision support: the physicist of the machine decides whether the copy is treated from.",
        empty="",
    )


def _rows(texts: Iterable[str]) -> tuple[PageRow, ...]:
    return tuple(PageRow((cell(str(number)), cell(text))) for number, text in enumerate(texts, start=1))


def _boxes(names: Iterable[str]) -> tuple[PageRow, ...]:
    return tuple(
        PageRow((cell(str(number)), cell(Line(name or "Name", Style.STRONG), Line(BOX, Style.BIG))))
        for number, name in enumerate(names, start=1)
    )


def retarget_facts(made: Retargeted) -> dict[str, object]:
    """Return what stands in the JSON file beside the copy; `docs/formats/machines.md` promises the shape."""
    return {
        "format": "beamkeeper-retarget",
        "version": 1,
        "original": {"sop_instance_uid": made.original_uid, "rt_plan_label": made.original_label},
        "copy": {
            "sop_instance_uid": made.sop_instance_uid,
            "series_instance_uid": made.series_instance_uid,
            "rt_plan_label": made.rt_plan_label,
            "approval_status": "UNAPPROVED",
        },
        "machine_before": made.machine_before,
        "machine": {
            "id": made.machine.machine_id,
            "name": made.machine.treatment_machine_name,
            "site": made.machine.site,
        },
        "matches": [
            {"energies": sorted(one.modes), "declared_by": one.declared_by, "declared_on": one.declared_on}
            for one in made.matches
        ],
        "beam_numbers": made.beam_numbers,
        "changes": made.changes,
        "looks": made.looks,
        "signed_by": [{"name": name, "words": made.words} for name in made.signers],
        "made_at": made.made_at,
        "decides": NOT_APPROVED,
    }
