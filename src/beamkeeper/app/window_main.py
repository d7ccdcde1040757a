"""The watchdog's own door, apart from the command line: root runs as little code as can be.

`python -I -m beamkeeper.app.window_main --site FILE`; `beamkeeper window guard` becomes this process.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from beamkeeper.app.site import load_site
from beamkeeper.app.window_guard import guard_window
from beamkeeper.clock import SystemClock
from beamkeeper.errors import BeamkeeperError


def main() -> int:
    """Keep the window until told to stop; the exit status is that of our error, or 0."""
    parser = argparse.ArgumentParser(description="Keep the network window: its watchdog, as root.")
    parser.add_argument("--site", type=Path, required=True, metavar="FILE")
    path: Path = parser.parse_args().site
    try:
        guard_window(load_site(path), path, SystemClock(), _log)
    except BeamkeeperError as error:
        _log(error.message)
        if error.do_next:
            _log(error.do_next)
        return error.exit_status
    return 0


def _log(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
