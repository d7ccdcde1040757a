"""The signed metadata at a destination: looked at first, brought last."""

from __future__ import annotations

import contextlib
import hashlib
import io
from typing import TYPE_CHECKING

from beamkeeper.protect.mirror import words
from beamkeeper.protect.mirror.plan import Proof
from beamkeeper.protect.mirror.reading import read_small
from beamkeeper.vault.metadata import TIMESTAMP_NAME
from beamkeeper.vault.publication import signed_timestamp_version
from beamkeeper.vault.trust import TIMESTAMP_BYTES_MAX
from beamkeeper.wire.destination import NameTaken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from beamkeeper.protect.mirror.outcome import Problem
    from beamkeeper.protect.mirror.pace import Pace
    from beamkeeper.protect.mirror.plan import Proofs
    from beamkeeper.vault.publication import Publication, SignedFile
    from beamkeeper.wire.destination import Destination


class MetadataCopy:
    """The metadata of one destination.

    Parameters
    ----------
    told
        Gets every problem that is found.
    """

    def __init__(
        self,
        destination: Destination,
        publication: Publication,
        pace: Pace,
        *,
        told: Callable[[Problem], None],
    ) -> None:
        self._destination = destination
        self._publication = publication
        self._pace = pace
        self._told = told
        self._is_ahead = False

    def look(self, proofs: Mapping[str, Proof]) -> None:
        """Compare the timestamp there with the one that was proved there before."""
        there = self._timestamp()
        proof = proofs.get(TIMESTAMP_NAME)
        version = None if there is None else signed_timestamp_version(there, self._publication)
        ours = self._publication.timestamp_version
        if version is not None and version > ours:
            self._is_ahead = True
            self._told(words.ahead(version, ours))
        elif proof is not None and (there is None or hashlib.sha256(there).hexdigest() != proof.sha256):
            put = int(proof.stamp or 0)
            if version is not None and version < put:
                self._told(words.turned_back(version, put))
            elif version is None or version == put:
                self._told(words.timestamp_changed())

    def bring(self, proofs: Proofs, *, now: Callable[[], datetime]) -> int:
        """Put what lacks, the timestamp last; return the version that is proved there, 0 for none.

        Nothing is put over what is there but the timestamp; if a signed file's name is taken by other
        bytes, the timestamp stays too, so that what a client sees stays whole.
        """
        publication = self._publication
        if self._is_ahead:
            return 0
        before = (*publication.roots_before, publication.targets, publication.snapshot)
        if not all(self._put(file) for file in before):
            return 0
        if self._timestamp() != publication.timestamp.data:
            self._destination.replace(TIMESTAMP_NAME, publication.timestamp.data)
        if self._timestamp() != publication.timestamp.data:
            self._told(words.lied(TIMESTAMP_NAME, absent=False))
            return 0
        proofs.keep(
            Proof(
                name=TIMESTAMP_NAME,
                sha256=publication.timestamp.sha256,
                size_bytes=len(publication.timestamp.data),
                stamp=str(publication.timestamp_version),
                proved_at=now(),
            )
        )
        whole = all(self._put(file) for file in publication.roots_after)
        return publication.timestamp_version if whole else 0

    def _timestamp(self) -> bytes | None:
        return read_small(self._destination, TIMESTAMP_NAME, bytes_max=TIMESTAMP_BYTES_MAX, pace=self._pace)

    def _put(self, file: SignedFile) -> bool:
        """Put one versioned file and read it back; return whether it is there as signed."""
        there = self._read(file)
        if there is None:
            with contextlib.suppress(NameTaken):  # what it is shows when it is read
                self._destination.put(file.name, io.BytesIO(file.data), size_bytes=len(file.data))
            there = self._read(file)
        if there != file.data:
            self._told(words.metadata_altered(file.name))
            return False
        return True

    def _read(self, file: SignedFile) -> bytes | None:
        return read_small(self._destination, file.name, bytes_max=len(file.data), pace=self._pace)
