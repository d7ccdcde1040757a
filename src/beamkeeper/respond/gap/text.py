"""The options as text in 80 columns: what a screen without anything else, or a line printer, can show."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Final

from beamkeeper.respond.gap.calendar_days import short_day
from beamkeeper.respond.gap.words import (
    FORMULA,
    MARKS,
    MARKS_SAID,
    SIGN_HERE,
    course_lines,
    effect_words,
    parameter_lines,
    parameters_words,
    person_words,
    signed,
    slots_words,
    weeks,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beamkeeper.respond.gap.cautions import Caution
    from beamkeeper.respond.gap.options import Option, Options
    from beamkeeper.respond.gap.outcome import Outcome

COLUMNS: Final = 80
_WEEKS_A_LINE: Final = 4
_NUMBERED: Final = 26
"""Columns of an option's number and title."""


def render_text(options: Options, explained: Iterable[str] = ()) -> str:
    """Return the whole page.

    Parameters
    ----------
    explained
        Lines that show how each number comes about; after the options.
    """
    numbered = list(enumerate(options.options, 1))
    lines = [
        "GAP IN A COURSE: OPTIONS",
        *_wrapped(f"{options.decides} Not a medical device."),
        *(line for caution in options.cautions for line in _warning(caution, indent=0)),
        "",
        *_facts(options),
        "",
        *_parameters(options),
        "",
        *_table(options, numbered),
        *(line for number, option in numbered for line in _option(number, option)),
        *_not_possible(options),
        *(line for text in explained for line in _wrapped(text, hang=6) or [""]),
        "",
        f"{SIGN_HERE}:",
        "",
        "_" * COLUMNS,
        options.decides,
        *_sources(options),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _facts(options: Options) -> Iterator[str]:
    if who := person_words(options.course.person):
        yield from _wrapped(f"{'Patient':<11} {who}", hang=12)
    for what, said in course_lines(options):
        yield from _wrapped(f"{what:<11} {said}", hang=12)


def _parameters(options: Options) -> Iterator[str]:
    yield f"{'Formula':<11} {FORMULA}"
    yield "Parameters"
    for of, which, said, source in parameter_lines(options):
        yield from _wrapped(f"  {of:<22} {which:<9} {said:<24} [{source}]", hang=36)
    tumour = options.model.tumour
    for note in filter(None, (tumour.repopulation.derivation, *tumour.notes)):
        yield from _wrapped(f"  {note}", hang=2)


def _table(options: Options, numbered: list[tuple[int, Option]]) -> Iterator[str]:
    yield f"{'':<{_NUMBERED}}{'fractions':>10}  {'':<10}{'T':>4}{'tumour BED':>14}{'late BED':>14}"
    yield f"{'':<{_NUMBERED}}{'n × Gy':>10}  {'ends':<10}{'d':>4}{'Gy':>7}{'%':>7}{'Gy':>7}{'%':>7}"
    yield _row("   Prescribed, all of it", options.prescribed)
    yield _row("   No compensation", options.nothing)
    for family, members in groupby(numbered, key=lambda pair: pair[1].family):
        yield ""
        yield f"   {family.value}"
        for number, option in members:
            yield _row(f"{number:>2} {option.title}{MARKS[option.sized_for]}", option.outcome)
    yield ""
    if any(option.sized_for for _, option in numbered):
        yield from _wrapped(f"   {MARKS_SAID}", hang=3)
    yield "   % of the prescribed course"
    yield f"   {options.order}"


def _row(title: str, outcome: Outcome) -> str:
    size = f"{outcome.fractions} × {outcome.dose_per_fraction_gy:.2f}"
    late = outcome.late[0]
    return (
        f"{title[:_NUMBERED]:<{_NUMBERED}}{size:>10}  {short_day(outcome.last_on)}{outcome.overall_days:>4}"
        f"{outcome.tumour.bed_gy:>7.2f}{_percent(outcome.tumour.vs_prescribed_percent):>7}"
        f"{late.bed_gy:>7.2f}{_percent(late.vs_prescribed_percent):>7}"
    )


def _percent(value: float) -> str:
    return signed(value).removesuffix(" %")


def _option(number: int, option: Option) -> Iterator[str]:
    outcome = option.outcome
    yield ""
    yield f"{number:>2} {option.title.upper()}: {outcome.fractions} × {outcome.dose_per_fraction_gy:.4f} Gy"
    yield from _wrapped(f"   Tumour: {effect_words(outcome.tumour)}.", hang=5)
    for effect in outcome.late:
        yield from _wrapped(f"   {effect.title}: {effect_words(effect)}.", hang=5)
    yield from _wrapped(f"   Machine: {slots_words(option)}.", hang=5)
    plan = [f"{monday} {row}" for monday, row in weeks(outcome)]
    for first in range(0, len(plan), _WEEKS_A_LINE):
        head = "Weeks of" if not first else ""
        yield f"   {head:<8}  {'   '.join(plan[first : first + _WEEKS_A_LINE])}"
    for caution in option.cautions:
        yield from _warning(caution, indent=3)


def _warning(caution: Caution, *, indent: int) -> list[str]:
    source = f" [{caution.source}]" if caution.source else ""
    return _wrapped(f"{'':<{indent}}▲ {caution.text}{source}", hang=indent + 2)


def _not_possible(options: Options) -> Iterator[str]:
    if options.not_possible:
        yield ""
        yield "NOT POSSIBLE, OR NOT NEEDED"
    for item in options.not_possible:
        yield from _wrapped(f"   {item.title}: {item.reason}.", hang=5)


def _sources(options: Options) -> Iterator[str]:
    yield ""
    yield "SOURCES, AND HOW WE KNOW THEM"
    for source in options.model.sources:
        yield from _wrapped(f"[{source.tag}] {source.cite} ({source.known})", hang=4)
    yield from _wrapped(parameters_words(options), hang=4)


def _wrapped(text: str, *, hang: int = 0) -> list[str]:
    return textwrap.wrap(
        text, COLUMNS, subsequent_indent=" " * hang, break_on_hyphens=False, break_long_words=False
    )
