"""Secrets by reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import ConfigError, KeyUnavailable
from beamkeeper.vault import resolve_secret

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret \r\n")

    assert resolve_secret(f"file:{tmp_path}/secret") == "s3cret "


def test_an_environment_variable_is_read() -> None:
    assert resolve_secret("env:OIS_PASSWORD", environment={"OIS_PASSWORD": "s3cret"}) == "s3cret"


def test_a_systemd_credential_is_read_from_its_directory(tmp_path: Path) -> None:
    (tmp_path / "ois").write_text("s3cret")

    assert resolve_secret("credential:ois", environment={"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "s3cret"


@pytest.mark.parametrize(
    "reference", ["s3cret", "", "file:", "env:", "env:A B", "credential:../x", "vault:x"]
)
def test_anything_else_is_a_wrong_site_file_and_is_not_repeated(reference: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_secret(reference, environment={})

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("reference", ["env:ABSENT", "credential:absent", "file:absent/secret"])
def test_an_absent_secret_is_said_in_words(reference: str) -> None:
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        resolve_secret(reference, environment={})


def test_a_file_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x" * (64 * 1024 + 1))

    with pytest.raises(KeyUnavailable, match="larger than"):
        resolve_secret(f"file:{tmp_path}/secret")
