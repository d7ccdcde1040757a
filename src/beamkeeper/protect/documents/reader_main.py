"""The process that reads two versions of a document and says how their text differs.

Started by `comparing` for one comparison, with two open files and nothing else: no path, no environment, no
key. It loads what reading takes, shuts the `fence` behind it, then reads. It answers one line of JSON;
whatever else happens to it, the comparison says "other bytes".
"""

from __future__ import annotations

import json
import os
import sys

from beamkeeper.protect.documents.difference import different_lines
from beamkeeper.protect.documents.texts import NotReadError, lines_of, load
from beamkeeper.wire.fence import shut


def main() -> None:
    """Read what the arguments say: the two file descriptors and the two media types."""
    before_fd, now_fd = int(sys.argv[1]), int(sys.argv[2])
    before_type, now_type = sys.argv[3], sys.argv[4]
    load({before_type, now_type})
    shut()
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


def _whole(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


if __name__ == "__main__":
    main()
