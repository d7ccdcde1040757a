"""Filters and tags of the pages: words for values, instants on the site's wall, badges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.translation import get_language, gettext, ngettext

from beamkeeper.app.jobs.drawn import can_be_drawn
from beamkeeper.app.web import words
from beamkeeper.app.web.console import the_console
from beamkeeper.app.web.rule_words import in_readers_words
from beamkeeper.domain.patient import shown_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, timedelta

    from django.utils.safestring import SafeString

register = template.Library()
register.filter("person_name", shown_name)
register.filter("drawable", can_be_drawn)

_WORDS: Mapping[str, words.Words] = {
    "grade": words.GRADES,
    "kind": words.KINDS,
    "outcome": words.OUTCOMES,
    "state": words.STATES,
    "mirror": words.MIRROR_STATES,
    "window": words.WINDOW_STATES,
    "role": words.ROLES,
    "reason": words.REASONS,
    "verdict": words.VERDICTS,
    "path": words.PATHS,
}
_LOOKS: Mapping[str, Mapping[str, str]] = {
    "grade": words.GRADE_LOOKS,
    "outcome": words.OUTCOME_LOOKS,
    "state": words.STATE_LOOKS,
    "mirror": words.MIRROR_LOOKS,
    "window": words.WINDOW_LOOKS,
}
_SIGNS = {"ok": "✓", "calm": "·", "warn": "△", "bad": "▲", "soft": "="}


@register.filter
def said(value: str, kind: str) -> str:
    """Return a value in the reader's words; one we have no word for stays as it is."""
    return str(_WORDS[kind].get(value, value))


@register.simple_tag
def badge(value: str, kind: str) -> SafeString:
    """Return a value as a badge: a sign, a word, and a colour that says the same."""
    look = _LOOKS[kind].get(value, "soft")
    sign = words.GRADE_SIGNS.get(value, "") if kind == "grade" else _SIGNS[look]
    return format_html(
        '<span class="badge {}"><span aria-hidden="true">{}</span> {}</span>', look, sign, said(value, kind)
    )


@register.filter
def told(text: str) -> str | SafeString:
    """Return a sentence of a rule in the reader's words, else as it is, marked as English."""
    found = in_readers_words(text)
    return format_html('<span lang="en">{}</span>', text) if found is None else found


@register.filter
def instant(at: datetime | None) -> str:
    """Return an instant as the clock on the wall shows it, with its day when that is another day."""
    if not at:
        return "–"
    local = timezone.localtime(at)
    return f"{local:%Y-%m-%d %H:%M}"


@register.filter
def soon(at: datetime) -> str:
    """Return the hour of an instant of today, and with its day when it is another day's."""
    local, now = timezone.localtime(at), timezone.localtime(the_console().now())
    return hour(at) if local.date() == now.date() else instant(at)


@register.filter
def hour(at: datetime) -> str:
    """Return the hour of an instant on the wall."""
    return f"{timezone.localtime(at):%H:%M}"


@register.filter
def day(on: date) -> str:
    """Return a date in the reader's language, with its year."""
    # English as Europe writes it: the day before the month.
    return date_format(on, "j F Y" if get_language() == "en" else "DATE_FORMAT")


@register.filter
def size(size_bytes: int) -> str:
    """Return a size in MB or GB."""
    if size_bytes >= 10**9:
        return f"{number_format(size_bytes / 1e9, 1)} GB"
    return f"{number_format(size_bytes / 1e6, 1)} MB"


@register.filter
def gray(dose_gy: float) -> str:
    """Return a dose with two decimals."""
    return f"{number_format(dose_gy, 2)} Gy"


@register.filter
def millimetres(distance_mm: float) -> str:
    """Return a distance with one decimal."""
    return f"{number_format(distance_mm, 1)} mm"


@register.filter
def lasting(time: timedelta) -> str:
    """Return a duration in words: "2 h 15 min"."""
    minutes = max(0, int(time.total_seconds() // 60))
    if minutes < 60:  # noqa: PLR2004 - an hour
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    if minutes < 48 * 60:
        return gettext("%(hours)d h %(minutes)02d min") % {"hours": minutes // 60, "minutes": minutes % 60}
    days = minutes // (24 * 60)
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
