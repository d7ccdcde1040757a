"""Who may ask for which page: one table, and nothing else decides it.

A page that is not in the table is shown to nobody.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.incident_people import Duty

if TYPE_CHECKING:
    from collections.abc import Mapping


class Access(StrEnum):
    """What one must have to be shown a page."""

    OPEN = "nothing: these are the doors"
    READ = "the printed address, used once, or a passphrase"
    ACT = "a passphrase given in the last minutes: the line of the journal bears the person's name"
    SIGN = "the passphrase with the act itself, and the duty it needs"


PAGES: Final[Mapping[str, Access]] = {
    "open": Access.OPEN,
    "door": Access.OPEN,
    "leave": Access.READ,
    "declare": Access.READ,
    "now": Access.READ,
    "wall": Access.READ,
    "patients": Access.READ,
    "patient": Access.READ,
    "say": Access.SIGN,
    "hold": Access.SIGN,
    "take-back": Access.SIGN,
    "assign": Access.SIGN,
    "gap": Access.READ,
    "choose-gap": Access.SIGN,
    "order": Access.READ,
    "print-order": Access.READ,
    "places": Access.READ,
    "board": Access.READ,
    "places-wall": Access.READ,
    "told": Access.READ,
    "free-told": Access.SIGN,
    "place": Access.READ,
    "move": Access.SIGN,
    "elsewhere": Access.READ,
    "todo": Access.READ,
    "tick": Access.ACT,
    "reported": Access.ACT,
    "journal": Access.READ,
    "write": Access.ACT,
    "paper": Access.READ,
    "people": Access.READ,
}

LEVEL: Final = frozenset({Duty.PHYSICIAN})
"""Who says which level a patient has, above the rules, and how a course with a gap goes on."""
FACT: Final = frozenset({Duty.PHYSICIAN, Duty.PHYSICIST, Duty.THERAPIST, Duty.COORDINATOR})
"""Who says what is true of a patient."""
PLAN: Final = frozenset({Duty.PHYSICIAN, Duty.PHYSICIST})
"""Who says which of two plans holds, and which fraction a session is that another house gave; two of them."""
PLACE: Final = frozenset({Duty.PHYSICIAN, Duty.PHYSICIST, Duty.COORDINATOR})
"""Who puts a patient on another machine or day, and takes that back."""
