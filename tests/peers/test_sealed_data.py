"""The sealed data directory with the real gocryptfs: made, opened, shut, lost, in use, and refused."""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer

from beamkeeper.app.cli.main import app, keep_trace
from beamkeeper.app.jobs.runtime import only_one, open_ledger, open_runtime
from beamkeeper.app.opening_data import (
    card_copy,
    close_data,
    open_by_reference,
    open_data,
    passphrase_by_cards,
    passphrase_by_reference,
)
from beamkeeper.app.sealed_data import enter, sealed_folder, verify_sealed
from beamkeeper.app.setup import NewSite, make_site
from beamkeeper.app.site import load_site
from beamkeeper.app.site_template import SiteAnswers
from beamkeeper.clock import SystemClock
from beamkeeper.errors import AlreadyRunning, BeamkeeperError, ConfigError, DataClosed, KeyUnavailable
from beamkeeper.vault import RecoveryKeys, join_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

    from beamkeeper.app.site import Site

pytestmark = pytest.mark.peer

NEED_NO_DATA = {"data", "window", "doctor", "init", "demo", "read", "compare", "watch", "gap"}
"""Commands that must work, or say something else, while the data are shut; with all of an incident."""
END_S_MAX = 20


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, program) -> Iterator[NewSite]:
    program("gocryptfs")
    with pytest.MonkeyPatch.context() as patch:
        own_temporaries(patch)
        root = tmp_path_factory.mktemp("sealed")
        new = make_site(root / "beamkeeper.toml", answers(), SystemClock())
    yield new
    close_data(new.site)


def answers(vault: Path = Path("vault")) -> SiteAnswers:
    return SiteAnswers(
        name="Sealed",
        time_zone="UTC",
        data_dir=Path("data"),
        vault_dir=vault,
        keys_dir=Path("data/keys"),
        encrypt_only=True,
        archive=("A", "127.0.0.1", 104),
    )


def own_temporaries(patch: pytest.MonkeyPatch) -> None:
    """Let this process have its own temporary folder back afterwards."""
    patch.setattr("tempfile.tempdir", None)
    for name in ("TMPDIR", "BEAMKEEPER_SEALED_TMP"):
        patch.setenv(name, "")
        patch.delenv(name)


@pytest.fixture
def shut(made: NewSite) -> Site:
    close_data(made.site)
    return made.site


@pytest.fixture
def opened(made: NewSite) -> Site:
    open_data(made.site, made.data_passphrase)
    return made.site


def test_what_was_written_is_there_when_it_is_opened_again(made: NewSite, opened: Site) -> None:
    lines = open_ledger(opened).audit.verify_chain().lines
    was_open = close_data(opened)
    (opened_now, opened_twice) = (open_data(opened, made.data_passphrase) for _ in range(2))

    assert (was_open, opened_now, opened_twice) == (True, True, False)
    assert open_ledger(opened).audit.verify_chain().lines == lines
    assert open_runtime(opened, SystemClock()).keys.identities == ()


def test_the_bare_mount_point_takes_nothing(shut: Site) -> None:
    with pytest.raises(DataClosed), only_one(shut):
        pass
    for refuse in (open_ledger, verify_sealed, enter):
        with pytest.raises(DataClosed):
            refuse(shut)
    assert stat.S_IMODE(shut.data_dir.stat().st_mode) == 0o500
    assert list(shut.data_dir.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become somebody else")
def test_the_collectors_user_cannot_write_to_the_bare_mount_point_by_hand(
    made: NewSite, tmp_path: Path
) -> None:
    close_data(made.site)
    point = tmp_path / "data"
    point.mkdir(mode=stat.S_IMODE(made.site.data_dir.stat().st_mode))
    os.chown(point, 65534, 65534)
    inside = os.open(point, os.O_RDONLY | os.O_DIRECTORY)
    child = os.fork()
    if not child:
        os.setuid(65534)
        try:
            os.mkdir("spool", dir_fd=inside)
        except PermissionError:
            os._exit(13)
        os._exit(0)
    os.close(inside)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 13


def test_what_lies_in_the_bare_mount_point_is_not_hidden_by_opening(made: NewSite, shut: Site) -> None:
    shut.data_dir.chmod(0o700)
    (shut.data_dir / "ledger.db").touch()
    try:
        with pytest.raises(ConfigError, match="not sealed"):
            open_data(shut, made.data_passphrase)
    finally:
        (shut.data_dir / "ledger.db").unlink()
    assert stat.S_IMODE(shut.data_dir.stat().st_mode) == 0o500


def test_a_wrong_passphrase_opens_nothing_and_cards_give_the_right_one(made: NewSite, shut: Site) -> None:
    with pytest.raises(KeyUnavailable, match="does not open"):
        open_data(shut, "not-this-one")
    recovery = RecoveryKeys(secret=join_words(made.cards[2:]))

    assert passphrase_by_cards(shut, recovery) == made.data_passphrase
    with pytest.raises(KeyUnavailable):
        passphrase_by_cards(shut, RecoveryKeys(secret=bytes(32)))
    assert made.data_passphrase.encode() not in card_copy(shut.data_dir).read_bytes()


def test_a_key_by_reference_opens_by_itself_unless_it_lies_beside(
    made: NewSite, shut: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_env, by_file = with_key(shut, "env:DATA_KEY"), with_key(shut, f"file:{shut.data_dir.parent}/key")
    (shut.data_dir.parent / "key").write_text(made.data_passphrase)
    with pytest.raises(KeyUnavailable, match="lies on the disk"):
        open_by_reference(by_file)
    with pytest.raises(KeyUnavailable, match="DATA_KEY"):
        passphrase_by_reference(by_env)
    monkeypatch.setenv("DATA_KEY", made.data_passphrase)

    assert (open_by_reference(by_env), open_by_reference(by_env)) == (True, False)
    verify_sealed(by_env)


def with_key(site: Site, reference: str) -> Site:
    return site.model_copy(update={"vault": site.vault.model_copy(update={"data_key": reference})})


def test_it_is_not_shut_under_a_process_that_works_with_it(opened: Site) -> None:
    with only_one(opened), pytest.raises(AlreadyRunning, match="in use"):
        close_data(opened)

    assert close_data(opened)


def test_two_who_open_at_once_do_not_disturb_each_other(made: NewSite, shut: Site) -> None:
    said: list[bool] = []
    threads = [
        threading.Thread(target=lambda: said.append(open_data(shut, made.data_passphrase))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) == [False, True]


def test_when_its_program_dies_nothing_is_written_and_opening_takes_it_up(
    made: NewSite, opened: Site
) -> None:
    lines = open_ledger(opened).audit.verify_chain().lines
    kill_the_program(sealed_folder(opened.data_dir))
    with pytest.raises(DataClosed):
        open_ledger(opened)

    assert open_data(opened, made.data_passphrase)
    assert open_ledger(opened).audit.verify_chain().lines == lines


def kill_the_program(folder: Path) -> None:
    """Kill the gocryptfs of one folder, hard, and wait until it is gone."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"gocryptfs") and str(folder).encode() in words:
            os.kill(int(path.name), signal.SIGKILL)
            until = time.monotonic() + END_S_MAX
            while (
                (path / "cmdline").exists() and (path / "cmdline").read_bytes() and time.monotonic() < until
            ):
                time.sleep(0.01)


def test_a_crash_leaves_its_trace_among_the_sealed_data_or_nowhere(
    opened: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_temporaries(monkeypatch)
    monkeypatch.chdir(tmp_path)
    enter(opened)
    kept = keep_trace("Traceback of JANSSENS")
    close_data(opened)
    nowhere = keep_trace("Traceback of JANSSENS")

    assert kept.is_relative_to(opened.data_dir)
    assert not nowhere.exists()
    assert list(tmp_path.iterdir()) == []
    assert "JANSSENS" not in "".join(capsys.readouterr())


def test_a_site_that_cannot_be_made_leaves_nothing_and_nothing_open(tmp_path: Path, made: NewSite) -> None:
    (tmp_path / "vault").touch()
    with pytest.MonkeyPatch.context() as patch:
        own_temporaries(patch)
        with pytest.raises(BeamkeeperError):
            make_site(tmp_path / "beamkeeper.toml", answers(tmp_path / "vault"), SystemClock())

    assert [path.name for path in tmp_path.iterdir()] == ["vault"]
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def commands(group: click.Group, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:
    found: dict[tuple[str, ...], click.Command] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, (*path, name))  # type: ignore[arg-type]
        if not hasattr(command, "commands") or command.invoke_without_command:  # type: ignore[attr-defined]
            found[*path, name] = command
    return found


def options_of(command: click.Command) -> set[str]:
    return {option for param in command.params for option in param.opts}


NEED_DATA = {
    path: command
    for path, command in commands(typer.main.get_command(app)).items()  # type: ignore[arg-type]
    if path[0] not in NEED_NO_DATA and {"--site"} == {"--site", "--incident"} & options_of(command)
}
ALSO = {("restore",): ("--all",), ("dossier",): ("--all",)}


@pytest.mark.parametrize("path", sorted(NEED_DATA), ids=" ".join)
def test_a_command_says_plainly_that_the_data_are_shut(shut: Site, path: tuple[str, ...]) -> None:
    site_file = shut.data_dir.parent / "beamkeeper.toml"
    assert load_site(site_file) == shut
    arguments = [*path, *ALSO.get(path, ()), "--site", str(site_file)]
    for param in NEED_DATA[path].params:
        if param.required:
            arguments += [param.opts[0]] if param.param_type_name == "option" else []
            arguments += ["1"]

    with pytest.raises(DataClosed) as refused:
        app(arguments, standalone_mode=False)
    assert refused.value.do_next == "beamkeeper data open"
