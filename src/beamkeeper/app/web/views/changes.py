"""Changes to confirm: old against new, worst first, by patient; and the vote on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from beamkeeper.app.jobs.quorum import cast, people_of, standing, take_reports
from beamkeeper.app.jobs.signed_votes import publish_votes
from beamkeeper.app.web import words
from beamkeeper.app.web.console import Console, the_console
from beamkeeper.app.web.forms import VoteForm
from beamkeeper.app.web.known import last_words, report_of
from beamkeeper.app.web.witness import login_of, witness
from beamkeeper.domain.ballot import THE_NIGHT, Ballot, Verdict, VotePath
from beamkeeper.domain.change import SEVERITY
from beamkeeper.errors import BeamkeeperError, VoteRefused

if TYPE_CHECKING:
    from datetime import date

    from django.http import HttpRequest, HttpResponse

    from beamkeeper.app.jobs.quorum import Standing
    from beamkeeper.domain.night import NightReport, PatientNight

PATIENTS_A_PAGE: Final = 25
CHANGES_SHOWN_MAX: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to confirm: a patient, or the night itself (`patient` is None).

    Attributes
    ----------
    said
        The last word of each person on it.
    can_confirm, can_dispute
        Whether that word of whoever looks would say something new.
    """

    pseudonym: str
    patient: PatientNight | None
    said: tuple[Ballot, ...] = ()
    can_confirm: bool = False
    can_dispute: bool = False


@require_safe
def newest(request: HttpRequest) -> HttpResponse:
    """Go to the newest night that has a report."""
    console = the_console()
    if console.site.quorum is not None:
        take_reports(console.site, console.ledger, console.now())
    for row in console.ledger.nights():
        if row.finished_at is not None and report_of(console, row.run_on) is not None:
            return redirect("changes", row.run_on)
    return render(request, "console/changes.html", {"report": None})


@require_safe
def changes(request: HttpRequest, night: date) -> HttpResponse:
    """Show what one night found, and what people said of it; every patient shown is written down."""
    console = the_console()
    report = report_of(console, night)
    if report is None:
        raise Http404
    found = _standing(console, night)
    items = _items(report, found, login_of(request))
    page = Paginator(items, PATIENTS_A_PAGE).get_page(request.GET.get("page"))
    shown = [item.pseudonym for item in page if item.patient is not None]
    witness(
        request,
        "changes looked at",
        details={"run_on": night.isoformat(), "patients": shown, "page": page.number},
    )
    voters = people_of(console.site) if console.site.quorum else ()
    facts = {
        "report": report,
        "standing": found,
        "page": page,
        "names": {person.login: person.name for person in voters},
        "may_vote": login_of(request) in {person.login for person in voters if person.may_vote},
        "votes_whole": found is not None and (len(items) > 1 or THE_NIGHT in found.facts.items),
        "changes_shown_max": CHANGES_SHOWN_MAX,
        "all_count": len(items),
    }
    return render(request, "console/changes.html", facts)


def _standing(console: Console, night: date) -> Standing | None:
    if console.site.quorum is None:
        return None
    now = console.now()
    take_reports(console.site, console.ledger, now)
    return standing(console.site, console.ledger, night, now)


def _items(report: NightReport, found: Standing | None, login: str) -> list[Item]:
    """Return what has to be looked at: the night itself first, then patients, the worst change first."""
    listed = [patient for patient in report.patients if patient.needs_a_word]
    listed.sort(key=_worst_first)
    items = [_item(patient.pseudonym, patient, found, login) for patient in listed]
    if found is not None and THE_NIGHT in found.facts.items:
        items.insert(0, _item(THE_NIGHT, None, found, login))
    return items


def _worst_first(patient: PatientNight) -> tuple[int, int, str, str]:
    worst = max((SEVERITY[item.grade] for item in patient.eyes), default=0)
    return (-worst, -len(patient.eyes), patient.patient_name, patient.patient_id)


def _item(pseudonym: str, patient: PatientNight | None, found: Standing | None, login: str) -> Item:
    if found is None:
        return Item(pseudonym=pseudonym, patient=patient)
    said = last_words(pseudonym, found)
    mine = next((ballot for ballot in said if ballot.person == login), None)
    doubts = [ballot.at for ballot in said if ballot.verdict is Verdict.DISPUTE]
    confirmed = mine is not None and mine.verdict is Verdict.CONFIRM
    doubted_since = mine is not None and any(at >= mine.at for at in doubts)
    return Item(
        pseudonym=pseudonym,
        patient=patient,
        said=said,
        can_confirm=(pseudonym in found.facts.items or bool(doubts)) and (not confirmed or doubted_since),
        can_dispute=mine is None or confirmed,
    )


@require_POST
def vote(request: HttpRequest, night: date) -> HttpResponse:
    """Take one word of whoever is logged in on the list they saw."""
    console = the_console()
    form = VoteForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Your vote was not understood and not counted. Look at the list again."))
        return redirect("changes", night)
    about = str(form.cleaned_data["patient"])
    now = console.now()
    ballot = Ballot(
        night=night,
        person=login_of(request),
        verdict=Verdict(form.cleaned_data["verdict"]),
        scope=(about,) if about else None,
        path=VotePath.PAGE,
        at=now,
        digest=str(form.cleaned_data["digest"]),
        reason=str(form.cleaned_data["reason"]),
    )
    try:
        after = cast(console.site, console.ledger, ballot, now)
    except VoteRefused as refused:
        messages.error(request, _("Not counted: %(why)s") % {"why": words.refused(refused.message)})
    else:
        _say(request, ballot, after)
        _sign(request, console)
    return redirect(_back(request, night, about))


def _sign(request: HttpRequest, console: Console) -> None:
    """Sign the vote into the vault now; where that fails, the quorum's next look does."""
    try:
        publish_votes(console.site, console.ledger, console.clock)
    except BeamkeeperError:
        messages.info(request, _("It is not signed into the vault yet; that is tried again by itself."))


def _say(request: HttpRequest, ballot: Ballot, after: Standing) -> None:
    if ballot.verdict is Verdict.DISPUTE:
        said = _("Your dispute counts. Nothing is purged now, and people are called.")
        messages.warning(request, said)
    elif after.state.word == "confirmed":
        messages.success(request, _("Your vote counts. The night is confirmed."))
    elif after.state.word == "disputed":
        messages.success(request, _("Your vote counts. The night is still disputed."))
    else:
        messages.success(request, _("Your vote counts. The night waits for somebody else, or for the rest."))


def _back(request: HttpRequest, night: date, about: str) -> str:
    """Return where the reader was: the same page of the list, at the same patient."""
    number = request.POST.get("page", "")
    query = f"?page={number}" if number.isascii() and number.isdigit() and len(number) < 6 else ""  # noqa: PLR2004
    place = f"#p-{about}" if about else ""
    return reverse("changes", args=[night]) + query + place
