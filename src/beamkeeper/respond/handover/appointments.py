"""Which message an appointment needs, by what was said of it before: never two for one session.

An appointment's number is made of the patient, the plan and the fraction, so that it is the same in every
bundle. What is said again as it was said has the same control id: a receiver sees the repetition. What
changed has another one, made of what was said before it: nothing that is meant is taken for a repetition.

References
----------
HL7 v2.5.1 chapter 10.3 (S12 new, S13 rescheduled, S14 modified, S15 cancelled)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.errors import IntegrityError
from beamkeeper.respond.handover.manifest import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from beamkeeper.respond.handover.manifest import Manifest

_CONTROL_DIGITS: Final = 16


class Said(StrEnum):
    """What a message says of an appointment; they go in this order, so that places come free first."""

    CANCELLED = "S15"
    MOVED = "S13"
    CHANGED = "S14"
    MADE = "S12"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One message about one appointment.

    Attributes
    ----------
    patient_id
        Under which number of the patient it goes.
    fraction_count
        Of the plan; None where the copy does not say.
    """

    said: Said
    appointment_id: str
    control_id: str
    patient_id: str
    session: Session
    fraction_count: int | None = None

    @property
    def event(self) -> str:
        """Message and trigger: "SIU^S13"."""
        return f"SIU^{self.said}"

    @property
    def is_gone(self) -> bool:
        """Whether it says that the appointment no longer stands."""
        return self.said is Said.CANCELLED

    @property
    def place(self) -> tuple[object, str]:
        """When and where."""
        return self.session.starts_at, self.session.machine

    @property
    def words(self) -> tuple[str, int | None]:
        """What else is said of it."""
        return self.session.rt_plan_label, self.fraction_count


def appointment_id(pseudonym: str, session: Session) -> str:
    """Return the number of a session's appointment: the same in a later bundle."""
    which = f"{pseudonym}/{session.plan_uid}/{session.fraction_number}/{session.is_rest}"
    return hashlib.sha256(which.encode()).hexdigest()[:16]


def latest(before: Iterable[Asked]) -> dict[str, Asked]:
    """Return what was said last of each appointment."""
    return {one.appointment_id: one for one in before}


def asking(manifest: Manifest, before: Iterable[Asked], *, patient_id: str) -> tuple[Asked, ...]:
    """Return what to say of the appointments of a bundle, in order.

    Parameters
    ----------
    before
        What was said to the same receiver, in order, this bundle included.
    patient_id
        The patient's number there.
    """
    found = tuple(_asking(manifest, latest(before), patient_id))
    return tuple(sorted(found, key=lambda one: list(Said).index(one.said)))


def _asking(manifest: Manifest, has: Mapping[str, Asked], patient_id: str) -> Iterator[Asked]:
    positions = manifest.position.plans if manifest.position else ()
    counts = {at.plan_uid: at.fractions_planned for at in positions}
    for session in manifest.cancelled:
        had = has.get(appointment_id(manifest.pseudonym, session))
        if had is not None:
            yield _cancelled(had)
    for session in manifest.sessions:
        if session.starts_at is None:
            continue
        number = appointment_id(manifest.pseudonym, session)
        wanted = Asked(
            said=Said.MADE,
            appointment_id=number,
            control_id="",
            patient_id=patient_id,
            session=session,
            fraction_count=counts.get(session.plan_uid),
        )
        yield from _wanted(wanted, has.get(number))


def _wanted(wanted: Asked, had: Asked | None) -> Iterator[Asked]:
    """Yield what makes a receiver have an appointment, and not under another number of the patient too."""
    if had is not None and had.patient_id != wanted.patient_id:
        gone = _cancelled(had)
        yield gone
        yield _numbered(wanted, Said.MADE, gone)
    elif had is None or had.is_gone:
        yield _numbered(wanted, Said.MADE, had)
    elif (had.place, had.words) == (wanted.place, wanted.words):
        yield had
    else:
        yield _numbered(wanted, Said.CHANGED if had.place == wanted.place else Said.MOVED, had)


def _cancelled(had: Asked) -> Asked:
    return had if had.is_gone else _numbered(had, Said.CANCELLED, had)


def _numbered(one: Asked, said: Said, had: Asked | None) -> Asked:
    """Return a message with the control id that only it has, after what was said before it."""
    parts = (
        one.appointment_id,
        said,
        one.patient_id,
        _instant(one.session),
        one.session.machine,
        *map(str, one.words),
        "" if had is None else had.control_id,
    )
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()
    return Asked(
        said=said,
        appointment_id=one.appointment_id,
        control_id=f"BK{digest[:_CONTROL_DIGITS].upper()}",
        patient_id=one.patient_id,
        session=one.session,
        fraction_count=one.fraction_count,
    )


def _instant(session: Session) -> str:
    assert session.starts_at is not None, "only sessions with a time have an appointment"  # noqa: S101
    return session.starts_at.astimezone(UTC).isoformat()


def kept_asked(asked: Iterable[Asked]) -> list[list[object]]:
    """Return messages as a journal keeps them: short, since a line of it is bounded."""
    return [
        [
            one.said,
            one.appointment_id,
            one.control_id,
            one.patient_id,
            one.fraction_count,
            one.session.plan_uid,
            one.session.rt_plan_label,
            one.session.fraction_number,
            str(one.session.day),
            one.session.machine,
            _instant(one.session),
            one.session.is_rest,
        ]
        for one in asked
    ]


def read_asked(kept: object) -> tuple[Asked, ...]:
    """Return the messages that a line of a journal keeps.

    Raises
    ------
    IntegrityError
        They are not as they were written.
    """
    try:
        return tuple(_read(one) for one in kept) if isinstance(kept, list) else ()
    except (ValueError, TypeError) as error:
        raise IntegrityError(
            "A line of the journal says appointments that cannot be read.",
            do_next="Somebody changed it: ask the receiver which appointments of the patient it has.",
        ) from error


def _read(kept: list[Any]) -> Asked:
    said, number, control_id, patient_id, count, plan_uid, label, fraction, day, machine, at, is_rest = kept
    return Asked(
        said=Said(said),
        appointment_id=number,
        control_id=control_id,
        patient_id=patient_id,
        fraction_count=count,
        session=Session(
            plan_uid=plan_uid,
            rt_plan_label=label,
            fraction_number=fraction,
            day=date.fromisoformat(day),
            machine=machine,
            starts_at=datetime.fromisoformat(at),
            is_rest=is_rest,
        ),
    )
