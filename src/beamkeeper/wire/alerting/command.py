"""A command on this machine: a siren, a lamp, a relay, a modem that calls."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.alerting.channel import SEND_S_MAX

if TYPE_CHECKING:
    from beamkeeper.wire.alerting.channel import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandChannel:
    """One command; never a shell's line.

    Attributes
    ----------
    arguments
        Program and arguments, as the site file has them; nothing of an alert is put among them.
    """

    name: str
    arguments: tuple[str, ...]
    answer_s_max: float = SEND_S_MAX

    def send(self, alert: Alert) -> None:
        """Run the command with the text on its standard input and kind and night in its environment.

        Raises
        ------
        SourceUnavailable
            It is not there, ended with an error, or did not end in time; then it was killed with all
            that it started.
        """
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "BEAMKEEPER_ALERT_KIND": alert.kind,
            "BEAMKEEPER_ALERT_NIGHT": alert.night,
        }
        try:
            process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            raise self._failed(f"it cannot be started ({why})") from error
        try:
            process.communicate((alert.text + "\n").encode(), timeout=self.answer_s_max)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise self._failed(f"it did not end within {self.answer_s_max:.0f} s") from error
        if process.returncode != 0:
            raise self._failed(f"it ended with status {process.returncode}")

    def reach(self) -> None:
        """Look whether the program is there and may be run; it is not.

        Raises
        ------
        SourceUnavailable
            It is not, or may not.
        """
        if shutil.which(self.arguments[0]) is None:
            raise self._failed("there is no such program, or it may not be run")

    def _failed(self, why: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"The alert channel {self.name} failed: {why}.",
            do_next="Try `beamkeeper alert test`, and the command itself.",
        )
