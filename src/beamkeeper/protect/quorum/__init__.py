"""Two people confirm: who is asked, what counts as a vote, where a night stands, who is called when.

Rules only: they take what was found, what was said and the time, and answer. `trust` says where a night
stands, `refusal` why a ballot is not taken, `alarms_due` whom to call now. Why so:
`docs/decisions/0052-quorum.md`. `app/jobs/quorum.py` joins them with ledger, vault, mail and alarms.
"""

from beamkeeper.domain.ballot import THE_NIGHT, Ballot, NightFacts, Verdict, VotePath
from beamkeeper.protect.quorum.casting import in_order, refusal
from beamkeeper.protect.quorum.due import Alarm, AlarmKind, Sent, alarms_due
from beamkeeper.protect.quorum.facts import facts_of, list_digest
from beamkeeper.protect.quorum.rule import VOTING_ROLES, Person, QuorumRule, Role
from beamkeeper.protect.quorum.trust import (
    Confirmed,
    Disputed,
    Overdue,
    Quiet,
    TrustState,
    Unverified,
    is_trusted,
    open_items,
    trust,
)

__all__ = [
    "THE_NIGHT",
    "VOTING_ROLES",
    "Alarm",
    "AlarmKind",
    "Ballot",
    "Confirmed",
    "Disputed",
    "NightFacts",
    "Overdue",
    "Person",
    "Quiet",
    "QuorumRule",
    "Role",
    "Sent",
    "TrustState",
    "Unverified",
    "Verdict",
    "VotePath",
    "alarms_due",
    "facts_of",
    "in_order",
    "is_trusted",
    "list_digest",
    "open_items",
    "refusal",
    "trust",
]
