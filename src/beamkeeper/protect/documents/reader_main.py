"""The process that reads two versions of a document and says how their text differs.

Started by `comparing` for one comparison, with two open files and nothing else: no path, no environment, no
key. It first gives up what it does not need (memory beyond a bound, time, writing files, starting processes),
then reads. It answers one line of JSON; whatever else happens to it, the comparison says "other bytes".
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Final

from beamkeeper.protect.documents.difference import different_lines
from beamkeeper.protect.documents.texts import NotReadError, lines_of

MEMORY_BYTES_MAX: Final = 1 << 30
CPU_S_MAX: Final = 20


def main() -> None:
    """Read what the arguments say: the two file descriptors and the two media types."""
    _give_up()
    before_fd, now_fd = int(sys.argv[1]), int(sys.argv[2])
    before_type, now_type = sys.argv[3], sys.argv[4]
    try:
        before = lines_of(_whole(before_fd), before_type)
        now = lines_of(_whole(now_fd), now_type)
    except NotReadError as error:
        answer: dict[str, object] = {"not_read": str(error)}
    else:
        pairs, more = different_lines(before, now)
        answer = {"pairs": pairs, "more": more, "lines": [len(before), len(now)]}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # nothing to tidy up, and what was read may take long to let go


def _give_up() -> None:
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, CPU_S_MAX),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _whole(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


if __name__ == "__main__":
    main()
