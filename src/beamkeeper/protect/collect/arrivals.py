"""What has arrived in the spool so far, by SOP Instance UID, seen by all who wait for it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beamkeeper.wire.dicom.spool import SpooledObject, SpoolReader

POLL_S = 0.02


class Arrivals:
    """The durable content of one night's spool, safe to ask from several threads.

    Parameters
    ----------
    reader
        Reads what the receiver has journaled.
    """

    def __init__(self, reader: SpoolReader) -> None:
        self.reader = reader
        self._lock = threading.Lock()
        self._by_uid: dict[str, list[SpooledObject]] = defaultdict(list)

    def refresh(self) -> int:
        """Take in what is newly durable; returns how many objects that were."""
        with self._lock:
            new = self.reader.poll()
            for item in new:
                same_uid = self._by_uid[item.sop_instance_uid]
                if all(item.sha256 != known.sha256 for known in same_uid):
                    same_uid.append(item)
        return len(new)

    def of(self, sop_instance_uids: Iterable[str]) -> dict[str, tuple[SpooledObject, ...]]:
        """Return what has arrived of these; several entries where one UID came with different bytes."""
        with self._lock:
            return {uid: tuple(self._by_uid[uid]) for uid in sop_instance_uids if uid in self._by_uid}

    def unasked(self) -> tuple[SpooledObject, ...]:
        """Return what was pushed to us without our asking."""
        with self._lock:
            return tuple(item for items in self._by_uid.values() for item in items if not item.solicited)

    def forget(self, sop_instance_uids: Iterable[str]) -> None:
        """Drop entries a finished patient no longer needs, so that memory follows the work in hand."""
        with self._lock:
            for uid in sop_instance_uids:
                self._by_uid.pop(uid, None)

    def wait_for(self, sop_instance_uids: Iterable[str], *, quiet_s: float, longest_s: float) -> None:
        """Wait until all have arrived, or nothing new has come for `quiet_s`, at most `longest_s`.

        A source counts its successes and does not name them, and its last object may become durable
        here a moment after its last answer: so we look at what lies in the spool.
        """
        wanted = set(sop_instance_uids)
        started = last_news = time.monotonic()
        while True:
            arrived = self.refresh()
            if wanted <= self.of(wanted).keys():
                return
            now = time.monotonic()
            if arrived:
                last_news = now
            if now - last_news > quiet_s or now - started > longest_s:
                return
            time.sleep(POLL_S)
