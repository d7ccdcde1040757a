"""Treating from files: one plan of one patient for one session, laid on a machine's share and taken back.

`refusals` says why nothing may be dropped, `cautions` what has to be looked at; `Drop` is what was released;
`slip_pdf` prints what the machine does not know; `judged` holds what came back against what was released.
Nothing here reads or writes a share: `app/jobs/file_mode.py` does. Why: `docs/decisions/0084-file-mode.md`.
"""

from beamkeeper.respond.filemode.drop import BeamLeft, Drop, DropFile, FileKind, session_beams, staging
from beamkeeper.respond.filemode.names import folder_name
from beamkeeper.respond.filemode.release import DECIDES, Asked, Facts, cautions, refusals
from beamkeeper.respond.filemode.returned import Returned, ReturnedKind, judged

__all__ = [
    "DECIDES",
    "Asked",
    "BeamLeft",
    "Drop",
    "DropFile",
    "Facts",
    "FileKind",
    "Returned",
    "ReturnedKind",
    "cautions",
    "folder_name",
    "judged",
    "refusals",
    "session_beams",
    "staging",
]
