"""One-time codes: short enough to type, worth nothing to anybody but one person, for one list, for a day.

A code is 50 bits of HMAC-SHA256 over the night, the digest of its list and the person, in ten letters and
digits that are hard to mistake. It proves that who votes read what was sent to that person's mailbox.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.domain.ballot import NightFacts
    from beamkeeper.protect.quorum.rule import QuorumRule

SECRET_BYTES: Final = 32
CODE_LETTERS: Final = 10
WRONG_CODES_MAX: Final = 5
"""After so many wrong codes in one person's name, codes of that night are closed to them."""
VALID_FOR: Final = timedelta(hours=24)

_CONTEXT: Final = b"beamkeeper/vote-code/v1"
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O or U."""
_MISTAKEN: Final = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


def code_for(secret: bytes, facts: NightFacts, person: str) -> str:
    """Return the code with which `person` may vote on that list ("7K2QD-0M9XR").

    Raises
    ------
    ValueError
        The secret has another length, or there is no list yet.
    """
    if len(secret) != SECRET_BYTES or not facts.digest:
        raise ValueError("a code is made from a whole secret, for a list that is there")
    fields = (facts.night.isoformat().encode(), facts.digest.encode(), person.encode())
    message = b"".join([_CONTEXT, *(len(field).to_bytes(4, "big") + field for field in fields)])
    number = int.from_bytes(hmac.digest(secret, message, hashlib.sha256), "big")
    letters = "".join(_ALPHABET[number >> (5 * place) & 31] for place in range(CODE_LETTERS))
    return f"{letters[:5]}-{letters[5:]}"


def is_code(typed: str, expected: str) -> bool:
    """Whether a person typed that code: capitals, hyphens, blanks and look-alikes make no difference."""
    return hmac.compare_digest(_plain(typed).encode(), _plain(expected).encode())


def _plain(typed: str) -> str:
    return typed.strip().upper().translate(_MISTAKEN)


def code_expires_at(facts: NightFacts, rule: QuorumRule) -> datetime:
    """Return until when codes of a night are taken: a day after its deadline, or after a late report."""
    deadline = rule.deadline_at(facts.night)
    return max(deadline, facts.reported_at or deadline) + VALID_FOR
