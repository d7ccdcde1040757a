"""How somebody comes in: an address that counts once, then passphrases; and how often one may try."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import defaultdict, deque
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

TRIES_MAX: Final = 5
"""Wrong passphrases for one login; after these it waits until the first is `TRIES_WITHIN` old.

Counted apart for screens that were let in and for others: a stranger who types wrong ones in everybody's name
must not keep people from signing.
"""
TRIES_ALL_MAX: Final = 30
"""Wrong ones for all logins together: whoever guesses names is held up, too."""
TRIES_WITHIN: Final = timedelta(minutes=5)
LOGINS_KEPT_MAX: Final = 1000
EVERYBODY: Final = ""


class Doors:
    """The address that counts once, and the limits of guessing; one a process.

    Parameters
    ----------
    token
        What the printed address ends with.

    Attributes
    ----------
    one_by_one
        To be held from `may_try` to `was_wrong`: who tries many at once has no more tries than others, and
        takes the memory of one.
    """

    def __init__(self, token: str) -> None:
        self._sha256 = _digest(token)
        self._is_spent = False
        self._wrong: dict[tuple[str, bool], deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()
        self.one_by_one = threading.Lock()

    def is_right(self, token: str) -> bool:
        """Whether this is the printed address and nobody has used it."""
        return not self._is_spent and hmac.compare_digest(_digest(token), self._sha256)

    def spend(self, token: str) -> bool:
        """Use the printed address; whether it was right and the first to be used."""
        with self._lock:
            right = self.is_right(token)
            self._is_spent = self._is_spent or right
            return right

    def may_try(self, login: str, now: datetime, *, inside: bool) -> bool:
        """Whether a passphrase may be tried for a login now, at a screen that was let in or at another."""
        tries, all_tries = self._count((login, inside), now), self._count((EVERYBODY, inside), now)
        return tries < TRIES_MAX and all_tries < TRIES_ALL_MAX

    def was_wrong(self, login: str, now: datetime, *, inside: bool) -> None:
        """Remember a wrong passphrase."""
        if len(self._wrong) >= LOGINS_KEPT_MAX:
            for key in [key for key in self._wrong if not self._count(key, now)]:
                del self._wrong[key]
        self._wrong[login, inside].append(now)
        self._wrong[EVERYBODY, inside].append(now)

    def _count(self, key: tuple[str, bool], now: datetime) -> int:
        tries = self._wrong.get(key)
        while tries and abs(now - tries[0]) > TRIES_WITHIN:
            tries.popleft()
        return len(tries or ())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
