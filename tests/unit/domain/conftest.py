"""Lets the tests of this folder share their builders, and takes the clock out of its properties."""

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # pytest imports each file on its own

# How long an example takes on a busy machine says nothing about the rule.
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")
