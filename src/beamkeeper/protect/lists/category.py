"""The category of the Royal College of Radiologists that diagnosis and intent suggest: never more than that.

References
----------
RCR, "Timely delivery of radical radiotherapy", 4th edition, 2019; bladder as category 1 by its web note.
Which diagnoses stand where is a proposal for each department to sign (decision 0070).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beamkeeper.protect.lists.row import Category

if TYPE_CHECKING:
    from collections.abc import Iterable

DECIDES: Final = "a physician decides"

_CODE = re.compile(r"\b([A-Z])(\d{2})(?:\.\d{1,2})?\b")
_FAST: Final = {
    **{f"C{number:02}": "head and neck" for number in (*range(15), 30, 31, 32)},
    "C15": "oesophagus",
    "C21": "anus",
    "C33": "lung",
    "C34": "lung",
    "C51": "vulva",
    "C52": "vagina",
    "C53": "cervix",
    "C67": "bladder",
}
_SLOWER: Final = {"C50": "breast", "D05": "breast", "C61": "prostate"}
_PALLIATIVE: Final = ("palliat", "symptom")
_RADICAL: Final = ("curat", "kurat", "radical", "adjuvant", "neoadjuvant", "definit")


def suggested(diagnosis: str, intents: Iterable[str]) -> Category:
    """Return the category that a diagnosis (ICD-10) and intents as written suggest.

    Intents of several sources that contradict one another suggest nothing.
    """
    said = [text.strip() for text in intents if text.strip()]
    palliative = [text for text in said if _begins(text, _PALLIATIVE)]
    radical = [text for text in said if _begins(text, _RADICAL)]
    if palliative and radical:
        return Category(number=None, reason=f"intent {radical[0]} and {palliative[0]}: {DECIDES}")
    if palliative:
        return Category(number=3, reason=f"intent {palliative[0]}")
    found = _CODE.search(diagnosis.upper())
    if found is None:
        return Category(number=None, reason=f"no diagnosis code held: {DECIDES}")
    code = found.group(1) + found.group(2)
    site = _FAST.get(code) or _SLOWER.get(code)
    if site is None:
        return Category(number=None, reason=f"{found.group(0)} alone does not say: {DECIDES}")
    if not radical:
        return Category(number=None, reason=f"{found.group(0)} ({site}), intent not known: {DECIDES}")
    if code in _FAST:
        if_so = "" if site == "bladder" else ", if squamous"
        return Category(number=1, reason=f"{found.group(0)} {site}{if_so}; {radical[0]}")
    return Category(number=2, reason=f"{found.group(0)} {site}; {radical[0]}")


def _begins(text: str, stems: tuple[str, ...]) -> bool:
    return any(stem in text.casefold() for stem in stems)
