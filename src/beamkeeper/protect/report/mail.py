"""What may leave the collector: sentences of others, with everybody's name and Patient ID taken out.

Errors, warnings and reasons quote databases, archives and files, and those quote whatever they like.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from beamkeeper.domain.position import ConflictKind

if TYPE_CHECKING:
    from beamkeeper.domain.night import NightReport
    from beamkeeper.domain.position import Conflict

SHORTEST_WORD = 3
"""Shorter parts of a name ("de", "Li") are words of every sentence; they name nobody by themselves."""
_PARTS = re.compile(r"[\s^=]+")
_NEITHER_SIDE = r"(?<![^\W_]){}(?![^\W_])"


class Mask:
    """Replaces, in sentences of others, what would name a patient of the report.

    Parameters
    ----------
    report
        Whose patients are meant.
    """

    def __init__(self, report: NightReport) -> None:
        self._who: dict[str, str] = {}
        for patient in report.patients:
            words = [patient.patient_id, *_PARTS.split(patient.patient_name)]
            for word in words:
                if len(word) >= SHORTEST_WORD or word == patient.patient_id:
                    self._who.setdefault(word.casefold(), f"[patient {patient.pseudonym[:10]}]")
        longest_first = sorted(self._who, key=len, reverse=True)
        either = "|".join(re.escape(word) for word in longest_first)
        self._names = re.compile(_NEITHER_SIDE.format(f"(?:{either})"), re.IGNORECASE) if either else None

    def __call__(self, text: str) -> str:
        """Return `text` without names and Patient IDs of patients of the report."""
        if self._names is None:
            return text
        return self._names.sub(lambda found: self._who.get(found[0].casefold(), "[patient]"), text)

    def conflict(self, conflict: Conflict) -> str:
        """Return a conflict in words; the Patient IDs it quotes stand on the page only."""
        if conflict.kind is ConflictKind.PATIENT_DIFFERS:
            return f"{conflict.kind.value}: not counted; the page names them"
        return self(conflict.text)
