"""What may go, and when: a rule over what is known of a patient, with its reason either way.

Nothing goes while a person doubts a night, an incident is open, or tonight's list is implausibly small;
nothing goes of a patient who is on the list or has fractions left, unless two people released them. The
rule only decides; `app/jobs/retaining.py` removes from the vault and every mirror, proves it by listing,
and keeps the receipt. Whatever may hold a copy elsewhere stands behind `PatientRemoval`. Choices:
`docs/decisions/0054-retention.md`.
"""

from beamkeeper.protect.retain.places import (
    FINAL,
    Going,
    Order,
    PatientRemoval,
    PlaceAnswer,
    PlaceState,
    asked_again_at,
    no_answer,
)
from beamkeeper.protect.retain.rule import (
    Freeze,
    KeptFacts,
    RetainRule,
    RetentionPlan,
    Verdict,
    VerdictKind,
    planned,
    verdict,
)
from beamkeeper.protect.retain.spoken import EVERYBODY, Word, WordKind, released_by, standing_hold

__all__ = [
    "EVERYBODY",
    "FINAL",
    "Freeze",
    "Going",
    "KeptFacts",
    "Order",
    "PatientRemoval",
    "PlaceAnswer",
    "PlaceState",
    "RetainRule",
    "RetentionPlan",
    "Verdict",
    "VerdictKind",
    "Word",
    "WordKind",
    "asked_again_at",
    "no_answer",
    "planned",
    "released_by",
    "standing_hold",
    "verdict",
]
