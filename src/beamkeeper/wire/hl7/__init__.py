"""HL7 v2 as far as we speak it: one message out, one acknowledgement back, over MLLP, TLS or not.

`removal_message` fills a template (A23, A29, A03, A08, or a site's own) and `deliver` sends it and
returns what the receiver answered. What an answer means for a patient is decided elsewhere. The framing
is our own, because the libraries' clients have no limits on time or length (measured); reading the
acknowledgement is the `hl7` library's work.
"""

from beamkeeper.wire.hl7.acknowledgement import AckCode, Acknowledgement, read_acknowledgement
from beamkeeper.wire.hl7.mllp import Hl7Peer, deliver
from beamkeeper.wire.hl7.template import TEMPLATES, MessageFacts, Template, filled

__all__ = [
    "TEMPLATES",
    "AckCode",
    "Acknowledgement",
    "Hl7Peer",
    "MessageFacts",
    "Template",
    "deliver",
    "filled",
    "read_acknowledgement",
]
