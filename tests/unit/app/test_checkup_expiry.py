"""`doctor` and what expires: certificates in any section, and the root of the vault."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.papers import issue
from tests.unit.app.test_site_window import BASE

from beamkeeper.app.checkup_expiry import check_expiry
from beamkeeper.app.site import parse_site

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.finding import Finding

RECEIVER = """
[receiver]
tls_certificate = "receiver.pem"
tls_key = "receiver.key"
tls_client_ca = "ca.pem"
"""
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def look(tmp_path: Path, now: datetime = NOW) -> dict[str, Finding]:
    site = parse_site(BASE.format(more=RECEIVER), base=tmp_path)
    return {item.what: item for item in check_expiry(site, now)}


def test_a_certificate_that_is_missing_is_bad(tmp_path: Path) -> None:
    found = look(tmp_path)["certificates"]

    assert found.verdict == "bad"
    assert "receiver.pem (No such file or directory)" in found.text
    assert "receiver.key" not in found.text


@pytest.mark.parametrize(("after", "verdict"), [(timedelta(), "warning"), (timedelta(days=2), "bad")])
def test_a_certificate_is_told_before_it_expires(tmp_path: Path, after: timedelta, verdict: str) -> None:
    for name in ("receiver", "ca"):
        issue(tmp_path, name)  # good for a day
    found = look(tmp_path, datetime.now(UTC) + after)["certificates"]

    assert found.verdict == verdict
    assert "is the first to expire" in found.text


@pytest.mark.parametrize(("days", "verdict"), [(400, "good"), (59, "warning"), (0, "bad"), (-3, "bad")])
def test_the_root_of_the_vault_is_told_before_it_expires(tmp_path: Path, days: int, verdict: str) -> None:
    folder = tmp_path / "vault" / "metadata"
    folder.mkdir(parents=True)
    (folder / "9.root.json").write_text(json.dumps({"signed": {"expires": "2020-01-01T00:00:00Z"}}))
    expires = (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    (folder / "10.root.json").write_text(json.dumps({"signed": {"expires": expires}}))

    assert look(tmp_path)["vault root"].verdict == verdict


def test_a_root_that_cannot_be_read_is_unchecked(tmp_path: Path) -> None:
    assert look(tmp_path)["vault root"].verdict == "unchecked"
