"""The watcher's work: look, remember, and say what is to be told. It runs elsewhere than the collector."""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from beamkeeper.app.jobs.calling import through
from beamkeeper.app.jobs.destinations import connect_remote
from beamkeeper.app.jobs.notes import read_note, write_note
from beamkeeper.app.jobs.serving import LOOK_AGAIN_S
from beamkeeper.app.jobs.watch_store import SeenMirror
from beamkeeper.app.site_watch import FolderSection
from beamkeeper.errors import ConfigError, IntegrityError, KeyUnavailable, SourceUnavailable
from beamkeeper.protect.watch import (
    Finding,
    FindingKind,
    Look,
    OpenAlarm,
    Telling,
    TellingKind,
    look,
    told,
    unpack,
)
from beamkeeper.vault import LocalStore, Vault
from beamkeeper.wire.alerting import Alert, Severity
from beamkeeper.wire.alerting.channel import TEXT_CHARACTERS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from beamkeeper.app.site_watch import WatchFile
    from beamkeeper.clock import Clock
    from beamkeeper.vault import ParcelStore

NOTES_NAME = "watch.json"
RETRY_S = 60.0
SILENT_S_MAX = 900.0
"""So long a look may read nothing: the most patient destination says so itself long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchNotes:
    """What the watcher remembers between looks, apart from the versions it saw."""

    look: Look
    alarms: tuple[OpenAlarm, ...] = ()


class Watcher:
    """Looks at one site from elsewhere; its notes make it take up where it was."""

    def __init__(self, watch: WatchFile) -> None:
        self.watch = watch
        self._trusted_dir = watch.memory_dir / "trusted"
        self._heartbeat_dir = watch.memory_dir / "heartbeat"
        self._lock = threading.Lock()
        self._moved_s: float | None = None

    def notes(self) -> WatchNotes | None:
        """Return what the last look left; None before the first, or when the note is damaged."""
        try:
            return read_note(self.watch.memory_dir / NOTES_NAME, WatchNotes)
        except IntegrityError:
            return None  # every alarm is then told once more, and every parcel read once more

    def look(self, now: datetime, *, keep_alarms: bool = True) -> tuple[WatchNotes, tuple[Telling, ...]]:
        """Look at the mirror or at the last heartbeat; return what is seen, and what to tell now.

        Parameters
        ----------
        keep_alarms
            False when a person looks in between: what the service has to tell, it still tells.
        """
        with self._lock:
            before = self.notes()
            seen = self._seen(before.look if before else None, now)
            open_alarms = before.alarms if before else ()
            repeat_every = self.watch.rule.repeat_every
            tellings, alarms = told(open_alarms, seen.findings, repeat_every=repeat_every, now=now)
            notes = WatchNotes(look=seen, alarms=alarms if keep_alarms else open_alarms)
            write_note(self.watch.memory_dir / NOTES_NAME, notes)
        return notes, tellings

    def silent_s(self) -> float:
        """Return for how long the look that goes on has read nothing, seconds; 0 when none goes on."""
        moved_s = self._moved_s
        return 0.0 if moved_s is None else time.monotonic() - moved_s

    def _tick(self) -> None:
        self._moved_s = time.monotonic()

    def _seen(self, before: Look | None, now: datetime) -> Look:
        if self.watch.heartbeat is not None and not self._heartbeat_dir.exists():
            return replace(before or Look(at=now), at=now, findings=(_NO_HEARTBEAT,))
        self._tick()
        try:
            with ExitStack() as held:
                return look(
                    lambda: self._store(held),
                    root_public_key=self.watch.root_key,
                    memory_dir=self._trusted_dir,
                    rule=self.watch.rule,
                    before=before,
                    now=now,
                    metadata_only=self.watch.heartbeat is not None,
                    tick=self._tick,
                )
        finally:
            self._moved_s = None

    def _store(self, held: ExitStack) -> ParcelStore:
        mirror = self.watch.mirror
        if mirror is None:
            return LocalStore(self._heartbeat_dir)
        if isinstance(mirror, FolderSection):
            return LocalStore(mirror.path)
        try:
            destination = connect_remote(mirror)
        except (KeyUnavailable, ConfigError) as error:  # people have to hear of it, not only the journal
            raise SourceUnavailable(error.message, do_next=error.do_next) from error
        held.callback(destination.close)
        return cast("ParcelStore", SeenMirror(destination))

    def take_heartbeat(self, data: bytes, now: datetime) -> None:
        """Verify a heartbeat and keep it in place of the one before.

        Raises
        ------
        IntegrityError
            It is none, not signed by this site, or older than what was seen; the one before stays.
        """
        with self._lock:
            incoming = self.watch.memory_dir / "heartbeat.incoming"
            shutil.rmtree(incoming, ignore_errors=True)
            store = LocalStore(incoming, create=True)
            unpack(data, store)
            Vault.open(store, trusted_dir=self._trusted_dir, now=now, root_public_key=self.watch.root_key)
            shutil.rmtree(self._heartbeat_dir, ignore_errors=True)
            incoming.rename(self._heartbeat_dir)


_NO_HEARTBEAT = Finding(
    kind=FindingKind.UNREACHABLE,
    key="heartbeat",
    what="No heartbeat has come yet.",
    do_next="Is this computer's address in the site file under `heartbeats`, and may the collector reach it?",
)


_HANGS = Finding(
    kind=FindingKind.UNREACHABLE,
    key="hangs",
    what="The copy has given no answer in the middle of a look: nothing can be seen of it.",
    do_next="Is the share or the server there? A mount that hangs needs this computer started anew.",
)


class WatchDuty:
    """One look every few minutes; what nobody could be told is told again a minute later.

    Parameters
    ----------
    tell
        Tells people; returns whether anybody heard.
    """

    name = "watch"
    retry_s = RETRY_S

    def __init__(self, watcher: Watcher, tell: Callable[[tuple[Telling, ...]], bool]) -> None:
        self._watcher, self._tell = watcher, tell
        self._untold: tuple[Telling, ...] = ()

    def wait_s(self, clock: Clock) -> float:
        """Return how long the next look can wait; a clock set back does not put it off."""
        notes = self._watcher.notes()
        if notes is None or self._untold:
            return 0.0
        passed_s = (clock.now() - notes.look.at).total_seconds()
        return 0.0 if passed_s < 0 else self._watcher.watch.every_minutes * 60 - passed_s

    def work(self, clock: Clock) -> str:
        """Look once and tell what is to be told.

        Raises
        ------
        SourceUnavailable
            There was something to tell, and nobody could be reached.
        """
        _, tellings = self._watcher.look(clock.now())
        self._untold += tellings
        if self._untold and not self._tell(self._untold):
            raise SourceUnavailable(
                f"{len(self._untold)} alarms could be told to nobody; it is tried again.",
                do_next="Try `beamkeeper watch --test`.",
            )
        self._untold = ()
        return ""


class HangDuty:
    """Tells when a look hangs: a watcher that waits for ever would be as silent as one that sees nothing.

    Parameters
    ----------
    tell
        As for `WatchDuty`.
    """

    name = "watch, whether it hangs"
    retry_s = RETRY_S

    def __init__(
        self,
        watcher: Watcher,
        tell: Callable[[tuple[Telling, ...]], bool],
        *,
        silent_s_max: float = SILENT_S_MAX,
    ) -> None:
        self._watcher, self._tell, self._silent_s_max = watcher, tell, silent_s_max
        self._alarms: tuple[OpenAlarm, ...] = ()

    def wait_s(self, _clock: Clock) -> float:
        """Return how long the next look at the watcher can wait."""
        return 0.0 if self._hangs() or self._alarms else LOOK_AGAIN_S

    def _hangs(self) -> bool:
        return self._watcher.silent_s() > self._silent_s_max

    def work(self, clock: Clock) -> str:
        """Tell that a look hangs, again while it does, and when it goes on.

        Raises
        ------
        SourceUnavailable
            Nobody could be reached.
        """
        findings = (_HANGS,) if self._hangs() else ()
        repeat_every = self._watcher.watch.rule.repeat_every
        tellings, alarms = told(self._alarms, findings, repeat_every=repeat_every, now=clock.now())
        if tellings and not self._tell(tellings):
            raise SourceUnavailable("A look hangs, and nobody could be told; it is tried again.")
        self._alarms = alarms
        return ""


LINES_MAX = 6
"""Alarms told one by one in a call; more are counted."""


def call_people(watch: WatchFile, tellings: Sequence[Telling], now: datetime) -> dict[str, str]:
    """Tell people through every channel of the watcher's file; return the channels that failed, and why."""
    if not tellings or not watch.alerts:
        return {}
    lines = [telling.in_words() for telling in tellings[:LINES_MAX]]
    if len(tellings) > LINES_MAX:
        lines.append(f"and {len(tellings) - LINES_MAX} more: beamkeeper watch --once")
    over = all(telling.kind is TellingKind.OVER for telling in tellings)
    return _call(watch, "\n".join(lines), Severity.NOTICE if over else Severity.ALERT, now)


def try_channels(watch: WatchFile, now: datetime) -> dict[str, str]:
    """Send a test through every channel; return those that failed, and why."""
    text = "A test of the outside watcher: nothing is wrong, nothing is to be done."
    return _call(watch, text, Severity.NOTICE, now)


def _call(watch: WatchFile, text: str, severity: Severity, now: datetime) -> dict[str, str]:
    alert = Alert(
        kind="watch", severity=severity, site=watch.name, night="", text=text[:TEXT_CHARACTERS_MAX], at=now
    )
    return through([(section, watch.call) for section in watch.alerts], watch.mail, alert).failed
