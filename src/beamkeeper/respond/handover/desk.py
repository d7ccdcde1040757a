"""A desk: the folder from which a house hands patients over or takes them in.

It holds the house's keys and card, the cards of others it trusts, and what went out and came in. The desk of
the house under attack lies in the folder of the incident; a partner makes one beforehand or on the day.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import ConfigError, KeyUnavailable, StorageFull
from beamkeeper.respond.handover.card import (
    CARD_BYTES_MAX,
    Card,
    DeskKeys,
    card_bytes,
    new_keys,
    read_card,
    verify_number,
)
from beamkeeper.respond.handover.working import ASIDE, held, no_room, sweep, working
from beamkeeper.vault import age

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

CARD: Final = "card.json"
IDENTITY, SIGNING_KEY = "desk.age", "desk.ed25519"
KNOWN, OUT, RECEIVED = "known", "out", "received"
KEY_BYTES_MAX: Final = 64 << 10
_IN_CLEAR: Final = (
    ".making-*",
    ".packing-*",
    ".back-*",
    f"{RECEIVED}/.opening-*",
)
"""Where somebody works in clear."""
_HIDDEN: Final = ".sealed-"
"""Name of a bundle that no journal knows yet; a whole one that a journal knows loses it."""


class Desk:
    """One desk on a disk.

    Parameters
    ----------
    path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @staticmethod
    def create(path: Path, name: str) -> Desk:
        """Make a desk with fresh keys, for its owner alone.

        Raises
        ------
        ConfigError
            There is one already: keys are never replaced, or the name cannot stand on a card.
        StorageFull
            It cannot be made.
        """
        desk, keys = Desk(path), new_keys(name)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with desk.held(), working(path, ".making-") as work:
                if desk.is_there:
                    raise ConfigError(
                        f"{path} is the desk of {desk.card.name} already.",
                        do_next="Use it, or name another folder.",
                    )
                _write_secret(work / IDENTITY, f"{keys.identity}\n".encode())
                _write_secret(work / SIGNING_KEY, keys.signing_key)
                _write_secret(work / CARD, card_bytes(keys.card))
                for file in (IDENTITY, SIGNING_KEY, CARD):  # the card last: with it the desk is there
                    _keep_aside(path / file)
                    (work / file).rename(path / file)
        except OSError as error:
            raise StorageFull(
                f"The desk {path} cannot be made: {error.strerror}.", do_next="Name another folder."
            ) from error
        return desk

    @staticmethod
    def open(path: Path) -> Desk:
        """Return the desk in a folder; what killed processes left in it in clear is taken away.

        Raises
        ------
        ConfigError
            There is none.
        """
        desk = Desk(path)
        if not desk.is_there:
            raise ConfigError(f"{path} is no desk.", do_next=f'beamkeeper desk init --desk {path} --name "…"')
        desk._sweep()
        return desk

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nobody else pack, open or take in at this desk meanwhile; not twice in one process.

        What killed processes left in clear is taken away first.

        Raises
        ------
        StorageFull
            The folder cannot be written.
        """
        with held(self.path):
            self._sweep()
            yield

    def _sweep(self) -> None:
        for pattern in _IN_CLEAR:
            sweep(self.path, pattern)

    @property
    def is_there(self) -> bool:
        """Whether it was made."""
        return (self.path / CARD).is_file()

    @property
    def card(self) -> Card:
        """The card to give to others."""
        return read_card(_small(self.path / CARD))

    def keys(self) -> DeskKeys:
        """Return the secret keys.

        Raises
        ------
        KeyUnavailable
            They are not there, or not those of the card.
        """
        card = self.card
        identity = _small(self.path / IDENTITY).decode("ascii", "replace").strip()
        if age.recipient_of(identity) != card.recipient:
            raise KeyUnavailable(
                f"The key in {self.path} is not that of its card.",
                do_next="Take the folder from its backup, or make a new desk and give out its card.",
            )
        return DeskKeys(card=card, identity=identity, signing_key=_small(self.path / SIGNING_KEY))

    def trust(self, card: Card, number: str) -> None:
        """Keep the card of another house whose number was read aloud.

        Raises
        ------
        KeyUnavailable
            It is another number.
        ConfigError
            It is our own card, or another card of that name, or with its keys, is trusted already.
        """
        verify_number(card, number)
        if card.has_a_key_of(self.card):
            raise ConfigError("This is our own card.", do_next="Ask for theirs.")
        for other in self.known():
            if other == card:
                return
            if other.name == card.name:
                raise ConfigError(
                    f"Another card of {card.name} is trusted already ({other.number}).",
                    do_next=f"Call them. Was theirs replaced? Take the old one out of {self.path / KNOWN}.",
                )
            if card.has_a_key_of(other):
                raise ConfigError(
                    f"This card has a key of {other.name}, whose card is trusted already.",
                    do_next="Call both: one of them names a key that is not theirs.",
                )
        try:
            (self.path / KNOWN).mkdir(mode=0o700, exist_ok=True)
            with working(self.path, ".making-") as work:
                _write_secret(work / CARD, card_bytes(card))
                (work / CARD).rename(self.path / KNOWN / f"{card.number.replace(' ', '')}.json")
        except OSError as error:
            raise StorageFull(f"The card cannot be kept: {error.strerror}.") from error

    def bundle(self, bundle_id: str) -> Path:
        """Return the folder of a bundle that was made here, by its identifier or the first digits of it.

        Raises
        ------
        ConfigError
            None, or several.
        """
        found = sorted((self.path / OUT).glob(f"{bundle_id}*")) if bundle_id.isalnum() else []
        if len(found) != 1:
            raise ConfigError(
                f"{len(found)} bundles that were made here begin with {bundle_id!r}.",
                do_next=f"They lie in {self.path / OUT}.",
            )
        return found[0]

    def hidden(self, bundle_id: str) -> Path:
        """Return where a bundle is sealed: nobody carries what no journal knows."""
        return self.path / OUT / f"{_HIDDEN}{bundle_id}"

    def give_out(self, bundle_id: str) -> Path:
        """Give a bundle that a journal knows the name under which it is carried.

        Raises
        ------
        StorageFull
            It cannot be renamed; `settle` does it later.
        """
        target = self.path / OUT / bundle_id
        try:
            self.hidden(bundle_id).rename(target)
        except OSError as error:
            raise no_room(target.parent, error) from error
        return target

    def settle(self, known: Container[object]) -> None:
        """Finish what broke off between seal, journal and name: a bundle is known, or it is not there.

        Parameters
        ----------
        known
            Identifiers of the bundles that a journal knows.
        """
        for left in (self.path / OUT).glob(".*"):
            bundle_id = left.name.removeprefix(_HIDDEN)
            if bundle_id in known:
                self.give_out(bundle_id)
            else:  # sealed, written down nowhere, never carried
                shutil.rmtree(left, ignore_errors=True)

    def asides(self) -> tuple[Path, ...]:
        """Return what was laid aside: folders that no journal knows or that were damaged, in clear."""
        return tuple(sorted((self.path / RECEIVED).glob(f"{ASIDE}*")))

    def known(self) -> tuple[Card, ...]:
        """Return the cards that are trusted, by name."""
        found = (read_card(_small(path)) for path in sorted((self.path / KNOWN).glob("*.json")))
        return tuple(sorted(found, key=lambda card: card.name))

    def find(self, name: str) -> Card:
        """Return the trusted card of a house, by its name or a part of it that fits no other.

        Raises
        ------
        ConfigError
            None, or several.
        """
        known = self.known()
        found = [card for card in known if card.name == name] or [
            card for card in known if name.casefold() in card.name.casefold()
        ]
        if len(found) != 1:
            names = ", ".join(card.name for card in known) or "nobody yet"
            raise ConfigError(
                f"{name!r} fits {len(found)} trusted cards; trusted are: {names}.",
                do_next="`beamkeeper desk trust` takes a card; its number is compared by telephone.",
            )
        return found[0]


def _small(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max(CARD_BYTES_MAX, KEY_BYTES_MAX))
    except OSError as error:
        raise KeyUnavailable(
            f"{path.name} of the desk cannot be read: {error.strerror}.",
            do_next="Take the folder of the desk from its backup.",
        ) from error


def _keep_aside(path: Path) -> None:
    """Rename a key that no card goes with, left by a power cut: a key is never deleted."""
    with suppress(FileNotFoundError):
        path.rename(path.with_name(f"{path.name}.aside-{secrets.token_hex(4)}"))


def _write_secret(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
