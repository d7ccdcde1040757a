r"""Messages as templates: every receiver wants another event to let a patient go.

A template is the message's segments, one a line, with `{fields}` in them. Values are escaped, so that
no name can end a field, a segment or the message.

References
----------
HL7 v2.5.1 chapter 3.3 (ADT A03, A08, A23, A29)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import ConfigError
from beamkeeper.wire.hl7.writing import encoded, escaped

if TYPE_CHECKING:
    from datetime import date, datetime

TEMPLATE_BYTES_MAX: Final = 16 << 10
SEGMENTS_MAX: Final = 50
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}\|")
_FIELD = re.compile(r"\{([^{}]*)\}")
_HEAD: Final = (
    r"MSH|^~\&|{sending_application}|{sending_facility}|{receiving_application}|{receiving_facility}"
    "|{sent_at}||ADT^%s^%s|{control_id}|{processing_id}|{version}||||||{character_set}"
)
_PERSON: Final = (
    "PID|1||{patient_id}^^^{issuer_of_patient_id}^MR||{family_name}^{given_name}||{birth_date}|{sex}"
)
_FACTS: Final = frozenset(
    {
        "sending_application",
        "sending_facility",
        "receiving_application",
        "receiving_facility",
        "processing_id",
        "version",
        "character_set",
        "sent_at",
        "control_id",
        "patient_id",
        "issuer_of_patient_id",
        "family_name",
        "given_name",
        "birth_date",
        "sex",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A message with fields to fill.

    Attributes
    ----------
    text
        Segments, one a line; the first is MSH.
    """

    name: str
    text: str

    def __post_init__(self) -> None:
        """Refuse what could not be a message, before anything is sent."""
        segments = self.text.strip().splitlines()
        if len(self.text.encode()) > TEMPLATE_BYTES_MAX or not 0 < len(segments) <= SEGMENTS_MAX:
            raise ConfigError(f"The HL7 template {self.name} is empty or too long.")
        wrong = [line for line in segments if not _SEGMENT.match(line)]
        if wrong or not segments[0].startswith("MSH|^~\\&|"):
            raise ConfigError(
                f"The HL7 template {self.name} does not consist of segments beginning with MSH|^~\\&|.",
                do_next="Write one segment a line, such as PID|1||{patient_id}.",
            )
        unknown = sorted(set(_FIELD.findall(self.text)) - _FACTS)
        if unknown:
            raise ConfigError(
                f"The HL7 template {self.name} asks for {{{unknown[0]}}}, which is no field we fill.",
                do_next=f"Fields are: {', '.join(sorted(_FACTS))}.",
            )
        if not {"control_id", "patient_id"} <= set(_FIELD.findall(self.text)):
            raise ConfigError(f"The HL7 template {self.name} lacks {{control_id}} or {{patient_id}}.")


def _adt(event: str, structure: str, *more: str) -> Template:
    head = _HEAD % (event, structure)
    return Template(
        name=f"ADT^{event}", text="\n".join([head, f"EVN|{event}|{{sent_at}}", _PERSON, "PV1||N", *more])
    )


TEMPLATES: Final = {
    "ADT^A23": _adt("A23", "ADT_A21"),
    "ADT^A29": _adt("A29", "ADT_A21"),
    "ADT^A03": _adt("A03", "ADT_A03"),
    "ADT^A08": _adt("A08", "ADT_A01"),
}
"""Delete a visit, delete a person, end of a visit, update. PV1 is demanded by strict receivers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """What a template is filled with.

    Attributes
    ----------
    control_id
        MSH-10: the same for every try of the same message, so that a receiver sees a repetition.
    sent_at
        Aware; shown with its own offset.
    patient_name
        PN as DICOM writes it, `family^given`; only the first, alphabetic group is sent.
    """

    control_id: str
    sent_at: datetime
    patient_id: str
    issuer_of_patient_id: str = ""
    patient_name: str = ""
    birth_date: date | None = None
    sex: str = ""
    sending_application: str = "BEAMKEEPER"
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    processing_id: str = "P"
    version: str = "2.5.1"
    character_set: str = "UNICODE UTF-8"


def filled(template: Template, facts: MessageFacts) -> bytes:
    """Return the message, segments ended by CR, in the encoding that MSH-18 says.

    Raises
    ------
    ConfigError
        The character set is unknown, or cannot write this patient's name.
    """
    values = _values(facts)
    lines = [
        _FIELD.sub(lambda match: values[match[1]], line.strip())
        for line in template.text.strip().splitlines()
    ]
    return encoded(lines, facts.character_set)


def _values(facts: MessageFacts) -> dict[str, str]:
    family, given, *_ = [*facts.patient_name.split("=")[0].split("^"), "", ""]
    plain = {
        "sent_at": f"{facts.sent_at:%Y%m%d%H%M%S%z}",
        "birth_date": f"{facts.birth_date:%Y%m%d}" if facts.birth_date else "",
        "family_name": family,
        "given_name": given,
    }
    rest = _FACTS - plain.keys()
    return {name: escaped(value) for name, value in plain.items()} | {
        name: escaped(str(getattr(facts, name))) for name in rest
    }
