"""Who may see which page: one table, and nothing else decides it.

A page that is not in the table is shown to nobody.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.protect.quorum import VOTING_ROLES, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERY_ROLE: Final = frozenset(Role)
SEES_NAMES: Final = frozenset({Role.PHYSICIST, Role.PHYSICIAN, Role.THERAPIST})
"""Who may know who a patient is; IT and auditors see pseudonyms."""
RUNS_IT: Final = frozenset({Role.PHYSICIST, Role.IT, Role.AUDITOR})

SECOND_FACTOR: Final = VOTING_ROLES | {Role.THERAPIST, Role.IT}
"""Who must have a second factor before any page but their own is shown: who votes, sees names, or runs it."""


class Access(StrEnum):
    """Pages that no role decides."""

    OPEN = "before anybody has logged in"
    OWN = "one's own account, by anybody who has logged in; before the second factor too"


PAGES: Final[Mapping[str, frozenset[Role] | Access]] = {
    "tonight": EVERY_ROLE,
    "nights": EVERY_ROLE,
    "night": EVERY_ROLE,
    "newest-changes": VOTING_ROLES,
    "changes": VOTING_ROLES,
    "vote": VOTING_ROLES,
    "drawings": VOTING_ROLES,
    "picture": VOTING_ROLES,
    "patients": SEES_NAMES,
    "patient": SEES_NAMES,
    "mirrors": RUNS_IT,
    "people": RUNS_IT,
    "audit": RUNS_IT,
    "language": Access.OPEN,
    "invitation": Access.OPEN,
    "account_login": Access.OPEN,
    "account_inactive": Access.OPEN,
    "mfa_authenticate": Access.OPEN,
    "account_logout": Access.OWN,
    "account_reauthenticate": Access.OWN,
    "account_change_password": Access.OWN,
    "mfa_index": Access.OWN,
    "mfa_reauthenticate": Access.OWN,
    "mfa_activate_totp": Access.OWN,
    "mfa_deactivate_totp": Access.OWN,
    "mfa_view_recovery_codes": Access.OWN,
    "mfa_generate_recovery_codes": Access.OWN,
}


def may(role: Role, page: str) -> bool:
    """Whether people of that role may see that page, once they have logged in in full."""
    rule = PAGES.get(page)
    if rule is None:
        return False
    return True if isinstance(rule, Access) else role in rule
