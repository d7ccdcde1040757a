"""Names mean what the hosts file says, and nothing else."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import ConfigError
from beamkeeper.protect.isolate.pins import HOSTS_LINES_MAX, addresses_of, pin_lines, read_hosts

HOSTS = """
127.0.0.1   localhost
192.0.2.10  archive.example Archive   # the archive
2001:db8::a archive.example
192.0.2.10  archive.example
nonsense    here
"""
names = st.from_regex(r"\A[a-z][a-z0-9-]{0,20}(\.[a-z][a-z0-9]{0,10})?\Z")


def test_every_address_of_a_name_is_its_pin_once_in_whatever_case() -> None:
    expected = (ipaddress.ip_address("192.0.2.10"), ipaddress.ip_address("2001:db8::a"))

    assert addresses_of("ARCHIVE.example.", read_hosts(HOSTS)) == expected
    assert addresses_of("archive", read_hosts(HOSTS)) == expected[:1]


def test_an_address_needs_no_pin() -> None:
    assert addresses_of("[2001:db8::b]", {}) == (ipaddress.ip_address("2001:db8::b"),)


def test_a_name_without_a_pin_is_refused_and_no_name_server_is_asked() -> None:
    with pytest.raises(ConfigError, match="asks no name server"):
        addresses_of("here", read_hosts(HOSTS))


def test_a_hosts_file_without_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="at most"):
        read_hosts("\n" * (HOSTS_LINES_MAX + 1))


@given(st.dictionaries(names, st.lists(st.ip_addresses(), min_size=1, max_size=3, unique=True), max_size=5))
def test_what_is_pinned_is_found_again(pins) -> None:
    hosts = read_hosts("\n".join(pin_lines(pins.items())))

    assert {name: list(addresses_of(name, hosts)) for name in pins} == pins
