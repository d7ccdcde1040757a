"""Reading PDF back, as another program sees it."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def squeezed(text: str) -> str:
    """Return text as it is compared: without blanks, breaks and what was put in to break long words."""
    return re.sub(r"[\s\u200b\u00ad\u202a-\u202e\u2066-\u2069\u200e\u200f]", "", text)


def pdf_text(data: bytes, folder: Path) -> str:
    """Return the text of a PDF as `pdftotext` reads it; a form feed ends a page."""
    if (tool := shutil.which("pdftotext")) is None:
        pytest.skip("pdftotext is not installed")
    path = folder / "read.pdf"
    path.write_bytes(data)
    return subprocess.run([tool, "-layout", path, "-"], capture_output=True, check=True).stdout.decode()


def pdf_pages(data: bytes, folder: Path) -> list[str]:
    """Return the text of each page without blanks."""
    return [squeezed(page) for page in pdf_text(data, folder).split("\f")[:-1]]
