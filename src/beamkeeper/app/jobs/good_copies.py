"""Which night's copy is good, by the votes that the vault itself carries: on any computer with a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.protect.quorum.copies import Choice, Copies, Said

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from beamkeeper.vault import Vault


def copies_in(vault: Vault) -> Copies:
    """Return what people's signed words mean for the copies in a vault."""
    return Copies(vault.nights(), [Said(night.facts, night.ballots) for night in vault.votes()])


def choose(vault: Vault, pseudonyms: Iterable[str]) -> Mapping[str, Choice]:
    """Return for each patient the newest good copy; empty where nobody was ever asked."""
    copies = copies_in(vault)
    return {name: copies.choose(name) for name in pseudonyms} if copies.asked else {}


def held_back(vault: Vault, choice: Choice, pseudonym: str) -> tuple[date, ...]:
    """Return the nights passed over that brought something of this patient."""
    mine = {entry.night for entry in vault.entries() if entry.pseudonym == pseudonym}
    return tuple(night for night in choice.passed_over if night in mine)
