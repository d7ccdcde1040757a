"""The list from an ARIA database of ten years: how long the census asks.

    python bench/aria.py [--courses 6500] [--years 10] [--rounds 3] [--json FILE] [--keep FILE]
                         [--postgresql URL]

The invented database is written once (a few minutes, some GB) and asked several times with the mapping that
is shipped. By default it is an SQLite file in a temporary folder; with --keep it stays and is used again.
With --postgresql it is written into an empty database of that server, by a login that may; one
that was written before is used again.
"""

from __future__ import annotations

import sys

from beamkeeper.protect.census import aria_mapping
from beamkeeper.protect.ois_settings import AriaSettings
from beamkeeper.rehearse.sim.aria import TABLES
from beamkeeper.rehearse.sim.aria.bulk import COLUMNS, Bulk
from ten_years import Product, run

SETTINGS = AriaSettings(timezone="Europe/Brussels", schema="", triage_column="UserDefAttrib03")
ARIA = Product(name="aria", mapping=aria_mapping(SETTINGS), tables=TABLES, columns=COLUMNS, bulk=Bulk)

if __name__ == "__main__":
    sys.exit(run(ARIA, __doc__ or ""))
