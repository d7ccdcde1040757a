r"""How an HL7 v2 message is written: values that cannot end a field, fields by number, MSH-18's encoding.

References
----------
HL7 v2.5.1 chapter 2.5 (delimiters), 2.7 (escapes), table 0211 (character sets)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ENCODINGS: Final = {
    "UNICODE UTF-8": "utf-8",
    **{f"8859/{part}": f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    "ASCII": "ascii",
    "": "iso-8859-1",
}
"""MSH-18 and how its text is encoded; left empty it means Latin-1 in most of Europe."""

DELIMITERS: Final = "^~\\&"
"""MSH-2: of components, repetitions, escapes, subcomponents."""

_ESCAPES: Final = {char: f"\\{letter}\\" for char, letter in zip("\\|^&~", "EFSTR", strict=True)}


def escaped(text: str) -> str:
    """Return `text` so that it stays inside its component: delimiters and control characters escaped."""
    return "".join(
        _ESCAPES.get(char)
        or (
            char
            if char.isprintable()
            else "".join(f"\\X{byte:02X}\\" for byte in char.encode("utf-8", "replace"))
        )
        for char in text
    )


def components(*values: str) -> str:
    """Return one field of several components, each escaped; empty ones at the end are left out."""
    return "^".join(map(escaped, values)).rstrip("^")


def segment(name: str, fields: Mapping[int, str]) -> str:
    """Return one segment; `fields` are by their number in the standard, ready to stand there."""
    # MSH-1 is the separator itself.
    first = 2 if name == "MSH" else 1
    return "|".join([name, *(fields.get(number, "") for number in range(first, max(fields) + 1))])


def encoded(segments: Iterable[str], character_set: str) -> bytes:
    """Return the message, segments ended by CR, in the encoding that MSH-18 says.

    Raises
    ------
    ConfigError
        The character set is unknown, or cannot write what the message says.
    """
    encoding = ENCODINGS.get(character_set)
    if encoding is None:
        raise ConfigError(
            f"No HL7 character set is called {character_set!r}.",
            do_next=f"Use one of {', '.join(repr(name) for name in ENCODINGS)}.",
        )
    try:
        return "".join(f"{line}\r" for line in segments).encode(encoding)
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"A name in a message cannot be written in the character set {character_set or '8859/1'!r}.",
            do_next="Let the receiver take UNICODE UTF-8.",
        ) from error
