"""`beamkeeper place`: whatever the file holds, a sentence for each patient, or one that says what to mend."""

from __future__ import annotations

import io
import json
import random
import tomllib
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer import TyperException
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.cli.place import command
from beamkeeper.errors import BeamkeeperError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

SITES = """format = 1
first_on = 2026-11-23
days = 28
attacked_domain = "own-ad"

[[site]]
id = "s"
failure_domain = "partner-ad"

[[site]]
id = "fallen"
failure_domain = "Own-AD "

[[site]]
id = "unsigned"
agreement_signed = false

[[site]]
id = "empty"

[[machine]]
id = "m1"
site = "s"
slots = 1

[[machine]]
id = "shut"
site = "s"
slots = 0

[[machine]]
id = "fallen-1"
site = "fallen"
slots = 9

[[machine]]
id = "unsigned-1"
site = "unsigned"
slots = 9
"""
GOOD = """
[[patient]]
id = "good"
priority = 2
category = 2
fractions_left = 5
options = [{ machine = "m1", class = "A" }]
"""
OTHER = """
[[patient]]
id = "other"
priority = 1
category = 1
fractions_left = 5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def place(folder: Path, text: str | bytes, *more: str, suffix: str = "toml") -> Result:
    file = folder / f"instance.{suffix}"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CliRunner().invoke(app, ["place", str(file), "--json", *more], standalone_mode=False)


def placed(done: Result) -> dict[str, dict[str, Any]]:
    assert done.exception is None, done.exception
    return {one["patient"]: one for one in json.loads(done.stdout)["placed"]}


@pytest.mark.parametrize(
    ("more", "reason", "would_help"),
    [
        ("", "no machine is named that could give any plan", "a machine that can give the plan"),
        ('options = [{ machine = "shut", class = "A" }]', "no slot for us on any day", "another machine"),
        (
            'options = [{ machine = "fallen-1", class = "A" }]',
            "fallen-1: fallen stands in the attacked failure domain Own-AD",
            "another machine",
        ),
        (
            'options = [{ machine = "unsigned-1", class = "A" }]',
            "unsigned-1: the agreement with unsigned is not signed",
            "another machine, or that one of these no longer holds",
        ),
        (
            'options = [{ machine = "m1", class = "D", why = "accessory: needs FRAME; there: none." }]',
            "m1: the plan cannot be given there (accessory: needs FRAME; there: none)",
            "another machine",
        ),
        (
            'options = [{ machine = "m1", class = "C" }]',
            "it has to be planned again, and s plans none",
            "ano",
        ),
        (
            'per_day = 2\noptions = [{ machine = "m1", class = "A" }]',
            "m1: 2 sessions a day are needed, and the machine has never more than 1",
            "another machine",
        ),
        (
            'fixed = "m1"\nfixed_from = 2026-11-20\noptions = [{ machine = "m1", class = "A" }]',
            "it cannot begin on 2026-11-20, for which a person decided",
            "another machine",
        ),
        (
            'fixed = "m1"\nfixed_from = 2027-11-22\noptions = [{ machine = "m1", class = "A" }]',
            "it cannot begin on 2027-11-22, for which a person decided",
            "another machine",
        ),
    ],
)
def test_who_cannot_be_placed_is_told_why_and_what_would_help_and_the_good_are_placed(
    folder: Path, more: str, reason: str, would_help: str
) -> None:
    done = place(folder, SITES + GOOD + OTHER + more)
    found = placed(done)

    assert done.return_value == 3
    assert (found["good"]["machine"], found["good"]["first_on"]) == ("m1", "2026-11-24")
    assert (found["other"]["machine"], found["other"]["first_on"]) == ("", None)
    assert reason in found["other"]["reason"]
    assert found["other"]["would_help"].startswith(would_help)


def test_a_first_day_behind_the_horizon_is_said_of_everybody(folder: Path) -> None:
    done = place(folder, SITES.replace("days = 28", "days = 28\nnot_before = 2027-03-01") + GOOD)

    assert done.return_value == 3
    assert "no day is left in the horizon" in placed(done)["good"]["reason"]


@pytest.mark.parametrize("empty", ["", SITES], ids=["no sites", "no patients"])
def test_without_patients_there_is_nothing_to_place_and_that_is_no_fault(folder: Path, empty: str) -> None:
    done = place(folder, empty or "format = 1\nfirst_on = 2026-11-23\n")

    assert done.return_value == 0
    assert placed(done) == {}


def test_without_sites_everybody_is_told(folder: Path) -> None:
    done = place(folder, f"format = 1\nfirst_on = 2026-11-23\n{OTHER}")

    assert done.return_value == 3
    assert placed(done)["other"]["reason"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('site = "s"\nslots = 1', 'site = "s"\nslots = -1', "machine.0.slots: Input should be greater than"),
        ('site = "s"\nslots = 1', 'site = "s"\nslots = 1e400', "machine.0.slots"),
        ('site = "s"\nslots = 1', f'site = "s"\nslots = 0x{"f" * 5000}', "machine.0.slots"),
        ('site = "s"\nslots = 1', 'site = "gone"\nslots = 1', "m1 stands at gone, which is not listed"),
        ("priority = 2", "priority = 2\ncolour = 3", "patient.0.colour: Extra inputs are not permitted"),
        ("days = 28", "days = 28\nholiday = 3", "holiday: Extra inputs are not permitted"),
        ("priority = 2", "priority = nan", "patient.0.priority"),
        ("priority = 2", "priority = -1", "patient.0.priority"),
        ('class = "A"', 'class = "A", travel_min = nan', "patient.0.options.0.travel_min"),
        ('class = "A"', 'class = "A", travel_min = inf', "patient.0.options.0.travel_min"),
        ("days = 28", "days = 28\nweights = { refused = inf }", "weights.refused"),
        ("fractions_left = 5", f"fractions_left = {10**30}", "patient.0.fractions_left"),
        ('id = "good"', 'id = "good"\nfixed = "m9"', "the machine m9, which is not listed"),
        ('"m1", class', '"m9", class', "the machine m9, which is not listed"),
        ('id = "shut"', 'id = "m1"', "two machines share an id"),
        ('id = "empty"', 'id = "s"', "two sites share an id"),
        ("[[patient]]", f"{GOOD}\n[[patient]]", "two patients share an id"),
        ("days = 28", "days = -28", "days: Input should be greater than"),
        ("2026-11-23", "2026-11-31", "cannot be read"),
        ("[[patient]]", "patient = 3\n#", "patient|cannot be read"),
        ("format = 1", "format = 2", "format"),
    ],
)
def test_a_file_that_cannot_be_meant_so_is_refused_with_its_place_and_what_to_do(
    folder: Path, old: str, new: str, said: str
) -> None:
    text = SITES + GOOD
    assert old in text
    done = place(folder, text.replace(old, new, 1))

    assert isinstance(done.exception, ConfigError)
    assert any(one in done.exception.message for one in said.split("|")), done.exception.message
    assert done.exception.exit_status == 2
    assert done.exception.do_next


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"class": "A"', '"class": "D", "why": "\\ud800"'),
        ('"own-ad"', '"\\ud800"'),
        ('"partner-ad"', '"\\ud800"'),
    ],
)
def test_half_a_character_is_refused_and_never_printed(folder: Path, old: str, new: str) -> None:
    text = json.dumps(WHOLE)
    assert old in text
    done = place(folder, text.replace(old, new), suffix="json")

    assert isinstance(done.exception, ConfigError)
    assert "unicode" in done.exception.message


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_time_that_is_none_is_refused_and_its_option_named(folder: Path, seconds: str) -> None:
    done = place(folder, SITES + GOOD, "--seconds", seconds)

    assert isinstance(done.exception, TyperException)
    assert "--seconds" in done.exception.format_message()


@pytest.mark.parametrize("name", [".", "absent.toml"])
def test_a_path_that_holds_no_file_is_named(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, ["place", name], standalone_mode=False)

    assert isinstance(done.exception, ConfigError)
    assert done.exception.message.startswith(f"{name} cannot be read")
    assert done.exception.do_next


def crowd(patients: int = 300, machines: int = 12) -> dict[str, Any]:
    chosen = random.Random(1)
    named = [f"m{number}" for number in range(machines)]
    return {
        "format": 1,
        "first_on": "2026-11-23",
        "site": [{"id": "s", "replans_a_day": 4}],
        "machine": [{"id": name, "site": "s", "slots": 6} for name in named],
        "patient": [
            {
                "id": str(number),
                "priority": number + 1,
                "category": chosen.randint(1, 3),
                "fractions_left": chosen.randint(1, 30),
                "options": [{"machine": name, "class": chosen.choice("ABCD")} for name in named],
            }
            for number in range(patients)
        ],
    }


def test_where_the_time_is_over_everybody_still_has_a_place_or_a_reason_and_it_is_said(
    folder: Path,
) -> None:
    text = json.dumps(crowd())
    done = place(folder, text, "--seconds", "0.1", suffix="json")
    told = json.loads(done.stdout)
    shown = CliRunner().invoke(app, ["place", str(folder / "instance.json"), "--seconds", "0.1"])

    assert not told["is_complete"]
    assert len(told["placed"]) == 300
    assert all(one["reason"] for one in told["placed"])
    assert all(one["would_help"] for one in told["placed"] if not one["machine"])
    assert sum(bool(one["machine"]) for one in told["placed"]) > 100
    assert told["bound"] <= told["cost"]
    assert "The time was over: with more --seconds it may become better." in " ".join(shown.stdout.split())


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(st.characters(exclude_categories=()), max_size=12),
    st.sampled_from(["2026-01-01", "9999-12-31", "25:00", "m1", "own-ad", "\ud800", "\x1b[2J"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places_of(found: object, at: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    yield at
    pairs = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, value in pairs:
        yield from places_of(value, (*at, key))


WHOLE: dict[str, Any] = json.loads(json.dumps(tomllib.loads(SITES + GOOD), default=str))
PLACES = sorted(places_of(WHOLE), key=str)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.sampled_from(PLACES), value=ODD)
def test_anything_in_any_place_of_an_instance_ends_in_a_placement_or_a_sentence(
    folder: Path, where: tuple[Any, ...], value: object
) -> None:
    whole = json.loads(json.dumps(WHOLE))
    inner = whole
    for key in where[:-1]:
        inner = inner[key]
    if where:
        inner[where[-1]] = value
    file = folder / "instance.json"
    file.write_text(json.dumps(whole if where else value), "utf-8")
    said, refused = io.StringIO(), None
    try:
        with redirect_stdout(said):
            command(file, seconds=0.1, json_=True)
    except BeamkeeperError as error:
        refused = error

    if refused is None:
        assert all(one["reason"] for one in json.loads(said.getvalue())["placed"])
        assert said.getvalue().encode()
    else:
        assert refused.message.encode()
        assert refused.do_next
