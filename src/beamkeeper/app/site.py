"""The site file: one TOML document, read once, frozen, passed as an argument.

An unknown key, a missing key or a bad unit is a `ConfigError` before anything starts. Secrets are
references (`file:`, `env:`, `credential:`), never values.
"""

from __future__ import annotations

import ipaddress
from datetime import time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from beamkeeper.app.site_alerts import AlertSection, MailSection
from beamkeeper.app.site_console import ConsoleSection
from beamkeeper.app.site_copies import CopiesSection
from beamkeeper.app.site_documents import DocumentsSection, OisDocuments
from beamkeeper.app.site_gap import GapSection
from beamkeeper.app.site_heartbeats import HeartbeatTarget
from beamkeeper.app.site_hour import HourSection
from beamkeeper.app.site_incident import IncidentSection
from beamkeeper.app.site_mirrors import MirrorSection
from beamkeeper.app.site_quorum import QuorumSection
from beamkeeper.app.site_removals import RemovalSection
from beamkeeper.app.site_sources import (
    AriaSourceSection,
    MosaiqSourceSection,
    OisSection,
    RayCareSourceSection,
    SqlSourceSection,
)
from beamkeeper.app.site_values import AeTitle, Name
from beamkeeper.app.site_window import WindowSection
from beamkeeper.clock import zone
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE, MetersetTolerance
from beamkeeper.domain.toml_text import tables_in
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

FORMAT = 1
SITE_FILE_BYTES_MAX = 1_000_000

OneLine = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\p{Cc}\p{Zl}\p{Zp}]+$")]
"""A name that stands in subjects of mail, in logs and on pagers."""
Port = Annotated[int, Field(ge=0, le=65535)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SiteSection(_Section):
    """Who and where we are."""

    name: OneLine
    time_zone: str
    data_dir: Path
    night_phone: OneLine | None = None

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            zone(value)
        except ConfigError as error:
            raise ValueError(error.message) from error
        return value


class VaultSection(_Section):
    """Where sealed parcels go, who opens them on the collector, and how long they stay."""

    directory: Path
    keys_dir: Path
    encrypt_only: bool = False
    data_key: Annotated[str, Field(max_length=300)] = ""
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    after_completion_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    fresh_hours: Annotated[int, Field(ge=1, le=24 * 31)] = 30


class LedgerSection(_Section):
    """Where the collector remembers: one line moves it to PostgreSQL."""

    url: str = ""
    jobs_url: str = ""


class NightSection(_Section):
    """When the night runs and how much it asks for at a time."""

    starts_at: time = time(2, 0)
    window_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 240
    parallel_patients: Annotated[int, Field(ge=1, le=32)] = 2
    dossiers: bool = True
    pictures: bool = True
    pictures_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 10
    lists: bool = True
    binder: bool = False


class ReceiverSection(_Section):
    """Our own storage receiver: whom it listens to."""

    ae_title: AeTitle = "BEAMKEEPER"
    bind: str = "127.0.0.1"
    port: Port = 11113
    allowed_callers: tuple[AeTitle, ...] = ()
    allowed_networks: tuple[str, ...] = ("127.0.0.0/8",)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None

    @field_validator("allowed_networks")
    @classmethod
    def _real_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network)
        return value


class DicomSourceSection(_Section):
    """One DICOM archive to ask and to fetch from."""

    kind: Literal["dicom"]
    name: Name
    ae_title: AeTitle
    host: str
    port: Port
    method: Literal["move", "get"] = "move"
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    in_census: bool = True
    answer_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    silence_seconds: Annotated[int, Field(ge=1, le=7200)] = 300


class FolderSourceSection(_Section):
    """A folder of DICOM files: everybody in it is on the list."""

    kind: Literal["folder"]
    name: Name
    path: Path


class ReceiptSourceSection(_Section):
    """The folder of receipts that the RayStation script fills."""

    kind: Literal["receipts"]
    name: Name
    path: Path
    days: Annotated[int, Field(ge=1, le=365)] = 60


AnySource = (
    DicomSourceSection
    | SqlSourceSection
    | AriaSourceSection
    | MosaiqSourceSection
    | RayCareSourceSection
    | FolderSourceSection
    | ReceiptSourceSection
)
SourceSection = Annotated[AnySource, Field(discriminator="kind")]


class CensusSection(_Section):
    """Which patients are kept."""

    treated_days: Annotated[int, Field(ge=1, le=365)] = 7
    scheduled_days: Annotated[int, Field(ge=1, le=365)] = 7
    simulated_days: Annotated[int, Field(ge=1, le=365)] = 14


class CompareSection(_Section):
    """What a site knows to change by itself and wants no word about."""

    volatile: tuple[str, ...] = ()


class CountingSection(_Section):
    """How far delivered and planned meterset may lie apart and be called the same.

    The bounds keep a slip of the pen from calling a fraction complete that was broken off.
    """

    meterset_mu: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] = DEFAULT_TOLERANCE.absolute_mu
    meterset_minutes: Annotated[float, Field(ge=0, le=0.1, allow_inf_nan=False)] = (
        DEFAULT_TOLERANCE.absolute_minute
    )
    meterset_relative: Annotated[float, Field(ge=0, le=0.01, allow_inf_nan=False)] = (
        DEFAULT_TOLERANCE.relative
    )


class Site(_Section):
    """The whole site file."""

    format: Literal[1]
    site: SiteSection
    vault: VaultSection
    ledger: LedgerSection = LedgerSection()
    night: NightSection = NightSection()
    receiver: ReceiverSection = ReceiverSection()
    census: CensusSection = CensusSection()
    compare: CompareSection = CompareSection()
    counting: CountingSection = CountingSection()
    window: WindowSection | None = None
    console: ConsoleSection = ConsoleSection()
    hour: HourSection | None = None
    gap: GapSection = GapSection()
    incident: IncidentSection = IncidentSection()
    quorum: QuorumSection | None = None
    mail: MailSection | None = None
    alerts: tuple[AlertSection, ...] = ()
    sources: Annotated[tuple[SourceSection, ...], Field(min_length=1)]
    mirrors: tuple[MirrorSection, ...] = ()
    copies: tuple[CopiesSection, ...] = ()
    documents: tuple[DocumentsSection, ...] = ()
    removals: tuple[RemovalSection, ...] = ()
    heartbeats: tuple[HeartbeatTarget, ...] = ()

    @model_validator(mode="after")
    def _ledger_is_sealed(self) -> Self:
        if self.vault.encrypt_only and self.ledger.url:
            raise ValueError("encrypt_only keeps the ledger in data_dir: take [ledger] url out")
        if self.vault.data_key and not self.vault.encrypt_only:
            raise ValueError("data_key opens the data directory of a site with encrypt_only = true")
        return self

    @field_validator("sources")
    @classmethod
    def _names_differ(cls, value: tuple[SourceSection, ...]) -> tuple[SourceSection, ...]:
        names = [source.name for source in value]
        if len(set(names)) != len(names):
            raise ValueError("two sources have the same name")
        return value

    @field_validator("alerts")
    @classmethod
    def _alert_names_differ(cls, value: tuple[AlertSection, ...]) -> tuple[AlertSection, ...]:
        if len({alert.name for alert in value}) != len(value):
            raise ValueError("two alert channels have the same name")
        return value

    @field_validator("mirrors")
    @classmethod
    def _mirror_names_differ(cls, value: tuple[MirrorSection, ...]) -> tuple[MirrorSection, ...]:
        if len({mirror.name for mirror in value}) != len(value):
            raise ValueError("two mirrors have the same name")
        return value

    @field_validator("copies")
    @classmethod
    def _copies_names_differ(cls, value: tuple[CopiesSection, ...]) -> tuple[CopiesSection, ...]:
        if len({copies.name for copies in value}) != len(value):
            raise ValueError("two [[copies]] have the same name")
        return value

    @field_validator("documents")
    @classmethod
    def _document_names_differ(cls, value: tuple[DocumentsSection, ...]) -> tuple[DocumentsSection, ...]:
        if len({documents.name for documents in value}) != len(value):
            raise ValueError("two [[documents]] have the same name")
        return value

    @field_validator("removals")
    @classmethod
    def _removal_names_differ(cls, value: tuple[RemovalSection, ...]) -> tuple[RemovalSection, ...]:
        if len({removal.name for removal in value}) != len(value):
            raise ValueError("two receivers of removals have the same name")
        return value

    @model_validator(mode="after")
    def _asked_stores_are_named(self) -> Site:
        answer = {
            copies.name for copies in self.copies if copies.read_back != "none" or copies.kind == "dicomweb"
        }
        for removal in self.removals:
            if removal.ask_copies is not None and removal.ask_copies not in answer:
                raise ValueError(
                    f"removals {removal.name}: no [[copies]] {removal.ask_copies!r} that can be asked"
                )
        return self

    @model_validator(mode="after")
    def _photos_are_asked_of_a_source(self) -> Self:
        databases = {source.name for source in self.sources if isinstance(source, OisSection)}
        for section in self.documents:
            if isinstance(section, OisDocuments) and section.source not in databases:
                raise ValueError(
                    f"documents {section.name}: no OIS among [[sources]] is called {section.source}"
                )
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return zone(self.site.time_zone)

    @property
    def data_dir(self) -> Path:
        """Where the ledger, the spool and the remembered metadata lie."""
        return self.site.data_dir

    @property
    def ledger_url(self) -> str:
        """The ledger's database; SQLite in `data_dir` unless the site says otherwise."""
        return self.ledger.url or f"sqlite:///{self.data_dir / 'ledger.db'}"

    @property
    def jobs_url(self) -> str:
        """The job runner's own database, apart from the ledger."""
        return self.ledger.jobs_url or f"sqlite:///{self.data_dir / 'jobs.db'}"

    @property
    def fresh_for(self) -> timedelta:
        """How long a vault counts as fed after a night."""
        return timedelta(hours=self.vault.fresh_hours)

    @property
    def tolerance(self) -> MetersetTolerance:
        """When a beam's meterset counts as given."""
        return MetersetTolerance(
            absolute_mu=self.counting.meterset_mu,
            absolute_minute=self.counting.meterset_minutes,
            relative=self.counting.meterset_relative,
        )

    def night_dir(self, run_on: object) -> Path:
        """Return the working folder of one night, named by its local date."""
        return self.data_dir / "nights" / str(run_on)


def load_site(path: Path) -> Site:
    """Return the site file as a frozen value; relative paths count from the file's folder.

    Raises
    ------
    ConfigError
        No such file, not TOML, an unknown or missing key, a value out of bounds.
    """
    try:
        if path.stat().st_size > SITE_FILE_BYTES_MAX:
            raise ConfigError(f"The site file {path} is larger than {SITE_FILE_BYTES_MAX} bytes.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The site file {path} cannot be read: {error}.",
            do_next="Write one with `beamkeeper init`, or name it with --site.",
        ) from error
    try:
        return parse_site(text, base=path.resolve().parent)
    except ConfigError as error:
        raise ConfigError(f"The site file {path} is wrong. {error.message}", do_next=error.do_next) from error


def parse_site(text: str, *, base: Path) -> Site:
    """Return the site described by TOML `text`; relative paths count from `base`."""
    try:
        site = Site.model_validate(tables_in(text, "It"))
    except ValidationError as error:
        raise ConfigError(explain(error), do_next="Mend the named lines; nothing was started.") from error
    return _absolute(site, base)


def explain(error: ValidationError) -> str:
    """Return what is wrong with a file in one line: where, and why."""
    problems = error.errors(include_url=False)
    parts = []
    for problem in problems:
        where = problem["loc"]
        within = [other for other in problems if other["loc"][: len(where)] == where]
        if problem["type"] == "too_short" and len(within) > 1:
            continue  # what was wrong inside was left out before it was counted
        said = problem["msg"].removeprefix("Value error, ")
        parts.append(f"{'.'.join(map(str, where)) or 'the file'}: {said}")
    return "; ".join(parts) + "."


def _absolute(site: Site, base: Path) -> Site:
    def resolve(section: BaseModel) -> BaseModel:
        update: dict[str, object] = {}
        for name in type(section).model_fields:
            value = getattr(section, name)
            if isinstance(value, Path):
                update[name] = value if value.is_absolute() else base / value
            elif isinstance(value, BaseModel):
                update[name] = resolve(value)
            elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
                update[name] = tuple(resolve(item) for item in value)
        return section.model_copy(update=update)

    resolved = resolve(site)
    assert isinstance(resolved, Site)  # noqa: S101 - our own recursion, not input
    return resolved
