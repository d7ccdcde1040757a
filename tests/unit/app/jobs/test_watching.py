"""The watcher over days, and the door through which heartbeats come."""

from __future__ import annotations

import http.client
import select
import shutil
import socket
import ssl
import sys
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError
from tests.mail_peers.hook_server import gateway
from tests.papers import Papers
from tests.unit.vault.small_vault import Site

from beamkeeper.app.cli.watch import EXIT_OF
from beamkeeper.app.jobs.heartbeats import PATH, READ_AT_ONCE_BYTES_MAX, heartbeat_door, send_heartbeat
from beamkeeper.app.jobs.watching import NOTES_NAME, HangDuty, WatchDuty, Watcher, call_people, try_channels
from beamkeeper.app.site_heartbeats import HeartbeatTarget
from beamkeeper.app.site_mirrors import SftpMirror
from beamkeeper.app.site_watch import FolderSection, HeartbeatSection, WatchFile
from beamkeeper.clock import MovableClock
from beamkeeper.errors import SourceUnavailable
from beamkeeper.protect.watch import HEARTBEAT_BYTES_MAX, FindingKind, Telling, TellingKind, packed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def watch_file(site: Site, folder: Path, **more: object) -> WatchFile:
    return WatchFile.model_validate(
        {
            "format": 1,
            "name": "elsewhere",
            "time_zone": "Europe/Brussels",
            "root_key": site.keys.root_public_key,
            "memory_dir": folder / "memory",
            **more,
        }
    )


def test_the_watcher_tells_at_once_repeats_each_hour_and_tells_the_end(site: Site, tmp_path: Path) -> None:
    site.play("A", 1, {"1.2.1": b"plan"})
    watch = watch_file(site, tmp_path, mirror=FolderSection(path=site.folder / "vault"))
    heard: list[tuple[datetime, TellingKind, FindingKind]] = []
    clock = MovableClock(MORNING)

    def hear(said: tuple[Telling, ...]) -> bool:
        heard.extend((clock.now(), item.kind, item.alarm.finding.kind) for item in said)
        return True

    duty = WatchDuty(Watcher(watch), hear)
    night_2_comes_at = MORNING + DAY + timedelta(minutes=90)
    while clock.now() < MORNING + DAY + timedelta(hours=3):
        if clock.now() == night_2_comes_at:
            site.play("A", 2, {"1.2.2": b"record"})
        if duty.wait_s(clock) <= 0:
            duty.work(clock)
        clock.advance(timedelta(minutes=10))
    due_at = datetime(2026, 3, 3, 6, tzinfo=UTC)  # 07:00 in Brussels
    missing = FindingKind.NIGHT_MISSING
    assert heard == [
        (due_at, TellingKind.NEW, missing),
        *((due_at + timedelta(hours=hours), TellingKind.LASTS, missing) for hours in (1, 2, 3)),
        (night_2_comes_at, TellingKind.OVER, missing),
    ]


def test_a_person_who_looks_in_between_takes_no_alarm_from_the_service(site: Site, tmp_path: Path) -> None:
    watcher = Watcher(watch_file(site, tmp_path, mirror=FolderSection(path=tmp_path / "gone")))
    notes, _ = watcher.look(MORNING, keep_alarms=False)
    assert [finding.kind for finding in notes.look.findings] == [FindingKind.UNREACHABLE]
    _, tellings = watcher.look(MORNING)
    assert [item.kind for item in tellings] == [TellingKind.NEW]


def test_a_damaged_note_makes_the_watcher_say_everything_again(site: Site, tmp_path: Path) -> None:
    watch = watch_file(site, tmp_path, mirror=FolderSection(path=tmp_path / "gone"))
    Watcher(watch).look(MORNING)
    (tmp_path / "memory" / NOTES_NAME).write_text("{", encoding="utf-8")
    _, tellings = Watcher(watch).look(MORNING)
    assert [item.kind for item in tellings] == [TellingKind.NEW]


def test_an_alarm_that_nobody_heard_is_told_again_until_somebody_does(site: Site, tmp_path: Path) -> None:
    watch = watch_file(site, tmp_path, mirror=FolderSection(path=tmp_path / "gone"))
    answers = iter([False, False, True])
    tries: list[int] = []

    def hear(said: tuple[Telling, ...]) -> bool:
        tries.append(len(said))
        return next(answers)

    clock = MovableClock(MORNING)
    duty = WatchDuty(Watcher(watch), hear)
    for _ in range(2):
        assert duty.wait_s(clock) == 0
        with pytest.raises(SourceUnavailable, match="told to nobody"):
            duty.work(clock)
        clock.advance(timedelta(minutes=1))
    assert duty.wait_s(clock) == 0
    duty.work(clock)
    assert (tries, duty.wait_s(clock) > 0) == ([1, 1, 1], True)


def test_alarms_go_through_every_channel_of_the_watchers_file(site: Site, tmp_path: Path) -> None:
    siren = tmp_path / "siren"
    script = f"import sys; open({str(siren)!r}, 'a').write(sys.stdin.read())"
    watch = watch_file(
        site,
        tmp_path,
        mirror=FolderSection(path=tmp_path / "gone"),
        alerts=[
            {"kind": "command", "name": "siren", "arguments": [sys.executable, "-c", script]},
            {"kind": "syslog", "name": "log", "host": "127.0.0.1", "port": 9, "transport": "tcp"},
        ],
    )
    _, tellings = Watcher(watch).look(MORNING)
    assert list(call_people(watch, tellings, MORNING)) == ["log"]
    assert "unreachable" in siren.read_text(encoding="utf-8")
    assert list(try_channels(watch, MORNING)) == ["log"]


@pytest.fixture
def door(site: Site, tmp_path: Path) -> Iterator[tuple[Watcher, int]]:
    section = HeartbeatSection(bind="127.0.0.1", port=0)
    watcher = Watcher(watch_file(site, tmp_path, heartbeat=section))
    with heartbeat_door(section, watcher, MovableClock(MORNING)) as port:
        yield watcher, port


def post(port: int, body: bytes, path: str = PATH, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def kinds(watcher: Watcher, now: datetime) -> list[FindingKind]:
    return [finding.kind for finding in watcher.look(now)[0].look.findings]


def test_heartbeats_keep_a_watcher_quiet_and_their_silence_makes_noise(
    site: Site, door: tuple[Watcher, int]
) -> None:
    watcher, port = door
    assert kinds(watcher, MORNING) == [FindingKind.UNREACHABLE]
    for day in (1, 2):
        site.play("A", day, {f"1.2.{day}": b"plan"})
        send_heartbeat(HeartbeatTarget(url=f"http://127.0.0.1:{port}{PATH}"), packed(site.store))
        assert kinds(watcher, MORNING + (day - 1) * DAY) == []
    assert kinds(watcher, MORNING + 2 * DAY) == [FindingKind.NIGHT_MISSING]


def test_a_heartbeat_that_is_older_foreign_or_none_is_refused_and_the_good_one_stays(
    site: Site, door: tuple[Watcher, int], tmp_path: Path
) -> None:
    watcher, port = door
    site.play("A", 1, {"1.2.1": b"plan"})
    older = packed(site.store)
    site.play("A", 2, {"1.2.2": b"plan"})
    assert post(port, packed(site.store)) == 200
    stranger = Site(tmp_path / "stranger")
    for body in (older, packed(stranger.store), b"{}", b"\xff" * 1000, b""):
        with pytest.raises(SourceUnavailable, match="403"):
            send_heartbeat(HeartbeatTarget(url=f"http://127.0.0.1:{port}{PATH}"), body)
    assert kinds(watcher, MORNING + DAY) == []


def test_the_door_refuses_other_paths_and_bodies_that_are_too_long(door: tuple[Watcher, int]) -> None:
    _, port = door
    assert post(port, b"{}", path="/etc/passwd") == 400
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", PATH)
    connection.putheader("Content-Length", str(HEARTBEAT_BYTES_MAX + 1))
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def test_visitors_together_hold_no_more_than_two_heartbeats(door: tuple[Watcher, int]) -> None:
    _, port = door
    with ExitStack() as held:
        visitors = [
            held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
            for _ in range(READ_AT_ONCE_BYTES_MAX // HEARTBEAT_BYTES_MAX + 1)
        ]
        for visitor in visitors:
            claim = f"POST {PATH} HTTP/1.0\r\nContent-Length: {HEARTBEAT_BYTES_MAX}\r\n\r\n{{"
            visitor.sendall(claim.encode())
        answered, _, _ = select.select(visitors, [], [], 30)

        assert len(answered) == 1  # whichever comes last: the two before it hold all the room
        assert b" 503 " in answered[0].recv(100)
        assert post(port, b"{}") == 503


def test_a_watcher_that_redirects_gets_no_second_question() -> None:
    with gateway() as elsewhere, gateway() as redirecting:
        redirecting.status = 307
        redirecting.location = f"http://127.0.0.1:{elsewhere.port}/"
        for status in (301, 302, 303, 307, 308):
            redirecting.status = status
            with pytest.raises(SourceUnavailable, match=str(status)):
                send_heartbeat(HeartbeatTarget(url=f"http://127.0.0.1:{redirecting.port}/"), b"{}")

        assert elsewhere.asked == 0


@pytest.mark.parametrize("where", ["http://127.0.0.1:99999/", "http://x..y/", "https://[::1/", "http://a/é"])
def test_an_address_that_is_none_is_told_and_ends_nothing(where: str) -> None:
    with pytest.raises(SourceUnavailable, match="no answer"):
        send_heartbeat(HeartbeatTarget(url=where), b"{}")


def test_a_look_that_hangs_is_told_again_while_it_hangs_and_when_it_goes_on(
    site: Site, tmp_path: Path
) -> None:
    watcher = Watcher(watch_file(site, tmp_path, mirror=FolderSection(path=site.folder / "vault")))
    heard: list[TellingKind] = []

    def hear(said: tuple[Telling, ...]) -> bool:
        heard.extend(item.kind for item in said)
        return True

    clock = MovableClock(MORNING)
    duty = HangDuty(watcher, hear, silent_s_max=0)
    duty.work(clock)
    assert (heard, duty.wait_s(clock) > 0) == ([], True)
    mute = socket.create_server(("127.0.0.1", 0))
    mute.settimeout(10)
    silent = sftp_mirror(mute.getsockname()[1])
    stuck = Watcher(watch_file(site, tmp_path, mirror=silent))
    duty = HangDuty(stuck, hear, silent_s_max=0)
    looking = threading.Thread(target=stuck.look, args=(MORNING,), daemon=True)
    looking.start()
    visitor, _ = mute.accept()  # and says nothing
    assert duty.wait_s(clock) == 0
    duty.work(clock)
    clock.advance(timedelta(minutes=5))
    duty.work(clock)
    clock.advance(timedelta(hours=1))
    duty.work(clock)
    visitor.close()
    mute.close()
    looking.join(10)
    duty.work(clock)

    assert heard == [TellingKind.NEW, TellingKind.LASTS, TellingKind.OVER]
    assert not looking.is_alive()


def sftp_mirror(port: int, **more: object) -> dict[str, object]:
    """Return the section of a mirror as the site file has it."""
    facts: dict[str, object] = {"kind": "sftp", "name": "far", "host": "127.0.0.1", "port": port}
    key = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    facts |= {"user": "reader", "host_keys": (key.decode(),), "password": "env:PATH"}
    return facts | more


def test_a_mirror_whose_key_is_gone_is_told_like_one_that_does_not_answer(site: Site, tmp_path: Path) -> None:
    far = sftp_mirror(22, password=f"file:{tmp_path / 'gone'}")

    assert kinds(Watcher(watch_file(site, tmp_path, mirror=far)), MORNING) == [FindingKind.UNREACHABLE]


def test_a_watchers_file_takes_a_folder_or_any_mirror_of_a_site_and_names_what_is_wrong(
    site: Site, tmp_path: Path
) -> None:
    assert isinstance(watch_file(site, tmp_path, mirror={"path": "copy"}).mirror, FolderSection)
    assert isinstance(watch_file(site, tmp_path, mirror=sftp_mirror(22)).mirror, SftpMirror)
    for wrong in (
        {"kind": "ftp"},
        {"path": "copy", "port": 22},
        {"kind": "s3"},
        sftp_mirror(22, path="x"),
        7,
    ):
        with pytest.raises(ValidationError, match="mirror"):
            watch_file(site, tmp_path, mirror=wrong)


@pytest.mark.parametrize("name", ["Zuid\nBcc: x@y", "Zuid\u2028", "Zuid\x85", ""])
def test_a_name_that_is_no_single_line_is_refused(site: Site, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        watch_file(site, tmp_path, name=name, mirror={"path": "copy"})


def test_visitors_who_say_nothing_do_not_keep_a_heartbeat_out_for_long(
    site: Site, door: tuple[Watcher, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, port = door
    monkeypatch.setattr("beamkeeper.app.jobs.heartbeats.ANSWER_S", 0.3)
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    try:
        for visitor in silent:
            visitor.settimeout(10)
            assert visitor.recv(1) == b""  # turned away, or given up
    finally:
        for visitor in silent:
            visitor.close()
    site.play("A", 1, {"1.2.1": b"plan"})
    assert post(port, packed(site.store)) == 200


def test_over_tls_a_collector_believes_the_watchers_own_certificate_only(site: Site, tmp_path: Path) -> None:
    papers = Papers(tmp_path)
    section = HeartbeatSection(
        bind="127.0.0.1", port=0, tls_certificate=tmp_path / "server.pem", tls_key=tmp_path / "server.key"
    )
    watcher = Watcher(watch_file(site, tmp_path, heartbeat=section))
    site.play("A", 1, {"1.2.1": b"plan"})
    with heartbeat_door(section, watcher, MovableClock(MORNING)) as port:
        url = f"https://127.0.0.1:{port}{PATH}"
        good = HeartbeatTarget(url=url, tls_ca=papers.authority.certificate)
        send_heartbeat(good, packed(site.store))
        with pytest.raises(SourceUnavailable):
            send_heartbeat(HeartbeatTarget(url=url, tls_ca=tmp_path / "stranger.pem"), packed(site.store))
        with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)):
            post(port, b"{}")
    assert kinds(watcher, MORNING) == []
    shutil.rmtree(watcher.watch.memory_dir)


def test_every_finding_has_an_exit_status_worst_first() -> None:
    assert list(EXIT_OF) == [kind.value for kind in FindingKind]
