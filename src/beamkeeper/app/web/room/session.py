"""Who is at a screen: somebody who may read, and for some minutes after a passphrase, a person who acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.incident_people import Duty, Member, proved
from beamkeeper.app.web.room.room import the_room
from beamkeeper.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    from django.http import HttpRequest

READS, PERSON, SINCE = "reads", "person", "since"
BY_ADDRESS: Final = "the printed address"
"""What let a screen read; otherwise the entry of the person whose passphrase did."""
LOGIN_READ: Final = 40
"""Characters of a login that are looked at; the longest has thirty, and wrong ones are remembered."""
ACTS_FOR: Final = timedelta(minutes=15)
"""So long after the last act a person counts as being there; reading ends with the browser."""


@dataclass(frozen=True, slots=True)
class Present:
    """The person at a screen, and until when without another act."""

    member: Member
    until: datetime


def may_read(request: HttpRequest) -> bool:
    """Whether this screen was let in: by the printed address, or by a passphrase that still counts."""
    let_in_by = request.session.get(READS)
    if not let_in_by or let_in_by == BY_ADDRESS:
        return bool(let_in_by)
    try:
        return _member(let_in_by) is not None
    except IntegrityError:  # the page of the people says so; reading goes on
        return True


def present(request: HttpRequest) -> Present | None:
    """Return who is at this screen; None for a screen that only reads."""
    entry, since = request.session.get(PERSON), request.session.get(SINCE)
    if not entry or not since:
        return None
    at, now = datetime.fromisoformat(since), the_room().now()
    try:
        member = _member(entry)
    except IntegrityError:  # the page of the people says so; reading goes on
        return None
    if member is None or not timedelta() <= now - at < ACTS_FOR:
        return None
    return Present(member, at + ACTS_FOR)


def _member(entry: str) -> Member | None:
    """Return the person of a session; None once they were dismissed, or admitted anew."""
    return next((one for one in the_room().members() if _entry(one) == entry), None)


def _entry(member: Member) -> str:
    return f"{member.login} {member.admitted_at.isoformat()}"


def let_in(request: HttpRequest, member: Member | None = None) -> None:
    """Let this screen read, and act as a person where one has proved to be there."""
    request.session.cycle_key()
    if member is None:
        request.session[READS] = BY_ADDRESS
        return
    if request.session.get(READS) != BY_ADDRESS:
        request.session[READS] = _entry(member)
    request.session[PERSON] = _entry(member)
    was_here(request)


def was_here(request: HttpRequest) -> None:
    """Let the minutes of a person begin anew."""
    request.session[SINCE] = the_room().now().isoformat()


def step_back(request: HttpRequest) -> None:
    """Let this screen read only."""
    request.session.pop(PERSON, None)
    request.session.pop(SINCE, None)


def acting(request: HttpRequest) -> Member:
    """Return who acts at this screen, whose minutes begin anew; the gate let nobody else through."""
    found = present(request)
    if found is None:
        raise ConfigError("Nobody is signed in at this screen.", do_next="Sign in, and do it again.")
    was_here(request)
    return found.member


def signed_by(request: HttpRequest, duties: frozenset[Duty], *, of: str = "") -> Member:
    """Return the person who signs a form: the fields `person` and `passphrase`, given with the act itself.

    Parameters
    ----------
    of
        What both fields end with, for a second person.

    Raises
    ------
    ConfigError
        Not that person's passphrase, or not a duty that may sign this.
    """
    member = prove(request, f"person{of}", f"passphrase{of}")
    if member.duty not in duties:
        raise ConfigError(
            f"This is signed by a {' or '.join(sorted(duties))}; {member.words} is not.",
            do_next="Ask one of them to sign here.",
        )
    if request.session.get(PERSON) == _entry(member):
        was_here(request)
    return member


def signed_by_two(request: HttpRequest, duties: frozenset[Duty]) -> tuple[Member, Member]:
    """Return the two people who sign a form; raises as `signed_by`, and where they are one."""
    one, other = signed_by(request, duties), signed_by(request, duties, of="_2")
    if one.login == other.login:
        raise ConfigError("One person signed twice.", do_next="Two different people sign this.")
    return one, other


def prove(request: HttpRequest, field: str, secret: str = "passphrase") -> Member:  # noqa: S107 - a field
    """Return the person whose login stands in a field of a form, and whose passphrase stands beside it.

    Raises
    ------
    ConfigError
        Nobody's, or tried too often.
    """
    room, inside = the_room(), may_read(request)
    login, passphrase = request.POST.get(field, "")[:LOGIN_READ], request.POST.get(secret, "")
    with room.doors.one_by_one:
        now = room.now()
        if not room.doors.may_try(login, now, inside=inside):
            raise ConfigError(
                "Too many wrong passphrases.",
                do_next="Wait five minutes; then look at the keyboard's layout.",
            )
        member = proved(room.folder, room.journal(), login, passphrase)
        if member is None:
            room.doors.was_wrong(login, now, inside=inside)
            raise ConfigError(
                "This is not that person's passphrase.",
                do_next="Type it again; whoever forgot it is admitted anew: `beamkeeper incident admit`.",
            )
    return member
