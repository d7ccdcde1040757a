"""A DICOM store as a destination: C-STORE there; back by C-GET, or by C-MOVE to a receiver of our own."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.protect.copies.interfaces import ReadBack, Returned, returned_bytes_max
from beamkeeper.wire.dicom.receiver import Receiver
from beamkeeper.wire.dicom.requester import Requester
from beamkeeper.wire.dicom.requester_query import query
from beamkeeper.wire.dicom.sender import Sender
from beamkeeper.wire.dicom.spool import SpoolReader, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from beamkeeper.wire.dicom.outgoing import Outgoing, StoreAnswer
    from beamkeeper.wire.dicom.peers import Peer, Timeouts
    from beamkeeper.wire.dicom.receiver import ReceiverConfig

    Series: TypeAlias = Mapping[tuple[str, str], Sequence[str]]
    """SOP Instance UIDs by Study and Series Instance UID."""

SPOOL: Final = "back"
BLOCK_BYTES: Final = 1 << 20
INSTANCES_MAX: Final = 100_000
"""Objects one series may list."""
QUESTION_S: Final = 600.0


class DicomStore:
    """One AE title that takes objects; see `PlainStore`.

    Parameters
    ----------
    asked
        Whom objects are asked back from: the same AE, or the one that answers queries for it.
    receiver
        For `ReadBack.MOVE`: how our receiver listens while objects come back; its AE title, address and
        port must be known at the destination.
    """

    def __init__(
        self,
        *,
        own_ae_title: str,
        peer: Peer,
        asked: Peer,
        kinds: frozenset[tuple[str, str]],
        read_back_by: ReadBack,
        timeouts: Timeouts,
        receiver: ReceiverConfig | None = None,
    ) -> None:
        self._sender = Sender(own_ae_title=own_ae_title, peer=peer, kinds=kinds, timeouts=timeouts)
        self._requester = Requester(own_ae_title=own_ae_title, peer=asked, timeouts=timeouts)
        self._requester.expect(sop_class for sop_class, _ in kinds)
        self._read_back_by, self._receiver = read_back_by, receiver

    @property
    def read_back_by(self) -> ReadBack:
        """How what it holds is seen."""
        return self._read_back_by

    def store(self, items: Sequence[Outgoing]) -> Iterator[tuple[Outgoing, StoreAnswer]]:
        """Send objects one after the other."""
        for item in items:
            yield item, self._sender.store(item)

    def fetch(self, items: Sequence[Outgoing], folder: Path) -> Iterator[Returned]:
        """Ask for the objects series by series, and yield what came."""
        series: dict[tuple[str, str], list[str]] = defaultdict(list)
        for item in items:
            series[item.study_instance_uid, item.series_instance_uid].append(item.sop_instance_uid)
        spool = folder / SPOOL
        if self._receiver is not None and self._read_back_by is ReadBack.MOVE:
            self._moved(series, spool, self._receiver)
        else:
            self._got(series, spool, returned_bytes_max(items))
        yield from _spooled(spool, folder)

    def listed(self, items: Sequence[Outgoing], patient_ids: Mapping[str, str]) -> frozenset[str]:
        """Return which of the objects a C-FIND for their patients lists."""
        asked = {patient_ids[item.sop_instance_uid] for item in items}
        found = (one for patient_id in sorted(asked) for one in self._requester.find_instances(patient_id))
        return frozenset(one.sop_instance_uid for one in found) & patient_ids.keys()

    def close(self) -> None:
        """Release every association."""
        self._sender.close()
        self._requester.close()

    def _got(self, series: Series, spool: Path, bytes_max: int) -> None:
        with SpoolWriter(spool, SPOOL) as writer:

            def get(study: str, one: str, uids: Sequence[str]) -> None:
                self._requester.get(
                    study_instance_uid=study,
                    series_instance_uid=one,
                    sop_instance_uids=uids,
                    writer=writer,
                    bytes_max=bytes_max,
                )

            self._each(series, get)

    def _moved(self, series: Series, spool: Path, config: ReceiverConfig) -> None:
        with Receiver(config, spool_dir=spool):

            def move(study: str, one: str, uids: Sequence[str]) -> None:
                self._requester.move(
                    study_instance_uid=study,
                    series_instance_uid=one,
                    sop_instance_uids=uids,
                    destination_ae_title=config.ae_title,
                )

            self._each(series, move)

    def _each(self, series: Series, ask: Callable[[str, str, Sequence[str]], None]) -> None:
        """Ask for the objects of each series.

        Orthanc refuses all of them when it has none of one (C000). It is then asked what it lists, and
        for that alone; a second refusal is an answer.
        """
        for (study, one), uids in series.items():
            try:
                ask(study, one, uids)
            except SourceAnswerInvalid as error:
                if "status" not in error.facts:
                    raise
                there = self._listed_in(study, one)
                if len(there.intersection(uids)) == len(uids):
                    raise
                if some := [uid for uid in uids if uid in there]:
                    ask(study, one, some)

    def _listed_in(self, study: str, series: str) -> frozenset[str]:
        identifier = query(
            "IMAGE", returning=("SOPInstanceUID",), StudyInstanceUID=study, SeriesInstanceUID=series
        )
        deadline = time.monotonic() + QUESTION_S
        answers = self._requester.ask(identifier, limit=INSTANCES_MAX, deadline=deadline)
        return frozenset(answer.uid("SOPInstanceUID") for answer in answers)


def _spooled(spool: Path, folder: Path) -> Iterator[Returned]:
    """Yield what a spool holds as files of their own, one at a time."""
    reader = SpoolReader(spool)
    for number, came in enumerate(reader.poll()):
        path = folder / str(number)
        with reader.open(came) as source, path.open("xb") as file:
            shutil.copyfileobj(source, file, BLOCK_BYTES)
        yield Returned(sop_instance_uid=came.sop_instance_uid, sha256=came.sha256, path=path)
