"""The report as one HTML file that needs nothing else: no script, no font, no request."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from beamkeeper.domain.change import SEVERITY, Grade
from beamkeeper.domain.patient import shown_name
from beamkeeper.protect.report import words

if TYPE_CHECKING:
    from beamkeeper.domain.night import NightReport

CHANGES_SHOWN_MAX = 40


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("beamkeeper.protect.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        plural=words.plural,
        headline=words.headline,
        kept_in_words=words.kept_in_words,
        expected_in_words=words.expected_in_words,
        lacks_in_words=words.lacks_in_words,
        shown_name=shown_name,
        position_in_words=words.position_in_words,
        local=words.local,
        grade_words=words.GRADE_WORDS,
        grade_signs=words.GRADE_SIGNS,
        decides=words.DECIDES,
        changes_shown_max=CHANGES_SHOWN_MAX,
    )
    return environment


def render_html(report: NightReport, *, list_digest: str = "") -> str:
    """Return the page; it carries names and belongs on the collector, not in mail.

    Parameters
    ----------
    list_digest
        Of what people vote on; "" where the report no longer shows all of it.
    """
    grades = sorted(Grade, key=lambda grade: -SEVERITY[grade])
    return (
        _environment()
        .get_template("night.html.j2")
        .render(
            report=report,
            list_digest=list_digest,
            zone=ZoneInfo(report.time_zone),
            counts=[(grade, report.count(grade)) for grade in grades],
            whole=sum(patient.is_whole for patient in report.patients),
        )
    )
