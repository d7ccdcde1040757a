"""Beamkeeper keeps radiotherapy going when a hospital's systems are gone.

Every night it takes a verified, sealed copy of everything needed to treat. The folders, from the
clinical truth up to the edges: `domain`, `wire`, `vault`, `ledger`, `protect`, `rehearse`, `app`;
each `__init__` says what its room is for. Imports point down only.
"""

__version__ = "0.1.0"
