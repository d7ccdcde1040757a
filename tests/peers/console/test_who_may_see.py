"""Every page, without login, before the second factor, in every role, and with forged forms."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.console_house.house import NIGHT, OTHERS, PEOPLE, pseudonym
from tests.console_house.staff import invite
from tests.console_house.visitor import PASSWORD, Visitor

from beamkeeper.app.web import permissions
from beamkeeper.app.web.permissions import PAGES, Access, may
from beamkeeper.protect.quorum import Role

if TYPE_CHECKING:
    from tests.peers.console.conftest import Morning

PATHS = {
    "tonight": "/",
    "newest-changes": "/changes/",
    "changes": f"/changes/{NIGHT}/",
    "vote": f"/changes/{NIGHT}/vote/",
    "drawings": f"/changes/{NIGHT}/{pseudonym(1)}/2.25.1234567890/",
    "picture": f"/changes/{NIGHT}/{pseudonym(1)}/2.25.1234567890/picture.svg",
    "patients": "/patients/",
    "patient": f"/patients/{pseudonym(1)}/",
    "nights": "/nights/",
    "night": f"/nights/{NIGHT}/",
    "mirrors": "/mirrors/",
    "people": "/people/",
    "audit": "/audit/",
    "language": "/language/",
    "invitation": "/invitation/nothing/",
    "account_login": "/login/",
    "account_inactive": "/login/off/",
    "mfa_authenticate": "/login/code/",
    "account_logout": "/logout/",
    "mfa_index": "/account/",
    "account_change_password": "/account/password/",
    "account_reauthenticate": "/account/again/",
    "mfa_reauthenticate": "/account/again/code/",
    "mfa_activate_totp": "/account/factor/",
    "mfa_deactivate_totp": "/account/factor/off/",
    "mfa_view_recovery_codes": "/account/recovery/",
    "mfa_generate_recovery_codes": "/account/recovery/new/",
}
OTHERWISE = {"vote": 405, "drawings": 503, "picture": 503}
BY_ROLE = sorted(page for page, rule in PAGES.items() if not isinstance(rule, Access))
ROLES = PEOPLE | OTHERS


def test_every_path_has_a_line_in_the_table_and_a_test() -> None:
    source = Path(permissions.__file__).with_name("urls.py").read_text(encoding="utf-8")
    named = set(re.findall(r'name="([^"]+)"', source))

    assert named == set(PAGES) == set(PATHS)


def test_the_table_says_what_the_manual_says() -> None:
    counts = {"tonight", "nights", "night"}
    keeping = {"mirrors", "people", "audit"}
    named = {"patients", "patient"}
    voting = {"newest-changes", "changes", "drawings", "picture", "vote"}
    seen = {role.value: {page for page in BY_ROLE if may(role, page)} for role in Role}

    assert seen == {
        "physicist": counts | keeping | named | voting,
        "physician": counts | named | voting,
        "therapist": counts | named,
        "it": counts | keeping,
        "auditor": counts | keeping,
    }


def test_a_page_that_is_not_in_the_table_is_for_nobody() -> None:
    assert not any(may(role, "a page of tomorrow") for role in Role)


@pytest.mark.parametrize("page", sorted(page for page, rule in PAGES.items() if rule is not Access.OPEN))
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_login_a_page_shows_nothing(morning: Morning, page: str, method: str) -> None:
    answer = Visitor(morning.house).ask(method, PATHS[page], {} if method == "POST" else None)

    assert answer.status in ({302} if method == "GET" else {302, 403})
    assert "Location" not in answer.headers or answer.headers["Location"].startswith("/login/")
    assert "Dubois" not in answer.text


@pytest.mark.parametrize("login", ROLES)
def test_each_role_sees_its_pages_and_no_other(morning: Morning, login: str) -> None:
    visitor, role = morning.staff[login], Role(ROLES[login])
    before = len(morning.audit("page refused"))
    refused = 0
    for page in BY_ROLE:
        answer = visitor.ask("GET", PATHS[page])
        if may(role, page):
            # A vote wants a form; drawings want a vault, and this house has none.
            assert answer.status in {200, 302, OTHERWISE.get(page)}, page
        else:
            refused += 1

            assert answer.status == 403, page
            assert "not for your role" in answer.text
            assert "Dubois" not in answer.text

    assert morning.audit("page refused")[before:] == [(login, "refused")] * refused


@pytest.mark.parametrize("login", OTHERS)
def test_who_may_not_vote_cannot_even_with_a_form_of_their_own(morning: Morning, login: str) -> None:
    visitor = morning.staff[login]
    fields = {"digest": "0" * 64, "verdict": "dispute", "csrfmiddlewaretoken": visitor.get("/").token}

    assert visitor.ask("POST", PATHS["vote"], fields).status == 403
    assert morning.house.ledger.votes.ballots(NIGHT) == ()


@pytest.mark.parametrize("login", ["it", "ed"])
def test_it_and_auditors_see_no_names_anywhere(morning: Morning, login: str) -> None:
    for page in BY_ROLE:
        text = morning.staff[login].get(PATHS[page]).text

        assert not [name for name in ("Dubois", "Hélène", "BK-00001", "Jansen") if name in text], page


def test_before_the_second_factor_every_page_leads_to_setting_it_up(morning: Morning) -> None:
    link = invite(morning.house, morning.clock, {"new.one": "physicist"})["new.one"]
    visitor = Visitor(morning.house)
    visitor.accept(link)
    visitor.log_in("new.one")

    for page in BY_ROLE:
        assert visitor.ask("GET", PATHS[page]).headers["Location"] == "/account/factor/", page
    assert "Audit log" not in visitor.get("/account/").text


def test_with_the_password_alone_no_page_is_shown(morning: Morning) -> None:
    visitor = Visitor(morning.house)
    asked = visitor.post("/login/", {"login": "bo", "password": PASSWORD})
    pages = [page for page, rule in PAGES.items() if rule is not Access.OPEN and page != "vote"]
    led_to = {page: visitor.ask("GET", PATHS[page]).headers["Location"] for page in pages}

    assert asked.title == "Your second factor"
    assert {page: where for page, where in led_to.items() if not where.startswith("/login/")} == {}


AS_JSON = (
    {"X-Requested-With": "XMLHttpRequest"},
    {"Accept": "application/json"},
    {"Content-Type": "application/json"},
)


@pytest.mark.parametrize("headers", AS_JSON, ids=lambda headers: next(iter(headers)))
def test_nothing_answers_in_json_however_it_is_asked(morning: Morning, headers: dict[str, str]) -> None:
    stranger, an = Visitor(morning.house), morning.staff["an"]
    token = stranger.get("/login/").token
    answers = [an.ask("GET", path, headers=headers) for path in PATHS.values()]
    answers += [stranger.ask("GET", "/login/", headers=headers)]
    answers += [
        stranger.ask(
            "POST", "/login/", {"login": "an", "password": "x", "csrfmiddlewaretoken": token}, headers
        )
    ]

    kinds = {answer.headers["Content-Type"].partition(";")[0] for answer in answers}
    assert kinds <= {"text/html", "image/svg+xml"}


FORMS = {
    "vote": {"digest": "0" * 64, "verdict": "confirm"},
    "language": {"language": "nl"},
    "account_logout": {},
    "account_change_password": {"oldpassword": "x", "password1": "y"},
    "mfa_generate_recovery_codes": {},
    "mfa_deactivate_totp": {},
    "account_login": {"login": "an", "password": "x"},
    "account_reauthenticate": {"password": "x"},
}


@pytest.mark.parametrize("page", FORMS)
@pytest.mark.parametrize("forgery", ["no token", "a token of another session", "another site"])
def test_a_forged_form_changes_nothing(morning: Morning, page: str, forgery: str) -> None:
    visitor = morning.staff["an"]
    fields, headers = dict(FORMS[page]), {}
    if forgery == "a token of another session":
        fields["csrfmiddlewaretoken"] = morning.staff["bo"].get("/").token
    if forgery == "another site":
        fields["csrfmiddlewaretoken"] = visitor.get("/").token
        headers = {"Origin": "https://evil.example", "Referer": "https://evil.example/"}
    answer = visitor.ask("POST", PATHS[page], fields, headers)

    assert answer.status == 403
    assert "did not come from a page of this session" in answer.text
    assert visitor.get("/").title == "Tonight"
    assert morning.house.ledger.votes.ballots(NIGHT) == ()


def test_a_vote_is_never_cast_by_following_a_link(morning: Morning) -> None:
    assert morning.staff["an"].ask("GET", f"{PATHS['vote']}?verdict=confirm").status == 405


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "NONSENSE"])
def test_other_methods_do_nothing(morning: Morning, method: str) -> None:
    assert morning.staff["an"].ask(method, "/patients/").status in {400, 403, 405}


@pytest.mark.parametrize(
    "path",
    [
        "/admin/",
        "/static/../settings.py",
        "/static/%2e%2e/settings.py",
        "/static/console/%00",
        "/changes/2026-13-45/",
        "/changes/0000-00-00/",
        "/changes/2019-01-01/",
        "/nights/2019-01-01/",
        "/patients/unknown/",
        "/patients/%3Cscript%3E/",
        "/patients/" + "a" * 500 + "/",
        "/%ff%fe/",
        "//evil.example/",
    ],
)
def test_what_is_not_there_is_said_plainly(morning: Morning, path: str) -> None:
    answer = morning.staff["an"].ask("GET", path)

    assert answer.status in {400, 404}
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("page", ["-1", "0", "999999999999999999999", "a", "1e9", "%D9%A3", "%00"])
def test_odd_page_numbers_show_a_page(morning: Morning, page: str) -> None:
    an = morning.staff["an"]

    assert an.ask("GET", f"/patients/?page={page}").status == 200
    assert an.ask("GET", f"{PATHS['changes']}?page={page}").status == 200
    assert an.ask("GET", f"/audit/?until={page}").status == 200


def test_a_name_is_text_and_never_markup(morning: Morning) -> None:
    text = morning.staff["an"].get("/patients/").text

    assert "O&#x27;Neil&lt;script&gt;" in text
    assert "O'Neil<script>" not in text


def test_a_mark_that_turns_the_writing_round_is_shown_as_what_it_is(morning: Morning) -> None:
    text = morning.staff["an"].get("/patients/").text

    assert "Turned\ufffd, dnuor" in text
    assert "\u202e" not in text


SLOW_VISITORS = 24
LATE = b"HTTP/1.1 408"


@pytest.mark.slow
def test_visitors_who_send_a_form_byte_by_byte_hold_nobody_up_and_are_hung_up_on(morning: Morning) -> None:
    visitor = Visitor(morning.house)
    visitor.get("/login/")
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    begun = f"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\nContent-Length: 60000\r\n\r\n"
    with ExitStack() as stack:
        slow = [stack.enter_context(visitor.connected()) for _ in range(SLOW_VISITORS)]
        for connection in slow:
            connection.sendall(begun.encode() + b"login=a")
        title = morning.staff["an"].get("/").title
        said = [connection.recv(len(LATE)) for connection in slow]

    assert title == "Tonight"
    assert set(said) == {LATE}


def test_looking_at_a_patient_is_written_down_before_they_are_shown(morning: Morning) -> None:
    morning.staff["di"].get(PATHS["patient"])
    rows = [row for row in morning.house.ledger.audit.rows() if row.actor == "di"]

    assert rows[-1].action == "patient looked at"
    assert rows[-1].patient_pseudonym == pseudonym(1)
    assert rows[-1].details["from"] == "127.0.0.1"
