"""A vault that is fed, and the outsider who looks at a mirror of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.vault.small_vault import Site

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")
