"""The sheet a physician signs, as PDF and as HTML: the same facts, every value brought in as data."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING

from beamkeeper.respond.gap.calendar_days import short_day
from beamkeeper.respond.gap.picture import WIDTH_MM, alternative, draw_course
from beamkeeper.respond.gap.words import (
    FORMULA,
    MARKS,
    MARKS_SAID,
    course_lines,
    effect_words,
    parameter_lines,
    parameters_words,
    person_words,
    signed,
    slots_words,
    weeks,
)
from beamkeeper.wire.paper.pages import environment, security_policy
from beamkeeper.wire.paper.setting import set_pdf

if TYPE_CHECKING:
    from datetime import datetime

    from jinja2 import Template

    from beamkeeper.respond.gap.cautions import Caution
    from beamkeeper.respond.gap.options import Option, Options
    from beamkeeper.respond.gap.outcome import Outcome

_TYPST = files(__package__).joinpath("sheet.typ").read_bytes()
_STYLE = files(__package__).joinpath("sheet.css").read_text(encoding="utf-8")
SIZED = {
    "": "",
    "tumour": "fraction size found for the aimed tumour effect",
    "late": "fraction size found for the prescribed late effect",
}

Facts = dict[str, object]


def render_pdf(options: Options, explained: tuple[str, ...], *, made_at: datetime, made: str) -> bytes:
    """Return the sheet as PDF: the same facts give the same bytes.

    Parameters
    ----------
    explained
        Lines that show how each number comes about; none leaves that page out.
    made
        When it was made, in words.
    """
    facts = _facts(options, explained, made)
    return set_pdf(_TYPST, facts, made_at=int(made_at.timestamp()), has_pictures=True)


def render_html(options: Options, explained: tuple[str, ...], *, made: str) -> str:
    """Return the sheet as one HTML file that loads nothing and runs nothing."""
    facts = _facts(options, explained, made)
    return _template().render(**facts, drawing=_drawing, style=_STYLE, policy=security_policy(_STYLE))


@cache
def _template() -> Template:
    return environment("beamkeeper.respond.gap").get_template("sheet.html.j2")


def _facts(options: Options, explained: tuple[str, ...], made: str) -> Facts:
    numbered = list(enumerate(options.options, 1))
    tumour = options.model.tumour
    return {
        "decides": options.decides,
        "order": options.order,
        "made": made,
        "who": person_words(options.course.person),
        "course": [list(pair) for pair in course_lines(options)],
        "cautions": [_caution(caution) for caution in options.cautions],
        "formula": FORMULA,
        "parameters": [list(row) for row in parameter_lines(options)],
        "notes": [note for note in (tumour.repopulation.derivation, *tumour.notes) if note],
        "marks": MARKS_SAID,
        "late_title": options.prescribed.late[0].title,
        "references": [
            _row("Prescribed, the whole course", options.prescribed),
            _row("Going on without compensation", options.nothing),
        ],
        "families": [
            {
                "title": family.value,
                "rows": [
                    _row(f"{number} {item.title}{MARKS[item.sized_for]}", item.outcome)
                    for number, item in members
                ],
            }
            for family, members in groupby(numbered, key=lambda pair: pair[1].family)
        ],
        "options": [_option(options, number, option) for number, option in numbered],
        "not_possible": [[item.title, item.reason] for item in options.not_possible],
        "explained": list(explained),
        "sources": [[item.tag, item.cite, item.known] for item in options.model.sources],
        "file": parameters_words(options),
        "picture_mm": WIDTH_MM,
    }


def _row(title: str, outcome: Outcome) -> list[str]:
    return [
        title,
        f"{outcome.fractions} × {outcome.dose_per_fraction_gy:.2f} Gy",
        short_day(outcome.last_on),
        f"{outcome.overall_days}",
        f"{outcome.tumour.bed_gy:.2f}",
        signed(outcome.tumour.vs_prescribed_percent),
        signed(outcome.tumour.vs_nothing_percent),
        f"{outcome.late[0].bed_gy:.2f}",
        signed(outcome.late[0].vs_prescribed_percent),
    ]


def _option(options: Options, number: int, option: Option) -> Facts:
    outcome = option.outcome
    return {
        "title": f"{number} {option.title}: {outcome.fractions} × {outcome.dose_per_fraction_gy:.4f} Gy",
        "sized": SIZED[option.sized_for],
        "effects": [
            ["Tumour", effect_words(outcome.tumour)],
            *([effect.title, effect_words(effect)] for effect in outcome.late),
            ["Machine", slots_words(option)],
        ],
        "weeks": [[monday, *row.replace(".", "·")] for monday, row in weeks(outcome)],
        "cautions": [_caution(caution) for caution in option.cautions],
        "svg": draw_course(options, outcome).decode("utf-8"),
        "alternative": alternative(options, outcome),
    }


def _caution(caution: Caution) -> str:
    return f"{caution.text} [{caution.source}]" if caution.source else caution.text


def _drawing(svg: str) -> str:
    """Return a picture as a `data:` address: inside `img` no script of an SVG ever runs."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
