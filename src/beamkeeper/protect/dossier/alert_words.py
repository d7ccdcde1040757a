"""Alerts with what is usually done: said as questions, for the order of this patient is not known here.

References
----------
AAPM TG-203 (Miften et al., Med Phys 2019;46:e757) and TG-34 for implanted devices: who decides, dose to the
device, neutrons above 10 MV, how the patient is watched. The rest is what any department asks; each is worded
so that the department's own order counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.clock import local_date
from beamkeeper.domain.chart import NoteKind
from beamkeeper.domain.words import line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.domain.chart import Note
    from beamkeeper.protect.dossier.source import DossierSource

ALERTS_SHOWN_MAX: Final = 6
NO_ORDER: Final = "What to do is not said here: ask the physician before you treat."
_USUAL: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (
        ("pacemaker", "pace maker", "defibrillator", "icd", "schrittmacher", "stimulateur"),
        "ask physicist and cardiologist before the beam: dose to the device, energy over 10 MV, who watches.",
    ),
    (
        ("pregnan", "zwanger", "schwanger", "enceinte"),
        "do not treat before physician and physicist have said that it may be.",
    ),
    (
        ("latex",),
        "nothing of latex touches the patient: gloves, bands, balloons.",
    ),
    (
        ("allerg",),
        "ask to what and how bad; keep it out of the room, and what helps at hand.",
    ),
    (
        ("mrsa", "isolation", "isolatie", "infect", "covid", "tubercul", "clostridi", "vre"),
        "ask which protection; usually the last of the day, and the room is cleaned after.",
    ),
    (
        ("fall risk", "risk of fall", "valrisico", "valgevaar", "sturz", "chute"),
        "two people help on and off the couch; never alone on it while it is raised.",
    ),
    (
        ("claustrophob", "anxi", "angst", "sedat", "anaesth", "anesth", "narcos"),
        "ask what was agreed before the mask or the couch: a drug, somebody with them, an anaesthetist.",
    ),
    (
        ("cochlear", "neurostim", "insulin pump", "pump"),
        "ask the physicist before the beam: does the device lie in or near the field, may it be taken off.",
    ),
)


def alerts(source: DossierSource) -> tuple[str, ...]:
    """Return what must be known before anything else, each with what is usually done about it."""
    notes = {
        (line(item.subject), line(item.text)): item
        for chart in source.entry.charts
        for item in chart.notes
        if item.kind is NoteKind.ALERT and (line(item.subject) or line(item.text))
    }
    found = ["\n".join(_said(source, item)) for item in notes.values()]
    more = len(found) - ALERTS_SHOWN_MAX
    return (*found[:ALERTS_SHOWN_MAX], *([f"and {more} more, under “Notes”"] if more > 0 else []))


def _said(source: DossierSource, item: Note) -> Iterator[str]:
    when = local_date(item.written_at, source.zone).isoformat() if item.written_at is not None else ""
    by = ", ".join(filter(None, (line(item.author), when)))
    words = ": ".join(filter(None, (line(item.subject), line(item.text))))
    yield f"{words} ({by})" if by else words
    usual = what_is_usual(f"{item.subject} {item.text}")
    yield f"→ Usually: {usual}" if usual else f"→ {NO_ORDER}"


def what_is_usual(text: str) -> str:
    """Return what departments usually ask and do about an alert; "" where the words are none of those known.

    Short words are found whole only: "ICD" is no part of "suicide".
    """
    folded = " ".join(line(text).casefold().split())
    words = set("".join(sign if sign.isalnum() else " " for sign in folded).split())
    for keys, usual in _USUAL:
        if any(key in words if len(key) <= len("icd") else key in folded for key in keys):
            return usual
    return ""
