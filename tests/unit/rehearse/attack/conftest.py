"""Lets the tests of this folder share their builders (pytest imports each file on its own)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
