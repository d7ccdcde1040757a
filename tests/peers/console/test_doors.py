"""Getting in and staying in: invitations, passwords, second factors, limits, the end of a session."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.console_house.house import MORNING, House, add_night, few_patients, report
from tests.console_house.server import console_server
from tests.console_house.staff import command, invite
from tests.console_house.visitor import PASSWORD, PERIOD_S, Visitor, totp
from tests.peers.console.conftest import new_house

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.console_house.clock import FileClock


PHYSICISTS = [f"p{n:02}" for n in range(15)]


@dataclass
class Door:
    """A house whose people were invited and have not come yet; each test comes from an address of its own."""

    house: House
    clock: FileClock
    links: dict[str, str]
    address: str = ""

    def visitor(self) -> Visitor:
        return Visitor(self.house, address=self.address)

    def invited(self) -> tuple[str, str]:
        """Return somebody's login and link."""
        login = next(login for login in self.links if login in PHYSICISTS)
        return login, self.links.pop(login)

    def newcomer(self) -> tuple[str, Visitor]:
        """Return somebody who logged in with a second factor."""
        login, link = self.invited()
        visitor = self.visitor()
        visitor.accept(link)
        visitor.log_in(login)
        visitor.set_up_factor()
        return login, visitor

    def audit(self, action: str) -> list[tuple[str, str]]:
        rows = self.house.ledger.audit.rows()
        return [(row.actor, row.outcome) for row in rows if row.action == action]


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    house, clock = new_house(tmp_path_factory.mktemp("doors"))
    add_night(house, report(few_patients()))
    roles = {"an": "physicist", "bo": "physician", "ed": "auditor"} | dict.fromkeys(PHYSICISTS, "physicist")
    with console_server(house, clock):
        yield Door(house, clock, invite(house, clock, roles))


_addresses = count(2)


@pytest.fixture
def door(everybody: Door) -> Door:
    everybody.clock.move_to(MORNING)
    everybody.address = f"127.0.0.{next(_addresses)}"
    return everybody


def test_an_invitation_sets_one_good_password_once_and_only_in_time(door: Door) -> None:
    links = door.links
    path, visitor = urlsplit(links["an"]).path, door.visitor()

    assert visitor.get(path).title == "Welcome"
    assert "too common" in visitor.accept(links["an"], password="password1234").text
    assert "too short" in visitor.accept(links["an"], password="Zx9!Zx9!").text
    assert "too similar" in visitor.accept(links["an"], password="An Peeters An").text
    assert "not the same" in visitor.post(path, {"password": PASSWORD, "again": PASSWORD + "!"}).text
    assert visitor.accept(links["an"]).title == "Log in"
    assert visitor.ask("GET", path).status == 410
    assert visitor.ask("GET", "/invitation/of-nobody/").status == 410
    door.clock.move_to(MORNING + timedelta(hours=73))

    assert door.visitor().ask("GET", urlsplit(links["bo"]).path).status == 410
    assert ("an", "ok") in door.audit("password set by invitation")


def test_a_wrong_password_says_no_more_than_an_unknown_login_and_is_limited(door: Door) -> None:
    login, _ = door.newcomer()
    known = door.visitor().log_in(login, password="wrong wrong wrong")
    unknown = door.visitor().log_in("nobody", password="wrong wrong wrong")
    error = re.compile(r'<div class="(?:message error|wrong)".*?</div>', re.DOTALL)

    assert error.findall(known.text) == error.findall(unknown.text) != []
    for _ in range(5):
        last = door.visitor().log_in(login, password="wrong wrong wrong")
    assert "Too many failed login attempts" in last.text
    assert "Too many failed login attempts" in door.visitor().log_in(login).text
    refused = door.audit("login refused")
    assert (login, "refused") in refused
    assert ("nobody known", "refused") in refused
    assert "nobody" not in {actor for actor, _ in refused}


def test_one_address_cannot_try_passwords_of_many_whatever_headers_say(door: Door) -> None:
    answers = []
    for number in range(12):
        visitor = door.visitor()
        visitor.headers = {"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}"}
        answers.append(visitor.log_in(f"somebody{number}", password="wrong wrong wrong"))

    assert "Too many failed login attempts" in answers[-1].text or answers[-1].status == 429


def test_a_second_factor_counts_once_and_guessing_it_is_limited(door: Door) -> None:
    login, an = door.newcomer()
    used = an.fresh_code()
    first, replay = door.visitor(), door.visitor()

    assert first.log_in(login, code=used).title == "Tonight"
    assert "Incorrect code" in replay.log_in(login, code=used).text
    guesses = [replay.post("/login/code/", {"code": f"{n:06d}"}) for n in range(6)]
    assert "Too many failed login attempts" in guesses[-1].text
    assert replay.get("/").title == "Your second factor"
    assert (login, "refused") in door.audit("second factor refused")


def test_of_two_at_the_same_time_one_code_lets_in_one(door: Door) -> None:
    login, an = door.newcomer()
    code = an.fresh_code()
    pair = [door.visitor(), door.visitor()]
    for visitor in pair:
        visitor.post("/login/", {"login": login, "password": PASSWORD})
    forms = [{"code": code, "csrfmiddlewaretoken": visitor.get("/login/code/").token} for visitor in pair]
    with ThreadPoolExecutor(len(pair)) as at_once:
        list(
            at_once.map(lambda one: one[0].ask("POST", "/login/code/", one[1]), zip(pair, forms, strict=True))
        )

    assert sorted(visitor.get("/").title for visitor in pair) == ["Tonight", "Your second factor"]


def test_a_session_from_before_the_login_is_worth_nothing_after_it(door: Door) -> None:
    login, an = door.newcomer()
    victim, attacker = door.visitor(), door.visitor()
    attacker.get("/login/")
    victim.cookies = dict(attacker.cookies)

    assert victim.log_in(login, code=an.fresh_code()).title == "Tonight"
    assert attacker.get("/").title == "Log in"


@pytest.mark.slow
def test_a_code_taken_in_advance_does_not_count_again_when_its_time_comes(door: Door) -> None:
    login, an = door.newcomer()
    ahead = totp(an.secret, at=time.time() + PERIOD_S)

    assert door.visitor().log_in(login, code=ahead).title == "Tonight"
    time.sleep(PERIOD_S + 1)
    assert "Incorrect code" in door.visitor().log_in(login, code=ahead).text


def test_recovery_codes_are_shown_once_and_each_logs_in_once(door: Door) -> None:
    login, link = door.invited()
    an = door.visitor()
    an.accept(link)
    an.log_in(login)
    codes = re.findall(r"<li><code>(\d+)</code></li>", an.set_up_factor().text)

    assert len(codes) == len(set(codes)) == 10
    assert not re.findall(r"<li><code>(\d+)</code></li>", an.get("/account/recovery/").text)
    assert door.visitor().log_in(login, code=codes[0]).title == "Tonight"
    assert "Incorrect code" in door.visitor().log_in(login, code=codes[0]).text


def test_secrets_lie_in_the_database_encrypted_hashed_or_not_at_all(door: Door) -> None:
    (login, link), (_, unused) = door.invited(), door.invited()
    an = door.visitor()
    an.accept(link)
    an.log_in(login)
    codes = re.findall(r"<li><code>(\d+)</code></li>", an.set_up_factor().text)
    lying = b"".join(path.read_bytes() for path in door.house.site.data_dir.glob("console.db*"))

    assert b"argon2" in lying
    for secret in (an.secret, PASSWORD, unused.rstrip("/").rsplit("/", 1)[1], *codes):
        assert secret.encode() not in lying
    assert (door.house.site.data_dir / "console.db").stat().st_mode & 0o077 == 0


def test_a_session_ends_when_nobody_uses_it_and_after_a_shift(door: Door) -> None:
    login, an = door.newcomer()
    now = MORNING
    for _ in range(42):  # ten and a half hours, never idle for long
        now += timedelta(minutes=14)
        door.clock.move_to(now)
        assert an.get("/").title == "Tonight"
    door.clock.move_to(MORNING + timedelta(hours=10, minutes=1))
    assert an.get("/").title == "Log in"

    an.log_in(login)
    door.clock.move_to(MORNING + timedelta(hours=10, minutes=15))
    assert an.get("/").title == "Tonight"
    door.clock.move_to(MORNING + timedelta(hours=10, minutes=31))
    assert an.get("/").title == "Log in"

    an.log_in(login)
    an.get("/")
    door.clock.move_to(MORNING)
    assert an.get("/").title == "Log in"
    ended = [row for row in door.house.ledger.audit.rows() if row.action == "session ended"]
    why = [row.details["why"] for row in ended if row.actor == login]
    assert why == ["it lasted long enough", "nobody used it", "the clock was set back"]


def test_logging_out_ends_the_session_for_whoever_kept_the_cookie(door: Door) -> None:
    login, an = door.newcomer()
    thief = door.visitor()
    thief.cookies = dict(an.cookies)
    assert thief.get("/").title == "Tonight"
    an.post("/logout/", {}, page="/")

    assert thief.get("/").title == "Log in"
    assert (login, "ok") in door.audit("logged out")


def test_a_new_invitation_or_switching_off_ends_everything_of_before(door: Door) -> None:
    (renewed, one), (removed, other) = door.newcomer(), door.newcomer()
    assert command(door.house, "invite", renewed, "--json").returncode == 0
    assert command(door.house, "remove-person", removed, "--json").returncode == 0

    assert one.get("/").title == other.get("/").title == "Log in"
    assert door.visitor().log_in(renewed).title == "Log in"
    assert door.visitor().log_in(removed).title == "Log in"


def test_who_must_have_a_second_factor_cannot_remove_it(door: Door) -> None:
    _login, an = door.newcomer()
    answer = an.post("/account/factor/off/", {})

    assert "cannot deactivate" in answer.text
    assert "Remove the second factor" in an.get("/account/").text


def test_nobody_is_led_away_after_logging_in(door: Door) -> None:
    ed = door.visitor()
    ed.accept(door.links["ed"])
    token = ed.get("/login/?next=https://evil.example/").token
    fields = {
        "login": "ed",
        "password": PASSWORD,
        "next": "https://evil.example/",
        "csrfmiddlewaretoken": token,
    }
    answer = ed.ask("POST", "/login/?next=https://evil.example/", fields)

    assert answer.headers["Location"] == "/"
    token = ed.get("/").token
    fields = {"language": "nl", "next": "https://evil.example/", "csrfmiddlewaretoken": token}
    assert not ed.ask("POST", "/language/", fields).headers["Location"].startswith("https://evil")


def test_every_answer_forbids_scripts_frames_and_being_kept(door: Door) -> None:
    visitor = door.visitor()
    for path in ("/login/", "/", "/nothing/", "/invitation/x/"):
        headers = visitor.ask("GET", path).headers
        policy = headers["Content-Security-Policy"]

        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "script" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["Cache-Control"] == "no-store"
        assert int(headers["Strict-Transport-Security"].removeprefix("max-age=")) >= 31536000
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    cookie = door.visitor().ask("GET", "/login/").headers["Set-Cookie"]
    assert all(
        word in cookie for word in ("__Host-beamkeeper=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/")
    )


def test_another_host_name_is_refused_and_a_huge_form_is_not_read(door: Door) -> None:
    visitor = door.visitor()

    assert visitor.ask("GET", "/login/", headers={"Host": "evil.example"}).status == 400
    huge = {"login": "an", "password": "x" * 200_000, "csrfmiddlewaretoken": visitor.get("/login/").token}
    assert visitor.ask("POST", "/login/", huge).status in {400, 413}


def test_nothing_is_shown_that_cannot_be_written_down(door: Door) -> None:
    _, an = door.newcomer()
    shown = an.ask("GET", "/patients/")
    with damaged_ledger(door.house.site.data_dir):
        refused = an.ask("GET", "/patients/")
        login = door.visitor().ask("GET", "/login/")

    assert (shown.status, refused.status, login.status) == (200, 503, 200)
    assert "Dubois" in shown.text
    assert "Dubois" not in refused.text
    assert "damaged" in refused.text


@contextmanager
def damaged_ledger(folder: Path) -> Iterator[None]:
    """Put a ledger that is none into its place while the block runs."""
    whole = list(folder.glob("ledger.db*"))
    for path in whole:
        path.rename(path.with_name("away-" + path.name))
    (folder / "ledger.db").write_bytes(b"no database at all, and long enough" * 100)
    try:
        yield
    finally:
        for path in folder.glob("ledger.db*"):
            path.unlink()
        for path in whole:
            path.with_name("away-" + path.name).rename(path)
