"""The owner of the share puts an older vault in place of the newer one, and a person lets the site go on."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scenarios"))

from night_site import NIGHT_1, NIGHT_2, NIGHT_3, SmallSite, at, make_objects, patient_night
from tuf.api.metadata import Metadata
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.rolling_back import accept, rollback_cost
from beamkeeper.errors import ConfigError, IntegrityError, VaultRolledBack

WHO = "BK-20418"
REASON = "share restored from tape"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("turned")
    make_objects(root / "source", who=(2, 3))
    site = SmallSite.make(root)
    site.night(NIGHT_1)
    shutil.copytree(site.vault_dir, root / "tape")
    change(site)
    site.night(NIGHT_2)
    shutil.rmtree(site.vault_dir)
    (root / "tape").rename(site.vault_dir)
    return root


@pytest.fixture
def turned_back(original: Path, tmp_path: Path) -> SmallSite:
    """A site after two nights, with the vault of the first night in place of its own."""
    return SmallSite.copied(original, tmp_path / "site")


def change(site: SmallSite) -> None:
    import pydicom

    plan = site.source / "p2" / "RTPLAN-1.dcm"
    dataset = pydicom.dcmread(plan)
    dataset.RTPlanLabel = "OTHER"
    dataset.save_as(plan)


def version(site: SmallSite) -> int:
    return Metadata.from_bytes((site.vault_dir / "metadata" / "timestamp.json").read_bytes()).signed.version


def test_what_accepting_gives_up_is_said_and_nothing_is_changed(turned_back: SmallSite) -> None:
    before = version(turned_back)
    cost = rollback_cost(turned_back.site)

    assert (cost.last_night, cost.nights_lost) == (NIGHT_1, (NIGHT_2,))
    assert (len(cost.parcels), cost.objects, cost.patients) == (1, 1, 1)
    assert version(turned_back) == before
    with pytest.raises(VaultRolledBack):
        turned_back.runtime(NIGHT_3)


def test_an_accepted_vault_goes_on_above_every_version_seen(turned_back: SmallSite, tmp_path: Path) -> None:
    seen = rollback_cost(turned_back.site).version_seen
    accept(turned_back.site, at(NIGHT_3), night=NIGHT_1, reason=REASON, actor="it")
    after_accepting = version(turned_back)
    third = turned_back.night(NIGHT_3)

    assert after_accepting > seen
    assert version(turned_back) > after_accepting
    assert patient_night(third, WHO).stored
    restored = turned_back.restored(tmp_path / "out", NIGHT_3)
    assert set(restored.values()) == set(turned_back.sources_by_uid().values())


def test_the_night_after_names_what_was_turned_back(turned_back: SmallSite) -> None:
    accept(turned_back.site, at(NIGHT_3), night=NIGHT_1, reason=REASON, actor="it")
    third = turned_back.night(NIGHT_3)

    assert any("has lost 1 of its parcels" in warning for warning in third.warnings)


def test_accepting_stands_in_the_audit_log_with_its_reason(turned_back: SmallSite) -> None:
    accept(turned_back.site, at(NIGHT_3), night=NIGHT_1, reason=REASON, actor="it")
    runtime = turned_back.runtime(NIGHT_3)
    lines = [row for row in runtime.ledger.audit.rows() if row.action == "rollback accepted"]

    assert [row.outcome for row in lines] == ["begun", "ok"]
    assert all(REASON in json.dumps(row.details) for row in lines)
    assert runtime.ledger.audit.verify_chain().is_whole


def test_another_night_than_the_one_shown_is_not_accepted(turned_back: SmallSite) -> None:
    with pytest.raises(ConfigError, match="not 2026-03-03"):
        accept(turned_back.site, at(NIGHT_3), night=NIGHT_2, reason=REASON, actor="it")
    with pytest.raises(VaultRolledBack):
        turned_back.runtime(NIGHT_3)


def test_a_vault_that_was_changed_as_well_is_never_accepted(turned_back: SmallSite) -> None:
    timestamp = turned_back.vault_dir / "metadata" / "timestamp.json"
    timestamp.write_bytes(timestamp.read_bytes().replace(b'"version":', b'"version":1', 1))

    with pytest.raises(IntegrityError):
        rollback_cost(turned_back.site)


def test_a_vault_that_was_not_turned_back_has_nothing_to_accept(tmp_path: Path) -> None:
    make_objects(tmp_path / "source", who=(2,))
    site = SmallSite.make(tmp_path)
    site.night(NIGHT_1)

    with pytest.raises(ConfigError, match="not turned back"):
        rollback_cost(site.site)


def test_the_command_shows_then_asks_and_refuses_without_a_yes(turned_back: SmallSite) -> None:
    arguments = ["vault", "accept-rollback", "--site", str(turned_back.site_file)]
    decided = [*arguments, "--night", str(NIGHT_1), "--reason", REASON]
    shown = CliRunner().invoke(app, arguments, standalone_mode=False)
    refused = CliRunner().invoke(app, decided, input="n\n", standalone_mode=False)
    with pytest.raises(VaultRolledBack):
        turned_back.runtime(NIGHT_3)
    accepted = CliRunner().invoke(app, decided, input="y\n", standalone_mode=False)

    assert shown.return_value == 21
    assert "1 versions of objects of 1 patients" in " ".join(shown.stderr.split())
    assert refused.exception is not None
    assert accepted.return_value == 0
    assert turned_back.runtime(NIGHT_3).vault.nights() == (NIGHT_1,)
