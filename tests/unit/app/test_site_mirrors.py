"""`[[mirrors]]` of the site file: every kind is read, what is unsafe is refused before anything starts."""

from __future__ import annotations

import pytest
from tests.unit.app.test_site import BASE, written

from beamkeeper.app.site import parse_site
from beamkeeper.errors import ConfigError

ALL = """
[[mirrors]]
name = "usb"
kind = "directory"
path = "usb"

[[mirrors]]
name = "partner"
kind = "sftp"
host = "sftp.partner.example"
user = "beamkeeper"
host_keys = ["ssh-ed25519 AAAA"]
key = "file:partner.key"

[[mirrors]]
name = "share"
kind = "smb"
server = "files.example"
share = "Copies$"
folder = "beamkeeper/site"
user = "beamkeeper"
password = "env:SHARE"

[[mirrors]]
name = "bucket"
kind = "s3"
bucket = "copies"
prefix = "site/a"
region = "eu-central-1"
endpoint = "https://s3.example:9000"
access_key = "env:KEY"
secret_key = "env:SECRET"
megabits_per_second = 80

[[mirrors]]
name = "blob"
kind = "azure"
account = "hospital"
container = "copies"
key = "credential:azure"

[[mirrors]]
name = "gcs"
kind = "gcs"
bucket = "copies"
service_account = "file:gcs.json"
"""


def test_every_kind_is_read() -> None:
    site = parse_site(written() + ALL, base=BASE)

    assert [mirror.kind for mirror in site.mirrors] == ["directory", "sftp", "smb", "s3", "azure", "gcs"]
    assert site.mirrors[0].path == BASE / "usb"  # type: ignore[union-attr]
    assert site.mirrors[3].bytes_per_s == 10e6
    assert [mirror.where for mirror in site.mirrors] == [
        "/etc/beamkeeper/usb",
        "sftp://beamkeeper@sftp.partner.example:22/beamkeeper",
        "smb://files.example:445/Copies$/beamkeeper/site",
        "https://s3.example:9000/copies/site/a",
        "azure://hospital/copies",
        "gs://copies",
    ]


def test_no_secret_stands_in_what_is_shown_of_a_mirror() -> None:
    site = parse_site(written() + ALL, base=BASE)

    shown = " ".join(mirror.where for mirror in site.mirrors)
    assert "SECRET" not in shown
    assert "credential" not in shown


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('name = "share"', 'name = "usb"', "two mirrors have the same name"),
        ("https://s3.example:9000", "http://s3.example:9000", "begins with https"),
        ("https://s3.example:9000", "https://user@s3.example", "an endpoint is https"),
        ('host_keys = ["ssh-ed25519 AAAA"]', "host_keys = []", "host_keys"),
        ('folder = "beamkeeper/site"', 'folder = "a\\\\b"', "folder"),
        ('prefix = "site/a"', 'prefix = "../a"', "prefix"),
        ('kind = "gcs"', 'kind = "ftp"', "ftp"),
        ('path = "usb"', 'path = "usb"\npassord = "env:X"', "passord"),
    ],
)
def test_what_is_unsafe_or_misspelt_is_refused(before: str, after: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_site(written() + ALL.replace(before, after), base=BASE)


def test_an_endpoint_without_tls_is_for_this_computer_only() -> None:
    local = ALL.replace("https://s3.example:9000", "http://127.0.0.1:9000")

    assert parse_site(written() + local, base=BASE).mirrors[3].where.startswith("http://127.0.0.1")


def test_what_was_proved_at_another_place_does_not_count() -> None:
    here = parse_site(written() + ALL, base=BASE).mirrors
    moved = parse_site(written() + ALL.replace("sftp.partner", "sftp.other"), base=BASE).mirrors
    slower = parse_site(written() + ALL.replace("second = 80", "second = 8"), base=BASE).mirrors

    assert here[1].place != moved[1].place
    assert here[3].place == slower[3].place


def test_whom_each_mirror_speaks_with_is_known_before_it_does() -> None:
    site = parse_site(written() + ALL, base=BASE)

    assert [mirror.servers for mirror in site.mirrors] == [
        (),
        (("sftp.partner.example", 22),),
        (("files.example", 445),),
        (("s3.example", 9000),),
        (("hospital.blob.core.windows.net", 443),),
        (("storage.googleapis.com", 443), ("oauth2.googleapis.com", 443)),
    ]


def test_a_region_of_google_is_spoken_with_by_its_own_name() -> None:
    regional = 'service_account = "file:gcs.json"\nendpoint = "https://storage.eu.example"'
    site = parse_site(
        written() + ALL.replace('service_account = "file:gcs.json"', regional),
        base=BASE,
    )

    assert site.mirrors[-1].servers[0] == ("storage.eu.example", 443)
