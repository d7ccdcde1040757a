"""The port to a place that may hold a patient, and what it answers when told to let go.

Mirrors, HL7 receivers and plain DICOM stores stand behind it; `app/jobs/` makes them from the site file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from datetime import date, datetime

    from beamkeeper.domain.patient import Patient
    from beamkeeper.errors import BeamkeeperError


class PlaceState(StrEnum):
    """Where one place stands with one removal."""

    WAITING = "waiting"
    """Not done: no answer, a refusal, or not tried yet. It is tried again, ever more rarely."""
    LOCKED = "locked"
    """It may not forget before a date, and says so."""
    HELD = "held"
    """We do not tell it, because somebody else would be hit, or because it refuses: a person must look."""
    GONE = "gone"
    """Asked again, by listing, reading or query, it has nothing any more."""
    UNPROVED = "not proved"
    """It took the order, and there is no way to ask it whether it followed."""
    OFF = "off"
    """Not asked any more: the patient came back, or the place left the site file."""


AGAIN: Final = timedelta(hours=1)
AGAIN_MAX: Final = timedelta(hours=24)
OFTEN_MAX: Final = 24
DOUBLED_MAX: Final = 5
FINAL = frozenset({PlaceState.GONE, PlaceState.UNPROVED, PlaceState.OFF})
"""Nothing more is done there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a place was told, where one can be told, and what it said to that.

    Attributes
    ----------
    number
        The same for every try of the same words to the same place, so that a receiver sees a repetition.
    is_taken
        Whether it accepted the order: then only the proof is lacking.
    refusals
        How often it refused.
    """

    number: str = ""
    is_taken: bool = False
    refusals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A patient whose copies go.

    Attributes
    ----------
    patient
        Who it is, for places that know patients by name; None where only the pseudonym is left.
    removed_on
        Local date of the removal from the vault.
    order
        What this place was told at earlier tries.
    locked_until
        The date on which a lock was said to end, at earlier tries.
    by_hand
        Whether a person asks now: what was given up is tried once more.
    """

    pseudonym: str
    patient: Patient | None
    removed_on: date
    order: Order = Order()
    locked_until: date | None = None
    by_hand: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceAnswer:
    """What one try at one place came to.

    Attributes
    ----------
    said
        One plain sentence without any name: it stands in the receipt.
    until_on
        Of a lock: the last date on which it holds.
    order
        What the place was told up to now; None where nothing can be told.
    count
        How many objects went now, where the place counts them.
    """

    state: PlaceState
    said: str
    do_next: str = ""
    until_on: date | None = None
    order: Order | None = None
    count: int = 0


def no_answer(error: BeamkeeperError) -> PlaceAnswer:
    """Return the answer of a place that gave none."""
    return PlaceAnswer(state=PlaceState.WAITING, said=error.message, do_next=error.do_next)


def asked_again_at(tried_at: datetime, *, tries: int, refusals: int) -> datetime:
    """Return when a place that has not let go is asked again.

    Each hour for a day, then daily; one that refuses after one, two, four, eight hours, then daily.
    """
    if refusals:
        return tried_at + min(AGAIN * (1 << min(refusals - 1, DOUBLED_MAX)), AGAIN_MAX)
    return tried_at + (AGAIN if tries < OFTEN_MAX else AGAIN_MAX)


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
