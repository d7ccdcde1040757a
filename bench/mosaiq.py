"""The list from a MOSAIQ database of ten years: how long the census asks.

    python bench/mosaiq.py [--courses 6500] [--years 10] [--rounds 3] [--json FILE] [--keep FILE]
                           [--postgresql URL]

The invented database is written once (a few minutes, some GB) and asked several times with the mapping that
is shipped. By default it is an SQLite file in a temporary folder; with --keep it stays and is used again.
With --postgresql it is written into an empty database of that server, by a login that may; one
that was written before is used again.
"""

from __future__ import annotations

import sys

from beamkeeper.protect.census import mosaiq_mapping
from beamkeeper.protect.ois_settings import MosaiqSettings
from beamkeeper.rehearse.sim.mosaiq import TABLES
from beamkeeper.rehearse.sim.mosaiq.bulk import COLUMNS, Bulk
from ten_years import Product, run

MAPPING = mosaiq_mapping(MosaiqSettings(timezone="Europe/Brussels"))
MOSAIQ = Product(name="mosaiq", mapping=MAPPING, tables=TABLES, columns=COLUMNS, bulk=Bulk)

if __name__ == "__main__":
    sys.exit(run(MOSAIQ, __doc__ or ""))
