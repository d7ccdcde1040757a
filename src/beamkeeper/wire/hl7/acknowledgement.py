"""What a receiver answered to a message: MSA, read tolerantly, believed only for our own control id.

References
----------
HL7 v2.5.1 chapter 2.9.2, table 0008
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from beamkeeper.errors import SourceAnswerInvalid

TEXT_CHARACTERS_MAX = 200


class AckCode(StrEnum):
    """MSA-1, table 0008."""

    AA = "AA"
    """Taken and applied."""
    AE = "AE"
    """Refused for what it says: sending it again changes nothing."""
    AR = "AR"
    """Rejected: later, or never in this form."""
    CA = "CA"
    """Taken into a queue; the result comes later, if ever."""
    CE = "CE"
    CR = "CR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """One acknowledgement.

    Attributes
    ----------
    text
        MSA-3 or ERR-8, cut short; a receiver may quote a patient in it: for the page, never the log.
    """

    code: AckCode
    control_id: str
    text: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver took the message; that the patient is gone there must still be proved."""
        return self.code in {AckCode.AA, AckCode.CA}

    @property
    def is_worth_repeating(self) -> bool:
        """Whether the same message may be taken later."""
        return self.code in {AckCode.AR, AckCode.CR}


def read_acknowledgement(data: bytes, *, control_id: str) -> Acknowledgement:
    """Return the acknowledgement of the message `control_id`.

    Raises
    ------
    SourceAnswerInvalid
        It is no acknowledgement, or that of another message.
    """
    fields = _acknowledged(data.decode("utf-8", "replace"))
    try:
        code = AckCode(fields[1].strip())
    except ValueError as error:
        raise _no_acknowledgement() from error
    if fields[2].strip() != control_id:
        raise SourceAnswerInvalid(
            "The acknowledgement is of another HL7 message than the one sent.",
            do_next="Ask the receiver's administrator; another sender may share the connection.",
        )
    return Acknowledgement(code=code, control_id=control_id, text=fields[3][:TEXT_CHARACTERS_MAX])


def _acknowledged(text: str) -> list[str]:
    """Return the fields of MSA, at least four, as the message's own separator parts them."""
    lines = [line.strip() for line in text.replace("\n", "\r").split("\r") if line.strip()]
    if not lines or not lines[0].startswith("MSH") or len(lines[0]) < len("MSH|"):
        raise _no_acknowledgement()
    separator = lines[0][len("MSH")]
    found = next((line for line in lines if line.startswith(f"MSA{separator}")), "")
    return [*found.split(separator), "", "", "", ""]


def _no_acknowledgement() -> SourceAnswerInvalid:
    return SourceAnswerInvalid(
        "The answer to an HL7 message is no acknowledgement with a code of table 0008.",
        do_next="Ask the receiver's administrator what listens at this port.",
    )
