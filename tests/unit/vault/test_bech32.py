"""Bech32 against the vectors of BIP 173."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.vault import bech32

VALID = (
    "A12UEL5L",
    "a12uel5l",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
    "?1ezyfcl",
)
INVALID = (
    "\x201nwldj5",
    "\x7f1axkwrx",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "A1G7SGD8",
    "10a06t8",
    "1qzzfhee",
    "A12uEL5L",
    "a12uel5m",
    "",
    "é1ezyfcl",
)


@pytest.mark.parametrize("text", VALID)
def test_the_valid_vectors_of_bip_173_are_read(text: str) -> None:
    prefix, data = bech32.decode(text)

    assert bech32.encode(prefix, data) == text.lower()


@pytest.mark.parametrize("text", INVALID)
def test_the_invalid_vectors_of_bip_173_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"bech32|mistyped"):
        bech32.decode(text)


def test_letters_that_carry_no_whole_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="belong to no byte"):
        bech32.decode("a1pv7wwwr")


@given(st.binary(max_size=64))
def test_what_was_encoded_decodes_to_the_same_bytes(data: bytes) -> None:
    assert bech32.decode(bech32.encode("age-secret-key-", data).upper()) == ("age-secret-key-", data)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 57), st.sampled_from(bech32.ALPHABET))
def test_one_mistyped_letter_is_always_found(data: bytes, place: int, letter: str) -> None:
    text = bech32.encode("age", data)
    place += len("age1")
    mistyped = text[:place] + letter + text[place + 1 :]

    if mistyped != text:
        with pytest.raises(ValueError, match="mistyped"):
            bech32.decode(mistyped)
