"""Lets the tests of this folder share their builders (pytest imports each file on its own)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(name="read_back")
def _read_back(tmp_path: Path, program: Callable[[str], str]) -> Callable[..., str]:
    def read(pdf: bytes, *, first: int = 1, last: int = 999) -> str:
        path = tmp_path / "dossier.pdf"
        path.write_bytes(pdf)
        pages = ["-f", str(first), "-l", str(last)]
        done = subprocess.run(
            [program("pdftotext"), "-layout", *pages, str(path), "-"], capture_output=True, check=True
        )
        return done.stdout.decode()

    return read
