"""The worker's side: ask the watchdog, hold the connection as long as the network is needed."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from beamkeeper.errors import WindowUnavailable
from beamkeeper.protect.isolate.facts import WindowReading, WindowState
from beamkeeper.protect.isolate.words import (
    LINE_BYTES_MAX,
    Answer,
    Asked,
    Wish,
    ask_in_words,
    read_answer,
)

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

ANSWER_S_MAX = 60.0
"""Longer than a driver and a cable need to come up, and the nightly's first question may wait for both."""


class GuardedWindow:
    """The window as the watchdog gives it; shut when this process ends, however it ends.

    Parameters
    ----------
    path
        The watchdog's socket.
    """

    is_guarded = True

    def __init__(self, path: Path, *, answer_s: float = ANSWER_S_MAX) -> None:
        self._path = path
        self._answer_s = answer_s
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()  # several patients are collected at a time

    def open(self, until: datetime) -> None:
        """Have the network until `until` at most; asked again, the watchdog looks again."""
        with self._lock:
            answer = self._ask(Asked(Wish.OPEN, until))
        if answer.reading.state is not WindowState.OPEN:
            raise WindowUnavailable(f"The network window is not open: {answer.reading.text}.")

    def close(self) -> None:
        """Give the network back; shut when nobody else holds it."""
        with self._lock:
            if self._connection is None:
                return
            try:
                answer = self._ask(Asked(Wish.CLOSE))
            finally:
                self._hang_up()
        if answer.reading.state is not WindowState.CLOSED and not answer.held_by:
            raise WindowUnavailable(f"The network window is not shut: {answer.reading.text}.")

    def shut(self) -> WindowReading:
        """Shut the window whoever holds it; for root."""
        with self._lock:
            try:
                return self._ask(Asked(Wish.SHUT)).reading
            finally:
                self._hang_up()

    def reading(self) -> WindowReading:
        """Return where the window stands."""
        return self.answer().reading

    def answer(self) -> Answer:
        """Return where the window stands, and how many hold it."""
        with self._lock:
            held = self._connection is not None
            try:
                return self._ask(Asked(Wish.STATUS))
            finally:
                if not held:
                    self._hang_up()

    def _ask(self, asked: Asked) -> Answer:
        if self._connection is not None:
            try:
                return self._exchange(self._connection, asked)
            except OSError:  # the watchdog began anew, with the window shut
                self._hang_up()
        try:
            self._connection = self._call()
            return self._exchange(self._connection, asked)
        except OSError as error:
            self._hang_up()
            raise WindowUnavailable(
                f"What keeps the network window does not answer: {error.strerror or error}.",
                do_next="See `systemctl status beamkeeper-window`; without it the network stays shut.",
            ) from error

    def _call(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        connection.settimeout(self._answer_s)
        try:
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        return connection

    def _exchange(self, connection: socket.socket, asked: Asked) -> Answer:
        connection.sendall(ask_in_words(asked))
        line = b""
        while not line.endswith(b"\n"):
            more = connection.recv(LINE_BYTES_MAX)
            if not more or len(line) > LINE_BYTES_MAX:
                raise ConnectionResetError("it hung up")
            line += more
        return read_answer(line)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
