"""A letter as a mail message: plain text, one person, marked as written by a machine.

References
----------
RFC 5322 (format), RFC 3834 (automatic answers)
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

SUBJECT_CHARACTERS_MAX: Final = 200
TEXT_CHARACTERS_MAX: Final = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a letter, sealed by whoever made it."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is written to one person.

    Attributes
    ----------
    in_reply_to
        Message-ID of the mail that is answered; "" for a letter of our own.
    """

    to: str
    subject: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    in_reply_to: str = ""

    def message(self, *, sender: str, at: datetime) -> EmailMessage:
        """Return the message to send.

        Raises
        ------
        ValueError
            An address or the subject holds a line break.
        """
        message = EmailMessage(policy=SMTP)
        message["From"] = sender
        message["To"] = self.to
        message["Subject"] = self.subject[:SUBJECT_CHARACTERS_MAX]
        message["Date"] = format_datetime(at)
        message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
        # Nobody's out-of-office notice shall come back, and no machine shall start a conversation.
        message["Auto-Submitted"] = "auto-replied" if self.in_reply_to else "auto-generated"
        message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
        if self.in_reply_to:
            message["In-Reply-To"] = self.in_reply_to
            message["References"] = self.in_reply_to
        message.set_content(self.text[:TEXT_CHARACTERS_MAX])
        for item in self.attachments:
            message.add_attachment(
                item.data, maintype="application", subtype="octet-stream", filename=item.name
            )
        return message
