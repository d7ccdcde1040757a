"""Who goes where: what a machine can do, and in which class it can give a plan, with the reason.

`read_machines` reads a site's machine file, each machine beginning with a public profile; `classify` holds
what a plan asks (`domain.demand`) against one machine, element by element. Why:
`docs/decisions/0077-deliverable.md`.
"""

from beamkeeper.respond.placement.deliver import DECIDES, Deliverability, DeliveryClass, Finding, classify
from beamkeeper.respond.placement.machine import MachineProfile, PhotonMode, public_profiles, read_machines

__all__ = [
    "DECIDES",
    "Deliverability",
    "DeliveryClass",
    "Finding",
    "MachineProfile",
    "PhotonMode",
    "classify",
    "public_profiles",
    "read_machines",
]
