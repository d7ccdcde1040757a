"""Studies over the web: store, retrieve, search, and delete where a service offers it.

References
----------
DICOM PS3.18 section 10: 10.5 store (STOW-RS), 10.4 retrieve (WADO-RS), 10.6 search (QIDO-RS)
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import PatientMismatch, SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.dicom.outgoing import StoreAnswer, StoreVerdict
from beamkeeper.wire.dicom.peers import ExpectedObject
from beamkeeper.wire.dicom.requester_query import patient_id_key
from beamkeeper.wire.dicomweb.answers import data_sets, store_answers, text_of, uid_of, valid_uid
from beamkeeper.wire.dicomweb.http import JSON, WebLink
from beamkeeper.wire.dicomweb.multipart import RelatedBody, RelatedReader, boundary_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from beamkeeper.wire.dicom.outgoing import Outgoing
    from beamkeeper.wire.dicomweb.http import Answer
    from beamkeeper.wire.dicomweb.peer import WebPeer

PAGE_SIZE: Final = 100
"""Answers of a search at a time; Azure gives at most 200."""
STUDIES_MAX: Final = 20_000
INSTANCES_MAX: Final = 500_000
OBJECT_BYTES_MAX: Final = 4 << 30
TYPE_SHOWN_MAX: Final = 60

_OK, _ACCEPTED, _NO_CONTENT, _NOT_FOUND, _CONFLICT = 200, 202, 204, 404, 409
_STORE_ANSWERS: Final = frozenset({_OK, _ACCEPTED, 400, _CONFLICT, 413, 415, 422})
_RETRIEVE: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_WILDCARDS: Final = "*?"
_ORTHANC_NAME: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")
_PATIENT_ID, _STUDY, _SERIES = "00100020", "0020000D", "0020000E"
_SOP_CLASS, _SOP_INSTANCE, _MODALITY = "00080016", "00080018", "00080060"


class DicomWeb:
    """One DICOMweb service; one thread only."""

    def __init__(self, peer: WebPeer) -> None:
        self._link = WebLink(peer)

    @property
    def peer(self) -> WebPeer:
        """Whom we speak to."""
        return self._link.peer

    def close(self) -> None:
        """Hang up; harmless when nothing is open."""
        self._link.close()

    def store(self, items: Sequence[Outgoing]) -> Mapping[str, StoreAnswer]:
        """Send objects in one request; return what is said of each, by SOP Instance UID.

        A service that names an object in no way has not refused it by name: its HTTP status then speaks.

        Raises
        ------
        SourceUnavailable
            No answer: what became of the objects is unknown.
        SourceAnswerInvalid
            An answer that breaks the standard, or we are not let in.
        """
        ends_at = self._link.ends_at()
        body = RelatedBody(items, verify_time=lambda: self._verify_time(ends_at))
        headers = {"Content-Type": body.content_type, "Content-Length": str(body.size_bytes)}
        with self._link.asked("POST", "/studies", headers=headers, body=body) as answer:
            answer.verify_usual()
            if answer.status not in _STORE_ANSWERS:
                raise self._odd(answer, "a store")
            said = answer.whole()
            is_json = "json" in answer.content_type
        uids = [item.sop_instance_uid for item in items]
        document = data_sets(said) if is_json else []
        answers = store_answers(answer.status, document[0] if document else {}, uids)
        return {uid: answers.get(uid) or _by_status(answer.status) for uid in uids}

    def retrieve(self, item: Outgoing, path: Path, *, bytes_max: int = OBJECT_BYTES_MAX) -> str | None:
        """Write what the service holds under an object's UIDs to `path`, as it is stored there.

        Parameters
        ----------
        bytes_max
            A longer one is no answer.

        Returns
        -------
        SHA-256 of the file; None when the service says that it has none.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
        """
        where = self._path(item.study_instance_uid, item.series_instance_uid, item.sop_instance_uid)
        with self._link.asked("GET", where, accept=_RETRIEVE) as answer:
            answer.verify_usual()
            if answer.status == _NOT_FOUND:
                return None
            if answer.status != _OK:
                raise self._odd(answer, "a retrieve")
            return _written(_single_part(answer), path, bytes_max)

    def find_instances(self, patient_id: str) -> tuple[ExpectedObject, ...]:
        """Return every object the service lists for exactly this Patient ID.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
        PatientMismatch
            A Patient ID that cannot be asked for: empty, too long, or with a wildcard in it. Orthanc's
            plugin answers "none" to any wildcard, which must not look like a patient who is gone.
        """
        patient_id_key(patient_id)
        if any(sign in patient_id for sign in _WILDCARDS):
            raise PatientMismatch(
                "A Patient ID with an asterisk or a question mark cannot be searched for over the web.",
                do_next="Look for this patient at the service by hand.",
            )
        studies = {
            uid_of(found, _STUDY)
            for found in self._search("/studies", {"PatientID": patient_id}, _STUDY, STUDIES_MAX)
            # A service may match more loosely than asked: only the exact ID counts.
            if text_of(found, _PATIENT_ID).strip() == patient_id.strip()
        }
        return tuple(
            item
            for study in sorted(studies - {""})
            for item in self.find_in_study(study)
            if item.patient_id in {"", patient_id.strip()}
        )

    def find_in_study(self, study_instance_uid: str) -> tuple[ExpectedObject, ...]:
        """Return every object the service lists for a study; no Patient ID goes into an address.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
        """
        self._verify_uids(study_instance_uid)
        path = f"/studies/{study_instance_uid}/instances"
        return tuple(
            ExpectedObject(
                sop_instance_uid=uid_of(found, _SOP_INSTANCE),
                series_instance_uid=uid_of(found, _SERIES),
                study_instance_uid=study_instance_uid,
                modality=text_of(found, _MODALITY),
                sop_class_uid=uid_of(found, _SOP_CLASS),
                patient_id=text_of(found, _PATIENT_ID).strip(),
            )
            for found in self._search(path, {}, _SOP_INSTANCE, INSTANCES_MAX)
        )

    def delete_instance(self, item: ExpectedObject) -> bool:
        """Have the service delete one object; return whether it says it did. Its word is no proof.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
        """
        where = self._path(item.study_instance_uid, item.series_instance_uid, item.sop_instance_uid)
        with self._link.asked("DELETE", where) as answer:
            answer.verify_usual()
            return answer.status in {_OK, _ACCEPTED, _NO_CONTENT, _NOT_FOUND}

    def delete_at_orthanc(self, root_url: str, item: ExpectedObject) -> bool:
        """Have an Orthanc delete one object by its own interface: its DICOMweb answers 405 to DELETE.

        Returns
        -------
        Whether it says it did, or has none. Its word is no proof.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
        """
        self._verify_uids(item.sop_instance_uid)
        uid = item.sop_instance_uid.encode("ascii")
        with self._link.asked(
            "POST",
            "/tools/lookup",
            url=root_url,
            accept=JSON,
            body=[uid],
            headers={"Content-Length": str(len(uid))},
        ) as answer:
            answer.verify_usual()
            if answer.status != _OK:
                raise self._odd(answer, "a lookup")
            found = data_sets(answer.whole())
        names = [str(one.get("ID")) for one in found if one.get("Type") == "Instance"]
        return all([self._deleted_there(root_url, name) for name in names])  # noqa: C419 - try each

    def _deleted_there(self, root_url: str, name: str) -> bool:
        if _ORTHANC_NAME.fullmatch(name) is None:
            raise SourceAnswerInvalid(f"{self.peer} names an object in a way that Orthanc does not.")
        with self._link.asked("DELETE", f"/instances/{name}", url=root_url, accept=JSON) as answer:
            answer.verify_usual()
            return answer.status in {_OK, _NOT_FOUND}

    def _search(self, path: str, query: Mapping[str, str], key: str, limit: int) -> Iterator[dict[str, Any]]:
        """Yield the answers of a search, page after page, each key once."""
        seen: set[str] = set()
        while True:
            page = self._page(path, {**query, "limit": PAGE_SIZE, "offset": len(seen)})
            fresh = {uid_of(found, key): found for found in page}
            fresh = {uid: found for uid, found in fresh.items() if uid and uid not in seen}
            if not fresh:
                return
            seen |= fresh.keys()
            if len(seen) > limit:
                raise SourceAnswerInvalid(f"{self.peer} sent more than {limit} answers to a search.")
            yield from fresh.values()

    def _page(self, path: str, query: Mapping[str, str | int]) -> list[dict[str, Any]]:
        with self._link.asked("GET", path, query=query) as answer:
            answer.verify_usual()
            if answer.status in {_NO_CONTENT, _NOT_FOUND}:
                return []
            if answer.status != _OK or "json" not in answer.content_type:
                raise self._odd(answer, "a search")
            return data_sets(answer.whole())

    def _path(self, *uids: str) -> str:
        """Return the path of an object."""
        self._verify_uids(*uids)
        return "/studies/{}/series/{}/instances/{}".format(*uids)

    def _verify_uids(self, *uids: str) -> None:
        """Only whole UIDs are put into an address."""
        if not all(uid and valid_uid(uid) == uid for uid in uids):
            raise SourceAnswerInvalid("An object without valid UIDs cannot be asked for over the web.")

    def _verify_time(self, ends_at: float) -> None:
        if time.monotonic() > ends_at:
            raise SourceUnavailable(f"{self.peer} did not take everything in the time given.")

    def _odd(self, answer: Answer, what: str) -> SourceAnswerInvalid:
        return SourceAnswerInvalid(
            f"{self.peer} answers {what} with HTTP status {answer.status}"
            f" ({answer.content_type[:TYPE_SHOWN_MAX] or 'no type'}).",
            do_next="Check the address in the site file: it ends before /studies.",
            status=answer.status,
        )


def _by_status(status: int) -> StoreAnswer:
    """Return the verdict on an object that the answer does not name."""
    if status in {_OK, _ACCEPTED}:
        return StoreAnswer(
            verdict=StoreVerdict.WARNED, status=status, reason="it does not say what became of it"
        )
    reason = f"HTTP status {status}"
    verdict = StoreVerdict.HAS_ANOTHER if status == _CONFLICT else StoreVerdict.REFUSED
    return StoreAnswer(verdict=verdict, status=status, reason=reason)


def _single_part(answer: Answer) -> Iterator[bytes]:
    """Yield the one object in an answer: as a part, or as the whole body where a service sends it so."""
    if answer.content_type.partition(";")[0].strip().lower() == "application/dicom":
        yield from answer.blocks()
        return
    reader = RelatedReader(
        answer.blocks(), boundary_of(answer.content_type), parts_max=1, part_bytes_max=OBJECT_BYTES_MAX
    )
    count = 0
    for blocks in reader.parts():
        count += 1
        yield from blocks
    if not count:
        raise SourceAnswerInvalid("The answer to a retrieve has no part.")


def _written(blocks: Iterator[bytes], path: Path, bytes_max: int) -> str:
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        for block in blocks:
            size += len(block)
            if size > bytes_max:
                raise SourceAnswerInvalid(f"An object comes back longer than {bytes_max} bytes.")
            digest.update(block)
            file.write(block)
    return digest.hexdigest()
