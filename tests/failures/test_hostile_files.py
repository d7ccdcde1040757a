"""Every file of the day that somebody else may have written: whatever is in it, a value or our words.

Cards and manifests of bundles have tests of their own (`tests/unit/respond/handover/test_strangers.py`).
"""

from __future__ import annotations

import json
import tomllib
from datetime import date, datetime, time
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beamkeeper.app.site_desk import load_systems
from beamkeeper.errors import BeamkeeperError
from beamkeeper.respond.gap.calendar_days import Calendar
from beamkeeper.respond.gap.course_file import EXAMPLE, read_course
from beamkeeper.respond.gap.parameters_file import OWN_TEXT, own_parameters, read_parameters
from beamkeeper.respond.handover import card_bytes, new_keys, read_card
from beamkeeper.respond.incident.checklist import shipped_checklist, steps
from beamkeeper.respond.placement import read_instance, read_machines, read_partners
from beamkeeper.respond.triage.rules import read_rules, shipped_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MACHINE = """
[[machine]]
id = "m"
name = "TB1"
site = "s"
profile = "Varian TrueBeam, Millennium 120"
photon = ["6", "6 FFF"]
electron = [6, 9]
models = ["TDS"]
techniques = ["VMAT"]
commissioned = ["VMAT"]
imaging = ["CBCT"]
wedges = []
motion = ["BREATH_HOLD"]
accessories = ["FRAME"]
applicators = ["A10"]
tolerance_tables = ["T1"]
couch_range_deg = 90
dose_rate_max = 600
own = true
sgrt = false
blocks = true
"""
MATCH = """
[[machine.matched_with]]
machine = "TB3"
energies = ["6", "9 MeV"]
declared_by = "A"
declared_on = 2026-01-10
"""
PARTNERS = f"""format = 1
attacked_domain = "own-ad"
days = 42
holidays = [2026-12-25]
untested = "refuse"
lead_days = [1, 2, 3]
spare_not_begun_days = [0, 1, 2]
weights = {{ loss_a_day = [1.4, 0.5, 0.1], refused = 5.0 }}
[[site]]
id = "s"
name = "Partner"
own = false
failure_domain = "partner-ad"
agreement_signed = true
travel_min = 35
distance_km = 20.5
replans_a_day = 4
qa_a_day = 8
accessories = ["HEADFRAME1"]
contact = "+32"
{MACHINE}
slots = 8
first_slot_at = 17:00:00
slot_minutes = 15
other_days = {{ 2026-12-05 = 12 }}
{MATCH}"""
INSTANCE = """format = 1
first_on = 2026-11-23
not_before = 2026-11-24
days = 14
holidays = [2026-12-01]
site = [{ id = "s", failure_domain = "x" }]
machine = [{ id = "m", site = "s", slots = 2, other_days = { 2026-11-28 = 1 }, first_slot_at = 08:00:00 }]
[[patient]]
id = "p"
priority = 1
category = 1
fractions_left = 5
days_to_spare = 1
announced = "m"
announced_from = 2026-11-25
options = [{ machine = "m", class = "A", travel_min = 35.0, why = "said" }]
"""
SYSTEMS = """own_ae_title = "NOORD"
issuer_of_patient_id = "X"
look_every_minutes = 10
place = "place.toml"
[[dicom]]
name = "tps"
kind = "dicom"
ae_title = "TPS"
host = "127.0.0.1"
port = 104
[[hl7]]
name = "ois"
host = "127.0.0.1"
port = 2575
takes = ["ADT^A28"]
"""
CARD: Final = card_bytes(new_keys("UZ Zuid").card).decode()


@cache
def folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory()


def systems(text: str) -> object:
    path = Path(folder().name) / "systems.toml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    return load_systems(path)


READ: dict[str, tuple[Callable[[str], object], str]] = {
    "partners": (read_partners, PARTNERS),
    "machines": (read_machines, f"format = 1\n{MACHINE}{MATCH}"),
    "instance": (lambda text: read_instance(text.encode(errors="surrogatepass")), INSTANCE),
    "course": (lambda text: read_course(text, own_parameters(), Calendar()), EXAMPLE),
    "parameters": (lambda text: read_parameters([("own", text)]), OWN_TEXT),
    "rules": (read_rules, shipped_rules()),
    "checklist": (steps, shipped_checklist()),
    "systems": (systems, SYSTEMS),
    "card": (lambda text: read_card(text.encode(errors="surrogatepass")), CARD),
}
FILES = pytest.mark.parametrize("name", READ)


def answered(name: str, text: str) -> object:
    """Return what a reader made of a text: a value, or the sentence of our error."""
    try:
        return READ[name][0](text)
    except BeamkeeperError as error:
        refused = error
    assert refused.message.encode().strip()  # half a character could not be printed
    return refused


def toml(value: object) -> str:
    """Return a value as TOML writes it inline."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return f"{{ {', '.join(f'{json.dumps(str(key))} = {toml(one)}' for key, one in value.items())} }}"
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case date() | datetime() | time():
            return value.isoformat()
        case int() | float():
            return repr(value)
    return json.dumps(value)


def places_of(found: object, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    pairs = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, value in pairs:
        yield from places_of(value, (*at, key))


def with_at(found: Any, at: tuple[Any, ...], value: object) -> Any:
    """Return tables with one value replaced."""
    if not at:
        return value
    key, *rest = at
    if isinstance(found, list):
        return [with_at(one, tuple(rest), value) if n == key else one for n, one in enumerate(found)]
    return {name: with_at(one, tuple(rest), value) if name == key else one for name, one in found.items()}


def tables_of(name: str) -> tuple[Any, Callable[[Any], str]]:
    text = READ[name][1]
    if name == "card":
        return json.loads(text), partial(json.dumps, default=str)
    return tomllib.loads(text), lambda table: "\n".join(f"{key} = {toml(one)}" for key, one in table.items())


ODD = st.one_of(
    st.booleans(),
    st.integers(-(1 << 70), 1 << 70),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=12),
    st.dates(),
    st.sampled_from(["nan", "inf", "-6", "../../etc/passwd", "\x1b[2J", "x" * 100_000, ""]),
    st.lists(st.integers() | st.text(max_size=3) | st.lists(st.integers()), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=2),
)


@FILES
def test_the_file_that_is_altered_below_is_one_that_is_read(name: str) -> None:
    table, written = tables_of(name)

    assert not isinstance(answered(name, READ[name][1]), BeamkeeperError)
    assert not isinstance(answered(name, written(table)), BeamkeeperError)


@FILES
@given(text=st.text())
@example(text="a = 0x" + "f" * 5_000)
@example(text="format = 0x" + "f" * 5_000)
@example(text="a = " + "[" * 5_000)
@example(text="[" * 100_000)
@example(text=".".join("a" * 2_000) + " = 1")
def test_any_text_is_answered_in_our_words(name: str, text: str) -> None:
    answered(name, text)


@FILES
@given(at=st.integers(0), character=st.characters(exclude_categories=()), cut=st.booleans())
def test_a_file_cut_off_or_with_one_character_changed_is_a_value_or_our_words(
    name: str, at: int, character: str, cut: bool
) -> None:
    whole = READ[name][1]
    place = at % len(whole)
    answered(name, whole[:place] + ("" if cut else character + whole[place + 1 :]))


@FILES
@settings(max_examples=3 * settings().max_examples)
@given(data=st.data())
def test_anything_in_any_place_of_a_file_is_a_value_or_our_words(name: str, data: st.DataObject) -> None:
    table, written = tables_of(name)
    place = data.draw(st.sampled_from(list(places_of(table))))
    answered(name, written(with_at(table, place, data.draw(ODD))))


@pytest.mark.parametrize(
    "name", sorted(set(READ) - {"card", "checklist"})
)  # nothing is computed from these two
def test_a_key_that_nobody_knows_is_refused_and_not_passed_over(name: str) -> None:
    table, written = tables_of(name)

    assert isinstance(answered(name, written(table | {"colour": 1})), BeamkeeperError)
