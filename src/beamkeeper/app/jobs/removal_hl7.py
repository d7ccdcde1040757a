"""A receiver of HL7 messages as a place that lets a patient go: told by name, proved by asking an archive."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import BeamkeeperError, ConfigError, SourceAnswerInvalid
from beamkeeper.protect.retain import Going, PlaceAnswer, PlaceState, no_answer
from beamkeeper.wire.dicom.peers import Peer, Timeouts
from beamkeeper.wire.dicom.requester import Requester
from beamkeeper.wire.dicom.requester_query import patient_id_key, query
from beamkeeper.wire.hl7 import (
    TEMPLATES,
    Hl7Peer,
    MessageFacts,
    Template,
    deliver,
    filled,
    read_acknowledgement,
)
from beamkeeper.wire.hl7.template import TEMPLATE_BYTES_MAX
from beamkeeper.wire.tls import TlsClient

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_removals import AskSection, RemovalSection

ANSWERS_MAX: Final = 10_000
"""Studies an archive may list for one Patient ID."""


class Hl7Place:
    """A receiver of HL7 messages: one message a patient, its acknowledgement, and the proof by C-FIND."""

    kind = "hl7"

    def __init__(self, site: Site, section: RemovalSection) -> None:
        self._site = site
        self._section = section
        self.name = f"hl7 {section.name}"

    def remove(self, going: Going, now: datetime) -> PlaceAnswer:
        """Send the message unless it was taken, then ask whether the patient is gone."""
        if going.patient is None:
            return PlaceAnswer(
                state=PlaceState.HELD,
                said="Who the patient was is not known here any more: the ledger was lost.",
                do_next="Have the patient looked up and removed there by hand; the receipt says when.",
            )
        try:
            if not going.orders_taken:
                refused = self._order(going, now)
                if refused is not None:
                    return refused
            return self._proved(going.patient.patient_id)
        except BeamkeeperError as error:
            return no_answer(error)

    def _order(self, going: Going, now: datetime) -> PlaceAnswer | None:
        """Send the message; return None when it was taken."""
        section = self._section
        message = filled(_template(section), _facts(section, going, now.astimezone(self._site.zone)))
        peer = Hl7Peer(
            host=section.host, port=section.port, tls=_tls(section), answer_s=section.answer_seconds
        )
        answer = read_acknowledgement(deliver(message, peer), control_id=going.order_id)
        if answer.is_accepted:
            return None
        often = "" if answer.is_worth_repeating else " Sending it again as it is will not change that."
        return PlaceAnswer(
            state=PlaceState.WAITING,
            said=f"It refused message {going.order_id} with {answer.code.value}.{often}",
            do_next="Ask its administrator which event it takes, and for its log of this message number.",
        )

    def _proved(self, patient_id: str) -> PlaceAnswer:
        if self._section.ask is None:
            return PlaceAnswer(
                state=PlaceState.UNPROVED,
                said="It took the message. No archive is named that could be asked whether it followed.",
                do_next="Name one under `ask` in the site file, or look there once.",
                order_taken=True,
            )
        try:
            left = count_studies(self._site, self._section.ask, patient_id)
        except BeamkeeperError as error:
            return PlaceAnswer(
                state=PlaceState.WAITING,
                said=f"It took the message; whether the patient is gone could not be asked: {error.message}",
                do_next=error.do_next,
                order_taken=True,
            )
        if left:
            return PlaceAnswer(
                state=PlaceState.WAITING,
                said=f"It took the message, and the archive still lists {left} studies of the patient.",
                do_next="Give it time; if it stays so, the event is not the one that removes there.",
                order_taken=True,
            )
        return PlaceAnswer(
            state=PlaceState.GONE,
            said="It took the message, and the archive answers C-FIND with no study of the patient.",
            order_taken=True,
        )

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


def _facts(section: RemovalSection, going: Going, now: datetime) -> MessageFacts:
    assert going.patient is not None  # noqa: S101 - looked at before
    return MessageFacts(
        control_id=going.order_id,
        sent_at=now,
        patient_id=going.patient.patient_id,
        issuer_of_patient_id=going.patient.issuer_of_patient_id,
        patient_name=going.patient.name,
        birth_date=going.patient.birth_on,
        sex=going.patient.sex,
        sending_application=section.sending_application,
        sending_facility=section.sending_facility,
        receiving_application=section.receiving_application,
        receiving_facility=section.receiving_facility,
        processing_id=section.processing_id,
        version=section.version,
        character_set=section.character_set,
    )


def _tls(section: RemovalSection | AskSection) -> TlsClient | None:
    if section.tls_ca is None:
        return None
    made = TlsClient(
        ca_file=section.tls_ca, certificate_file=section.tls_certificate, key_file=section.tls_key
    )
    name = getattr(section, "tls_name", "")
    return replace(made, server_name=name) if name else made


def count_studies(site: Site, section: AskSection, patient_id: str) -> int:
    """Return how many studies an archive lists for exactly this Patient ID.

    Raises
    ------
    SourceUnavailable, SourceAnswerInvalid
        It gives no answer, or one that says nothing.
    """
    peer = Peer(ae_title=section.ae_title, host=section.host, port=section.port, tls=_tls(section))
    timeouts = Timeouts(answer_s=section.answer_seconds)
    asked = query("STUDY", returning=("StudyInstanceUID",), PatientID=patient_id_key(patient_id))
    deadline = time.monotonic() + timeouts.query_s
    own = section.own_ae_title or site.receiver.ae_title
    with Requester(own_ae_title=own, peer=peer, timeouts=timeouts) as requester:
        answers = list(requester.ask(asked, limit=ANSWERS_MAX, deadline=deadline))
    stated = [answer.text("PatientID") for answer in answers]
    if any(not one for one in stated):
        raise SourceAnswerInvalid(
            "The archive lists studies and does not say whose they are.",
            do_next="Ask its administrator to return Patient ID at STUDY level.",
        )
    return sum(one == patient_id.strip() for one in stated)
