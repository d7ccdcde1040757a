"""What may go, and when: a rule over what is known of a patient, with its reason either way.

Nothing goes while a person doubts a night, an incident is open, or tonight's list is implausibly small;
nothing goes of a patient who is on the list or has fractions left, unless two people released them. The
rule only decides; `app/jobs/retaining.py` removes from the vault and every mirror, proves it by listing,
and keeps the receipt. Choices: `docs/decisions/0054-retention.md`.
"""

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

__all__ = [
    "Freeze",
    "KeptFacts",
    "RetainRule",
    "RetentionPlan",
    "Verdict",
    "VerdictKind",
    "planned",
    "verdict",
]
