"""Value representations, encodings and element names: the tables the element scanner reads by.

References
----------
DICOM PS3.5 6.2 (VR), 7.1 (element forms), 7.8 (private elements).
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR, private_dictionary_VR

LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""VRs followed by two reserved bytes and a length of four (PS3.5 7.1.2)."""
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
"""VRs followed by a length of two bytes."""
KNOWN_VRS = (LONG_VRS | SHORT_VRS) - {b"UN"}
"""VRs that say how to read a value; anything else (a damaged one, too) leaves it to the dictionaries."""
SEQUENCE_TAGS = frozenset(tag for tag, entry in DicomDictionary.items() if entry[0] == "SQ")
PRIVATE_BLOCK_FIRST, PRIVATE_BLOCK_LAST = 0x10, 0xFF
"""Element numbers of private creators: each reserves the block of elements it is the high byte of."""


class Encoding(NamedTuple):
    """How elements are written: with their VR or without, which byte first."""

    explicit: bool
    little: bool


IMPLICIT_LITTLE = Encoding(explicit=False, little=True)
EXPLICIT_LITTLE = Encoding(explicit=True, little=True)
EXPLICIT_BIG = Encoding(explicit=True, little=False)

ENCODINGS = {
    "1.2.840.10008.1.2": IMPLICIT_LITTLE,
    "1.2.840.10008.1.2.2": EXPLICIT_BIG,
    "1.2.840.113619.5.2": IMPLICIT_LITTLE,  # GE private: little endian but for the pixels
}
"""Transfer syntaxes that are not explicit VR little endian; every other one is (PS3.5 annex A)."""

EXPLICIT_HEADER = {True: Struct("<HH2sH").unpack_from, False: Struct(">HH2sH").unpack_from}
IMPLICIT_HEADER = {True: Struct("<HHI").unpack_from, False: Struct(">HHI").unpack_from}
LONG_LENGTH = {True: Struct("<I").unpack_from, False: Struct(">I").unpack_from}
HEADER_BYTES = 8


class PrivateTag(NamedTuple):
    """A private element by who defined it, not by the block it happens to sit in (PS3.5 7.8.1)."""

    group: int
    creator: str
    number: int


Key = int | PrivateTag
"""Names an element independently of private block order; a repeated tag gets `REPEATED` added."""
REPEATED = 1 << 32


@lru_cache(maxsize=20_000)
def dictionary_vr(key: Key) -> str:
    """Return the VR the public or a private dictionary gives to `key`; "UN" when none knows it.

    Where the standard leaves a choice ("US or SS", "OB or OW") the first or OW is taken: only the
    width of the numbers matters here.
    """
    try:
        if isinstance(key, PrivateTag):
            tag = key.group << 16 | 0x1000 | key.number & 0xFF
            found = private_dictionary_VR(tag, key.creator) if key.creator else "UN"
        else:
            found = dictionary_VR(key % REPEATED)
    except KeyError:
        return "UN"
    return "OW" if "OW" in found else str(found[:2])
