"""What a password costs whoever guesses it; the served houses of other tests make it cheap."""

from __future__ import annotations

import subprocess
import sys

KIBIBYTES_MIN, PASSES_MIN = 19_456, 2
"""What OWASP's Password Storage Cheat Sheet asks for at least with Argon2id."""
HASH = """
from django.conf import settings
from beamkeeper.app.web.settings import _how_people_log_in
settings.configure(PASSWORD_HASHERS=_how_people_log_in()["PASSWORD_HASHERS"])
from django.contrib.auth.hashers import make_password
print(make_password("een lange zin over de regen"))
"""


def test_a_password_costs_at_least_what_owasp_asks_for() -> None:
    done = subprocess.run([sys.executable, "-c", HASH], capture_output=True, text=True, check=True)
    kind, variant, _, cost, *_ = done.stdout.split("$")
    costs = dict(item.split("=") for item in cost.split(","))

    assert (kind, variant) == ("argon2", "argon2id")
    assert int(costs["m"]) >= KIBIBYTES_MIN
    assert int(costs["t"]) >= PASSES_MIN
