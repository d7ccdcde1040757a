"""Two houses that never met: what each gives the other on a card, and how people check the card by telephone.

A card holds nothing secret: the age recipient to seal to, and the key by which its owner signs. Whoever can
put another card in its place reads everything, so a card counts only after somebody read its number aloud
to somebody whose voice is known.

References
----------
C2SP "age file encryption"; OpenSSH PROTOCOL.sshsig
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from beamkeeper.domain.codec import NotThisShapeError, canonical, from_json, to_json
from beamkeeper.domain.words import line
from beamkeeper.errors import ConfigError, KeyUnavailable
from beamkeeper.vault import age

FORMAT: Final = "beamkeeper-card"
VERSION: Final = 1
CARD_BYTES_MAX: Final = 16 << 10
NAME_CHARACTERS_MAX: Final = 100
_DIGITS, _GROUP = 30, 5
_RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}")
_SIGNING_KEY = re.compile(r"ssh-ed25519 [A-Za-z0-9+/]{68}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What another house must have of one.

    Attributes
    ----------
    name
        Of the department, as people call it.
    recipient
        age X25519 recipient: bundles for this house are sealed to it.
    signing_key
        OpenSSH public key ("ssh-ed25519 AAAA…"): bundles of this house are signed by it.
    """

    name: str
    recipient: str
    signing_key: str

    def __post_init__(self) -> None:
        """Refuse what is no card, before anything is sealed to it."""
        if line(self.name, longest=NAME_CHARACTERS_MAX).strip() != self.name or not self.name:
            raise _no_card("its name is empty, too long, or holds what cannot be printed")
        if _RECIPIENT.fullmatch(self.recipient) is None or _SIGNING_KEY.fullmatch(self.signing_key) is None:
            raise _no_card("its keys have another form")

    def has_a_key_of(self, other: Card) -> bool:
        """Whether it would take bundles, or speak, for another house: a card proves no secret half."""
        return self.signing_key == other.signing_key or self.recipient == other.recipient

    @property
    def number(self) -> str:
        """Thirty digits in groups of five that no other card has: to be compared aloud."""
        digest = int.from_bytes(hashlib.sha256(canonical(to_json(self)).encode()).digest())
        digits = f"{digest % 10**_DIGITS:0{_DIGITS}}"
        return " ".join(digits[at : at + _GROUP] for at in range(0, _DIGITS, _GROUP))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskKeys:
    """The secret halves of a card.

    Attributes
    ----------
    identity
        age X25519 identity.
    signing_key
        OpenSSH private key, Ed25519, without a password.
    """

    card: Card
    identity: str = field(repr=False)
    signing_key: bytes = field(repr=False)


def new_keys(name: str) -> DeskKeys:
    """Return fresh keys and the card that goes with them.

    Raises
    ------
    ConfigError
        Not a name that can stand on a card.
    """
    identity, key = age.generate_identity(), Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return DeskKeys(
        card=Card(name=name.strip(), recipient=age.recipient_of(identity), signing_key=public),
        identity=identity,
        signing_key=key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
    )


def card_bytes(card: Card) -> bytes:
    """Return a card as the file that is handed over."""
    document = {"format": FORMAT, "version": VERSION, "card": to_json(card), "number": card.number}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def read_card(data: bytes) -> Card:
    """Return the card in a file; the number it states is not believed but computed.

    Raises
    ------
    ConfigError
        Not a card of this format.
    """
    try:
        document = json.loads(data[:CARD_BYTES_MAX])
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise NotThisShapeError("another format or version")
        return from_json(Card, document["card"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _no_card("it is not what `beamkeeper desk` writes") from error


def verify_number(card: Card, said: str) -> None:
    """Refuse a card whose number is not the one that was read aloud.

    Raises
    ------
    KeyUnavailable
        It is another one.
    """
    if re.sub(r"\D", "", said) != card.number.replace(" ", ""):
        raise KeyUnavailable(
            f"The card of {card.name} has another number than the one that was read aloud.",
            do_next="Call the department by a number you know and let them read theirs again; until both are "
            "equal nothing may be sealed to this card.",
        )


def _no_card(why: str) -> ConfigError:
    return ConfigError(
        f"This is no card of a department: {why}.",
        do_next="Ask for the file card.json of the folder that `beamkeeper desk init` made there.",
    )
