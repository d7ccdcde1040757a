"""Lets the tests of this folder use the peers in `tests/dicom_peers`: pytest imports each file alone."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "dicom_peers"))
