"""One patient's documents of tonight against those kept: the old bytes come out of the vault for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from beamkeeper.app.jobs import document_changes
from beamkeeper.app.jobs.bytes_at_hand import BytesAtHand
from beamkeeper.clock import local_date
from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.protect.compare import EntropySample, byte_entropy
from beamkeeper.protect.documents import DENSE, TextDifference, is_readable, text_difference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from beamkeeper.app.jobs.document_notes import FoundDocument
    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.ledger import DocumentRow
    from beamkeeper.wire.dicom.spool import SpoolReader

NO_TIME = "tonight's time for reading documents was over"


class Comparing:
    """Compares one patient's documents.

    Parameters
    ----------
    staging
        Where tonight's bytes lie, by digest.
    kept
        Every version the vault holds.
    scratch
        Folder for what comes out of the vault, removed at the end.
    """

    def __init__(
        self,
        runtime: Runtime,
        staging: Path,
        spool: SpoolReader,
        *,
        kept: Sequence[DocumentRow],
        scratch: Path,
    ) -> None:
        self._run = runtime
        self._staging = staging
        self._current = {row.stored.document_id: row for row in kept if not row.stored.superseded}
        self._held = BytesAtHand(
            spool=spool,
            vault=runtime.vault,
            kept=(),
            identities=runtime.keys.identities,
            scratch=scratch,
        )
        self._words = {word for section in runtime.site.documents for word in section.look_at}
        self._left_s = 0.0
        self._samples: list[EntropySample] = []

    def compare(
        self, found: Sequence[FoundDocument], *, reading_s: float
    ) -> tuple[float, list[ObjectComparison], list[EntropySample]]:
        """Return how much of the time for reading is left, what is to be said, and how dense bytes are."""
        self._left_s = reading_s
        changed = [item for item in found if self._is_other(item)]
        with self._held:
            self._held.prepare((), {}, also=[self._current[item.document_id].stored for item in changed])
            said = [one for item in found if (one := self._said(item)) is not None]
        return self._left_s, said, self._samples

    def _is_other(self, item: FoundDocument) -> bool:
        before = self._current.get(item.document_id)
        return before is not None and before.stored.sha256 != item.sha256

    def _said(self, item: FoundDocument) -> ObjectComparison | None:
        before = self._current.get(item.document_id)
        if before is None:
            return document_changes.new(item)
        if before.stored.sha256 == item.sha256:
            return None if before.stored.present else document_changes.back(before)
        self._sample(before, item)
        if item.is_damaged:
            return document_changes.damaged(before, item)
        differences = document_changes.differences(
            self._difference(before, item), before.stored.size_bytes, item.size_bytes
        )
        said = document_changes.changed(item, differences, expected=self._announced(before, item))
        is_clinical = document_changes.is_set_up_by(item, self._words)
        return document_changes.as_clinical(said) if is_clinical else said

    def _difference(self, before: DocumentRow, item: FoundDocument) -> TextDifference | None:
        kinds = (before.stored.media_type, item.media_type)
        if not all(map(is_readable, kinds)):
            return None
        if self._left_s <= 0:
            return TextDifference(not_read=NO_TIME)
        began = time.monotonic()
        try:
            old = self._held.kept_file(before.stored)
        except (IntegrityError, KeyUnavailable) as error:
            return TextDifference(not_read=error.message.rstrip("."))
        found = text_difference(old, kinds[0], self._staging / item.sha256, kinds[1])
        self._left_s -= time.monotonic() - began
        return found

    def _announced(self, before: DocumentRow, item: FoundDocument) -> str:
        """Return why a change is no surprise: the OIS says itself that it was revised since it was read."""
        if item.revised_at is None or before.read_on is None:
            return ""
        day = local_date(item.revised_at, self._run.site.zone)
        return f"revised on {day}, says the OIS" if day >= before.read_on else ""

    def _sample(self, before: DocumentRow, item: FoundDocument) -> None:
        try:
            with self._held.kept_file(before.stored).open("rb") as file:
                before_bits = byte_entropy(file.read(1 << 16))
        except (IntegrityError, KeyUnavailable):
            before_bits = None
        with (self._staging / item.sha256).open("rb") as file:
            now_bits = byte_entropy(file.read(1 << 16))
        is_dense = item.media_type in DENSE
        self._samples.append(EntropySample(before_bits=before_bits, now_bits=now_bits, compressed=is_dense))
