"""Too much at once: the sign of encryption or deletion, and the reason to stop before copies are replaced.

A ransomware attack on the source looks like this from here: many objects missing, unreadable, or
changed under their old UID in one night, or content that suddenly looks like noise. The rule is on
counts and samples of the whole night; no I/O.

References
----------
`reference/clinical.md` 10, row 7: never overwrite the last good copies, refuse an implausible set.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from math import log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


class AlarmKind(StrEnum):
    """What is implausible."""

    MASS_MISSING = "mass missing"
    MASS_CHANGE = "mass change"
    MASS_UNREADABLE = "mass unreadable"
    HIGH_ENTROPY = "high entropy"
    NOTHING_ARRIVED = "nothing arrived"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntropySample:
    """A few kilobytes of one object, then and now, in bits per byte (0 to 8).

    Attributes
    ----------
    before_bits
        Of the last good copy; None when there is none.
    compressed
        Whether the object's transfer syntax compresses its pixels: it may look like noise.
    """

    before_bits: float | None
    now_bits: float
    compressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MassFacts:
    """Counts over one night, of objects that were known before it.

    Attributes
    ----------
    known
        Objects kept until last night that were asked for again.
    changed
        Of these: changed clinically and not expected.
    missing
        Of these: gone, with the source's word that they are gone.
    unreadable
        Objects that came and are not DICOM, known or new.
    arrived
        Objects received tonight, changed or not, known or new.
    samples
        Entropy of some of the objects that arrived with other bytes.
    """

    known: int
    changed: int
    missing: int
    unreadable: int
    arrived: int
    samples: tuple[EntropySample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MassLimits:
    """From where on a night is implausible.

    A share alone would alarm a department of three patients whenever one plan is redone, so each
    share counts only from a floor of objects on.

    Attributes
    ----------
    share_max
        Largest share of the known objects that may change, go or be unreadable in one night.
    floor_objects
        Fewer objects than this never alarm by share.
    high_bits
        Bits per byte from which content looks encrypted; uncompressed CT has about 6, plans 4 to 5.
    rise_bits_min
        How much higher than before it must be: content that always was dense is no alarm.
    high_share_max, high_floor_samples
        Share and number of samples of high entropy that make an alarm.
    """

    share_max: float = 0.10
    floor_objects: int = 20
    high_bits: float = 7.8
    rise_bits_min: float = 0.5
    high_share_max: float = 0.25
    high_floor_samples: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Why the night stops; the last good copies stay as they are.

    Attributes
    ----------
    text
        One plain sentence with the numbers.
    """

    kind: AlarmKind
    text: str
    count: int
    of: int


def mass_change_alarm(
    facts: MassFacts, limits: MassLimits = MassLimits(), *, what: str = "objects"
) -> Alarm | None:
    """Return why the night must stop, or None when it is plausible; the worst reason comes first.

    Parameters
    ----------
    what
        What is counted, for the sentence.
    """
    if facts.known >= limits.floor_objects and facts.arrived == 0:
        return Alarm(
            kind=AlarmKind.NOTHING_ARRIVED,
            text=f"Of {facts.known:,} known {what} none arrived.",
            count=facts.known,
            of=facts.known,
        )
    for kind, count, of, words in (
        (AlarmKind.MASS_UNREADABLE, facts.unreadable, max(facts.known, facts.arrived), "cannot be read"),
        (AlarmKind.MASS_MISSING, facts.missing, facts.known, "are gone"),
        (AlarmKind.MASS_CHANGE, facts.changed, facts.known, "changed without announcement"),
    ):
        if count >= limits.floor_objects and count > limits.share_max * of:
            return Alarm(
                kind=kind, text=f"{count:,} of {of:,} {what} {words} in one night.", count=count, of=of
            )
    return _entropy_alarm(facts.samples, limits, what)


def _entropy_alarm(samples: tuple[EntropySample, ...], limits: MassLimits, what: str) -> Alarm | None:
    judged = [sample for sample in samples if not sample.compressed]
    high = [
        sample
        for sample in judged
        if sample.now_bits >= limits.high_bits
        and (sample.before_bits is None or sample.now_bits - sample.before_bits >= limits.rise_bits_min)
    ]
    if len(high) < limits.high_floor_samples or len(high) <= limits.high_share_max * len(judged):
        return None
    return Alarm(
        kind=AlarmKind.HIGH_ENTROPY,
        text=(
            f"{len(high):,} of {len(judged):,} changed {what} that were looked at read like noise "
            f"(at least {limits.high_bits} bits per byte), as encrypted data do, and did not before."
        ),
        count=len(high),
        of=len(judged),
    )


ENTROPY_SAMPLE_BYTES = 64 * 1024
"""How much of an object `byte_entropy` looks at: enough for 7.99 bits of true noise."""


def byte_entropy(sample: Buffer) -> float:
    """Return the Shannon entropy of the first `ENTROPY_SAMPLE_BYTES` of a sample, in bits per byte."""
    head = bytes(memoryview(sample)[:ENTROPY_SAMPLE_BYTES])
    if not head:
        return 0.0
    total = len(head)
    return -sum(count / total * log2(count / total) for count in Counter(head).values())
