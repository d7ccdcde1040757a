"""`[window]` in the site file: what it takes, and the plan that comes of the whole file."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.jobs.network import window_of
from beamkeeper.app.site import Site, parse_site
from beamkeeper.app.window_plan import named_peers, plan_of
from beamkeeper.errors import ConfigError
from beamkeeper.protect.isolate import Direction, NoWindow, Transport

if TYPE_CHECKING:
    from pathlib import Path

BASE = """
format = 1
[site]
name = "T"
time_zone = "Europe/Brussels"
data_dir = "data"
[vault]
directory = "vault"
keys_dir = "keys"
{more}
[[sources]]
kind = "dicom"
name = "archive"
ae_title = "ARCHIVE"
host = "archive.example"
port = 104
[[sources]]
kind = "sql"
name = "ois"
url = "mssql+pymssql://reader@ois.example/oncology"
mapping = "ois.toml"
"""
WINDOW = """
[window]
interface = "eno1"
addresses = ["192.0.2.20/24", "2001:db8::20/64"]
gateways = ["192.0.2.1"]
worker = "{user}"
hosts_file = "hosts"
open_times = ["01:55-06:30"]
{more}
"""
DELIVERIES = """
[mail]
host = "mail.example"
port = 587
sender = "b@example.org"
[[mirrors]]
name = "s3"
kind = "s3"
bucket = "keep-it"
region = "eu"
endpoint = "https://store.example"
access_key = "env:A"
secret_key = "env:B"
[[heartbeats]]
url = "https://watch.example:8443/h"
"""
HOSTS = "192.0.2.10 archive.example\n192.0.2.11 ois.example\n"


def site(tmp_path: Path, *, window: str = "", more: str = "", hosts: str = HOSTS) -> Site:
    (tmp_path / "hosts").write_text(hosts)
    section = WINDOW.format(user=getpass.getuser(), more=window)
    return parse_site(BASE.format(more=section + more), base=tmp_path)


def test_a_site_without_a_window_has_none_and_no_plan(tmp_path: Path) -> None:
    without = parse_site(BASE.format(more=""), base=tmp_path)

    assert plan_of(without) is None
    assert isinstance(window_of(without), NoWindow)
    assert named_peers(without) == ()


def test_every_host_a_section_names_is_let_through_at_its_port_and_nobody_else(tmp_path: Path) -> None:
    found = site(tmp_path, more=DELIVERIES)
    peers = {(direction, host, port) for _, direction, host, port, _ in named_peers(found)}

    assert peers == {
        (Direction.OUTBOUND, "archive.example", 104),
        (Direction.OUTBOUND, "ois.example", 1433),
        (Direction.INBOUND, "archive.example", 11113),
        (Direction.OUTBOUND, "mail.example", 587),
        (Direction.OUTBOUND, "store.example", 443),
        (Direction.OUTBOUND, "watch.example", 8443),
    }


def test_further_hosts_are_let_through_by_name(tmp_path: Path) -> None:
    more = '[[window.allow]]\npurpose = "time"\nhost = "192.0.2.99"\nport = 123\ntransport = "udp"\n'
    plan = plan_of(site(tmp_path, window='inbound_from = ["192.0.2.30"]', more=more))

    assert plan is not None
    found = {(p.direction, str(p.addresses[0]), p.port, p.transport) for p in plan.peers}
    assert (Direction.OUTBOUND, "192.0.2.99", 123, Transport.UDP) in found
    assert (Direction.INBOUND, "192.0.2.30", 11113, Transport.TCP) in found


def test_a_host_without_a_pin_makes_no_plan(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ois\.example has no address in the hosts file"):
        plan_of(site(tmp_path, hosts="192.0.2.10 archive.example\n"))


def test_a_ledger_on_the_other_side_of_the_window_makes_no_plan(tmp_path: Path) -> None:
    ledger = '[ledger]\nurl = "postgresql+psycopg://b@db.example/ledger"\n'

    with pytest.raises(ConfigError, match="on the other side of the window"):
        plan_of(site(tmp_path, more=ledger))


def test_a_user_this_computer_does_not_have_makes_no_plan(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none of that name"):
        plan_of(site(tmp_path, window='other_users = ["nobody-of-that-name"]'))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('driver = "e1000e; true"', "no name of a driver"),
        ('open_times = ["2-6"]', "not of the form"),
        ('open_times = ["25:00-06:30"]', "hour"),
        ('gateways = ["192.0.2.1", "192.0.2.2"]', "at most one gateway"),
        ('inbound_from = ["a b"]', "neither a host's name nor an address"),
        ("lease_seconds = 1", "greater than or equal to 2"),
        ("longest_minutes = 100000", "less than or equal to 1440"),
        ("dns = true", "Extra inputs"),
    ],
)
def test_a_wrong_line_is_named_before_anything_starts(tmp_path: Path, line: str, said: str) -> None:
    text = WINDOW.format(user="beamkeeper", more="").replace('open_times = ["01:55-06:30"]', "")
    if line.startswith("gateways"):
        text = text.replace('gateways = ["192.0.2.1"]', "")

    with pytest.raises(ConfigError, match=said):
        parse_site(BASE.format(more=text + line), base=tmp_path)


def test_an_address_without_its_prefix_is_refused(tmp_path: Path) -> None:
    text = WINDOW.format(user="beamkeeper", more="").replace("192.0.2.20/24", "192.0.2.20")

    with pytest.raises(ConfigError, match="prefix too"):
        parse_site(BASE.format(more=text), base=tmp_path)
