"""A store of plain DICOM as a place that lets a patient go: deleted where it can be, then asked again."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.copy_stores import dicom_requester, web_peer
from beamkeeper.app.jobs.copying import LedgerMemory, key_of
from beamkeeper.app.site_copies import WebCopies
from beamkeeper.errors import BeamkeeperError, SourceUnavailable
from beamkeeper.protect.copies import name_of
from beamkeeper.protect.retain import Going, PlaceAnswer, PlaceState, no_answer
from beamkeeper.wire.dicomweb import DicomWeb

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.app.site_copies import CopiesSection, DicomCopies
    from beamkeeper.wire.dicom.peers import ExpectedObject


class CopiesPlace:
    """One store of plain DICOM.

    Only what we know to have sent is deleted, object by object: a study may hold another patient's too.
    DICOM itself cannot delete; such a store is told by its HL7 receiver (`[[removals]]`) or by a person,
    and asked here whether it followed.
    """

    def __init__(self, runtime: Runtime, section: CopiesSection) -> None:
        self._run, self._section = runtime, section
        self._memory = LedgerMemory(runtime.ledger, key_of(section))
        self._web: DicomWeb | None = None
        self._failure: BeamkeeperError | None = None
        self.name = f"copies {section.name}"
        self.kind: str = section.kind

    def remove(self, going: Going, now: datetime) -> PlaceAnswer:  # noqa: ARG002 - the port's
        """Delete what we sent, where the store can delete; then ask whether the patient is gone."""
        if going.patient is None:
            return PlaceAnswer(
                state=PlaceState.HELD,
                said="Who the patient was is not known here any more: the ledger was lost.",
                do_next="Have the patient looked up and removed there by hand; the receipt says when.",
            )
        if self._failure is not None:
            return no_answer(self._failure)
        try:
            if isinstance(self._section, WebCopies):
                return self._over_the_web(self._section, going.pseudonym, going.patient.patient_id)
            return self._by_question(self._section, going.pseudonym, going.patient.patient_id)
        except SourceUnavailable as error:
            self._failure = error  # one wait for a dead store, not one for each patient
            return no_answer(error)
        except BeamkeeperError as error:  # about this patient, or quickly told again
            return no_answer(error)

    def close(self) -> None:
        """Hang up."""
        if self._web is not None:
            with suppress(BeamkeeperError):
                self._web.close()

    def _over_the_web(self, section: WebCopies, pseudonym: str, patient_id: str) -> PlaceAnswer:
        if self._web is None:
            self._web = DicomWeb(web_peer(section, to_remove=True))
        sent = self._memory.sent_of(pseudonym)
        listed = self._web.find_instances(patient_id)
        ours = [item for item in listed if item.sop_instance_uid in sent]
        if section.remove != "none":
            refused = [item for item in ours if not self._deleted(self._web, section, item)]
            listed = self._web.find_instances(patient_id)
            ours = [item for item in listed if item.sop_instance_uid in sent]
            if refused:
                return PlaceAnswer(
                    state=PlaceState.WAITING,
                    said=f"It refuses to delete {len(refused)} objects of the patient.",
                    do_next="Check which way of deleting it offers (`remove`), and that we may.",
                )
        return self._after(pseudonym, len(ours), len(listed), deletes=section.remove != "none")

    def _deleted(self, web: DicomWeb, section: WebCopies, item: ExpectedObject) -> bool:
        if section.remove == "orthanc":
            return web.delete_at_orthanc(section.orthanc_url or "", item)
        return web.delete_instance(item)

    def _by_question(self, section: DicomCopies, pseudonym: str, patient_id: str) -> PlaceAnswer:
        if section.read_back == "none":
            return PlaceAnswer(
                state=PlaceState.HELD,
                said="DICOM cannot delete, and this store answers no question about what it holds.",
                do_next="Have the patient removed there, then take the store out of [[copies]]; or let it"
                ' answer C-FIND and write read_back = "query".',
            )
        listed = listed_at(section, self._run.site, patient_id)
        return self._after(pseudonym, 0, len(listed), deletes=False)

    def _after(self, pseudonym: str, ours: int, listed: int, *, deletes: bool) -> PlaceAnswer:
        """Return what the last question came to."""
        if not listed:
            gone = self._memory.sent_of(pseudonym)
            for uid in gone:
                self._memory.forget(name_of(pseudonym, uid))
            return PlaceAnswer(
                state=PlaceState.GONE,
                said="Asked by Patient ID, it lists no object of the patient.",
                count=len(gone),
            )
        if deletes and not ours:
            return PlaceAnswer(
                state=PlaceState.WAITING,
                said=f"What we sent is gone; {listed} objects of the patient that we did not send are there.",
                do_next="Somebody else put them there, or what we sent was forgotten: remove them by hand.",
            )
        do_next = (
            "Some services show a deletion only after a while; it is asked again."
            if deletes
            else "Name its HL7 receiver under [[removals]], or have the patient removed there by hand."
        )
        return PlaceAnswer(
            state=PlaceState.WAITING, said=f"It still lists {listed} objects of the patient.", do_next=do_next
        )


def listed_at(section: CopiesSection, site: Site, patient_id: str) -> tuple[ExpectedObject, ...]:
    """Return every object a store of plain DICOM lists for exactly this Patient ID.

    Raises
    ------
    SourceUnavailable, SourceAnswerInvalid, PatientMismatch
        It gives no answer, or one that says nothing.
    """
    if isinstance(section, WebCopies):
        with closing(DicomWeb(web_peer(section))) as web:
            return web.find_instances(patient_id)
    with dicom_requester(section, site) as asking:
        return tuple(asking.find_instances(patient_id))
