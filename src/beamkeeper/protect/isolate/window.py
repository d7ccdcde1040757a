"""The window itself: opened and closed in a fixed order, and believed only when the kernel says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.errors import WindowUnavailable
from beamkeeper.protect.isolate.facts import WindowReading, WindowState, judge
from beamkeeper.protect.isolate.rules import LEASE, render_closed, render_open

if TYPE_CHECKING:
    from datetime import timedelta

    from beamkeeper.protect.isolate.kernel import Kernel
    from beamkeeper.protect.isolate.plan import WindowPlan


class Window:
    """One network window; needs root. Not for the worker: the watchdog holds it (`guard`).

    Parameters
    ----------
    lease
        How long the kernel lets it be open without `renew`.
    """

    def __init__(self, plan: WindowPlan, kernel: Kernel, *, lease: timedelta = LEASE) -> None:
        self._plan = plan
        self._kernel = kernel
        self._lease = lease

    def reading(self) -> WindowReading:
        """Return where the window stands, read from the kernel now."""
        interface = self._plan.interface
        return judge(self._kernel.rules(), self._kernel.link(interface), interface)

    def open(self, *, for_at_most: timedelta) -> WindowReading:
        """Open the window; the kernel shuts it after the lease, or after `for_at_most` if that is sooner.

        The rules come last: while the card comes up, nothing passes.

        Raises
        ------
        WindowUnavailable
            It did not come open; then it was shut again.
        """
        plan = self._plan
        try:
            self._kernel.load_rules(render_closed())
            self._kernel.forget_connections()
            if plan.driver is not None:
                self._kernel.load_driver(plan.driver, plan.interface)
            self._kernel.set_link_up(plan.interface, plan.own_addresses, plan.gateways)
            self._kernel.load_rules(self._open_rules(for_at_most))
            return self._verified(WindowState.OPEN)
        except WindowUnavailable:
            self.close()
            raise

    def renew(self, *, for_at_most: timedelta) -> WindowReading:
        """Let an open window be open for another lease.

        Raises
        ------
        WindowUnavailable
            It is not open now.
        """
        self._kernel.load_rules(self._open_rules(for_at_most))
        return self._verified(WindowState.OPEN)

    def close(self) -> WindowReading:
        """Shut the window; harmless when it is shut.

        The rules come first: from then on nothing passes, and what was going on is cut.

        Raises
        ------
        WindowUnavailable
            The kernel does not say that it is shut. Every step was tried all the same.
        """
        plan = self._plan
        steps = [
            lambda: self._kernel.load_rules(render_closed()),
            lambda: self._kernel.set_link_down(plan.interface),
            self._kernel.forget_connections,
        ]
        if plan.driver is not None:
            driver = plan.driver
            steps.append(lambda: self._kernel.unload_driver(driver, plan.interface))
        failures: list[WindowUnavailable] = []
        for step in steps:
            try:
                step()
            except WindowUnavailable as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return self._verified(WindowState.CLOSED)

    def _open_rules(self, for_at_most: timedelta) -> str:
        return render_open(self._plan, lease=min(self._lease, for_at_most))

    def _verified(self, wanted: WindowState) -> WindowReading:
        reading = self.reading()
        if reading.state is not wanted:
            raise WindowUnavailable(
                f"The window should be {wanted.value}; the kernel says: {reading.text}.",
                do_next="See `beamkeeper window status` and the log of beamkeeper-window.",
            )
        return reading
