"""How places elsewhere are shown: what the last run over a mirror or a store of plain DICOM found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.cli.console import print_wrapped

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo


def explain(facts: dict[str, object]) -> None:
    """Print why the last run ended as it did, and what it found."""
    for text in (facts.get("error"), facts.get("do_next") and f"→ {facts['do_next']}"):
        if text:
            print_wrapped(f"    {text}")
    problems = facts.get("problems")
    for problem in problems if isinstance(problems, list) else []:
        print_wrapped(f"    ! {problem['text']}")
        print_wrapped(f"      → {problem['do_next']}")
    more = int(str(facts.get("problems_count", 0))) - (len(problems) if isinstance(problems, list) else 0)
    if more > 0:
        print_wrapped(f"    ! and {more} more, not shown")
    remarks = facts.get("remarks")
    for remark in remarks if isinstance(remarks, list) else []:
        print_wrapped(f"    · {remark}")


def status(states: list[str], *, good: str, bad: str) -> int:
    """Return the exit status of what is shown: 20 one has something else, 3 not all have everything, 0."""
    if bad in states:
        return 20
    return 0 if all(state == good for state in states) else 3


def local(instant: datetime | None, zone: ZoneInfo) -> str:
    """Return an instant as people at the site read it."""
    return "never" if instant is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"
