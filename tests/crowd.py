"""Runs the tests in several processes, forked once everything is collected: `-p tests.crowd --crowd 4`.

Collecting costs 14 s of CPU, and more than twice that in a fresh clone; here it is done once instead of
by each. A process takes the tests of one module or class after the other, whatever is next, and tells the
first one how each ended. What a process that died left undone has failed.
"""

from __future__ import annotations

import os
import sys
import traceback
from itertools import groupby
from multiprocessing.connection import Pipe, wait
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

NUMBER_BYTES = 4
"""A group's number in the pipe from which all processes read."""
GROUPS_MAX = 65536 // NUMBER_BYTES
"""What fits into a pipe."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--crowd", type=int, default=1, metavar="N", help="run the tests in N processes")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run everything in N processes; leave it to pytest where there is nothing to share."""
    count = session.config.getoption("crowd")
    if count < 2 or session.testsfailed or session.config.option.collectonly:
        return None
    groups = [list(items) for _, items in groupby(session.items, lambda item: item.parent)]
    assert len(groups) <= GROUPS_MAX
    to_do, filled = os.pipe()
    os.write(filled, b"".join(number.to_bytes(NUMBER_BYTES, "big") for number in range(len(groups))))
    os.close(filled)
    sys.stdout.flush()
    sys.stderr.flush()
    basetemp = _temporary(session).getbasetemp()
    crowd: dict[Connection, int] = {}
    for number in range(count):
        said, tell = Pipe(duplex=False)
        pid = os.fork()
        if not pid:
            for other in crowd:
                other.close()  # so that a process notices when the first one is gone
            _work(session, basetemp / f"process-{number}", _next_items(groups, to_do), tell)
        tell.close()
        crowd[said] = pid
    _listen(session, crowd, to_do)
    return True


def _temporary(session: pytest.Session) -> pytest.TempPathFactory:
    return cast("Any", session.config)._tmp_path_factory  # type: ignore[no-any-return]


class _Teller:
    """Tells the first process what happens in this one."""

    def __init__(self, config: pytest.Config, tell: Connection) -> None:
        self._config, self._tell = config, tell

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._tell.send(("begun", nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        hook = self._config.hook
        self._tell.send(("report", hook.pytest_report_to_serializable(config=self._config, report=report)))

    def pytest_runtest_logfinish(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._tell.send(("ended", (nodeid, location)))


def _work(session: pytest.Session, folder: Path, items: Iterator[pytest.Item], tell: Connection) -> None:
    """Run test after test in this process, and end it, whatever happens."""
    config = session.config
    status = 1
    try:
        folder.mkdir(mode=0o700)
        _temporary(session)._basetemp = folder  # pytest has no other way
        captured = cast("Any", config.pluginmanager.getplugin("capturemanager"))
        captured.stop_global_capturing()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # only the first process writes to the terminal
        captured.start_global_capturing()
        captured.suspend_global_capture()
        config.pluginmanager.register(_Teller(config, tell))
        item = next(items, None)
        while item is not None:
            following = next(items, None)
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            item = following
        status = 0
        tell.send(("over", None))  # what a test left running may hold this end of the pipe
    except BaseException:  # noqa: BLE001 - it is told, and this process never goes on above
        traceback.print_exc()
    finally:
        try:
            session._setupstate.teardown_exact(None)  # servers end too, however this came to its end
        finally:
            sys.stderr.flush()
            os._exit(status)


def _next_items(groups: list[list[pytest.Item]], to_do: int) -> Iterator[pytest.Item]:
    while number := os.read(to_do, NUMBER_BYTES):
        yield from groups[int.from_bytes(number, "big")]


def _listen(session: pytest.Session, crowd: dict[Connection, int], to_do: int) -> None:
    """Tell pytest what the processes tell, until all have ended."""
    undone = {item.nodeid: item for item in session.items}
    begun: dict[Connection, str] = {}
    statuses: dict[str, int] = {}
    while crowd:
        for said in cast("list[Connection]", wait(list(crowd))):
            try:
                kind, what = said.recv()
            except EOFError:
                kind, what = "over", None
            if kind == "over":
                _, status = os.waitpid(crowd.pop(said), 0)
                statuses[begun.get(said, "")] = os.waitstatus_to_exitcode(status)
            elif kind == "begun":
                begun[said] = what
            elif kind == "ended":
                undone.pop(what[0], None)
                session.config.hook.pytest_runtest_logfinish(nodeid=what[0], location=what[1])
            else:
                _report(session.config, what)
        if session.shouldfail or session.shouldstop:
            while os.read(to_do, GROUPS_MAX):
                pass  # each process ends after the group in hand
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)
    for nodeid, item in undone.items():
        ended = f"with status {statuses[nodeid]} in this test" if nodeid in statuses else "before this test"
        words = f"The process that was to run it ended {ended}."
        report = pytest.TestReport(nodeid, item.location, {}, "failed", words, "call")
        session.config.hook.pytest_runtest_logreport(report=report)


def _report(config: pytest.Config, data: dict[str, Any]) -> None:
    report = config.hook.pytest_report_from_serializable(config=config, data=data)
    config.hook.pytest_runtest_logreport(report=report)
