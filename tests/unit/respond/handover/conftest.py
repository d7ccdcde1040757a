"""Plans and records in a few words come from the tests of the counting rules."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "domain"))  # pytest imports each file on its own
