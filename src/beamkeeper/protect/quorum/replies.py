"""What a person means by an answer to the report: one line, a word and their code, or it is no vote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.ballot import Verdict
from beamkeeper.protect.quorum.codes import CODE_LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS: Final[dict[str, Verdict]] = {
    **dict.fromkeys(("CONFIRM", "YES", "BEVESTIG", "JA", "CONFIRME", "OUI", "BESTÄTIGE"), Verdict.CONFIRM),
    **dict.fromkeys(
        ("DISPUTE", "NO", "BETWIST", "NEE", "CONTESTE", "NON", "BESTREITE", "NEIN"), Verdict.DISPUTE
    ),
}
"""English, Dutch, French, German; in all of them whichever language somebody is written to in."""
PATIENTS_MAX: Final = 50
SHOWN_PSEUDONYM: Final = 10
"""How many letters of a pseudonym letters show."""

_CODE = re.compile(r"[0-9A-Za-z]{5}[- ]?[0-9A-Za-z]{5}")
_PSEUDONYM = re.compile(r"[a-z2-7]{10,26}")
_DECORATION: Final = "*_`\"'„“”‘’«».,;:!·•-– \t\u00a0\u200b\ufeff"


@dataclass(frozen=True, slots=True)
class Reply:
    """A vote by mail.

    Attributes
    ----------
    patients
        First letters of the pseudonyms meant; () for the whole night.
    """

    verdict: Verdict
    code: str
    patients: tuple[str, ...] = ()


def read_reply(lines: Sequence[str]) -> Reply | None:
    """Return the vote in the first line of an answer; None when it is none.

    Anything beside word, code and pseudonyms makes it none: "yes, but ..." is no confirmation.
    """
    if not lines:
        return None
    first = lines[0].strip(_DECORATION)
    word, _, rest = first.partition(" ")
    verdict = WORDS.get(word.strip(_DECORATION).upper())
    code = _CODE.match(rest.strip(_DECORATION))
    if verdict is None or code is None:
        return None
    patients = rest.strip(_DECORATION)[code.end() :].replace(",", " ").split()
    if len(patients) > PATIENTS_MAX or not all(map(_PSEUDONYM.fullmatch, patients)):
        return None
    return Reply(verdict, code[0], tuple(patients))


assert CODE_LETTERS == 10  # noqa: S101, PLR2004 - `_CODE` says so too
