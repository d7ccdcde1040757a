"""Whom to ask about a patient: physicians as the charts name them, with their numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from beamkeeper.domain.words import line

if TYPE_CHECKING:
    from beamkeeper.protect.dossier.source import DossierSource

NAMED_MAX = 2
_IN_A_NUMBER = re.compile(r"(?<=[0-9+()/-]) (?=[0-9(/])")


def unbroken(phone: str) -> str:
    """Return a telephone number, or words with one in them, that no line end cuts in two."""
    return _IN_A_NUMBER.sub("\u00a0", line(phone))


def whom_to_ask(source: DossierSource) -> str:
    """Return who answers for the patient: "dr. H. Dubois +32 3 555 01 01"; "" where nobody is named."""
    people = [who for chart in source.entry.charts for who in chart.physicians if line(who.name)]
    reached = [who for who in people if line(who.phone)] or people
    said = (f"{line(who.name)} {unbroken(who.phone)}".strip() for who in reached)
    return " or ".join(list(dict.fromkeys(said))[:NAMED_MAX])
