"""The night as a durable workflow: a process that dies at any point is taken up where it stopped.

DBOS keeps which steps are done; every step is idempotent, because the one that was interrupted runs
again. A run is known by its site and local date, so 02:00 that comes twice, or not at all, is one run, and
sites may share one jobs database: each is an application of its own there, with its own workflows and queue.

Settled in `docs/decisions`: JSON instead of pickle in the workflow database; `application_version`
and `executor_id` fixed, so that an upgrade, a new process or a renamed computer strands nothing; never
the enterprise extra. DBOS takes up every workflow that did not end: those of an earlier night or attempt
are ended at once, because the steps at hand belong to this one.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, PortableWorkflowError, SetWorkflowID

from beamkeeper.errors import BeamkeeperError, ConfigError, NightInterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

WORKFLOW_VERSION = "3"
"""Changes only when the order of steps changes; a run begun under another version is begun anew."""
POLL_S = 0.2
ATTEMPTS_MAX = 99
EXECUTOR = "collector"
"""The lock of the site lets one process work at a time, so whoever works is the same executor."""
FINISH_S_MAX = 30
"""How long patients in hand may go on after the night failed."""
LAUNCH_S_MAX = 60.0
SITE_CHARACTERS_MAX = 60
"""Of a site's name, in what DBOS calls its application; the rest of it tells sites of one name apart."""
KEY_CHARACTERS = 16

MILLISECONDS_FROM_PYTHON, MILLISECONDS_IN_SQLITE = (3, 12), (3, 42)
"""From which Python on DBOS wants which SQLite."""

Facts = dict[str, object]


class NightSteps(Protocol):
    """What the workflow calls, in this order; each step is idempotent and returns small JSON facts."""

    def open(self) -> Facts:
        """Begin, or begin again; `{"apart": True}` when all are collected before any is looked at."""

    def census(self) -> Facts:
        """Return `{"pseudonyms": [...]}`."""

    def collect(self, pseudonym: str) -> Facts:
        """Collect one patient, for a look without the network."""

    def documents(self) -> Facts:
        """Fetch everybody's documents; only where `open` said `{"documents": True}`."""

    def leave(self) -> Facts:
        """Give the network back."""

    def look(self, pseudonym: str) -> Facts:
        """Compare one patient; collect them first, if that is not done."""

    def judge(self) -> Facts:
        """Return `{"alarm": ""}` or why nothing may be sealed, and whom only objects named: `unlisted`."""

    def seal(self, pseudonym: str) -> Facts:
        """Seal one patient."""

    def publish(self) -> Facts:
        """Name tonight's parcels in signed metadata."""

    def report(self) -> Facts:
        """Write the report; return the outcome."""

    def close(self) -> Facts:
        """Tidy up."""


_steps: NightSteps | None = None
"""The night this process works on; set before DBOS starts, because it resumes workflows at once."""
_on_step: Callable[[str, str], None] = lambda _name, _phase: None  # noqa: E731 - replaced by `run`
_failure: BeamkeeperError | None = None
"""The error that ended the workflow, whole: DBOS keeps only its words."""
_site = ""
"""What `site_key` calls the site of the night."""
_key_at_work = ""
_key_is_known = threading.Event()
"""Workflows taken up again start while DBOS launches, before we could look which attempt this is."""


def _verify_at_work(workflow_id: str) -> None:
    """End a workflow of an earlier night or attempt: it would work on tonight's notes."""
    _key_is_known.wait(LAUNCH_S_MAX)
    if workflow_id != _key_at_work and not workflow_id.startswith(f"{_key_at_work}/"):
        raise NightInterrupted("Another attempt took the place of this one.")


class _NightLeftError(BaseException):
    """Ends a thread for whose night this process does nothing more: it was interrupted.

    No `Exception`: DBOS would write one down as how the workflow ended, and it is to be taken up again.
    """


def _step(name: str, work: Callable[[NightSteps], Facts]) -> Facts:
    def body() -> Facts:
        global _failure  # noqa: PLW0603
        if _steps is None:
            raise _NightLeftError
        _on_step(name, "begin")
        try:
            facts = work(_steps)
        except BeamkeeperError as error:
            _failure = error
            raise
        _on_step(name, "done")
        return facts

    facts: Facts = DBOS.run_step({"name": name}, body)
    _on_step(name, "kept")
    return facts


@DBOS.workflow(name="collect one patient")
def _collect(pseudonym: str) -> Facts:
    _verify_at_work(str(DBOS.workflow_id))
    return _step("collect", lambda steps: steps.collect(pseudonym))


@DBOS.workflow(name="look at one patient")
def _look(pseudonym: str) -> Facts:
    _verify_at_work(str(DBOS.workflow_id))
    return _step("look", lambda steps: steps.look(pseudonym))


@DBOS.workflow(name="seal one patient")
def _seal(pseudonym: str) -> Facts:
    _verify_at_work(str(DBOS.workflow_id))
    return _step("seal", lambda steps: steps.seal(pseudonym))


@DBOS.workflow(name="night")
def _night(key: str) -> Facts:
    _verify_at_work(key)
    opened = _step("open", lambda steps: steps.open())
    listed = _step("census", lambda steps: steps.census())
    pseudonyms = [str(item) for item in _as_list(listed["pseudonyms"])]
    if opened["apart"]:
        _for_each(key, "collect", _collect, pseudonyms)
        _documents(opened)
        _step("leave", lambda steps: steps.leave())
    _for_each(key, "look", _look, pseudonyms)
    if not opened["apart"]:
        _documents(opened)
    alarm = _step("judge", lambda steps: steps.judge())
    if not alarm["alarm"]:
        unlisted = [str(item) for item in _as_list(alarm.get("unlisted"))]
        _for_each(key, "seal", _seal, [*pseudonyms, *unlisted])
        _step("publish", lambda steps: steps.publish())
    outcome = _step("report", lambda steps: steps.report())
    _step("close", lambda steps: steps.close())
    return outcome


def _documents(opened: Facts) -> None:
    if opened.get("documents"):
        _step("documents", lambda steps: steps.documents())


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _for_each(key: str, verb: str, workflow: Callable[[str], Facts], pseudonyms: list[str]) -> None:
    """Run one child workflow a patient, as many at a time as the queue allows, and wait for all."""
    handles = []
    for pseudonym in pseudonyms:
        with SetWorkflowID(f"{key}/{verb}/{pseudonym}"):
            handles.append(DBOS.enqueue_workflow(_queue(), workflow, pseudonym))
    for handle in handles:
        handle.get_result(polling_interval_sec=POLL_S)


def _queue() -> str:
    return f"patients of {_site}"


def verify_sqlite(jobs_url: str, *, python: tuple[int, ...], sqlite: tuple[int, ...]) -> None:
    """Raise ConfigError where DBOS would write what this computer's SQLite does not understand.

    From Python 3.12 on it asks for times in milliseconds, which SQLite has since 3.42; what Linux
    distributions ship fits together, a Python built by hand may not.
    """
    too_old = python >= MILLISECONDS_FROM_PYTHON and sqlite < MILLISECONDS_IN_SQLITE
    if too_old and jobs_url.startswith("sqlite"):
        here, needed = (".".join(map(str, version)) for version in (sqlite, MILLISECONDS_IN_SQLITE))
        raise ConfigError(
            f"Python {python[0]}.{python[1]} stands here on SQLite {here}; with it the night needs {needed}.",
            do_next="Use Python 3.11 or the one of your distribution, or name PostgreSQL as jobs_url.",
        )


@contextmanager
def _launched(jobs_url: str, parallel_patients: int) -> Iterator[None]:
    config: DBOSConfig = {
        "name": f"beamkeeper-{_site}",
        "system_database_url": jobs_url,
        "application_version": f"{WORKFLOW_VERSION} of {_site}",  # unique in a database, as queues are
        "executor_id": EXECUTOR,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "CRITICAL",
        "notification_listener_polling_interval_sec": POLL_S,
    }
    logging.getLogger("dbos").setLevel(logging.CRITICAL)
    DBOS(config=config)
    in_hand_s: int | None = 0
    try:
        DBOS.launch()
        DBOS.register_queue(_queue(), worker_concurrency=parallel_patients, polling_interval_sec=POLL_S)
        yield
    except BeamkeeperError:
        in_hand_s = FINISH_S_MAX
        raise
    except KeyboardInterrupt:
        in_hand_s = None  # the process ends at once; to destroy waits ten seconds for each of its threads
        raise
    finally:
        if in_hand_s is not None:
            DBOS.destroy(workflow_completion_timeout_sec=in_hand_s)


def site_key(name: str, root_public_key: str) -> str:
    """Return what a site is called in its jobs database: its name for people, the key for certainty."""
    readable = re.sub(r"[^a-z0-9]+", "-", name.casefold())[:SITE_CHARACTERS_MAX].strip("-")
    return f"{readable}-{root_public_key[:KEY_CHARACTERS]}".lstrip("-")


def run(
    steps: NightSteps,
    *,
    site: str,
    run_on: date,
    anew: bool,
    jobs_url: str,
    parallel_patients: int,
    on_step: Callable[[str, str], None] = lambda _name, _phase: None,
) -> Facts:
    """Run the night of `run_on` to its end, taking up what an earlier process left; return its outcome.

    A night that ended whole is not run twice; one that ended incomplete is tried again as a new
    attempt, which collects only what is missing.

    Parameters
    ----------
    site
        From `site_key`.
    anew
        Whether an attempt that did not end is given up, because what its steps left is gone.
    on_step
        Called with a step's name and "begin", "done" (the work is) or "kept" (so is its result).
    """
    global _steps, _on_step, _failure, _key_at_work, _site  # noqa: PLW0603 - DBOS workflows are module functions by design
    verify_sqlite(jobs_url, python=sys.version_info[:2], sqlite=sqlite3.sqlite_version_info)
    _steps, _on_step, _failure, _site = steps, on_step, None, site
    _key_is_known.clear()
    try:
        with _launched(jobs_url, parallel_patients):
            key = _key_at_work = _key(run_on, anew=anew)
            _key_is_known.set()
            with SetWorkflowID(key):
                handle = DBOS.start_workflow(_night, key)
            try:
                facts: Facts = handle.get_result(polling_interval_sec=POLL_S)
            except PortableWorkflowError as error:
                raise _ended_by(error) from error
            return facts
    finally:
        _steps = None


def _key(run_on: date, *, anew: bool) -> str:
    """Return the workflow id to run: the last attempt of that date if it may go on, else the next."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        key = f"{_site}/night-{run_on.isoformat()}" + (f".{attempt}" if attempt > 1 else "")
        status = DBOS.get_workflow_status(key)
        if status is None or (status.status in {"PENDING", "ENQUEUED"} and not anew):
            return key
    raise NightInterrupted(
        f"The night of {run_on} was tried {ATTEMPTS_MAX} times.",
        do_next="See `beamkeeper status` for why it does not end, and start again tomorrow.",
    )


def _ended_by(error: PortableWorkflowError) -> BeamkeeperError:
    """Return our own error if it was raised in this process, else its words."""
    return _failure or NightInterrupted(f"The night stopped: {error.message}")
