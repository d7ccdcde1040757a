"""Copies of the vault elsewhere: what each destination lacks, sent, and proved by reading it back.

What is to be done is computed anew every time, from what signed metadata name and what was proved at the
destination, so it survives restarts and weeks of absence. A destination is never believed: "stored" is
what was read back from it with the right digest. Nothing there is overwritten but the timestamp, and
nothing is removed but what a signed statement says was removed. Every destination has a worker of its own.

Others use `Mirroring` (one run over one destination), `run_all` (many at once), `Proof`, `Proofs`,
`Outcome`, `MirrorState`, `Limits`, `Pace`, `remove_proved`, `destroy_hidden`, `find_notice`, `fetch` and
`DestinationReader`.
"""

from beamkeeper.protect.mirror.fetching import DestinationReader, fetch
from beamkeeper.protect.mirror.mirroring import Limits, Mirroring
from beamkeeper.protect.mirror.old_versions import Hidden, destroy_hidden
from beamkeeper.protect.mirror.outcome import MirrorState, Outcome, Problem, ProblemKind, RemovedThere
from beamkeeper.protect.mirror.pace import Pace
from beamkeeper.protect.mirror.plan import Proof, Proofs, Wanted
from beamkeeper.protect.mirror.removing import Removal, find_notice, remove_proved
from beamkeeper.protect.mirror.workers import Job, run_all

__all__ = [
    "DestinationReader",
    "Hidden",
    "Job",
    "Limits",
    "MirrorState",
    "Mirroring",
    "Outcome",
    "Pace",
    "Problem",
    "ProblemKind",
    "Proof",
    "Proofs",
    "Removal",
    "RemovedThere",
    "Wanted",
    "destroy_hidden",
    "fetch",
    "find_notice",
    "remove_proved",
    "run_all",
]
