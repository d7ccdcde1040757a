"""The result of one check of `beamkeeper doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["good", "warning", "bad", "unchecked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look found.

    Attributes
    ----------
    verdict
        "unchecked" says that nothing is known, and `text` why.
    """

    what: str
    verdict: Verdict
    text: str
    do_next: str = ""
