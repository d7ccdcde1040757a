"""`beamkeeper compare`: exit status, JSON shape, and words a person reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from tests.unit.protect.compare.re_encoding import IMPLICIT, encoded, whole
from tests.unit.protect.compare.synthetic_objects import ct_slice, record
from tests.unit.protect.compare.synthetic_plans import vmat_plan
from typer.testing import CliRunner

from beamkeeper.app.cli import compare

PROMISE = Path(__file__).resolve().parents[3] / "docs" / "formats" / "compare-json.md"
SUMMARY = ["identical", "re_encoded", "administrative", "clinical", "new", "missing", "unreadable"]


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command("compare")(compare.command)
    app.callback()(lambda: None)
    return app


@pytest.fixture
def run(app: typer.Typer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compare.out, "width", 80)
    return lambda *arguments: CliRunner().invoke(app, ["compare", *map(str, arguments)])


def altered() -> bytes:
    plan = vmat_plan()
    point = plan.BeamSequence[1].ControlPointSequence[7]
    point.BeamLimitingDevicePositionSequence[0].LeafJawPositions[30] = "9.1"
    plan.PatientName = "Secret^Person"
    return whole(plan)


@pytest.fixture
def nights(tmp_path: Path) -> tuple[Path, Path]:
    old, new = tmp_path / "old", tmp_path / "new"
    for side in (old, new):
        side.mkdir()
    (old / "plan").write_bytes(whole(vmat_plan()))
    (new / "plan").write_bytes(altered())
    (old / "ct").write_bytes(whole(ct_slice()))
    (new / "ct").write_bytes(encoded(ct_slice(), syntax=IMPLICIT))
    (new / "record").write_bytes(whole(record()))
    return old, new


def test_json_holds_the_summary_and_every_object_with_its_changes(run, nights) -> None:
    result = run(*nights, "--json")
    found = json.loads(result.stdout)

    assert list(found["summary"]) == SUMMARY
    assert found["summary"] | {"clinical": 1, "re_encoded": 1, "new": 1} == found["summary"]
    assert {one["grade"] for one in found["objects"]} == {"clinical", "re_encoded", "new"}
    for one in found["objects"]:
        assert {"sop_instance_uid", "grade", "changes"} <= set(one)
        for change in one["changes"]:
            assert set(change) == {"path", "old", "new", "text", "grade"}


def test_json_is_described_key_by_key(run, nights) -> None:
    found = json.loads(run(*nights, "--json").stdout)
    promised = PROMISE.read_text(encoding="utf-8")

    changes = [change for one in found["objects"] for change in one["changes"]]
    keys = {*found, *found["summary"], *found["objects"][0], *changes[0]}
    assert all(f"`{key}`" in promised for key in keys)


def test_the_status_is_1_when_something_above_re_encoded_was_found(run, nights) -> None:
    assert run(*nights).exit_code == 1
    assert run(*nights, "--json").exit_code == 1


def test_the_status_is_0_when_only_the_encoding_differs(run, nights) -> None:
    old, new = nights

    assert run(old / "ct", new / "ct").exit_code == 0
    assert run(old, old, "--json").exit_code == 0


def test_the_status_is_2_for_a_path_that_is_not_there(run, nights) -> None:
    result = run(nights[0], nights[0] / "nowhere")

    assert result.exit_code == 2


def test_people_read_the_worst_first_and_no_names_in_80_columns(run, nights) -> None:
    lines = run(*nights).stdout.splitlines()

    assert lines[0].startswith("clinical")
    assert any("Beam 2, control point 7, leaf pair 11 (bank X2)" in line for line in lines)
    assert any(line.startswith("new") for line in lines)
    assert lines[-1] == "1 re-encoded, 1 clinical, 1 new."
    assert "Secret" not in "".join(lines)
    assert max(map(len, lines)) <= 80


def test_help_has_an_example(run) -> None:
    assert "Example: beamkeeper compare" in run("--help").stdout
