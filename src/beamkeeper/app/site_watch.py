"""The watcher's own file: a site seen from elsewhere, by a computer that knows none of its secrets."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from beamkeeper.app.site import SITE_FILE_BYTES_MAX, OneLine, Port, explain
from beamkeeper.app.site_alerts import AlertSection, MailSection
from beamkeeper.app.site_mirrors import RemoteMirror
from beamkeeper.app.site_quorum import MailAddress
from beamkeeper.clock import zone
from beamkeeper.domain.toml_text import tables_in
from beamkeeper.errors import ConfigError
from beamkeeper.protect.watch import WatchRule

EXAMPLE = """# What this computer watches. It needs no secret of the site: only its public root key.
format = 1
name = "{name}"
time_zone = "{time_zone}"
root_key = "{root_key}"   # shown by `beamkeeper init`; in the keys directory as root.pub
memory_dir = "watch-memory"   # what was seen before: it tells a vault turned back. Keep it.

fresh_by = 07:00:00       # by this hour the night of that date must be in the signed metadata
every_minutes = 10        # how often to look
repeat_minutes = 60       # how often an alarm that lasts is told again
read_again_days = 7       # every parcel is read whole when new, and again after this time

[mirror]                  # a copy of the vault this computer can read
path = "{mirror}"
#kind = "sftp"            # or instead of path, as in [[mirrors]] of the site file, with a key that only reads

#[heartbeat]              # or, where no copy can be read: the site sends its signed metadata here
#bind = "0.0.0.0"
#port = 8443
#tls_certificate = "watch.pem"
#tls_key = "watch.key"

#call = ["physics@example.org"]   # whom mail goes to
#[mail]
#host = "smtp.example.org"
#sender = "watch@example.org"
#[[alerts]]               # every way of calling people: kind mail, http, syslog or command
#name = "mail"
#kind = "mail"
"""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FolderSection(_Section):
    """A folder with a copy of the vault."""

    kind: Literal["directory"] = "directory"
    path: Path


def _kind(section: object) -> str:
    """Return which kind of mirror is meant; a folder where nothing else is said."""
    said = section.get("kind") if isinstance(section, dict) else getattr(section, "kind", None)
    return "folder" if said in {None, "directory"} else "remote"


Mirror = Annotated[
    Annotated[FolderSection, Tag("folder")]
    | Annotated[Annotated[RemoteMirror, Field(discriminator="kind")], Tag("remote")],
    Discriminator(_kind),
]


class HeartbeatSection(_Section):
    """Where the site's heartbeats are taken."""

    bind: str = "127.0.0.1"
    port: Port = 8443
    tls_certificate: Path | None = None
    tls_key: Path | None = None


class WatchFile(_Section):
    """The whole file."""

    format: Literal[1]
    name: OneLine
    time_zone: str
    root_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    memory_dir: Path
    fresh_by: time = time(7, 0)
    every_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 10
    repeat_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 60
    read_again_days: Annotated[int, Field(ge=1, le=365)] = 7
    mirror: Mirror | None = None
    heartbeat: HeartbeatSection | None = None
    call: tuple[MailAddress, ...] = ()
    mail: MailSection | None = None
    alerts: tuple[AlertSection, ...] = ()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            zone(value)
        except ConfigError as error:
            raise ValueError(error.message) from error
        return value

    @model_validator(mode="after")
    def _something_to_see(self) -> WatchFile:
        if (self.mirror is None) == (self.heartbeat is None):
            raise ValueError("name either a [mirror] to read or a [heartbeat] to take")
        if any(alert.kind == "mail" for alert in self.alerts) and not (self.mail and self.call):
            raise ValueError("alerts by mail need a [mail] server and the addresses to call")
        return self

    @property
    def rule(self) -> WatchRule:
        """What was agreed."""
        return WatchRule(
            zone=zone(self.time_zone),
            fresh_by=self.fresh_by,
            repeat_every=timedelta(minutes=self.repeat_minutes),
            read_again_every=timedelta(days=self.read_again_days),
        )


def load_watch(path: Path) -> WatchFile:
    """Return the watcher's file; relative paths count from its folder.

    Raises
    ------
    ConfigError
        No such file, not TOML, an unknown or missing key, a value out of bounds.
    """
    try:
        with path.open("rb") as file:
            text = file.read(SITE_FILE_BYTES_MAX).decode()
        found = WatchFile.model_validate(tables_in(text, f"The watcher's file {path}"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The watcher's file {path} cannot be read: {error}.",
            do_next="Write one with `beamkeeper watch --init`, or name it with --file.",
        ) from error
    except ValidationError as error:
        raise ConfigError(f"The watcher's file {path} is wrong. {explain(error)}") from error
    base = path.resolve().parent
    mirror = found.mirror
    if isinstance(mirror, FolderSection):
        mirror = mirror.model_copy(update={"path": base / mirror.path})
    heartbeat = found.heartbeat and found.heartbeat.model_copy(
        update={
            name: base / value
            for name in ("tls_certificate", "tls_key")
            if (value := getattr(found.heartbeat, name)) is not None
        }
    )
    update = {"memory_dir": base / found.memory_dir, "mirror": mirror, "heartbeat": heartbeat}
    return found.model_copy(update=update)
