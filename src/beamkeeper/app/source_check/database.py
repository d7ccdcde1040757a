"""Parts 1 to 3: the server, the columns, the words. Facts in, parts out; nothing is asked here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.source_check.sheet import Part, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.finding import Verdict
    from beamkeeper.protect.census import SelfCheck, WordCount

SERVER, COLUMNS, WORDS = "Server, login and clock", "Columns that are asked for", "Words of the database"
WORDS_SHOWN_MAX = 40


def server_part(check: SelfCheck, zone: str) -> Part:
    """Return part 1: which server, that the login only reads, that its clock is the mapping's."""
    server = check.server
    lines = [
        one_line(
            f"{server.product} {server.version}{f', database {server.database}' if server.database else ''}"
        )
    ]
    lines += [f"▲ {warning}" for warning in check.warnings] or ["The login may not write."]
    verdict: Verdict = "warning" if check.warnings else "good"
    if server.wall_time is None or check.clock_off is None:
        lines.append(f"A file has no clock: that its times are of {zone} cannot be seen.")
    elif check.clock_agrees:
        lines.append(f"Its clock shows {server.wall_time:%Y-%m-%d %H:%M}, as {zone} does.")
    else:
        minutes = round(check.clock_off.total_seconds() / 60)
        lines.append(f"▲ Its clock shows {server.wall_time:%Y-%m-%d %H:%M}, {minutes:+d} min from {zone}.")
        lines.append("  The mapping's `timezone`, the server's clock or ours is wrong.")
        verdict = "bad"
    by_hand = "" if server.wall_time else f"The times of the OIS are of {zone}."
    return Part(number=1, title=SERVER, verdict=verdict, lines=tuple(lines), by_hand=by_hand)


def columns_part(check: SelfCheck) -> Part:
    """Return part 2: what this database has of what the mapping names."""
    verdict: Verdict = "good"
    lines = []
    for section in check.sections:
        if section.error:
            what = "NEEDED, and it" if section.is_needed else "left out: it"
            lines.append(f"▲ {section.label} {what} cannot be asked: {one_line(section.error)}")
            verdict = "bad" if section.is_needed or verdict == "bad" else "warning"
            continue
        lines.append(f"{section.label}: {len(section.found)} columns")
        if section.absent:
            lines.append(f"  ▲ not here: {', '.join(section.absent)}")
            verdict = "bad" if verdict == "bad" else "warning"
    return Part(number=2, title=COLUMNS, verdict=verdict, lines=tuple(lines))


def words_part(check: SelfCheck) -> Part:
    """Return part 3: every different state with its number, the unknown ones marked."""
    columns: dict[tuple[str, str], list[WordCount]] = {}
    for word in check.words:
        columns.setdefault((word.label, word.column), []).append(word)
    lines = [line for (label, column), words in columns.items() for line in _column(label, column, words)]
    lines += [f"▲ not counted: {one_line(why)}" for why in check.unasked]
    unknown = sum(not word.meaning for word in check.words)
    return Part(
        number=3,
        title=WORDS,
        verdict="warning" if unknown or check.unasked else "good" if lines else "unchecked",
        lines=tuple(lines) or ("The mapping names no states.",),
        by_hand="Every word means what stands beside it." if lines else "",
    )


def _column(label: str, column: str, words: list[WordCount]) -> Iterator[str]:
    yield f"{label} {column}:"
    unknown_first = sorted(words, key=lambda word: (bool(word.meaning), -word.count, word.text))
    for word in unknown_first[:WORDS_SHOWN_MAX]:
        text = one_line(word.text)[:60] or "(empty)"
        mark, meaning = ("", word.meaning) if word.meaning else ("▲ ", "NOT KNOWN to the mapping")
        rows = "1 row" if word.count == 1 else f"{word.count:,} rows"
        yield f"  {mark}{text} ({rows}): {meaning}"
    if (more := len(words) - WORDS_SHOWN_MAX) > 0:
        yield f"  and {more} more"
