"""Values of the domain as people of four languages read them.

Sentences that the rules make (what changed, what is missing) are in `rule_words`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from beamkeeper.domain.ballot import Verdict, VotePath
from beamkeeper.domain.census import CensusReason
from beamkeeper.domain.change import DOCUMENT, Grade
from beamkeeper.domain.night import NightOutcome
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.prescribed import COUNT, PRESCRIPTION
from beamkeeper.protect.isolate import WindowState
from beamkeeper.protect.mirror import MirrorState
from beamkeeper.protect.quorum import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

    Words = Mapping[str, _StrPromise]

GRADES: Final[Words] = {
    Grade.CLINICAL: _("clinical"),
    Grade.UNREADABLE: _("unreadable"),
    Grade.MISSING: _("missing"),
    Grade.ADMINISTRATIVE: _("administrative"),
    Grade.NEW: pgettext_lazy("an object", "new"),
    Grade.RE_ENCODED: _("re-encoded"),
    Grade.IDENTICAL: _("identical"),
}
GRADE_SIGNS: Final[Mapping[str, str]] = {
    Grade.CLINICAL: "▲",
    Grade.UNREADABLE: "✕",
    Grade.MISSING: "○",
    Grade.ADMINISTRATIVE: "△",
    Grade.NEW: "+",
    Grade.RE_ENCODED: "≈",
    Grade.IDENTICAL: "=",
}
"""A sign beside every word and colour: the pages are read in black and white too."""
GRADE_LOOKS: Final[Mapping[str, str]] = {
    Grade.CLINICAL: "bad",
    Grade.UNREADABLE: "bad",
    Grade.MISSING: "bad",
    Grade.ADMINISTRATIVE: "warn",
    Grade.NEW: "calm",
    Grade.RE_ENCODED: "calm",
    Grade.IDENTICAL: "soft",
}

KINDS: Final[Words] = {
    ObjectKind.PLAN: _("plan"),
    ObjectKind.TREATMENT_RECORD: _("treatment record"),
    ObjectKind.TREATMENT_SUMMARY: _("treatment summary"),
    ObjectKind.STRUCTURE_SET: _("structure set"),
    ObjectKind.DOSE: _("dose"),
    ObjectKind.IMAGE: _("image"),
    ObjectKind.RT_IMAGE: _("RT image"),
    ObjectKind.REGISTRATION: _("registration"),
    ObjectKind.OTHER: _("other object"),
    PRESCRIPTION: _("prescription in the OIS"),
    COUNT: _("fraction count in the OIS"),
    DOCUMENT: _("document"),
}

OUTCOMES: Final[Words] = {
    NightOutcome.COMPLETE: pgettext_lazy("a night", "complete"),
    NightOutcome.INCOMPLETE: pgettext_lazy("a night", "incomplete"),
    NightOutcome.STOPPED: pgettext_lazy("a night", "stopped"),
    NightOutcome.RUNNING: pgettext_lazy("a night", "not ended"),
}
OUTCOME_LOOKS: Final[Mapping[str, str]] = {
    NightOutcome.COMPLETE: "ok",
    NightOutcome.INCOMPLETE: "warn",
    NightOutcome.STOPPED: "bad",
    NightOutcome.RUNNING: "calm",
}

STATES: Final[Words] = {
    "quiet": pgettext_lazy("a night", "quiet"),
    "unverified": pgettext_lazy("a night", "to be confirmed"),
    "confirmed": pgettext_lazy("a night", "confirmed"),
    "disputed": pgettext_lazy("a night", "disputed"),
    "overdue": pgettext_lazy("a night", "overdue"),
}
STATE_LOOKS: Final[Mapping[str, str]] = {
    "quiet": "ok",
    "unverified": "calm",
    "confirmed": "ok",
    "disputed": "bad",
    "overdue": "bad",
}

MIRROR_STATES: Final[Words] = {
    MirrorState.MIRRORED: _("holds everything"),
    MirrorState.BEHIND: _("behind"),
    MirrorState.ALTERED: _("altered"),
    MirrorState.FULL: _("full"),
    MirrorState.UNREACHABLE: _("no answer"),
}
MIRROR_LOOKS: Final[Mapping[str, str]] = {
    MirrorState.MIRRORED: "ok",
    MirrorState.BEHIND: "calm",
    MirrorState.ALTERED: "bad",
    MirrorState.FULL: "warn",
    MirrorState.UNREACHABLE: "warn",
}

WINDOW_STATES: Final[Words] = {
    WindowState.CLOSED: pgettext_lazy("the network", "closed"),
    WindowState.OPEN: pgettext_lazy("the network", "open"),
    WindowState.UNKNOWN: pgettext_lazy("the network", "nobody knows"),
}
WINDOW_LOOKS: Final[Mapping[str, str]] = {
    WindowState.CLOSED: "ok",
    WindowState.OPEN: "calm",
    WindowState.UNKNOWN: "warn",
}

ROLES: Final[Words] = {
    Role.PHYSICIST: _("medical physicist"),
    Role.PHYSICIAN: _("radiation oncologist"),
    Role.THERAPIST: _("radiation therapist"),
    Role.IT: _("IT"),
    Role.AUDITOR: _("auditor"),
}

REASONS: Final[Words] = {
    CensusReason.TREATED_RECENTLY: _("treated in the last days"),
    CensusReason.SCHEDULED_SOON: _("has appointments in the coming days"),
    CensusReason.PLANNED_NOT_STARTED: _("plan approved, not started"),
    CensusReason.BEGUN_NOT_FINISHED: _("treatment begun, sessions still open"),
    CensusReason.SIMULATED_RECENTLY: _("simulated lately"),
    CensusReason.KEPT_BEFORE: _("was on the last list and is not known to have finished"),
    CensusReason.ASKED_FOR: _("asked for by name"),
    CensusReason.SHARES_AN_ID: _("has objects under the Patient ID of somebody on the list"),
}

REFUSED: Final = (
    (r"Nobody of that name may vote here\.", _("Nobody of that name may vote here.")),
    (
        r"(?P<name>.+) is \w+ here; physicists and physicians vote\.",
        _("%(name)s may not vote here; physicists and physicians vote."),
    ),
    (
        r"There is no report of the night of (?P<night>\S+) yet\.",
        _("There is no report of the night of %(night)s yet."),
    ),
    (r"This vote comes too late, .+", _("This vote comes too late, or from a clock that is wrong.")),
    (
        r"The night was run again .+",
        _("The night was run again and found other changes since. Look at the new list first."),
    ),
    (r"The vault knows no such patient\.", _("The vault knows no such patient.")),
    (
        r"The night of (?P<night>\S+) was quiet: it needs no vote\.",
        _("The night of %(night)s was quiet: it needs no vote."),
    ),
    (r"That patient has nothing to confirm .+", _("That patient has nothing to confirm in this night.")),
    (r"This vote was counted before: .+", _("This vote was counted before.")),
)
"""Why a vote was refused, as the rule says it (`protect.quorum.casting`), and as readers read it."""


def refused(why: str) -> str:
    """Return why a vote was refused, in the reader's language; what we do not know stays as it is."""
    for pattern, said in REFUSED:
        if (found := re.fullmatch(pattern, why)) is not None:
            return str(said) % found.groupdict()
    return why


VERDICTS: Final[Words] = {
    Verdict.CONFIRM: pgettext_lazy("a person", "confirmed"),
    Verdict.DISPUTE: pgettext_lazy("a person", "disputed"),
}
PATHS: Final[Words] = {
    VotePath.PAGE: _("on this page"),
    VotePath.MAIL: _("by mail"),
    VotePath.FILE: _("by signed file"),
    VotePath.CLI: _("on the command line"),
}
