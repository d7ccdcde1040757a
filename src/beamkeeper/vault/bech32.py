"""Bech32, the text form of age keys: letters and digits with a checksum that finds typing mistakes.

References
----------
BIP 173 "Base32 address format"; age uses it without the length limit (C2SP age specification, "X25519").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
TEXT_LENGTH_MAX: Final = 1024
_CHECKSUM_LENGTH: Final = 6
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def encode(prefix: str, data: bytes) -> str:
    """Return `data` as bech32 under the human-readable `prefix`, in lower case."""
    prefix = prefix.lower()
    groups = _regroup(data, from_bits=8, to_bits=5, pad=True)
    check = _polymod([*_expand(prefix), *groups, *([0] * _CHECKSUM_LENGTH)]) ^ 1
    groups += [check >> 5 * (5 - index) & 31 for index in range(_CHECKSUM_LENGTH)]
    return f"{prefix}1{''.join(ALPHABET[group] for group in groups)}"


def decode(text: str) -> tuple[str, bytes]:
    """Return the lower-case prefix and the bytes that `text` holds.

    Raises
    ------
    ValueError
        Not bech32, or mistyped: the checksum does not hold.
    """
    if len(text) > TEXT_LENGTH_MAX or (text != text.lower() and text != text.upper()):
        raise ValueError("bech32 is either all lower case or all upper case")
    prefix, one, rest = text.lower().rpartition("1")
    if not one or not prefix or len(rest) < _CHECKSUM_LENGTH or not set(rest) <= set(ALPHABET):
        raise ValueError("this is not bech32 text")
    if not all(33 <= ord(letter) <= 126 for letter in prefix):  # noqa: PLR2004 - printable ASCII, BIP 173
        raise ValueError("this is not bech32 text")
    groups = [ALPHABET.index(letter) for letter in rest]
    if _polymod([*_expand(prefix), *groups]) != 1:
        raise ValueError("the checksum does not hold: a letter was mistyped")
    return prefix, bytes(_regroup(groups[:-_CHECKSUM_LENGTH], from_bits=5, to_bits=8, pad=False))


def _polymod(groups: Iterable[int]) -> int:
    check = 1
    for group in groups:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ group
        for index, generator in enumerate(_GENERATOR):
            check ^= generator if top >> index & 1 else 0
    return check


def _expand(prefix: str) -> list[int]:
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def _regroup(values: Iterable[int], *, from_bits: int, to_bits: int, pad: bool) -> list[int]:
    held = bits = 0
    groups = []
    for value in values:
        held = held << from_bits | value
        bits += from_bits
        while bits >= to_bits:
            bits -= to_bits
            groups.append(held >> bits & (1 << to_bits) - 1)
        held &= (1 << bits) - 1
    if pad and bits:
        groups.append(held << to_bits - bits & (1 << to_bits) - 1)
    elif not pad and (bits >= from_bits or held):
        raise ValueError("the last letter carries bits that belong to no byte")
    return groups
