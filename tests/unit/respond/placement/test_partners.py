"""The partners' file: read strictly, and what is wrong in it named with its place."""

from __future__ import annotations

import pytest
from plans_and_partners import PARTNERS

from beamkeeper.errors import ConfigError
from beamkeeper.respond.placement import read_partners


def test_a_machine_is_what_the_machine_file_says_with_the_accessories_of_its_site() -> None:
    text = PARTNERS.replace("travel_min = 35", 'travel_min = 35\naccessories = ["FRAME"]')
    file = read_partners(text)

    assert file.profiles["partner-1"].accessories == {"FRAME"}
    assert file.profiles["own-1"].accessories == frozenset()
    assert file.profiles["partner-1"].matches[0].machine == "TB3"
    assert [one.slots for one in file.partners.machine] == [1, 2]


def test_a_site_without_machines_is_taken_and_named() -> None:
    file = read_partners(PARTNERS + '\n[[site]]\nid = "far"\n')

    assert [one.id for one in file.without_machines] == ["far"]


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("slots = 2", "slots = -2", "machine partner-1, slots: .*greater than or equal to 0"),
        ("slots = 2", "", "machine partner-1, slots: Field required"),
        ("slots = 2", "slots = 2\ncolour = 1", "unknown keys: colour"),
        ("replans_a_day = 2", "replans_a_day = -1", "site.1.replans_a_day"),
        ('id = "own-1"', 'id = "partner-1"', "share an id: partner-1"),
        ('id = "partner"\n', 'id = "own"\n', "sites share an id: own"),
        ('site = "partner"', 'site = "nowhere"', "stands at nowhere, which is not listed"),
        ("travel_min = 35", "travel_hours = 1", "travel_hours"),
        ('attacked_domain = "own-ad"', 'untested = "never mind"', "untested"),
        ("format = 1", "format = 2", "format"),
        ("format = 1", "format = 1\nmachine = 3", "machine is a list|not valid TOML"),
        ("format = 1", "format = ", "not valid TOML"),
        ('profile = "Varian TrueBeam, Millennium 120"', 'profile = "Cobalt"', "Cobalt"),
        (
            'energies = ["6"]',
            'energies = ["inf"]',
            "In the partners' file, machine 2 has a value that cannot",
        ),
        ("travel_min = 35", "travel_min = nan", "site.1.travel_min"),
        ("travel_min = 35", "distance_km = inf", "site.1.distance_km"),
        ("slots = 2", f"slots = {10**18}", "machine partner-1, slots"),
        ("slots = 2", "slots = 2\nother_days = { 2026-11-31 = 1 }", "other_days"),
        ("format = 1", "format = 1\nsite = []", "site|not valid TOML"),
        ("format = 1", "format = 1\ndays = 0", "days"),
        ("format = 1", "format = 1\nholidays = [2026-13-01]", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(old: str, new: str, match: str) -> None:
    assert old in PARTNERS

    with pytest.raises(ConfigError, match=match) as refused:
        read_partners(PARTNERS.replace(old, new))

    assert refused.value.do_next


def test_without_any_site_there_is_nobody_to_ask() -> None:
    with pytest.raises(ConfigError, match="site: Field required") as refused:
        read_partners("format = 1\n")

    assert refused.value.do_next
