"""Secrets by reference: the site file names where a secret is, never the secret."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import ConfigError, KeyUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET_BYTES_MAX: Final = 64 << 10
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def resolve_secret(reference: str, *, environment: Mapping[str, str] | None = None) -> str:
    """Return the secret that `reference` points at, without the line end that editors leave.

    `file:PATH` reads a file, `env:NAME` an environment variable, `credential:NAME` what systemd's
    `LoadCredential=` handed to this service (a file in `$CREDENTIALS_DIRECTORY`).

    Parameters
    ----------
    environment
        Read instead of the process's own, for tests.

    Raises
    ------
    ConfigError
        Not a reference of these three kinds.
    KeyUnavailable
        Nothing is there.
    """
    variables = os.environ if environment is None else environment
    kind, _, name = reference.partition(":")
    if kind == "file" and name:
        return _read(Path(name), reference)
    if kind == "env" and _NAME.fullmatch(name):
        if name not in variables:
            raise _missing(reference, "the environment has no such variable")
        return variables[name].rstrip("\r\n")
    if kind == "credential" and _NAME.fullmatch(name):
        folder = variables.get("CREDENTIALS_DIRECTORY")
        if folder is None:
            raise _missing(reference, "systemd gave this process no credentials")
        return _read(Path(folder) / name, reference)
    raise ConfigError(
        "A secret is given by reference: file:PATH, env:NAME or credential:NAME.",
        do_next="Put the secret where one of these can find it, and write the reference in the site file.",
    )


def _read(path: Path, reference: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(SECRET_BYTES_MAX + 1)
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _missing(reference, type(error).__name__) from error
    if len(data) > SECRET_BYTES_MAX:
        raise _missing(reference, f"the file is larger than {SECRET_BYTES_MAX} bytes")
    return text.rstrip("\r\n")


def _missing(reference: str, why: str) -> KeyUnavailable:
    return KeyUnavailable(
        f"The secret {reference} cannot be read ({why}).",
        do_next="Put it there, readable by this user only.",
        reference=reference,
    )
