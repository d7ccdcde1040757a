"""The sources a site names, opened: who is asked for the list, who for objects, and our receiver."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.peers import tls_client
from beamkeeper.app.jobs.refused import in_words, refused_callers
from beamkeeper.app.site import AnySource, DicomSourceSection, ReceiptSourceSection, Site
from beamkeeper.app.site_sources import (
    AriaSourceSection,
    MosaiqSourceSection,
    OisSection,
    RayCareSourceSection,
    SqlSourceSection,
)
from beamkeeper.domain.census import CensusEntry
from beamkeeper.domain.patient import Patient
from beamkeeper.protect.census import (
    DicomSource,
    ReceiptSource,
    SourceAnswer,
    SqlSource,
    aria_mapping,
    load_mapping,
    mosaiq_mapping,
    raycare_mapping,
)
from beamkeeper.protect.collect import ArchiveSource, Arrivals, FolderSource
from beamkeeper.protect.compare import DEFAULT_VOLATILE, CompareRules
from beamkeeper.vault.references import resolve_secret
from beamkeeper.wire.dicom.known import KnownDigests
from beamkeeper.wire.dicom.peers import Peer, Timeouts
from beamkeeper.wire.dicom.receiver import Receiver, ReceiverConfig, TlsServer
from beamkeeper.wire.dicom.requester import Requester
from beamkeeper.wire.dicom.spool import SpoolReader, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date, datetime
    from pathlib import Path
    from typing import BinaryIO

    from beamkeeper.protect.census import CensusWindow, OisMapping, Source
    from beamkeeper.protect.collect import PatientSource

NAMES_SHOWN_MAX = 200


class Sources:
    """Everything a site listens to for one night.

    Attributes
    ----------
    patient_sources
        Whom objects are fetched from.
    list_sources
        Whom the list is asked from.
    """

    def __init__(self, site: Site, *, spool_dir: Path, known_path: Path) -> None:
        self._site = site
        self._spool_dir = spool_dir
        self._known_path = known_path
        self._receiver: Receiver | None = None
        self._log: BinaryIO | None = None
        self._log_path = spool_dir.parent / "receiver.log"
        self._log_before: int | None = None
        self.arrivals = Arrivals(SpoolReader(spool_dir))
        self.rules = CompareRules(volatile=DEFAULT_VOLATILE | frozenset(site.compare.volatile))
        self.patient_sources: list[PatientSource] = []
        self.list_sources: list[Source] = []
        mappings = [ois_mapping(s) for s in site.sources if isinstance(s, OisSection)]
        self._is_test_patient = lambda patient_id: any(
            mapping.is_test_patient(patient_id) for mapping in mappings
        )
        for section in site.sources:
            self._add(section)

    def start(self) -> None:
        """Start the receiver, when any archive is to send to it."""
        if self._receiver is None and any(
            isinstance(section, DicomSourceSection) and section.method == "move"
            for section in self._site.sources
        ):
            self._spool_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._log = self._log_path.open("ab")
            if self._log_before is None:
                self._log_before = self._log.tell()
            receiver = Receiver(
                receiver_config(self._site),
                spool_dir=self._spool_dir,
                known_path=self._known_path,
                log=self._log,
            )
            receiver.__enter__()
            self._receiver = receiver

    def stop(self) -> None:
        """Stop the receiver and release every association; no thread may be asking any more."""
        for source in self.patient_sources:
            if isinstance(source, ArchiveSource):
                source.close()
        self.stop_receiver()

    def stop_receiver(self) -> None:
        """Stop the receiver only: what it was given is made durable."""
        if self._receiver is not None:
            receiver, self._receiver = self._receiver, None
            receiver.stop()
        if self._log is not None:
            self._log.close()
            self._log = None

    def losses(self) -> tuple[str, ...]:
        """Return what should have been an object of a patient and is none: the night is not whole.

        Files are counted and not named, for they may be called after a patient: `file_names` names them.
        """
        return tuple(
            f"{source.name}: {_files(count)} should be an object of a patient and {_is(count)} none: {reason}"
            for source in self._folders()
            for reason, count in Counter(i.reason for i in source.not_objects() if i.is_loss).items()
        )

    def turned_away(self, *, known: bool) -> tuple[str, ...]:
        """Return the sentences about callers our receiver refused: sources, as it seems, or others."""
        sections = [section for section in self._site.sources if isinstance(section, DicomSourceSection)]
        names = {name for section in sections for name in (section.ae_title, section.host)}
        everybody = refused_callers(self._log_path, after=self._log_before or 0)
        some = Counter(
            {
                one: count
                for one, count in everybody.items()
                if known == (one.calling_ae_title in names or one.address in names)
            }
        )
        return in_words(some, own_ae_title=self._site.receiver.ae_title)

    def remarks(self) -> tuple[str, ...]:
        """Return in one line a source which other files lie beside the objects, and whom we turned away."""
        counts = (
            (source.name, sum(not item.is_loss for item in source.not_objects()))
            for source in self._folders()
        )
        lines = (
            f"{name}: {_files(count)} {_is(count)} no patient's objects." for name, count in counts if count
        )
        return (*lines, *self.turned_away(known=False))

    def file_names(self) -> tuple[str, ...]:
        """Return the files behind `losses` and `remarks` by name, losses first, for the page alone."""
        found = sorted(
            ((not item.is_loss, f"{source.name}: {item.path}: {item.reason}"))
            for source in self._folders()
            for item in source.not_objects()
        )
        lines = [line for _, line in found]
        more = len(lines) - NAMES_SHOWN_MAX
        return (*lines[:NAMES_SHOWN_MAX], *((f"and {more} more",) if more > 0 else ()))

    def _folders(self) -> Iterator[FolderSource]:
        return (source for source in self.patient_sources if isinstance(source, FolderSource))

    def _add(self, section: AnySource) -> None:
        if isinstance(section, DicomSourceSection):
            archive = self._archive(section)
            self.patient_sources.append(archive)
            if section.in_census:
                self.list_sources.append(
                    DicomSource(
                        section.name,
                        _treated_since(self._opener(section)),
                        zone=self._site.zone,
                        is_test_patient=self._is_test_patient,
                    )
                )
        elif isinstance(section, OisSection):
            self.list_sources.append(sql_source(section))
        elif isinstance(section, ReceiptSourceSection):
            self.list_sources.append(
                ReceiptSource(
                    section.name,
                    section.path,
                    zone=self._site.zone,
                    days=section.days,
                    is_test_patient=self._is_test_patient,
                )
            )
        else:
            folder = FolderSource(section.name, section.path, spool_writer=self._writer(section.name))
            self.patient_sources.append(folder)
            self.list_sources.append(_FolderList(folder))

    def _archive(self, section: DicomSourceSection) -> ArchiveSource:
        moves = section.method == "move"
        return ArchiveSource(
            section.name,
            self._opener(section),
            destination_ae_title=self._site.receiver.ae_title if moves else None,
            spool_writer=self._writer(section.name),
        )

    def _opener(self, section: DicomSourceSection) -> Callable[[], Requester]:
        timeouts = Timeouts(answer_s=section.answer_seconds, pending_s=section.silence_seconds)
        return lambda: Requester(
            own_ae_title=self._site.receiver.ae_title, peer=peer_of(section), timeouts=timeouts
        )

    def _writer(self, name: str) -> Callable[[], SpoolWriter]:
        def writer() -> SpoolWriter:
            return SpoolWriter(self._spool_dir, name, known=KnownDigests(self._known_path))

        return writer


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


class _FolderList:
    """A folder as a source of the list: everybody in it."""

    def __init__(self, folder: FolderSource) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        return self._folder.name

    def ask(self, now: datetime, window: CensusWindow) -> SourceAnswer:  # noqa: ARG002 - a folder has no dates
        entries = tuple(
            CensusEntry(patient=patient, claims=(claim,)) for patient, claim in self._folder.patients()
        )
        return SourceAnswer(source=self.name, entries=entries)


def _treated_since(open_requester: Callable[[], Requester]) -> Callable[[date], Iterable[Patient]]:
    def ask(day: date) -> Iterable[Patient]:
        with open_requester() as requester:
            return tuple(
                Patient(
                    patient_id=found.patient_id,
                    name=found.name,
                    issuer_of_patient_id=found.issuer_of_patient_id,
                    birth_on=found.birth_on,
                    sex=found.sex,
                )
                for found in requester.find_patients_treated_since(day)
                if found.patient_id
            )

    return ask


def ois_mapping(section: OisSection) -> OisMapping:
    """Return what is asked of an OIS: the site's own mapping, or the one shipped for its product."""
    if isinstance(section, AriaSourceSection):
        return aria_mapping(section)
    if isinstance(section, MosaiqSourceSection):
        return mosaiq_mapping(section)
    if isinstance(section, RayCareSourceSection):
        return raycare_mapping(section)
    if isinstance(section, SqlSourceSection):
        return load_mapping(section.mapping)
    raise TypeError(type(section).__name__)


def sql_source(section: OisSection) -> SqlSource:
    """Return the OIS database of a section; it is opened for reading only, and only when it is asked."""
    return SqlSource(
        ois_mapping(section),
        section.url,
        secret=resolve_secret(section.secret) if section.secret else "",
        timeout_s=section.timeout_seconds,
        read_only=not section.unsafe_writable_login,
        name=section.name,
    )


def peer_of(section: DicomSourceSection) -> Peer:
    """Return whom a section means."""
    return Peer(ae_title=section.ae_title, host=section.host, port=section.port, tls=tls_client(section))


def receiver_config(site: Site) -> ReceiverConfig:
    """Return the site's receiver: who may send, from where, under which limits."""
    section = site.receiver
    tls = None
    if section.tls_certificate and section.tls_key and section.tls_client_ca:
        tls = TlsServer(
            certificate_file=str(section.tls_certificate),
            private_key_file=str(section.tls_key),
            client_ca_file=str(section.tls_client_ca),
        )
    callers = section.allowed_callers or tuple(
        source.ae_title for source in site.sources if isinstance(source, DicomSourceSection)
    )
    return ReceiverConfig(
        ae_title=section.ae_title,
        allowed_calling_ae_titles=frozenset(callers),
        bind_address=section.bind,
        port=section.port,
        allowed_networks=section.allowed_networks,
        tls=tls,
        own_move_originators=frozenset({section.ae_title}),
    )
