"""A draft on paper: which machine can give all open plans of which patient, and why not better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.domain.words import plural
from beamkeeper.protect.lists.page import Column, Group, Line, Page, PageRow, Style, cell, headed
from beamkeeper.respond.placement.deliver import DECIDES

if TYPE_CHECKING:
    from beamkeeper.protect.lists import ListHead
    from beamkeeper.respond.placement.drafting import Draft, Drafted, LeftOut
    from beamkeeper.respond.placement.instance import Instance
    from beamkeeper.respond.placement.partners import PartnersFile

COLUMNS: Final = (
    Column("#", 0.7),
    Column("Patient", 3.4),
    Column("A direct", 2.2),
    Column("B recalculate", 2.2),
    Column("C plan again", 2.2),
    Column("D not there", 2.2),
)
CLASSES: Final = "ABCD"
RESTS_ON: Final = (
    "The worst open plan of a patient counts. Profiles are recalled from public data sheets; beam match and "
    "end-to-end tests are declarations of people."
)


def draft_page(head: ListHead, draft: Draft, instance: Instance, file: PartnersFile, *, summary: str) -> Page:
    """Return everybody with the machines by class; below, why each is not better."""
    order = {one.id: one.priority for one in instance.patient}
    nowhere = [one for one in draft.patients if all(fit.delivery_class == "D" for fit in one.fits)]
    somewhere = [one for one in draft.patients if one not in nowhere]
    tested = "is not used for it" if file.partners.untested == "refuse" else "has to be tested before"
    return headed(
        head,
        title="Which machine can give which plans",
        summary=(summary,),
        columns=COLUMNS,
        groups=(
            Group("No machine", plural(len(nowhere), "patient"), tuple(_row(one, order) for one in nowhere)),
            Group(
                "To be placed",
                plural(len(somewhere), "patient"),
                tuple(_row(one, order) for one in somewhere),
            ),
            Group(
                "No place is looked for",
                plural(len(draft.left_out), "patient"),
                tuple(map(_gone, draft.left_out)),
            ),
        ),
        notes=(
            RESTS_ON,
            f"A machine on which nobody has tested a technique from image to dose {tested}.",
            *draft.notes,
        ),
        decides=DECIDES,
        empty="Nobody is to be placed.",
    )


def _row(one: Drafted, order: dict[str, int]) -> PageRow:
    machines = {kind: [fit for fit in one.fits if fit.delivery_class == kind] for kind in CLASSES}
    reasons: dict[str, list[str]] = {}
    for fit in one.fits:
        for said in (*((fit.reason,) if fit.delivery_class != "A" else ()), *fit.to_do):
            reasons.setdefault(said, []).append(fit.machine)
    return PageRow(
        (
            cell(Line(str(order[one.id]), Style.BIG)),
            cell(Line(one.name, Style.STRONG)),
            *(cell(*(Line(fit.machine) for fit in machines[kind])) for kind in CLASSES),
        ),
        under=(
            *(Line(text, Style.MARK) for text in one.warnings),
            *(Line(f"{', '.join(names)}: {said}", Style.SMALL) for said, names in reasons.items()),
            *(Line(text, Style.SMALL) for text in (*one.notes, *one.remarks)),
        ),
    )


def _gone(one: LeftOut) -> PageRow:
    return PageRow(
        (cell("–"), cell(Line(one.name, Style.STRONG)), *([()] * len(CLASSES))),
        under=cell(Line(one.reason), Line(f"Would help: {one.would_help}." if one.would_help else "")),
    )
