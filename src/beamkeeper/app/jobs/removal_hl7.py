"""A receiver of HL7 messages as a place that lets a patient go: told by name, proved by asking an archive."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.peers import hl7_peer, tls_client
from beamkeeper.app.jobs.removal_copies import listed_at
from beamkeeper.errors import BeamkeeperError, ConfigError, SourceAnswerInvalid, SourceUnavailable
from beamkeeper.protect.retain import Going, Order, PlaceAnswer, PlaceState, no_answer
from beamkeeper.wire.dicom.peers import Peer, Timeouts
from beamkeeper.wire.dicom.requester import Requester
from beamkeeper.wire.dicom.requester_query import patient_id_key, query
from beamkeeper.wire.hl7 import (
    TEMPLATES,
    MessageFacts,
    Template,
    deliver,
    filled,
    reach,
    read_acknowledgement,
)
from beamkeeper.wire.hl7.template import TEMPLATE_BYTES_MAX

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_removals import AskSection, RemovalSection
    from beamkeeper.domain.patient import Patient

ORDER_CHARACTERS: Final = 18
"""MSH-10 has room for 20 in HL7 before 2.7."""
REFUSALS_MAX: Final = 5
"""So often a message that is refused is sent: within a day, then a person must look."""
ANSWERS_MAX: Final = 10_000
"""Studies an archive may list for one Patient ID."""


class Hl7Place:
    """A receiver of HL7 messages: one message a patient, its acknowledgement, and the proof by a question."""

    kind = "hl7"

    def __init__(self, site: Site, section: RemovalSection) -> None:
        self._site = site
        self._section = section
        self._failure: SourceUnavailable | None = None
        self.name = f"hl7 {section.name}"

    def remove(self, going: Going, now: datetime) -> PlaceAnswer:
        """Send the message unless it was taken or refused too often, then ask whether the patient is gone."""
        if going.patient is None:
            return PlaceAnswer(
                state=PlaceState.HELD,
                said="Who the patient was is not known here any more: the ledger was lost.",
                do_next="Have the patient looked up and removed there by hand; the receipt says when.",
            )
        if self._failure is not None:
            return no_answer(self._failure)
        try:
            template = _template(self._section)
            order = self._order_of(going, template)
            if order.is_taken:
                return self._proved(going.patient, order)
            if order.refusals >= REFUSALS_MAX and not going.by_hand:
                return self._refused(going.patient, order, f"It refused message {order.number} too often.")
            return self._told(template, going, order, now)
        except SourceUnavailable as error:
            self._failure = error  # one wait for a dead receiver, not one for each patient
            return no_answer(error)
        except BeamkeeperError as error:
            return no_answer(error)

    def _order_of(self, going: Going, template: Template) -> Order:
        """Return where the order stands: another receiver, or another message, makes it another order."""
        text = f"{going.pseudonym}/{going.removed_on}/{self.name}/{self._section.place}/{template.text}"
        number = f"BK{hashlib.sha256(text.encode()).hexdigest()[: ORDER_CHARACTERS - 2].upper()}"
        return going.order if going.order.number == number else Order(number=number)

    def _told(self, template: Template, going: Going, order: Order, now: datetime) -> PlaceAnswer:
        """Send the message; return what it came to."""
        assert going.patient is not None  # noqa: S101 - asked before
        facts = _facts(self._section, going.patient, order.number, now.astimezone(self._site.zone))
        said = deliver(filled(template, facts), hl7_peer(self._section))
        answer = read_acknowledgement(said, control_id=order.number)
        if answer.is_accepted:
            return self._proved(going.patient, replace(order, is_taken=True))
        order = replace(order, refusals=order.refusals + 1)
        often = "" if answer.is_worth_repeating else " Sending it again as it is will not change that."
        text = f"It refused message {order.number} with {answer.code.value}.{often}"
        return self._refused(going.patient, order, text)

    def _refused(self, patient: Patient, order: Order, said: str) -> PlaceAnswer:
        """Return what a refusal came to: a receiver refuses, too, to remove whom it does not have."""
        try:
            if not self._section.is_silent and not self._left(patient):
                return PlaceAnswer(
                    state=PlaceState.GONE,
                    said=f"{said} Asked by Patient ID, it lists nothing of the patient.",
                    order=order,
                )
        except BeamkeeperError as error:
            said += f" Whether the patient is there could not be asked: {error.message}"
        is_last = order.refusals >= REFUSALS_MAX
        return PlaceAnswer(
            state=PlaceState.HELD if is_last else PlaceState.WAITING,
            said=f"{said} It is not sent again by itself." if is_last else said,
            do_next="Ask its administrator which event it takes, and for its log of this message number."
            " Another `template` is sent at once; the same one again by `beamkeeper retain run`.",
            order=order,
        )

    def _proved(self, patient: Patient, order: Order) -> PlaceAnswer:
        """Return whether a patient is gone whom the receiver said it lets go."""
        if self._section.is_silent:
            return PlaceAnswer(
                state=PlaceState.UNPROVED,
                said="It took the message. No archive is named that could be asked whether it followed.",
                do_next="Name one under `ask` in the site file, or look there once.",
                order=order,
            )
        try:
            left = self._left(patient)
        except BeamkeeperError as error:
            return PlaceAnswer(
                state=PlaceState.WAITING,
                said=f"It took the message; whether the patient is gone could not be asked: {error.message}",
                do_next=error.do_next,
                order=order,
            )
        if left:
            return PlaceAnswer(
                state=PlaceState.WAITING,
                said=f"It took the message, and still lists {left} studies or objects of the patient.",
                do_next="Give it time; if it stays so, the event is not the one that removes there: name"
                " another `template`, and it is sent at once.",
                order=order,
            )
        return PlaceAnswer(
            state=PlaceState.GONE,
            said="It took the message and, asked by Patient ID, lists nothing of the patient.",
            order=order,
        )

    def _left(self, patient: Patient) -> int:
        """Return how much is still listed of a patient."""
        section = self._section
        if section.ask is not None:
            return count_studies(self._site, section.ask, patient.patient_id)
        (copies,) = (one for one in self._site.copies if one.name == section.ask_copies)
        return len(listed_at(copies, self._site, patient.patient_id))

    def close(self) -> None:
        """Do nothing: nothing stays open."""


def _template(section: RemovalSection) -> Template:
    if section.template is not None:
        return TEMPLATES[section.template]
    assert section.template_file is not None  # noqa: S101 - the section has one of the two
    return Template(name=section.template_file.name, text=_text_of(section.template_file))


def _text_of(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(TEMPLATE_BYTES_MAX + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The HL7 template {path} cannot be read.", do_next="Check the path in the site file."
        ) from error


def _facts(section: RemovalSection, patient: Patient, number: str, now: datetime) -> MessageFacts:
    return MessageFacts(
        control_id=number,
        sent_at=now,
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
        patient_name=patient.name,
        birth_date=patient.birth_on,
        sex=patient.sex,
        sending_application=section.sending_application,
        sending_facility=section.sending_facility,
        receiving_application=section.receiving_application,
        receiving_facility=section.receiving_facility,
        processing_id=section.processing_id,
        version=section.version,
        character_set=section.character_set,
    )


def look_at(site: Site, section: RemovalSection) -> None:
    """Look whether a receiver can be reached, its message made and the archive asked; nothing is sent.

    Raises
    ------
    ConfigError
        The template is no message.
    SourceUnavailable, SourceAnswerInvalid
        Why one of them cannot be spoken to.
    """
    _template(section)
    reach(hl7_peer(section))
    if section.ask is not None:
        with _asking(site, section.ask) as requester:
            requester.echo()


def _asking(site: Site, section: AskSection) -> Requester:
    peer = Peer(ae_title=section.ae_title, host=section.host, port=section.port, tls=tls_client(section))
    own = section.own_ae_title or site.receiver.ae_title
    return Requester(own_ae_title=own, peer=peer, timeouts=Timeouts(answer_s=section.answer_seconds))


def count_studies(site: Site, section: AskSection, patient_id: str) -> int:
    """Return how many studies an archive lists for exactly this Patient ID.

    Raises
    ------
    SourceUnavailable, SourceAnswerInvalid
        It gives no answer, or one that says nothing.
    """
    asked = query("STUDY", returning=("StudyInstanceUID",), PatientID=patient_id_key(patient_id))
    deadline = time.monotonic() + Timeouts().query_s
    with _asking(site, section) as requester:
        answers = list(requester.ask(asked, limit=ANSWERS_MAX, deadline=deadline))
    stated = [answer.text("PatientID") for answer in answers]
    if any(not one for one in stated):
        raise SourceAnswerInvalid(
            "The archive lists studies and does not say whose they are.",
            do_next="Ask its administrator to return Patient ID at STUDY level.",
        )
    return sum(one == patient_id.strip() for one in stated)
