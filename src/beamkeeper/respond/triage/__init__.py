"""Who first, and why: facts of each patient, a published rule set, an order that explains itself.

`rank` gives everybody a level and a place by a `RuleSet` (`rules.toml`, or a department's own); `cut` says
what a capacity means. What nobody knows is asked and never counts as no. A physician's `Statement` overrides,
with reason. Pure: where facts come from is for `app/jobs/triage.py`. Why: `docs/decisions/0076-triage.md`.
"""

from beamkeeper.respond.triage.facts import Facts, Statement, stated_value
from beamkeeper.respond.triage.ranking import Capacity, CutState, Level, Ranked, changed, cut, rank
from beamkeeper.respond.triage.rules import RuleSet, read_rules, rule_file, shares_said, shipped_rules

__all__ = [
    "Capacity",
    "CutState",
    "Facts",
    "Level",
    "Ranked",
    "RuleSet",
    "Statement",
    "changed",
    "cut",
    "rank",
    "read_rules",
    "rule_file",
    "shares_said",
    "shipped_rules",
    "stated_value",
]
