"""`python -m beamkeeper` is `beamkeeper`."""

from beamkeeper.app.cli.main import main

main()
