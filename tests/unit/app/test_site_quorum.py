"""What the site file says of people, mail and alarms: what is written about it works, slips do not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from beamkeeper.app.jobs.quorum import people_of, rule_of
from beamkeeper.app.site import Site, parse_site
from beamkeeper.app.site_template import SiteAnswers, site_text
from beamkeeper.errors import ConfigError

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "two-people-confirm.md"
BARE = """
format = 1
[site]
name = "Zuid"
time_zone = "Europe/Brussels"
data_dir = "data"
[vault]
directory = "vault"
keys_dir = "keys"
[[sources]]
kind = "folder"
name = "folder"
path = "source"
"""
PEOPLE = """
[quorum]
[[quorum.people]]
login = "an"
name = "An Peeters"
role = "physicist"
mail = "an@hospital.example"
[[quorum.people]]
login = "bo"
name = "Bo Claes"
role = "physician"
mail = "bo@hospital.example"
"""
MAIL = '[mail]\nhost = "mail.hospital.example"\nsender = "b@hospital.example"\n'
HOOK = '[[alerts]]\nname = "sms"\nkind = "http"\nurl = "https://sms.hospital.example/send"\n'


def read(text: str) -> Site:
    return parse_site(BARE + text, base=Path("/etc/beamkeeper"))


def test_a_site_file_without_people_asks_nobody() -> None:
    site = read("")

    assert site.quorum is None
    assert site.alerts == ()
    with pytest.raises(ConfigError, match="asks nobody"):
        people_of(site)


def test_what_the_guide_shows_is_a_site_file() -> None:
    shown = re.search(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    text = shown[1].replace(
        "[mail]\n", '[[quorum.people]]\nlogin = "bo"\nname = "Bo"\nrole = "physicist"\n\n[mail]\n', 1
    )
    text = text.replace(
        "[mail]\n", '[[quorum.people]]\nlogin = "head"\nname = "Di"\nrole = "physician"\n\n[mail]\n', 1
    )
    site = read(text)

    assert [alert.kind for alert in site.alerts] == ["mail", "http", "syslog", "command"]
    assert site.mail is not None
    assert site.mail.replies is not None
    assert rule_of(site).escalate_to == ("head",)


def test_what_init_writes_is_a_site_file_once_its_signs_are_taken_away() -> None:
    answers = SiteAnswers(
        name="Zuid",
        time_zone="Europe/Brussels",
        data_dir=Path("data"),
        vault_dir=Path("vault"),
        keys_dir=Path("keys"),
        archive=("ARCHIVE", "127.0.0.1", 104),
    )
    lines = site_text(answers).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("# [quorum]"))
    last = next(number for number, line in enumerate(lines) if line.startswith("[compare]"))
    freed = [line.removeprefix("#").removeprefix(" ") for line in lines[first:last]]
    site = parse_site("\n".join([*lines[:first], *freed, *lines[last:]]), base=Path("/etc/beamkeeper"))

    assert site.quorum is not None
    assert site.mail is not None
    assert len(site.alerts) == 1


def test_without_recipients_everybody_who_may_vote_gets_the_report() -> None:
    therapist = '[[quorum.people]]\nlogin = "cy"\nname = "Cy"\nrole = "therapist"\n'

    assert rule_of(read(PEOPLE + therapist)).recipients == ("an", "bo")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PEOPLE.replace('"bo"', '"an"'), "same login"),
        (PEOPLE.replace("bo@hospital.example", "AN@Hospital.example"), "same mail address"),
        (PEOPLE.replace('"physician"', '"it"'), "1 of these may vote"),
        (PEOPLE.replace("[quorum]", '[quorum]\nescalate_to = ["zoe"]'), "zoe"),
        (PEOPLE.replace("[quorum]", "[quorum]\npeople_needed = 0"), "people_needed"),
        (PEOPLE.replace("[quorum]", "[quorum]\npeople = 3"), "valid TOML"),
        (PEOPLE.replace("[quorum]", "[quorum]\nweekend = true"), "weekend"),
        (PEOPLE.replace("an@hospital.example", "An <an@hospital.example>"), "mail"),
        (MAIL + 'security = "unsafe-none"\n', "another machine"),
        (MAIL + 'user = "b"\n', "belong together"),
        (MAIL + 'user = "b"\nsecret = "hunter2"\n', "secret"),
        (HOOK.replace("https://", "http://"), "by https://"),
        (HOOK + 'secret_header = "X-Key"\n', "belong together"),
        (HOOK + HOOK, "same name"),
        (HOOK + 'when = ["sometimes"]\n', "when"),
        ('[[alerts]]\nname = "siren"\nkind = "command"\narguments = []\n', "arguments"),
        ('[[alerts]]\nname = "x"\nkind = "carrier-pigeon"\n', "alerts"),
    ],
)
def test_a_slip_is_named_before_anything_starts(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(why)):
        read(text)


def test_clear_lines_are_for_this_machine_alone() -> None:
    local = (MAIL + 'security = "unsafe-none"\n').replace("mail.hospital.example", "127.0.0.1")
    site = read(local + HOOK.replace("https://sms.hospital.example", "http://127.0.0.1:8080"))

    assert site.mail is not None
    assert site.mail.security == "unsafe-none"
