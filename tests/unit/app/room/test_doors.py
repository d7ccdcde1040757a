"""The printed address counts once; passphrases are not guessed by trying."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from beamkeeper.app.web.room.doors import TRIES_ALL_MAX, TRIES_MAX, TRIES_WITHIN, Doors
from beamkeeper.app.web.room.serving import place
from beamkeeper.app.web.room.views.doors import safe
from beamkeeper.errors import ConfigError

NOW = datetime(2026, 3, 3, 7, tzinfo=UTC)


def test_the_printed_address_counts_once() -> None:
    doors = Doors("right")

    assert not doors.spend("wrong")
    assert doors.is_right("right")
    assert doors.spend("right")
    assert not doors.spend("right")
    assert not doors.is_right("right")


def test_after_five_wrong_ones_a_login_waits_five_minutes() -> None:
    doors = Doors("t")
    for second in range(TRIES_MAX):
        assert doors.may_try("an", NOW, inside=True)
        doors.was_wrong("an", NOW + timedelta(seconds=second), inside=True)

    assert not doors.may_try("an", NOW + timedelta(seconds=30), inside=True)
    assert doors.may_try("bo", NOW + timedelta(seconds=30), inside=True)
    assert doors.may_try("an", NOW + TRIES_WITHIN + timedelta(seconds=1), inside=True)


def test_who_tries_many_logins_waits_too_and_fills_no_memory() -> None:
    doors = Doors("t")
    for number in range(TRIES_ALL_MAX):
        doors.was_wrong(f"login{number}", NOW, inside=True)

    assert not doors.may_try("an", NOW, inside=True)
    for number in range(5000):
        doors.was_wrong(f"more{number}", NOW + timedelta(hours=number), inside=True)
    assert len(doors._wrong) <= 1001


def test_a_stranger_keeps_nobody_from_signing_who_is_inside() -> None:
    doors = Doors("t")
    for _ in range(TRIES_ALL_MAX):
        doors.was_wrong("an", NOW, inside=False)

    assert not doors.may_try("an", NOW, inside=False)
    assert not doors.may_try("bo", NOW, inside=False)
    assert doors.may_try("an", NOW, inside=True)


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    doors = Doors("t")
    for _ in range(TRIES_MAX):
        doors.was_wrong("an", NOW, inside=True)

    assert doors.may_try("an", NOW - timedelta(days=1), inside=True)


def test_elsewhere_than_on_loopback_it_is_tls_and_a_named_address() -> None:
    assert place("127.0.0.1", 8444).address == "http://127.0.0.1:8444/"
    assert place("192.0.2.20", 8444, ("room.example",)).address == "https://room.example:8444/"
    assert "192.0.2.20" in place("192.0.2.20", 1, ("room.example",)).hosts
    for wrong in ("0.0.0.0", "::", "room.example"):  # noqa: S104 - refused
        with pytest.raises(ConfigError):
            place(wrong, 8444)


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "", "javascript:1", "/\n/x"],
)
def test_after_a_passphrase_nobody_is_sent_to_another_site(back: str) -> None:
    assert safe(back) == ""
    assert safe("/patients/?q=a&page=2") == "/patients/?q=a&page=2"
