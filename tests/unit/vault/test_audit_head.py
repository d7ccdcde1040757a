"""The vault says where the audit log ended when it was fed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from beamkeeper.domain.audit import AuditHead
from beamkeeper.errors import IntegrityError
from beamkeeper.vault import LocalStore, SiteKeys, Vault
from beamkeeper.vault.metadata import EXTENSION, audit_head_of, make_targets

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
EXPIRES = NOW + timedelta(hours=30)
HEAD = AuditHead(sequence=7, sha256="ab" * 32)


def test_the_end_of_the_log_stays_until_another_is_given(tmp_path: Path) -> None:
    keys = SiteKeys.create(tmp_path / "keys")
    store = LocalStore(tmp_path / "vault", create=True)
    Vault.create(store, keys=keys, now=NOW, trusted_dir=tmp_path / "trusted")
    vault = Vault.open(store, trusted_dir=tmp_path / "trusted", now=NOW)
    seen = [vault.audit_head]
    for head in (HEAD, None):
        vault.publish([], night=date(2026, 3, 2), now=NOW, expires_at=EXPIRES, keys=keys, audit_head=head)
        seen.append(vault.audit_head)
    vault.renew(keys=keys, now=NOW, expires_at=EXPIRES)
    again = Vault.open(store, trusted_dir=tmp_path / "trusted", now=NOW)

    assert seen == [None, HEAD, HEAD]
    assert again.audit_head == HEAD


@pytest.mark.parametrize(
    "said",
    [
        "nothing",
        [],
        {"sequence": 7},
        {"sequence": "7", "sha256": "ab" * 32},
        {"sequence": -1, "sha256": "ab" * 32},
        {"sequence": 7, "sha256": "AB" * 32},
        {"sequence": 7, "sha256": "ab"},
    ],
)
def test_an_end_of_the_log_that_is_none_is_refused(said: object) -> None:
    targets = make_targets(version=1, entries=[], nights=[], expires_at=EXPIRES)
    targets.unrecognized_fields[EXTENSION]["audit"] = said

    with pytest.raises(IntegrityError, match="audit log"):
        audit_head_of(targets)
