"""Says where the processor's time of a run went: `./dev test --where`.

Each test counts what its process used, and all those below it; what tests share, a session's fixture, counts
for the first that asked, in each process of the crowd again.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
LINES = 60
"""Files shown, and fixtures."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--where", action="store_true", help="say which files and fixtures used the processor")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("where"):
        config.pluginmanager.register(_Meter())


def _cpu_s(process: str = "self") -> float:
    """Return what a process used, and all below it: those that ended are in its own numbers."""
    try:
        words = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
        children = [path.read_text("utf-8") for path in Path(f"/proc/{process}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # it ended meanwhile
    own_s = sum(map(int, words[11:15])) / TICKS_A_SECOND
    return own_s + sum(_cpu_s(child) for child in " ".join(children).split())


class _Meter:
    """Measures in the processes that test; adds up in the first one, which hears every report."""

    def __init__(self) -> None:
        self._mark_s = 0.0
        self._made: list[tuple[str, float]] = []
        self._cpu_s: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._fixtures: defaultdict[str, list[float]] = defaultdict(list)

    def pytest_runtest_logstart(self) -> None:
        self._mark_s = _cpu_s()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[object]:
        before_s = _cpu_s()
        try:
            return (yield)
        finally:
            self._made.append((f"{fixturedef.argname} ({fixturedef.scope})", _cpu_s() - before_s))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[pytest.TestReport]:
        report: pytest.TestReport = yield
        now_s = _cpu_s()
        report.cpu_s, report.made = now_s - self._mark_s, self._made  # type: ignore[attr-defined]
        self._mark_s, self._made = now_s, []
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not hasattr(report, "cpu_s"):
            return  # made up for a test whose process has died
        file = self._cpu_s[report.nodeid.partition("::")[0]]
        file[report.when] += report.cpu_s
        file["all"] += report.cpu_s
        file["wall"] += report.duration
        for name, used_s in report.made:  # type: ignore[attr-defined]
            self._fixtures[name].append(used_s)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        say = terminalreporter.write_line
        terminalreporter.section("where the processor's time went")
        say(f"{sum(file['all'] for file in self._cpu_s.values()):8.1f} s in tests, without collecting them")
        say("     CPU     setup      wall  file")
        for name, file in sorted(self._cpu_s.items(), key=lambda each: -each[1]["all"])[:LINES]:
            say(f"{file['all']:8.1f}  {file['setup']:8.1f}  {file['wall']:8.1f}  {name}")
        say("     CPU      made  fixture")
        for name, used in sorted(self._fixtures.items(), key=lambda each: -sum(each[1]))[:LINES]:
            say(f"{sum(used):8.1f}  {len(used):8}  {name}")
