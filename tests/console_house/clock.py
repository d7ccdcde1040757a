"""A clock that a test moves by writing a file, and every process of the console reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class FileClock:
    """Says what a file says."""

    path: Path

    def now(self) -> datetime:
        return datetime.fromisoformat(self.path.read_text(encoding="ascii"))

    def move_to(self, instant: datetime) -> None:
        partial = self.path.with_suffix(".part")
        partial.write_text(instant.isoformat(), encoding="ascii")
        partial.replace(self.path)
