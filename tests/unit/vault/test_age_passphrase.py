"""A small age file that a passphrase opens."""

from __future__ import annotations

import re

import pytest

from beamkeeper.errors import KeyUnavailable
from beamkeeper.vault.age import open_by_passphrase, seal_by_passphrase

PASSPHRASE = "een lange zin over de régen"


def test_the_passphrase_opens_it_and_a_file_of_a_much_faster_computer_is_named() -> None:
    sealed = seal_by_passphrase(b"secret", PASSPHRASE)
    slow = re.sub(rb"(-> scrypt \S+ )\d+", rb"\g<1>30", sealed)

    assert b"secret" not in sealed
    assert open_by_passphrase(sealed, PASSPHRASE) == b"secret"
    with pytest.raises(KeyUnavailable, match="much faster computer"):
        open_by_passphrase(slow, PASSPHRASE)
    with pytest.raises(KeyUnavailable, match="not the passphrase"):
        open_by_passphrase(sealed, PASSPHRASE.upper())
