"""Codes that prove who votes: the site's secret for them, and that each is used once."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.quorum import rule_of
from beamkeeper.errors import KeyUnavailable, StorageFull, VoteRefused
from beamkeeper.protect.quorum.codes import (
    SECRET_BYTES,
    WRONG_CODES_MAX,
    code_expires_at,
    code_for,
    is_code,
)

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.site import Site
    from beamkeeper.domain.ballot import NightFacts
    from beamkeeper.ledger import Ledger

SECRET_NAME = "votes.key"  # noqa: S105 - a file's name


def code_secret(keys_dir: Path) -> bytes:
    """Return the secret of the site's vote codes; made on the first call.

    Not derived from a key of the vault: who may open the vault may not vote in another's name.

    Raises
    ------
    KeyUnavailable
        It is there and is none, or cannot be read.
    StorageFull
        It cannot be written.
    """
    path = keys_dir / SECRET_NAME
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        _make_secret(path)
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path) from error
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError as error:
        raise _unreadable(path) from error
    if len(secret) != SECRET_BYTES:
        raise _unreadable(path)
    return secret


def _make_secret(path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - the mode matters
            file.write(secrets.token_bytes(SECRET_BYTES).hex().encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # whoever links first has made it
    except FileExistsError:
        return
    except OSError as error:
        raise StorageFull(
            f"The secret of vote codes cannot be written to {path.parent}: {error.strerror}.",
            do_next="Give the collector's user the right to write there.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _unreadable(path: Path) -> KeyUnavailable:
    return KeyUnavailable(
        f"The secret of vote codes in {path} cannot be read.",
        do_next="Restore it, or remove it: a new one is made, and codes that were mailed no longer count.",
    )


def verify_code(
    site: Site, ledger: Ledger, facts: NightFacts, *, person: str, typed: str, now: datetime
) -> None:
    """Refuse a code that is wrong, used, or too old; wrong ones are counted.

    Raises
    ------
    VoteRefused
        It is not this person's unused code for this list.
    """
    wrong = f"wrong code {facts.night} {person}"
    if ledger.votes.count_taken(wrong) >= WRONG_CODES_MAX:
        raise VoteRefused(
            f"Too many wrong codes came in your name for the night of {facts.night}; no more are taken.",
            do_next="Vote on the page of the collector, or with a signed file.",
        )
    if not facts.digest or now >= code_expires_at(facts, rule_of(site)):
        raise VoteRefused(
            f"The code for the night of {facts.night} is too old.",
            do_next="Vote on the page of the collector, or with a signed file.",
        )
    if not is_code(typed, code_for(code_secret(site.vault.keys_dir), facts, person)):
        ledger.votes.take_once(f"{wrong}/{now.isoformat()}/{typed}", what=wrong, at=now)
        raise VoteRefused(
            "That is not your code for the present list of that night.",
            do_next="Use the code of the last report sent to you; another person's code is not taken.",
        )
    if ledger.votes.was_taken(_used(facts, person)):
        raise VoteRefused(
            "Your code was used before; each counts once.",
            do_next="To change your mind, vote on the page of the collector, or with a signed file.",
        )


def use_code(ledger: Ledger, facts: NightFacts, person: str, now: datetime) -> None:
    """Note that a person's code for a list has been used."""
    ledger.votes.take_once(_used(facts, person), what=f"used code {facts.night}", at=now)


def _used(facts: NightFacts, person: str) -> str:
    return f"code/{facts.night}/{facts.digest}/{person}"
