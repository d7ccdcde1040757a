"""A DICOMweb service as a destination: STOW-RS there, WADO-RS back."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from beamkeeper.protect.copies.interfaces import ReadBack, Returned, returned_bytes_max
from beamkeeper.wire.dicom.outgoing import StoreVerdict
from beamkeeper.wire.dicomweb import DicomWeb

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from beamkeeper.wire.dicom.outgoing import Outgoing, StoreAnswer
    from beamkeeper.wire.dicomweb import WebPeer

REQUEST_OBJECTS_MAX: Final = 100


class WebStore:
    """One DICOMweb service that takes objects; see `PlainStore`.

    Parameters
    ----------
    request_bytes_max
        So much goes with one request, or one object if it is larger: services have limits of their own.
    """

    def __init__(self, peer: WebPeer, *, read_back_by: ReadBack, request_bytes_max: int) -> None:
        self._web = DicomWeb(peer)
        self._read_back_by, self._request_bytes_max = read_back_by, request_bytes_max

    @property
    def read_back_by(self) -> ReadBack:
        """How what it holds is seen."""
        return self._read_back_by

    def store(self, items: Sequence[Outgoing]) -> Iterator[tuple[Outgoing, StoreAnswer]]:
        """Send objects, some with each request; where one request fails as a whole, each alone."""
        for some in self._requests(items):
            answers = self._web.store(some)
            if len(some) > 1 and all(a.verdict is StoreVerdict.REFUSED for a in answers.values()):
                answers = {uid: a for item in some for uid, a in self._web.store([item]).items()}
            for item in some:
                yield item, answers[item.sop_instance_uid]

    def fetch(self, items: Sequence[Outgoing], folder: Path) -> Iterator[Returned]:
        """Ask for each object, and yield it as the service stores it."""
        for number, item in enumerate(items):
            path = folder / str(number)
            sha256 = self._web.retrieve(item, path, bytes_max=returned_bytes_max([item]))
            if sha256 is not None:
                yield Returned(sop_instance_uid=item.sop_instance_uid, sha256=sha256, path=path)

    def listed(self, items: Sequence[Outgoing], patient_ids: Mapping[str, str]) -> frozenset[str]:
        """Return which of the objects a search in their studies lists."""
        studies = {item.study_instance_uid for item in items}
        found = {one.sop_instance_uid for study in sorted(studies) for one in self._web.find_in_study(study)}
        return frozenset(found & patient_ids.keys())

    def close(self) -> None:
        """Hang up."""
        self._web.close()

    def _requests(self, items: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
        """Yield what goes with one request: of one study, within the limits."""
        studies: dict[str, list[Outgoing]] = defaultdict(list)
        for item in items:
            studies[item.study_instance_uid].append(item)
        for study in studies.values():
            some: list[Outgoing] = []
            for item in study:
                size_bytes = item.size_bytes + sum(other.size_bytes for other in some)
                if some and (len(some) >= REQUEST_OBJECTS_MAX or size_bytes > self._request_bytes_max):
                    yield some
                    some = []
                some.append(item)
            yield some
