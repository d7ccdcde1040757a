"""Who goes where: what a machine can do, and in which class it can give a plan, with the reason.

`read_machines` reads a site's machine file, each machine beginning with a public profile; `classify` holds
what a plan asks (`domain.demand`) against one machine, element by element; `retarget` makes the copy of a
class A plan for a matched machine. `read_instance` and `solve` place everybody. On the day: `read_partners`
and `draft` make the instance out of an incident, `Version` is a placement as it is kept.

For a page, pure and quick (300 patients: a board in a third of a second, once; then a price in a hundredth):
`board_of(instance, version.places())` is the board; `price(board, patient, machine, first_on, today=…)` says
what one move costs, whom it displaces and where to, or why it cannot be made, and holds the board as it would
be (`move.board`), from which further moves can be priced; `price_of_undoing(board, patient, today=…)` the
same for a decision taken back; `timetable(instance, version.placed)` is patients by day and machine;
`differences(before, after)` what changed. Nothing here reads a clock or a file: `app.jobs.placing.board_at`
gives the board of an incident, `placing_hand.take` and `undo` keep what was priced, `placing.print_pages`
writes the paper.

Why: `docs/decisions`, 0077-deliverable.md, 0078-placement.md, 0079-retargeted-copy.md, 0081-placing.md.
"""

from beamkeeper.respond.placement.board import Board, Move, Moved, board_of
from beamkeeper.respond.placement.deliver import DECIDES, Deliverability, DeliveryClass, Finding, classify
from beamkeeper.respond.placement.drafting import Candidate, Draft, OpenPlan, draft
from beamkeeper.respond.placement.instance import Instance, read_instance
from beamkeeper.respond.placement.machine import MachineProfile, PhotonMode, public_profiles, read_machines
from beamkeeper.respond.placement.moving import price, price_of_undoing
from beamkeeper.respond.placement.partners import PartnersFile, read_partners
from beamkeeper.respond.placement.solving import DECIDES as DECIDES_WHERE
from beamkeeper.respond.placement.solving import Placed, Placement, solve
from beamkeeper.respond.placement.timetable import MachineDay, Session, timetable
from beamkeeper.respond.placement.version import Difference, Version, differences

__all__ = [
    "DECIDES",
    "DECIDES_WHERE",
    "Board",
    "Candidate",
    "Deliverability",
    "DeliveryClass",
    "Difference",
    "Draft",
    "Finding",
    "Instance",
    "MachineDay",
    "MachineProfile",
    "Move",
    "Moved",
    "OpenPlan",
    "PartnersFile",
    "PhotonMode",
    "Placed",
    "Placement",
    "Session",
    "Version",
    "board_of",
    "classify",
    "differences",
    "draft",
    "price",
    "price_of_undoing",
    "public_profiles",
    "read_instance",
    "read_machines",
    "read_partners",
    "solve",
    "timetable",
]
