"""What the kernel's files say, read as it writes them."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.protect.isolate.host_files import (
    Listener,
    core_dumps_go_nowhere,
    mount_of,
    names_come_from_files_alone,
    read_listeners,
    read_mounts,
    read_swaps,
)

TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1107911 1
   1: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000   998        0 1582 1
   2: 0A02000A:0016 0B02000A:C350 01 00000000:00000000 00:00000000 00000000     0        0 99 1
"""
TCP6 = """  sl  local_address                         remote_address                        st
   0: B80D0120000000000000000001000000:2B69 00000000000000000000000000000000:0000 0A 0:0 00:0 0  1000  0 7 1
   1: 00000000000000000000000001000000:1538 00000000000000000000000000000000:0000 0A 0:0 00:0 0     0  0 8 1
   2: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0     0  0 9 1
"""
MOUNTS = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw - proc proc rw
30 22 253:0 / /var/lib/beamkeeper rw shared:5 - ext4 /dev/mapper/data rw
31 30 0:50 / /var/lib/beamkeeper/a\040share rw - cifs //server/share rw
"""


def test_who_listens_is_read_and_who_is_connected_is_not() -> None:
    assert list(read_listeners("tcp", TCP)) == [
        Listener(port=22, transport="tcp", address=ipaddress.ip_address("0.0.0.0"), uid=0),  # noqa: S104
        Listener(port=631, transport="tcp", address=ipaddress.ip_address("127.0.0.1"), uid=998),
    ]


def test_ipv6_addresses_are_read_word_by_word_and_loopback_is_known_in_every_writing() -> None:
    found = list(read_listeners("tcp", TCP6))
    expected = [ipaddress.ip_address(text) for text in ("2001:db8::1", "::1", "::ffff:127.0.0.1")]

    assert [item.address for item in found] == expected
    assert [item.is_local for item in found] == [False, True, True]


@given(st.text(max_size=300))
def test_any_text_is_read_without_harm(text: str) -> None:
    for transport in ("tcp", "udp"):
        list(read_listeners(transport, text))
    read_mounts(text)
    read_swaps(text)
    names_come_from_files_alone(text)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/beamkeeper/vault", "/dev/mapper/data"),
        ("/var/lib/beamkeeper", "/dev/mapper/data"),
        ("/var/lib/beamkeeper2", "/dev/sda1"),
        ("/var/lib/beamkeeper/a share/x", "//server/share"),
        ("/", "/dev/sda1"),
    ],
)
def test_a_path_lies_on_the_longest_mount_point_above_it(path: str, kind: str) -> None:
    found = mount_of(path, read_mounts(MOUNTS))

    assert found is not None
    assert found.source == kind
    assert found.is_elsewhere == (found.kind == "cifs")


def test_names_come_from_files_alone_only_when_nothing_else_is_named() -> None:
    assert names_come_from_files_alone("hosts: files # dns") is True
    assert names_come_from_files_alone("hosts:  files dns") is False
    assert names_come_from_files_alone("passwd: files") is None


def test_core_dumps_go_nowhere_only_by_a_known_pattern() -> None:
    assert core_dumps_go_nowhere("|/bin/false\n")
    assert not core_dumps_go_nowhere("core")
    assert not core_dumps_go_nowhere("|/lib/systemd/systemd-coredump %P")
