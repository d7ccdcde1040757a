"""Copies of a site's vault elsewhere: from the site file to a restore out of the mirror."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2, SmallSite, at, make_objects
from tests.mail_peers.hook_server import Gateway, gateway

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.mirror_duty import LOOK_EVERY, RETRY, RETRY_SLOWER, SLOWER_AFTER, MirrorDuty
from beamkeeper.app.jobs.runtime import open_ledger
from beamkeeper.clock import MovableClock, SystemClock
from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.vault import LocalStore, SiteKeys, Vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

SETTINGS = """
[[mirrors]]
name = "usb"
kind = "directory"
path = "../usb"
unsafe_same_disk = true

[[mirrors]]
name = "second"
kind = "directory"
path = "../second"
unsafe_same_disk = true
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site after one night, with two mirrors that hold nothing yet; copied for each test."""
    root = tmp_path_factory.mktemp("mirrored")
    make_objects(root / "source", who=(2,), sessions=1)
    site = SmallSite.make(root, settings=SETTINGS)
    site.night(NIGHT_1)
    return root


@pytest.fixture
def site(kept: Path, tmp_path: Path) -> SmallSite:
    made = SmallSite.copied(kept, tmp_path / "root")
    (made.root / "usb").mkdir()
    (made.root / "second").mkdir()
    return made


def beamkeeper(site: SmallSite, *words: object) -> int:
    status = app(["mirrors", *map(str, words), "--site", str(site.site_file)], standalone_mode=False)
    assert isinstance(status, int)
    return status


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_before_the_first_run_every_mirror_is_behind(
    site: SmallSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert beamkeeper(site, "--json") == 3

    mirrors = said(capsys)["mirrors"]
    assert [mirror["name"] for mirror in mirrors] == ["usb", "second"]
    assert all(mirror["state"] == "behind" and mirror["waiting_count"] == 2 for mirror in mirrors)


def test_one_run_brings_all_of_them_up_to_date(site: SmallSite, capsys: pytest.CaptureFixture[str]) -> None:
    assert beamkeeper(site, "run") == 0
    capsys.readouterr()

    assert beamkeeper(site) == 0
    shown = capsys.readouterr().out
    assert shown.count("✓") == 2
    assert all(len(line) <= 80 for line in shown.splitlines() if str(site.root) not in line)


def test_a_dead_mirror_holds_up_no_other_and_fails_no_night(
    site: SmallSite, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.root / "usb").rmdir()

    assert beamkeeper(site, "run", "--json") == 3
    states = {one["destination"]: one["state"] for one in said(capsys)["outcomes"]}
    assert states == {"usb": "unreachable", "second": "mirrored"}
    assert site.night(NIGHT_2).outcome.value == "complete"


def test_only_the_named_mirror_is_brought_up_to_date(site: SmallSite) -> None:
    assert beamkeeper(site, "run", "--destination", "second") == 0

    assert list((site.root / "usb").iterdir()) == []
    assert beamkeeper(site) == 3


def test_a_restore_straight_from_a_directory_mirror_works(site: SmallSite, tmp_path: Path) -> None:
    beamkeeper(site, "run", "--destination", "usb")
    shutil.rmtree(site.vault_dir)

    restored = restore(site.root / "usb", site, tmp_path)

    assert sorted(restored.values()) == sorted(site.sources_by_uid().values())


def test_a_fetched_vault_is_a_vault(
    site: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beamkeeper(site, "run", "--destination", "usb")
    shutil.rmtree(site.vault_dir)
    capsys.readouterr()

    assert beamkeeper(site, "fetch", "usb", "--to", tmp_path / "back", "--json") == 0

    assert said(capsys)["fetched"] == {"parcel_count": 2, "failures": [], "is_older": False}
    restored = restore(tmp_path / "back", site, tmp_path)
    assert sorted(restored.values()) == sorted(site.sources_by_uid().values())


def test_a_collector_that_lost_everything_but_its_site_file_fetches_with_the_root_key(
    site: SmallSite, tmp_path: Path
) -> None:
    beamkeeper(site, "run", "--destination", "usb")
    key = SiteKeys.load(site.site.vault.keys_dir).root_public_key
    for folder in (site.vault_dir, site.site.data_dir, site.site.vault.keys_dir):
        shutil.rmtree(folder)

    with pytest.raises(KeyUnavailable, match="never opened this vault"):
        beamkeeper(site, "fetch", "usb", "--to", tmp_path / "back")
    assert beamkeeper(site, "fetch", "usb", "--to", tmp_path / "back", "--root-key", key) == 0
    with pytest.raises(IntegrityError, match="another key"):
        beamkeeper(site, "fetch", "usb", "--to", tmp_path / "back", "--root-key", "00" * 32)


def test_a_collector_that_kept_its_keys_needs_no_root_key(site: SmallSite, tmp_path: Path) -> None:
    beamkeeper(site, "run", "--destination", "usb")
    for folder in (site.vault_dir, site.site.data_dir):
        shutil.rmtree(folder)

    assert beamkeeper(site, "fetch", "usb", "--to", tmp_path / "back") == 0


def test_a_fetch_leaves_out_what_was_altered_and_says_so(
    site: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beamkeeper(site, "run", "--destination", "usb")
    parcel = max((site.root / "usb" / "targets").rglob("*.age"), key=lambda path: path.stat().st_size)
    data = bytearray(parcel.read_bytes())
    data[-1] ^= 1
    parcel.write_bytes(data)

    assert beamkeeper(site, "fetch", "usb", "--to", tmp_path / "back") == 20

    assert "gives other bytes than the ones that were sealed" in " ".join(capsys.readouterr().out.split())
    assert not (tmp_path / "back" / parcel.relative_to(site.root / "usb")).exists()


def test_an_altered_mirror_has_an_exit_status_of_its_own(
    site: SmallSite, capsys: pytest.CaptureFixture[str]
) -> None:
    beamkeeper(site, "run")
    (site.root / "usb" / "metadata" / "timestamp.json").write_bytes(b"{}")

    assert beamkeeper(site, "run") == 20
    assert beamkeeper(site) == 20
    assert "was replaced by something else" in " ".join(capsys.readouterr().out.split())


def test_the_duty_is_due_at_once_after_a_night_and_then_once_a_day(site: SmallSite) -> None:
    section = site.site.mirrors[0]
    duty = MirrorDuty(site.site, open_ledger(site.site), section)
    clock = at(NIGHT_1, 4)

    assert duty.wait_s(clock) == 0
    assert duty.work(clock).startswith("mirrored, 2 sent")
    assert duty.wait_s(clock) == LOOK_EVERY.total_seconds()
    site.night(NIGHT_2)
    assert duty.wait_s(at(NIGHT_2, 3)) == 0
    duty.work(at(NIGHT_2, 3))
    assert duty.wait_s(MovableClock(at(NIGHT_2, 3).now() + LOOK_EVERY)) == 0


def test_the_duty_tries_a_dead_mirror_again_and_again_and_no_oftener(site: SmallSite) -> None:
    (site.root / "usb").rmdir()
    duty = MirrorDuty(site.site, open_ledger(site.site), site.site.mirrors[0])
    clock = at(NIGHT_1, 4)

    assert "does not answer" in duty.work(clock)

    assert duty.wait_s(clock) == RETRY.total_seconds()
    clock.advance(RETRY)
    assert duty.wait_s(clock) == 0
    clock.advance(SLOWER_AFTER)
    duty.work(clock)
    assert duty.wait_s(clock) == RETRY_SLOWER.total_seconds()
    clock.move_to(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=1))
    assert duty.wait_s(clock) == 0


def test_each_run_is_in_the_audit_log(site: SmallSite) -> None:
    beamkeeper(site, "run", "--destination", "usb")

    lines = [line for line in open_ledger(site.site).audit.rows() if line.action == "mirror run"]
    assert [line.outcome for line in lines] == ["ok"]


def restore(copy: Path, site: SmallSite, out: Path) -> dict[str, bytes]:
    """Restore from a copy as somebody does who never saw the vault: by the copy, a key, the root's key."""
    keys = SiteKeys.load(site.site.vault.keys_dir)
    vault = Vault.open(
        LocalStore(copy),
        trusted_dir=out / "elsewhere",
        now=SystemClock().now(),
        root_public_key=keys.root_public_key,
    )
    vault.restore_all(identities=keys.identities, out_dir=out / "restored")
    return {str(path): path.read_bytes() for path in (out / "restored").rglob("*.dcm")}


def night(site: SmallSite, *words: object) -> int:
    arguments = ["night", *map(str, words), "--site", str(site.site_file)]
    status = app(arguments, standalone_mode=False)
    assert isinstance(status, int)
    return status


def test_a_night_typed_by_hand_brings_the_mirrors_up_to_date_and_none_fails_it(
    site: SmallSite, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.root / "usb").rmdir()

    assert night(site, "--json") == 0

    told = said(capsys)
    assert told["outcome"] == "complete"
    assert {one["destination"]: one["state"] for one in told["mirrors"]} == {
        "usb": "unreachable",
        "second": "mirrored",
    }


def test_the_report_and_the_status_say_where_the_mirrors_stood(
    site: SmallSite, capsys: pytest.CaptureFixture[str]
) -> None:
    beamkeeper(site, "run", "--destination", "second")
    (site.root / "usb").rmdir()
    beamkeeper(site, "run", "--destination", "usb")
    report = site.night(NIGHT_2)
    capsys.readouterr()

    told = [remark for remark in report.remarks if "Mirror" in remark]
    assert told[0].startswith("▲ Mirror usb is unreachable since ")
    assert told[1].startswith("Mirror second: everything published by ")
    app(["status", "--json", "--site", str(site.site_file)], standalone_mode=False)
    assert said(capsys)["mirrors"] == told
    app(["status", "--site", str(site.site_file)], standalone_mode=False)
    assert "Mirror second: everything" in capsys.readouterr().out


def test_a_mirror_that_was_never_tried_is_said_so(site: SmallSite) -> None:
    told = [remark for remark in site.night(NIGHT_2).remarks if "Mirror" in remark]

    assert told[0] == "Mirror usb: nothing was ever proved there; it was not tried yet."


WINDOW = """
[window]
interface = "eth1"
addresses = ["192.0.2.1/24"]
worker = "root"
socket = "no-watchdog-here.socket"

[[mirrors]]
name = "far"
kind = "sftp"
host = "192.0.2.9"
user = "beamkeeper"
host_keys = ["ssh-ed25519 AAAA"]
"""


def test_where_the_network_does_not_open_disks_go_on_and_the_others_are_named(
    site: SmallSite, capsys: pytest.CaptureFixture[str]
) -> None:
    text = site.site_file.read_text("utf-8")
    site.site_file.write_text(text.replace("[[mirrors]]", f"{WINDOW}\n[[mirrors]]", 1), "utf-8")

    assert beamkeeper(site, "run", "--json") == 3

    outcomes = {one["destination"]: one for one in said(capsys)["outcomes"]}
    assert {name: one["state"] for name, one in outcomes.items()} == {
        "far": "unreachable",
        "usb": "mirrored",
        "second": "mirrored",
    }
    assert "window" in outcomes["far"]["error"].lower()


PAGER = """
[[alerts]]
name = "pager"
kind = "http"
url = "http://127.0.0.1:{port}/send"
fields = {{ text = "$text", kind = "$kind" }}
"""


@pytest.fixture
def pager() -> Iterator[Gateway]:
    with gateway() as state:
        yield state


@pytest.fixture
def calling(site: SmallSite, pager: Gateway) -> SmallSite:
    text = site.site_file.read_text("utf-8")
    more = PAGER.format(port=pager.port)
    site.site_file.write_text(text.replace("[[mirrors]]", f"{more}\n[[mirrors]]", 1), "utf-8")
    return site


def work(site: SmallSite, instant: datetime) -> str:
    """Do the duty of the first mirror."""
    return MirrorDuty(site.site, open_ledger(site.site), site.site.mirrors[0]).work(MovableClock(instant))


def test_an_altered_mirror_calls_people_once_a_day(calling: SmallSite, pager: Gateway) -> None:
    now = at(NIGHT_1, 4).now()
    work(calling, now)
    assert pager.taken == []
    parcel = max((calling.root / "usb" / "targets").rglob("*.age"), key=lambda path: path.stat().st_size)
    parcel.write_bytes(b"?" * parcel.stat().st_size)

    for hours in (1, 2, 3):
        work(calling, now + timedelta(hours=hours))
    assert [call["kind"] for call in pager.taken] == ["mirror"]
    assert "mirror usb was altered" in pager.taken[0]["text"]
    assert "other bytes than the ones that were sealed" in pager.taken[0]["text"]
    work(calling, now + timedelta(days=1))
    assert len(pager.taken) == 2


def test_a_dead_mirror_calls_people_after_a_day(calling: SmallSite, pager: Gateway) -> None:
    (calling.root / "usb").rmdir()
    now = at(NIGHT_1, 4).now()
    for hours in (0, 1, 12, 23):
        work(calling, now + timedelta(hours=hours))
    assert pager.taken == []

    work(calling, now + timedelta(hours=24))
    work(calling, now + timedelta(hours=25))

    assert len(pager.taken) == 1
    assert "mirror usb is unreachable since 2026-03-02" in pager.taken[0]["text"]


def test_a_call_that_nobody_took_is_made_again(calling: SmallSite, pager: Gateway) -> None:
    now = at(NIGHT_1, 4).now()
    work(calling, now)
    (calling.root / "usb" / "metadata" / "timestamp.json").write_bytes(b"{}")
    pager.status = 500
    work(calling, now + timedelta(hours=1))
    assert pager.taken == []
    pager.status = 200
    (calling.root / "usb" / "metadata" / "timestamp.json").write_bytes(b"{}")

    work(calling, now + timedelta(hours=2))

    assert len(pager.taken) == 1
