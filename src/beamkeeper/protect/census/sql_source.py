"""The list from an OIS database, through the site's mapping."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import SourceUnavailable
from beamkeeper.protect.census.asking import Asking
from beamkeeper.protect.census.ois_rules import answer_from_rows
from beamkeeper.protect.census.self_check import self_check
from beamkeeper.wire.sql import oldest_report, open_source

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.protect.census.mapping import OisMapping
    from beamkeeper.protect.census.self_check import SelfCheck
    from beamkeeper.protect.census.source import CensusWindow, SourceAnswer
    from beamkeeper.wire.sql import OpenSource

REPORT_AGE_MAX: Final = timedelta(hours=36)
"""CSV reports that were written longer ago are no answer: somebody scheduled them for every day."""


class SqlSource:
    """Asks one OIS database.

    Parameters
    ----------
    mapping
        Where this OIS keeps what is asked (docs/formats/ois-mapping.md).
    url, secret, timeout_s, read_only
        As in `beamkeeper.wire.sql.open_source`.
    name
        What the source is called on the report; "" for the mapping's own word.
    """

    def __init__(
        self,
        mapping: OisMapping,
        url: str,
        *,
        secret: str = "",
        timeout_s: float = 60.0,
        read_only: bool = True,
        name: str = "",
    ) -> None:
        self._mapping = mapping
        self._url = url
        self._secret = secret
        self._timeout_s = timeout_s
        self._read_only = read_only
        self._name = name or mapping.source

    @property
    def name(self) -> str:
        """What the source is called on the report."""
        return self._name

    def ask(self, now: datetime, window: CensusWindow) -> SourceAnswer:
        """Return everybody the OIS wants kept at `now`, and whom it knows to have finished.

        Raises
        ------
        SourceUnavailable
            No answer from the database.
        SourceAnswerInvalid
            A section the list cannot do without does not fit this database.
        ConfigError
            The address is wrong, or the login may write.
        """
        with self._opened(now) as database:
            asking = Asking(database, self._mapping, now=now, window=window)
            rows, warnings = asking.everything()
        answer = answer_from_rows(rows, now=now, window=window, mapping=self._mapping, source=self._name)
        return replace(answer, warnings=(*database.warnings, *warnings, *answer.warnings))

    def check(self, now: datetime, window: CensusWindow) -> SelfCheck:
        """Return what must be looked at before this source is trusted.

        Raises
        ------
        SourceUnavailable
            No answer from the database.
        ConfigError
            The address is wrong, or the login may write.
        """
        with self._opened(now) as database:
            return self_check(database, self._mapping, now=now, window=window)

    def _opened(self, now: datetime) -> OpenSource:
        oldest = oldest_report(self._url)
        if oldest is not None and now - oldest[1] > REPORT_AGE_MAX:
            hours = (now - oldest[1]) / timedelta(hours=1)
            raise SourceUnavailable(
                f"The report {oldest[0]} was written {hours:.0f} hours ago: it says nothing of today.",
                do_next="Look why the scheduled report did not run; remove what nobody writes any more.",
            )
        return open_source(
            self._url, secret=self._secret, timeout_s=self._timeout_s, read_only=self._read_only
        )
