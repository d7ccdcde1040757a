"""How long one night draws: pictures of everybody together, so that no archive makes a night late.

A first night draws everything, and what a slice takes to unpack is the archive's choice. Whoever comes after
the time is used up is drawn in a later night, out of the vault.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class DrawingTime:
    """What a night has drawn so far, in a file of its folder: a night taken up again goes on counting.

    Parameters
    ----------
    path
        One line for each patient that was drawn, milliseconds.
    minutes
        When the lines come to this, nothing more is drawn.
    """

    def __init__(self, path: Path, minutes: int) -> None:
        self._path = path
        self._limit_ms = minutes * 60_000

    @property
    def is_used_up(self) -> bool:
        """Whether the next patient has to wait for another night."""
        try:
            lines = self._path.read_text(encoding="ascii").split()
        except FileNotFoundError:
            lines = []
        return sum(map(int, lines)) >= self._limit_ms

    @contextmanager
    def spent(self) -> Iterator[None]:
        """Count what is done inside; one write of one line, so that patients at a time do not mix."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            line = f"{round((time.monotonic() - begun) * 1000)}\n".encode("ascii")
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(file, line)
            finally:
                os.close(file)
