"""HL7 v2 as far as we speak it: one message out, one acknowledgement back, over MLLP, TLS or not.

`filled` fills a template (A23, A29, A03, A08, or a site's own); `person_added`, `patient_registered`,
`appointment_made` and its like, and `document_added` make a patient known at another hospital.
`deliver` sends a message and returns what the receiver answered, `reach` only connects. What an answer means
for a patient is decided elsewhere. Framing and reading are our own: the libraries' clients have no limits on
time or length (measured), and the `hl7` library asserts what a receiver may well not hold to.
"""

from beamkeeper.wire.hl7.acknowledgement import AckCode, Acknowledgement, read_acknowledgement
from beamkeeper.wire.hl7.mllp import Hl7Peer, deliver, reach
from beamkeeper.wire.hl7.template import TEMPLATES, MessageFacts, Template, filled
from beamkeeper.wire.hl7.transfer import (
    Appointment,
    AppointmentStatus,
    Document,
    Envelope,
    Identifier,
    Person,
    appointment_cancelled,
    appointment_changed,
    appointment_made,
    appointment_moved,
    document_added,
    patient_registered,
    person_added,
)

__all__ = [
    "TEMPLATES",
    "AckCode",
    "Acknowledgement",
    "Appointment",
    "AppointmentStatus",
    "Document",
    "Envelope",
    "Hl7Peer",
    "Identifier",
    "MessageFacts",
    "Person",
    "Template",
    "appointment_cancelled",
    "appointment_changed",
    "appointment_made",
    "appointment_moved",
    "deliver",
    "document_added",
    "filled",
    "patient_registered",
    "person_added",
    "reach",
    "read_acknowledgement",
]
