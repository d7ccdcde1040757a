"""The simulated archive on an address of the hospital.

archive.py FOLDER HOST PORT COLLECTOR COLLECTOR_PORT
"""

import sys
from pathlib import Path

from beamkeeper.rehearse.sim.archive import Archive

folder, host, port, collector, collector_port = sys.argv[1:]
archive = Archive(
    Path(folder),
    ae_title="ARCHIVE",
    port=int(port),
    destinations={"BEAMKEEPER": (collector, int(collector_port))},
    calling_ae_titles=("BEAMKEEPER",),
)
archive.host = host
with archive:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
