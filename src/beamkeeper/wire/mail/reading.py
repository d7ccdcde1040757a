"""What a person wrote in a mail, taken out of what may be anything at all.

Bounded in bytes, parts, depth, lines; nothing of it is run, fetched or shown. Only plain text counts, and
of that only what stands above the first quoted or forwarded line: the code that we sent must not come
back by itself. A mail with HTML alone is not read: what its sender saw and what stands in it may differ.

References
----------
RFC 5322, RFC 2045-2049 (MIME), RFC 3834 (automatic answers), RFC 3676 (quoting)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

PARTS_MAX: Final = 40
LINES_MAX: Final = 60
LINE_CHARACTERS_MAX: Final = 1_500
"""A vote that names as many patients as one may fits a line."""
HEADER_CHARACTERS_MAX: Final = 1_000

_ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,255}")
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")
_CHARSET = re.compile(r"utf-?8|us-ascii|iso-8859-(?:[1-9]|1[0134-6])|windows-125[0-8]")
_PARAMETERS = re.compile(
    rb"(?:^|[\r\n])content-(?:type|disposition)[^\r\n]*(?:(?:\r\n|\r|\n)[ \t][^\r\n]*)*", re.IGNORECASE
)
"""The headers whose parameters the library takes apart in a time that grows with their square."""
_QUOTED = re.compile(
    r"""
    \s*(?:
        >                                                                   # RFC 3676
        | -{2,}+.*(?:original|oorspronkelijk|origine|urspr|forward|doorgestuurd|transf|weiterg).*
        | _{10,}                                                            # Outlook's rule
        | (?:begin\ forwarded\ message|d[ée]but\ du\ message|begin\ doorgestuurd|anfang\ der)
        | (?:from|van|de|von)\s?:\s.*
        | (?:on|op|le|am)\s.*(?:wrote|schreef|[ée]crit|schrieb).*
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_AUTOMATIC_SUBJECT = re.compile(
    r"\s*(?:automatic reply|auto(?:matisch)?[ :]|automatisch antwoord|afwezig|out of (?:the )?office"
    r"|r[ée]ponse automatique|absen[ct]|automatische antwort|abwesen"
    r"|undeliver|delivery status|mail delivery)",
    re.IGNORECASE,
)
_MACHINES: Final = frozenset({"mailer-daemon", "postmaster", "noreply", "no-reply"})


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMail:
    """What is worth knowing of a mail.

    Attributes
    ----------
    sender
        The one address it says it is from, in small letters; "" when it names none or several. Anybody
        can write anything there.
    message_id
        "" when it has none of the usual form.
    automatic
        Why it was written by a machine; "" when a person may have.
    lines
        What the sender wrote above anything quoted, without empty lines.
    problem
        Why there are no lines, in words for the sender; "" otherwise.
    """

    sender: str
    message_id: str
    automatic: str
    lines: tuple[str, ...]
    problem: str = ""


def read_mail(data: bytes) -> IncomingMail:
    """Return what a mail says; nothing it may hold raises."""
    if data.lower().count(b"boundary") > PARTS_MAX:
        return _unreadable("it has too many parts")
    if any(len(found[0]) > HEADER_CHARACTERS_MAX for found in _PARAMETERS.finditer(data)):
        return _unreadable("a header of it is too long")
    try:
        message = BytesParser(policy=compat32).parsebytes(data)
        parts = list(_parts(message))
        problem, lines = _own_lines(parts)
        return IncomingMail(
            sender=_sender(message),
            message_id=_message_id(message),
            automatic=_automatic(message),
            lines=lines,
            problem=problem,
        )
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return _unreadable("it is damaged")


def _unreadable(problem: str) -> IncomingMail:
    return IncomingMail(sender="", message_id="", automatic="unreadable", lines=(), problem=problem)


def _parts(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= PARTS_MAX:
            break
        yield part


def _header(message: Message, name: str) -> str:
    """Return a header as one line; only what is printable, for log and answer."""
    text = str(message.get(name, ""))[:HEADER_CHARACTERS_MAX]
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


def _subject(message: Message) -> str:
    """Return the subject with its encoded words decoded (RFC 2047)."""
    words = []
    # Raw bytes come as an object of the library's own, which it does not search for encoded words.
    subject: Any = message.get("Subject", "")
    for text, charset in decode_header(
        subject[:HEADER_CHARACTERS_MAX] if isinstance(subject, str) else subject
    ):
        data = text.encode(errors="replace") if isinstance(text, str) else text
        try:
            words.append(data.decode(charset or "utf-8", errors="replace"))
        except LookupError:  # "unknown-8bit": raw bytes in a header
            words.append(data.decode("utf-8", errors="replace"))
    return "".join(words)[:HEADER_CHARACTERS_MAX].strip()


def _message_id(message: Message) -> str:
    found = _header(message, "Message-ID")
    return found if _MESSAGE_ID.fullmatch(found) else ""


def _sender(message: Message) -> str:
    found = message.get_all("From", [])
    if len(found) != 1 or len(str(found[0])) > HEADER_CHARACTERS_MAX:
        return ""
    addresses = [address for _, address in getaddresses([str(found[0])]) if address]
    if len(addresses) != 1 or _ADDRESS.fullmatch(addresses[0]) is None:
        return ""
    return addresses[0].casefold()


def _automatic(message: Message) -> str:
    """Return why a machine wrote this; RFC 3834 section 5, and what servers do instead."""
    submitted = _header(message, "Auto-Submitted").casefold()
    if submitted and not submitted.startswith("no"):
        return "an automatic answer (Auto-Submitted)"
    if _header(message, "Precedence").casefold() in {"bulk", "junk", "list", "auto_reply"}:
        return "bulk mail (Precedence)"
    if any(name in message for name in ("X-Autoreply", "X-Autorespond", "List-Id")):
        return "an automatic answer or a list"
    if _header(message, "Return-Path") == "<>" or message.get_content_type() == "multipart/report":
        return "a delivery report"
    if _sender(message).partition("@")[0] in _MACHINES:
        return "a machine's address"
    if _AUTOMATIC_SUBJECT.match(_subject(message)):
        return "an automatic answer (by its subject)"
    return ""


def _own_lines(parts: list[Message]) -> tuple[str, tuple[str, ...]]:
    """Return (why there are none, the lines above anything quoted) of the first plain text."""
    for part in parts:
        if part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment":
            lines = tuple(_unquoted(_text(part)))
            return ("", lines) if lines else ("it says nothing above what it quotes", ())
    return "it has no plain text", ()


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    charset = str(part.get_content_charset("utf-8")).casefold()
    # Others show a reader one text and us another, or take hours; word and code are ASCII in all of these.
    return data.decode(charset if _CHARSET.fullmatch(charset) else "utf-8", errors="replace")


def _unquoted(text: str) -> Iterator[str]:
    for line in text.splitlines()[:LINES_MAX]:
        if _QUOTED.match(line[:LINE_CHARACTERS_MAX]):
            return
        if line.strip():
            yield line.strip()[:LINE_CHARACTERS_MAX]
