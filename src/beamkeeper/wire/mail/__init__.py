"""Mail: letters out by SMTP, answers in by IMAP, over TLS with the peer's certificate checked.

What comes in is treated as hostile: sizes, parts, lines and times are bounded, and only what the sender
wrote above anything quoted is handed on. What a mail means is decided elsewhere.
"""

from beamkeeper.wire.mail.imap import MESSAGE_BYTES_MAX, ImapServer, Mailbox, MessageWithheld, Received
from beamkeeper.wire.mail.letters import Attachment, Letter
from beamkeeper.wire.mail.reading import IncomingMail, read_mail
from beamkeeper.wire.mail.servers import MailSecurity
from beamkeeper.wire.mail.smtp import SmtpServer, deliver, verify_entry

__all__ = [
    "MESSAGE_BYTES_MAX",
    "Attachment",
    "ImapServer",
    "IncomingMail",
    "Letter",
    "MailSecurity",
    "Mailbox",
    "MessageWithheld",
    "Received",
    "SmtpServer",
    "deliver",
    "read_mail",
    "verify_entry",
]
