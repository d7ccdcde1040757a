"""A receiver of HL7 is told of a patient who was received: person, visit, appointments, letter.

1. what will be said of appointments is written down first: who is killed meanwhile leaves no riddle;
2. what nobody acknowledged goes again first, under its own control id;
3. after a refusal nothing more is sent; how far it went is written down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.desk_journal import DeskDeed, journal, note
from beamkeeper.app.jobs.handover_messages import messages
from beamkeeper.app.jobs.handover_papers import LETTER
from beamkeeper.app.jobs.peers import hl7_peer
from beamkeeper.app.jobs.receiving import kept_file
from beamkeeper.errors import BeamkeeperError, IntegrityError
from beamkeeper.respond.handover.appointments import Asked, asking, kept_asked, read_asked
from beamkeeper.respond.handover.desk import RECEIVED
from beamkeeper.respond.handover.working import held
from beamkeeper.wire.hl7 import deliver, read_acknowledgement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from beamkeeper.app.jobs.handover_messages import Message
    from beamkeeper.app.site_desk import ReceiverSection
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.patient import Patient
    from beamkeeper.respond.handover import Desk, Manifest

APPOINTMENTS_OF_A_LINE: Final = 100
"""A line of the journal has room for twice as many."""
SAID_CHARACTERS_MAX: Final = 4000
NO_ANSWER, REFUSED = "no answer", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How far a receiver was told.

    Attributes
    ----------
    done, wanted
        Messages it took, and how many there are.
    problems
        In sentences; () when all went well.
    """

    done: int
    wanted: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Before:
    """What a receiver was told of a patient's appointments, by the journal.

    Attributes
    ----------
    asked
        What it has, in the order in which it was said; also what it may have.
    doubtful
        Of these, what it may have: nobody answered.
    """

    asked: tuple[Asked, ...]
    doubtful: tuple[Asked, ...]


def tell(
    desk: Desk, section: ReceiverSection, manifest: Manifest, there: Patient, *, by: str, now: datetime
) -> Told:
    """Send one receiver what it takes, in order, and write down how far it went.

    Where an appointment was moved or cancelled and it does not take that message, people are told.

    Raises
    ------
    StorageFull
        It cannot be written down: nothing more is said.
    """
    with held(desk.path):
        before = told_before(journal(desk).rows(), manifest.pseudonym, section.name)
        asked = _to_say(before, asking(manifest, before.asked, patient_id=there.patient_id))
        wanted = [one for one in asked if one.event in section.takes]
        try:
            letter, addressed = _letter(desk, manifest), _addressed(section)
            made = tuple(messages(manifest, letter, wanted, there=there, sent_at=now, addressed=addressed))
        except BeamkeeperError as error:  # before anything is said: of this receiver, and of no other
            return Told(done=0, wanted=1, problems=(f"{error.message} {error.do_next}".strip(),))
        _begin(desk, section, manifest, wanted, by=by, now=now)
        told, taken, answer = _sent(section, [one for one in made if one.event in section.takes])
        told = replace(told, problems=(*_by_hand(section, asked, before), *told.problems))
        note(
            desk,
            DeskDeed.TOLD,
            by=by,
            at=now,
            pseudonym=manifest.pseudonym,
            outcome="ok" if not told.problems else "failed",
            about=manifest.bundle_id,
            to=section.name,
            appointments_taken=taken,
            then=answer,
            said=f"{told.done} of {told.wanted}. {' '.join(told.problems)}"[:SAID_CHARACTERS_MAX].strip(),
        )
    return told


def told_before(rows: Iterable[AuditRow], pseudonym: str, receiver: str) -> Before:
    """Return what a receiver was told of a patient's appointments."""
    asked: dict[str, Asked] = {}
    sure: set[str] = set()
    begun: list[Asked] = []
    for row in rows:
        if (row.patient_pseudonym, row.details.get("to")) != (pseudonym, receiver):
            continue
        if row.action == DeskDeed.TELLING:
            if row.details.get("part") == 1:
                asked |= _not_in(asked, begun)  # the process that began it ended before it knew
                begun = []
            begun += read_asked(row.details.get("appointments"))
        elif row.action == DeskDeed.TOLD:
            taken = int(str(row.details.get("appointments_taken", 0)))
            asked |= _not_in(asked, begun[:taken])
            sure |= {one.control_id for one in begun[:taken]}
            for one in begun[taken : taken + 1]:
                if row.details.get("then") == NO_ANSWER:
                    asked |= _not_in(asked, [one])
                elif row.details.get("then") == REFUSED and one.control_id not in sure:
                    asked.pop(one.control_id, None)
            begun = []
    asked |= _not_in(asked, begun)
    doubtful = tuple(one for one in asked.values() if one.control_id not in sure)
    return Before(asked=tuple(asked.values()), doubtful=doubtful)


def _not_in(asked: Mapping[str, Asked], more: Iterable[Asked]) -> dict[str, Asked]:
    return {one.control_id: one for one in more if one.control_id not in asked}


def _to_say(before: Before, asked: Iterable[Asked]) -> tuple[Asked, ...]:
    """Return what is to be said: what nobody acknowledged first, under its own control id."""
    again = {one.control_id for one in before.doubtful}
    return (*before.doubtful, *(one for one in asked if one.control_id not in again))


def _begin(
    desk: Desk,
    section: ReceiverSection,
    manifest: Manifest,
    asked: Sequence[Asked],
    *,
    by: str,
    now: datetime,
) -> None:
    """Write down what will be said of appointments, before any of it is said."""
    for part, start in enumerate(range(0, len(asked), APPOINTMENTS_OF_A_LINE), start=1):
        note(
            desk,
            DeskDeed.TELLING,
            by=by,
            at=now,
            pseudonym=manifest.pseudonym,
            about=manifest.bundle_id,
            to=section.name,
            part=part,
            appointments=kept_asked(asked[start : start + APPOINTMENTS_OF_A_LINE]),
        )


def _sent(section: ReceiverSection, wanted: Sequence[Message]) -> tuple[Told, int, str]:
    """Send messages until one is refused; return how far, how many appointments, and what came then."""
    done, taken, problem, ending = 0, 0, "", ""
    for one in wanted:
        try:
            answer = read_acknowledgement(deliver(one.data, hl7_peer(section)), control_id=one.control_id)
        except BeamkeeperError as error:
            problem, ending = f"{one.event}: {error.message} {error.do_next}".strip(), NO_ANSWER
        else:
            if not answer.is_accepted:
                problem = f"{one.event} was refused with {answer.code.value}: {answer.text}"
                ending = REFUSED
        if problem:
            break
        done += 1
        taken += one.asked is not None
    is_about_none = done < len(wanted) and wanted[done].asked is None
    told = Told(done=done, wanted=len(wanted), problems=(problem,) if problem else ())
    return told, taken, "" if is_about_none else ending


def _by_hand(section: ReceiverSection, asked: Iterable[Asked], before: Before) -> Iterator[str]:
    """Say what a receiver of appointments does not take by message, and has otherwise."""
    has = {one.control_id for one in before.asked}
    left = [one for one in asked if one.event not in section.takes and one.control_id not in has]
    if left and "SIU^S12" in section.takes:
        events = " or ".join(sorted({one.event for one in left}))
        yield (
            f"{len(left)} appointments were moved, changed or cancelled, and it takes no {events}: "
            "put them right by hand."
        )


def _addressed(section: ReceiverSection) -> dict[str, str]:
    return {
        "sending_application": section.sending_application,
        "receiving_application": section.receiving_application,
        "processing_id": section.processing_id,
        "character_set": section.character_set,
    }


def _letter(desk: Desk, manifest: Manifest) -> bytes:
    item = next((item for item in manifest.packed if item.name == LETTER), None)
    if item is None:
        raise IntegrityError(
            "This bundle has no letter.", do_next="Ask the sender for a whole one; nothing was told."
        )
    return kept_file(desk.path / RECEIVED / manifest.bundle_id, item)
