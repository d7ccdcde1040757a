"""Placement on the day: from a declared incident of the simulated department to pages, by hand and back."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite, at
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.declaring import Declaration, declare
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.lists import gather_by_site
from beamkeeper.app.jobs.placing import At, Who, board_at, make_draft, make_version, print_pages
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.app.jobs.placing_hand import announce, begin, move_back, priced, take
from beamkeeper.app.opened import open_by_site
from beamkeeper.errors import ConfigError, IntegrityError
from beamkeeper.respond.incident.checklist import shipped_checklist

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from typer.testing import Result

    from beamkeeper.respond.placement import Placed

PARTNERS = """format = 1
attacked_domain = "own-ad"

[[site]]
id = "own"
own = true
failure_domain = "emergency"

[[site]]
id = "partner"
name = "Partner hospital"
failure_domain = "partner-ad"
travel_min = 35
replans_a_day = 1

[[site]]
id = "empty"

[[machine]]
id = "own-1"
name = "LINAC1"
site = "own"
own = true
profile = "Varian TrueBeam, Millennium 120"
models = ["SimArc"]
commissioned = ["VMAT"]
slots = 1

[[machine]]
id = "partner-1"
name = "TB1"
site = "partner"
profile = "Varian TrueBeam, Millennium 120"
models = ["SimArc", "SimBeam"]
commissioned = ["VMAT", "3D", "electron"]
slots = 2

[[machine]]
id = "partner-2"
name = "TB2"
site = "partner"
profile = "Varian TrueBeam, Millennium 120"
models = ["SimArc", "SimBeam"]
commissioned = ["VMAT", "3D", "electron"]
slots = 2
"""


@pytest.fixture
def placing(kept_site: SmallSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlacementFolder:
    """An incident of the small site, without what declaring does besides; commands run on that afternoon."""
    monkeypatch.setattr("beamkeeper.app.cli.placement.SystemClock", lambda: at(NIGHT_1, 13))
    runtime, now = kept_site.runtime(NIGHT_1), at(NIGHT_1, 12)
    said = Declaration(
        by="A. Jansen",
        known="all dark",
        aware_at=now.now(),
        attacked_at=now.now(),
        laws=("NIS2",),
        checklist=shipped_checklist(),
    )
    folder = IncidentFolder.create(tmp_path / "incident")
    declare(gather_by_site(runtime), runtime.vault, said, folder=folder, clock=now)
    return PlacementFolder(folder)


def moment() -> datetime:
    return at(NIGHT_1, 13).now()


C = Who(by="C", at=moment())


def drafted(placing: PlacementFolder, site: SmallSite, text: str = PARTNERS) -> None:
    clock = at(NIGHT_1, 13)
    make_draft(
        placing,
        text,
        open_vault=lambda: open_by_site(site.site, clock),
        first_on=NIGHT_1,
        who=C,
    )


def other(machine: str) -> str:
    return {"partner-1": "partner-2", "partner-2": "partner-1"}[machine]


def everything(placing: PlacementFolder) -> dict[str, bytes]:
    root = placing.incident.path / "placement"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*-*/*") if path.is_file()}


def test_from_an_incident_to_pages_by_hand_and_back(placing: PlacementFolder, kept_site: SmallSite) -> None:
    drafted(placing, kept_site)
    made, instance = placing.draft(placing.standing(), 1)
    version, before = make_version(placing, who=C, seconds=2)
    print_pages(placing, 1)
    first = everything(placing)
    now = board_at(placing)
    placed = next(one for one in version.placed if one.machine.startswith("partner"))
    move = priced(now, placed.patient, other(placed.machine), None, today=NIGHT_1)
    taken = take(placing, now, move, who=Who(by="Dr. P", at=moment()), reason="lives next door")
    print_pages(placing, 2)
    name = next(one.name for one in made.patients if one.id == placed.patient)
    rows = list(csv.DictReader(io.StringIO(first["version-1/patients.csv"].decode())))

    assert before is None
    assert len(instance.patient) == 3
    assert "empty lists no machine" in " ".join(made.notes)
    assert {row["patient"] for row in rows} == {one.name for one in made.patients}
    assert taken.places()[placed.patient] == move.wanted
    assert taken.parent == version.number == 1
    assert {key: data for key, data in everything(placing).items() if key in first} == first
    assert (
        "Dr. P decided so: lives next door"
        in (first | everything(placing))["version-2/patients.txt"].decode()
    )
    assert name.split(",")[0] in everything(placing)["version-2/sites.txt"].decode()
    assert_undone_is_as_before(placing, placed.patient)


def assert_undone_is_as_before(placing: PlacementFolder, patient: str) -> None:
    run = CliRunner().invoke(
        app,
        [
            "placement",
            "undo",
            patient,
            "--reason",
            "stays",
            "--yes",
            "--json",
            "--incident",
            str(placing.incident.path),
        ],
        standalone_mode=False,
    )
    assert run.exception is None, run.exception
    stand = placing.standing()
    first, third = (placing.version(stand, number)[0] for number in (1, 3))

    assert json.loads(run.stdout)["version"] == 3
    assert third.places() == first.places()
    assert stand.decisions == {}
    assert [row.action for row in placing.incident.journal.rows()][-4:] == [
        "placement drafted",
        "placement made",
        "place set by hand",
        "place set by hand undone",
    ]


def test_a_second_draft_needs_no_vault_and_bad_input_leaves_the_first_one(
    placing: PlacementFolder, kept_site: SmallSite
) -> None:
    drafted(placing, kept_site)
    before = everything(placing)
    with pytest.raises(ConfigError, match="slots"):
        drafted(placing, kept_site, PARTNERS.replace("slots = 1", "slots = -1"))

    assert everything(placing) == before
    assert placing.standing().draft == 1

    def no_vault() -> None:
        raise AssertionError

    make_draft(placing, PARTNERS, open_vault=no_vault, first_on=NIGHT_1, who=C)  # type: ignore[arg-type]
    assert placing.standing().draft == 2


def draft_by_command(placing: PlacementFolder, site: SmallSite, text: str | bytes) -> Result:
    file = placing.incident.path.parent / "said.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    given = ["--partners", str(file), "--incident", str(placing.incident.path), "--site", str(site.site_file)]
    return CliRunner().invoke(
        app, ["placement", "draft", *given, "--by", "C", "--from", NIGHT_1.isoformat()], standalone_mode=False
    )


NOT_MEANT_SO = (
    ("slots = 1", "slots = -1", "machine own-1, slots"),
    ("slots = 1", "slots = nan", "machine own-1, slots"),
    ("slots = 1", "slots = 1\ncolour = 2", "machine 1 has unknown keys: colour"),
    ("format = 1", "format = 1\nholidays = [2026-03-07, 2026-02-30]", "not valid TOML"),
    ("format = 1", "format = 1\ndays = -42", "days"),
    ("travel_min = 35", "travel_min = inf", "site.1.travel_min"),
    ('id = "partner"\n', 'id = "own"\n', "sites share an id: own"),
    ('id = "partner-2"', 'id = "partner-1"', "machines share an id: partner-1"),
    ('site = "own"', 'site = "gone"', "stands at gone, which is not listed"),
    (PARTNERS, "format = 1\n", "site: Field required"),
    (PARTNERS, "format = 0x" + "f" * 5_000, "not valid TOML"),
    (PARTNERS, b"\xff\xfe", "no text in UTF-8"),
)
SHUT = (
    ('failure_domain = "partner-ad"', 'failure_domain = " OWN-ad"', "stands in the attacked failure domain"),
    ("travel_min = 35", "agreement_signed = false", "the agreement with partner is not signed"),
    ("slots = 2", "slots = 0", "the machine has no slot for us on any day"),
    ("slots = 2", "slots = 0\nother_days = { 2027-01-01 = 9 }", "the machine has no slot for us on any day"),
    (
        "replans_a_day = 1",
        "replans_a_day = 1\nqa_a_day = 0",
        "its plan has to be checked there, and partner checks none",
    ),
    ('["VMAT", "3D", "electron"]', "[]", "no end-to-end test of"),
)
THIRD = """
[[site]]
id = "third"
replans_a_day = 9

[[machine]]
id = "third-1"
name = "TB9"
site = "third"
profile = "Varian TrueBeam, Millennium 120"
commissioned = ["VMAT", "3D", "electron"]
slots = 9
"""


def test_a_partners_file_that_cannot_be_meant_so_is_explained_and_nothing_is_kept(
    placing: PlacementFolder, kept_site: SmallSite
) -> None:
    for old, new, said in NOT_MEANT_SO:
        assert old in PARTNERS
        text = new if isinstance(new, bytes) else PARTNERS.replace(old, new, 1)
        done = draft_by_command(placing, kept_site, text)

        assert isinstance(done.exception, ConfigError), (new, done.exception)
        assert said in done.exception.message
        assert done.exception.do_next
        assert everything(placing) == {}


def test_a_partner_that_can_take_nobody_is_said_and_everybody_goes_where_they_can(
    placing: PlacementFolder, kept_site: SmallSite
) -> None:
    for old, new, said in SHUT:
        assert old in PARTNERS
        text = PARTNERS.replace(old, new)
        alone, with_third = (placed_by_command(placing, kept_site, one) for one in (text, text + THIRD))

        assert any(said in one.reason for one in alone), [one.reason for one in alone]
        assert all(one.would_help for one in alone if not one.machine)
        assert all(one.reason for one in alone)
        assert {one.machine for one in alone} <= {"", "own-1"}
        assert sorted(one.machine for one in with_third) == ["", "third-1", "third-1"]
        assert "needs proton" in next(one.reason for one in with_third if not one.machine)


def placed_by_command(placing: PlacementFolder, site: SmallSite, text: str) -> tuple[Placed, ...]:
    done = draft_by_command(placing, site, text)
    assert done.exception is None, done.exception
    return make_version(placing, who=C, seconds=1)[0].placed


def test_a_placement_that_is_not_what_was_written_is_refused(
    placing: PlacementFolder, kept_site: SmallSite
) -> None:
    drafted(placing, kept_site)
    path = placing.incident.path / "placement" / "draft-1" / "instance.json"
    path.write_bytes(path.read_bytes().replace(b'"slots":1', b'"slots":9'))

    with pytest.raises(IntegrityError, match="not what was written"):
        make_version(placing, who=C, seconds=1)


def test_the_commands_fit_a_terminal_and_change_nothing_where_a_price_was_asked(
    placing: PlacementFolder, kept_site: SmallSite
) -> None:
    drafted(placing, kept_site)
    folder = str(placing.incident.path)

    def said(*arguments: str) -> str:
        command = ["placement", *arguments, "--incident", folder]
        run = CliRunner().invoke(app, command, standalone_mode=False, env={"COLUMNS": "80"})
        assert run.exception is None, run.exception
        assert max(map(len, run.stdout.replace(folder, "").splitlines())) <= 80
        return " ".join(run.stdout.split())

    solved = said("solve", "--seconds", "1", "--by", "C. Claes")
    stand = placing.standing()
    placed = next(one for one in placing.version(stand, 1)[0].placed if one.machine.startswith("partner"))
    asked = said("set", placed.patient, other(placed.machine), "--price")

    assert "Decision support: a physician and the partner's physicist decide who goes where." in solved
    assert "the whole placement becomes" in asked
    assert "Nothing was changed." in asked
    assert placing.standing().version == 1
    assert "That cannot be done" in said("set", placed.patient, "own-1", "--from", "2026-03-07")
    assert "told: in the journal" in said("announce", "--patient", placed.patient)
    assert f"begun on {placed.machine}" in said("begun", placed.patient, "--given", "1")
    assert "Version 1 of draft 1, computed." in said("show", "--all")


def test_what_was_computed_while_somebody_acted_is_not_kept(
    placing: PlacementFolder, kept_site: SmallSite
) -> None:
    class Meanwhile(PlacementFolder):
        def held(self) -> AbstractContextManager[None]:
            announce(placing, None, who=C)
            return super().held()

    drafted(placing, kept_site)
    make_version(placing, who=C, seconds=1)
    with pytest.raises(ConfigError, match="while this was computed"):
        make_version(Meanwhile(placing.incident), who=C, seconds=1)

    assert placing.standing().version == 1
    assert make_version(placing, who=C, seconds=1)[0].number == 2


def test_what_cannot_hold_any_more_is_said_and_stops_nobody(
    placing: PlacementFolder, kept_site: SmallSite
) -> None:
    drafted(placing, kept_site)
    make_version(placing, who=C, seconds=1)
    announce(placing, None, who=C)
    drafted(
        placing,
        kept_site,
        PARTNERS.replace('"partner-1"', '"partner-9"').replace('"partner-2"', '"partner-8"'),
    )
    version, _ = make_version(placing, who=C, seconds=1)
    print_pages(placing, 2)
    pages = " ".join(everything(placing)["version-2/patients.txt"].decode().split())

    assert "is not in the partners' file any more" in " ".join(version.notes)
    assert "is not in the partners' file any more" in pages
    assert any(one.machine in {"partner-8", "partner-9"} for one in version.placed)


def test_a_version_whose_making_was_cut_off_does_not_count(
    placing: PlacementFolder, kept_site: SmallSite
) -> None:
    drafted(placing, kept_site)
    (placing.incident.path / "placement" / "version-1").mkdir()
    version, before = make_version(placing, who=C, seconds=1)

    assert (version.number, before) == (2, None)


def test_who_has_begun_there_stays_and_needs_so_many_slots_less(
    placing: PlacementFolder, kept_site: SmallSite
) -> None:
    drafted(placing, kept_site)
    first, _ = make_version(placing, who=C, seconds=1)
    placed = next(one for one in first.placed if one.machine)
    begin(placing, placed.patient, given=2, who=C)
    make_version(placing, who=C, seconds=1)
    stand = placing.standing()
    before, after = (
        next(one for one in placing.version(stand, number)[1].patient if one.id == placed.patient)
        for number in (1, 2)
    )

    assert after.begun_there
    assert after.fractions_left == before.fractions_left - 2
    assert placing.version(stand, 2)[0].places()[placed.patient][0] == placed.machine
    with pytest.raises(ConfigError, match="Nobody decided"):
        move_back(placing, board_at(placing), placed.patient, today=NIGHT_1)


def test_a_move_priced_on_an_older_version_is_not_taken(
    placing: PlacementFolder, kept_site: SmallSite
) -> None:
    drafted(placing, kept_site)
    make_version(placing, who=C, seconds=1)
    old: At = board_at(placing)
    placed = next(one for one in old.version.placed if one.machine.startswith("partner"))
    move = priced(old, placed.patient, other(placed.machine), None, today=NIGHT_1)
    make_version(placing, who=C, seconds=1)

    with pytest.raises(ConfigError, match="since this was priced"):
        take(placing, old, move, who=C, reason="r")
