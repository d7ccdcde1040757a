"""The port to a place that may hold a patient, and what it answers when told to let go.

Mirrors, HL7 receivers and plain DICOM stores stand behind it; `app/jobs/` makes them from the site file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import date, datetime

    from beamkeeper.domain.patient import Patient
    from beamkeeper.errors import BeamkeeperError


class PlaceState(StrEnum):
    """Where one place stands with one removal."""

    WAITING = "waiting"
    """Not done: no answer, a refusal, or not tried yet. It is tried again."""
    LOCKED = "locked"
    """It may not forget before a date, and says so."""
    HELD = "held"
    """We do not ask, because somebody else would be hit; a person must look."""
    GONE = "gone"
    """Asked again, by listing, reading or query, it has nothing any more."""
    UNPROVED = "not proved"
    """It took the order, and there is no way to ask it whether it followed."""
    OFF = "off"
    """Not asked any more: the patient came back, or the place left the site file."""


FINAL = frozenset({PlaceState.GONE, PlaceState.UNPROVED, PlaceState.OFF})
"""Nothing more is done there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A patient whose copies go.

    Attributes
    ----------
    patient
        Who it is, for places that know patients by name; None where only the pseudonym is left.
    removed_on
        Local date of the removal from the vault.
    order_id
        The same for every try of one order to one place, so that a receiver sees a repetition.
    orders_taken
        Whether this place has accepted the order before: then only the proof is lacking.
    """

    pseudonym: str
    patient: Patient | None
    removed_on: date
    order_id: str
    orders_taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceAnswer:
    """What one try at one place came to.

    Attributes
    ----------
    said
        One plain sentence without any name: it stands in the receipt.
    until_on
        Of a lock: the last date on which it holds.
    order_taken
        Whether the place accepted the order, in this try or before.
    count
        How many objects went now, where the place counts them.
    """

    state: PlaceState
    said: str
    do_next: str = ""
    until_on: date | None = None
    order_taken: bool = False
    count: int = 0


def no_answer(error: BeamkeeperError) -> PlaceAnswer:
    """Return the answer of a place that gave none."""
    return PlaceAnswer(state=PlaceState.WAITING, said=error.message, do_next=error.do_next)


class PatientRemoval(Protocol):
    """A place that lets a patient go; see `PlaceAnswer`."""

    @property
    def name(self) -> str:
        """What the site file calls it."""

    @property
    def kind(self) -> str:
        """What kind of place: "mirror", "hl7", "dicom", "dicomweb"."""

    def remove(self, going: Going, now: datetime) -> PlaceAnswer:
        """Have the patient removed there, and ask whether it is so.

        Whatever the place causes is an answer, never an error; repeating is harmless. Objects the vault
        names are not touched: a patient may have come back.
        """

    def close(self) -> None:
        """Hang up; harmless twice."""
