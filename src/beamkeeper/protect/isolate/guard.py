"""The watchdog: a small root process that alone may open the window, and shuts it whatever happens.

It shuts it when the time asked for is over, when whoever asked closes the connection or dies (the
kernel tells both), when it is told to stop, and when it starts. While the window is open it renews the
lease in the rules; were the watchdog itself killed or stuck, the kernel shuts the window when the lease
is over, without anybody's help (`rules.LEASE`).

Time is counted by the clock that goes on while the computer sleeps and that nobody can set; only the
hours of the site file are looked up on the wall.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import struct
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.errors import WindowUnavailable
from beamkeeper.protect.isolate.facts import WindowState
from beamkeeper.protect.isolate.service import tell_systemd
from beamkeeper.protect.isolate.words import (
    LINE_BYTES_MAX,
    Answer,
    Asked,
    Wish,
    answer_in_words,
    read_asked,
    refusal_in_words,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from beamkeeper.clock import Clock
    from beamkeeper.protect.isolate.plan import WindowPlan
    from beamkeeper.protect.isolate.window import Window

TICK_S = 1.0
"""How late a deadline may be noticed; also how often systemd hears that we live."""
LOOK_S = 5.0
"""How often a window that should be shut is looked at, and shut again when it is not."""
CONNECTIONS_MAX = 8
RENEWALS_PER_LEASE = 3
ROOT = 0


@dataclass
class _Asker:
    """One connection, and the process behind it.

    Attributes
    ----------
    ends_at_s
        Until when it has the window open, by `_now_s`; None when it does not.
    """

    connection: socket.socket
    process: int
    pid: int
    uid: int
    received: bytes = b""
    ends_at_s: float | None = None


class Guard:
    """Serves askers over a Unix socket until it is stopped; leaves the window shut.

    Parameters
    ----------
    listener
        A listening Unix socket.
    allowed_uids
        Who may ask, by the word of the kernel (SO_PEERCRED); root always may.
    lease
        How long the kernel lets the window be open without us.
    log
        Takes one sentence for the journal.
    """

    def __init__(
        self,
        plan: WindowPlan,
        window: Window,
        listener: socket.socket,
        *,
        allowed_uids: frozenset[int],
        clock: Clock,
        lease: timedelta,
        log: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._window = window
        self._listener = listener
        self._allowed_uids = allowed_uids | {ROOT}
        self._clock = clock
        self._renew_s = lease.total_seconds() / RENEWALS_PER_LEASE
        self._log = log
        self._askers: dict[int, _Asker] = {}
        self._selector = selectors.DefaultSelector()
        self._is_open = True  # until the kernel says otherwise
        self._renew_at_s = 0.0
        self._look_at_s = 0.0
        self._stopping = False

    def stop(self) -> None:
        """Have `run` end at its next turn; may be called from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Shut the window, then serve until stopped; shut it again, whatever ended us."""
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        try:
            self._window.close()  # a watchdog that cannot shut it must not look alive
            self._is_open = False
            self._log("the window is shut")
            tell_systemd("READY=1")
            while not self._stopping:
                for key, _ in self._selector.select(min(TICK_S, self._renew_s)):
                    self._answer(key)
                self._turn()
                tell_systemd("WATCHDOG=1")
        finally:
            self._shut("at the end")
            for asker in tuple(self._askers.values()):
                self._leave(asker)
            self._selector.close()

    # Askers --------------------------------------------------------------------------------------

    def _answer(self, key: selectors.SelectorKey) -> None:
        if key.fileobj is self._listener:
            self._welcome()
            return
        asker = self._askers.get(key.data)
        if asker is None:  # it left earlier in this turn
            return
        if key.fd == asker.process:
            if asker.ends_at_s is not None:
                self._log(f"process {asker.pid} is gone")
            self._leave(asker)
        else:
            self._hear(asker)

    def _welcome(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # gone before we looked
            return
        pid, uid, _ = struct.unpack(
            "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        )
        is_full = len(self._askers) >= CONNECTIONS_MAX and uid != ROOT  # a crowd does not keep root out
        if uid not in self._allowed_uids or is_full:
            self._log(f"user {uid} (process {pid}) was turned away")
            connection.close()
            return
        try:
            process = os.pidfd_open(pid)
        except OSError:  # dead already
            connection.close()
            return
        connection.setblocking(False)
        asker = _Asker(connection=connection, process=process, pid=pid, uid=uid)
        self._askers[process] = asker
        self._selector.register(connection, selectors.EVENT_READ, data=process)
        self._selector.register(process, selectors.EVENT_READ, data=process)

    def _hear(self, asker: _Asker) -> None:
        try:
            more = asker.connection.recv(LINE_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        asker.received += more
        if not more or len(asker.received) > LINE_BYTES_MAX:
            if asker.ends_at_s is not None:
                self._log(f"process {asker.pid} hung up")
            self._leave(asker)
            return
        while b"\n" in asker.received and asker.process in self._askers:
            line, _, asker.received = asker.received.partition(b"\n")
            self._say(asker, self._obey(asker, line))

    def _say(self, asker: _Asker, line: bytes) -> None:
        try:
            asker.connection.send(line)
        except OSError:  # it does not listen: BlockingIOError is one too
            self._leave(asker)

    def _leave(self, asker: _Asker) -> None:
        del self._askers[asker.process]
        self._selector.unregister(asker.connection)
        self._selector.unregister(asker.process)
        asker.connection.close()
        os.close(asker.process)

    # What is asked -------------------------------------------------------------------------------

    def _obey(self, asker: _Asker, line: bytes) -> bytes:
        try:
            asked = read_asked(line)
        except ValueError:
            return refusal_in_words(WindowUnavailable("That was no question the watchdog knows."))
        try:
            if asked.wish is Wish.OPEN:
                self._hold(asker, asked)
            elif asked.wish is Wish.CLOSE:
                asker.ends_at_s = None
            elif asked.wish is Wish.SHUT:
                self._give_up(asker)
            self._settle()
            reading = self._window.reading()
        except WindowUnavailable as error:
            asker.ends_at_s = None
            self._log(f"refused process {asker.pid}: {error.message}")
            return refusal_in_words(error)
        held_by = sum(other.ends_at_s is not None for other in self._askers.values())
        return answer_in_words(Answer(reading=reading, held_by=held_by))

    def _hold(self, asker: _Asker, asked: Asked) -> None:
        assert asked.until is not None  # noqa: S101 - `read_asked` gave it
        now = self._clock.now()
        plan = self._plan if asker.uid != ROOT else replace(self._plan, open_times=())
        until = plan.openable_until(asked.until, now=now)
        if until is None:
            raise WindowUnavailable(
                "The window may not be open at this hour, or until an hour that is past.",
                do_next="The hours are in the site file: [window] open_times; root may open it at any hour.",
            )
        asker.ends_at_s = _now_s() + (until - now).total_seconds()
        self._renew_at_s = 0.0  # look at once whether it is as open as we think
        self._log(f"open for user {asker.uid} (process {asker.pid}) until {_said(until)}")

    def _give_up(self, asker: _Asker) -> None:
        if asker.uid != ROOT:
            raise WindowUnavailable("Only root may shut the window for everybody.")
        self._log(f"shut for everybody by root (process {asker.pid})")
        for other in self._askers.values():
            other.ends_at_s = None

    # The window ----------------------------------------------------------------------------------

    def _turn(self) -> None:
        """Do what time asks for: shut what is over, renew what is not, look whether shut is shut."""
        now_s = _now_s()
        for asker in self._askers.values():
            if asker.ends_at_s is not None and asker.ends_at_s <= now_s:
                asker.ends_at_s = None
                self._log(f"the time of process {asker.pid} is over")
        try:
            self._settle()
            if not self._is_open and now_s >= self._look_at_s:
                self._look(now_s)
        except WindowUnavailable as error:
            self._log(f"{error.message} {error.do_next}")
            for asker in self._askers.values():
                asker.ends_at_s = None
            self._shut("because it did not obey")

    def _settle(self) -> None:
        """Bring the window to where those who ask want it: open for the longest of them, or shut."""
        now_s = _now_s()
        left_s = max(
            (a.ends_at_s - now_s for a in self._askers.values() if a.ends_at_s is not None), default=0
        )
        if left_s <= 0:
            if self._is_open:
                self._shut("because nobody holds it")
        elif not self._is_open:
            self._open(left_s)
        elif now_s >= self._renew_at_s:
            self._window.renew(for_at_most=timedelta(seconds=left_s))
            self._renew_at_s = now_s + self._renew_s

    def _open(self, left_s: float) -> None:
        self._is_open = True  # whatever comes of it, it is to be shut
        self._window.open(for_at_most=timedelta(seconds=left_s))
        self._renew_at_s = _now_s() + self._renew_s
        self._log("the window is open")

    def _look(self, now_s: float) -> None:
        self._look_at_s = now_s + LOOK_S
        reading = self._window.reading()
        if reading.state is not WindowState.CLOSED:
            self._log(f"the window should be shut: {reading.text}")
            self._shut("again")

    def _shut(self, why: str) -> None:
        try:
            self._window.close()
        except WindowUnavailable as error:
            self._log(f"the window does not shut: {error.message}")
            return
        self._is_open = False
        self._log(f"the window is shut, {why}")


def listen(path: str, *, gid: int) -> socket.socket:
    """Return the listening socket at `path`, for root and one group; an old one there is replaced."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - a socket's path is text
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    before = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(before)
    os.chown(path, 0, gid)
    os.chmod(path, 0o660)  # noqa: PTH101 - the worker's group may ask
    listener.listen(CONNECTIONS_MAX)
    return listener


def _now_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _said(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
