"""From one house to another and back: a patient's bundle, sealed, signed, and proved before it is used.

`Desk` is a house's folder with keys and trusted cards; `Manifest` says what is in a bundle; `seal_bundle` and
`open_bundle` are the only ways in and out; `select` says what goes along, `letter_page` what stands on top.
Where files come from and what is done with them: `app/jobs/handing_over.py`, `app/jobs/receiving.py`. Format:
`docs/formats/handover.md`; why: `docs/decisions/0086-handover.md`.
"""

from beamkeeper.respond.handover.bundle import Header, Opened, open_bundle, read_header, seal_bundle
from beamkeeper.respond.handover.card import Card, DeskKeys, card_bytes, new_keys, read_card
from beamkeeper.respond.handover.desk import Desk
from beamkeeper.respond.handover.letter import letter_page
from beamkeeper.respond.handover.manifest import (
    MANIFEST,
    BundleKind,
    Manifest,
    Packed,
    PlanTold,
    Reply,
    Role,
    Session,
    new_bundle_id,
)
from beamkeeper.respond.handover.selection import Selection, select

__all__ = [
    "MANIFEST",
    "BundleKind",
    "Card",
    "Desk",
    "DeskKeys",
    "Header",
    "Manifest",
    "Opened",
    "Packed",
    "PlanTold",
    "Reply",
    "Role",
    "Selection",
    "Session",
    "card_bytes",
    "letter_page",
    "new_bundle_id",
    "new_keys",
    "open_bundle",
    "read_card",
    "read_header",
    "seal_bundle",
    "select",
]
