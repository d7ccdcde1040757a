"""What stands on a sheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beamkeeper.app.finding import Verdict

SIGNATURES = ("Checked by (physicist)", "Compared with the OIS by (therapist)")
STAYS_HERE = "This sheet names patients. It stays in the department."


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the eight looks.

    Attributes
    ----------
    verdict
        What the program found; where `by_hand` is set a person has the last word.
    lines
        Blanks before a line put it under the one above.
    by_hand
        What a person does with it, in words; "" when nothing is left to do.
    """

    number: int
    title: str
    verdict: Verdict
    lines: tuple[str, ...]
    by_hand: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One source, looked at.

    Attributes
    ----------
    settings_sha256
        Of the mapping or the settings the site wrote: a signature is for these and no later ones; "" without.
    """

    site_name: str
    source: str
    checked_at: str
    version: str
    settings_sha256: str
    parts: tuple[Part, ...]

    @property
    def has_bad(self) -> bool:
        """Whether something must be mended before the source is trusted."""
        return any(part.verdict == "bad" for part in self.parts)


def one_line(text: str) -> str:
    """Return foreign text as it may stand on a page or a terminal: one line, nothing that steers it."""
    return "".join(sign if sign.isprintable() else " " for sign in " ".join(text.split()))
