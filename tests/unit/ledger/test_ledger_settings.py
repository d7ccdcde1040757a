"""How the ledger's database is opened."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections
from tests.contract.ledger_contract import NIGHT, NOW, kept

from beamkeeper.errors import ConfigError, StorageFull
from beamkeeper.ledger import Ledger
from beamkeeper.ledger.database import database_settings

SOURCES = Path(__file__).parents[3] / "src"


def open_files(path: Path) -> int:
    """Count this process's handles of a database and its companions."""
    handles = Path("/proc/self/fd").iterdir()
    return sum(str(handle.readlink()).startswith(str(path)) for handle in handles if handle.is_symlink())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Ledger:
    opened = Ledger.open(f"sqlite:///{path}")
    opened.migrate()
    return opened


def test_a_ledger_of_an_earlier_version_is_brought_to_this_one(ledger: Ledger) -> None:
    alias = ledger._database.alias
    call_command("migrate", "ledger", "0002", database=alias, verbosity=0)
    ledger.migrate()

    assert ledger.documents("of-nobody") == ()


@pytest.mark.parametrize(
    "url",
    [
        "ledger.db",
        "sqlite:///relative.db",
        "sqlite://",
        "mysql://host/x",
        "postgresql://host",
        "postgresql:///",
    ],
)
def test_an_address_that_is_not_understood_is_refused_before_anything_starts(url: str) -> None:
    with pytest.raises(ConfigError, match="not understood"):
        Ledger.open(url)


def test_a_password_in_the_address_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigError, match="carries a password") as caught:
        Ledger.open("postgresql://user:hunter2@host/x")

    assert "hunter2" not in str(caught.value)


def test_a_postgresql_address_is_read_in_all_its_parts() -> None:
    settings = database_settings("postgresql://a%40b@[::1]:5433/ledger%20one", secret="s")
    over_socket = database_settings("postgresql://user@/ledger?host=/run/postgresql&port=5434")

    assert (settings["USER"], settings["HOST"], settings["PORT"]) == ("a@b", "::1", "5433")
    assert (settings["NAME"], settings["PASSWORD"]) == ("ledger one", "s")
    assert (over_socket["HOST"], over_socket["PORT"]) == ("/run/postgresql", "5434")


def test_only_the_owner_may_read_the_file_and_its_folder(ledger: Ledger, path: Path) -> None:
    ledger.nights()
    with ledger.session():
        ledger.nights()
        companions = [file for file in path.parent.iterdir() if file != path]
        modes = {file.stat().st_mode & 0o777 for file in [path, *companions]}

    assert modes == {0o600}
    assert companions
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_every_connection_writes_ahead_with_full_synchronous(ledger: Ledger) -> None:
    alias = ledger._database.alias
    with ledger.session(), connections[alias].cursor() as cursor:
        values = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]

    assert values == ["wal", 2]


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StorageFull, match="cannot be written"):
        Ledger.open(f"sqlite:///{tmp_path}/file/ledger.db")


def test_the_shipped_migrations_make_the_tables_of_the_models(ledger: Ledger) -> None:
    """`makemigrations --check` leaves with 1 when a model changed without a migration."""
    call_command("makemigrations", "ledger", check=True, dry_run=True, verbosity=0)

    assert ledger.nights() == ()


def test_two_ledgers_in_one_process_do_not_mix(ledger: Ledger, tmp_path: Path) -> None:
    other = Ledger.open(f"sqlite:///{tmp_path}/other.db")
    other.migrate()
    ledger.begin_night(NIGHT, NOW)

    assert ledger.night(NIGHT) is not None
    assert other.night(NIGHT) is None


def test_no_connection_stays_open_after_a_call_in_any_thread(ledger: Ledger, path: Path) -> None:
    counts: list[int] = []

    def work() -> None:
        ledger.nights()
        counts.append(open_files(path))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    ledger.nights()

    assert counts == [0]
    assert open_files(path) == 0
    with ledger.session():
        ledger.nights()
        assert open_files(path) > 0
    assert open_files(path) == 0


def test_the_question_whether_bytes_are_known_is_answered_from_its_index_alone(ledger: Ledger) -> None:
    alias = ledger._database.alias
    with ledger.session(), connections[alias].cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN SELECT sha256 FROM ledger_kept ORDER BY sha256")
        plan = " ".join(str(row[3]) for row in cursor.fetchall())

    assert "COVERING INDEX ledger_kept_sha256" in plan
    assert "TEMP B-TREE" not in plan


def test_digests_of_many_objects_are_read_in_bounded_memory(ledger: Ledger, path: Path) -> None:
    ledger.record_objects("ab", [kept(number) for number in range(20_000)])
    source = (
        "import resource, sys\n"
        "from beamkeeper.ledger import Ledger\n"
        "ledger = Ledger.open(sys.argv[1])\n"
        "next(ledger.known_digests())\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "count = sum(1 for _ in ledger.known_digests())\n"
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, f"sqlite:///{path}"],
        env={"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )

    count, grown_kb = map(int, done.stdout.split())
    assert count == 20_000
    assert grown_kb < 1_000


def test_importing_the_room_does_not_need_django_to_be_set_up() -> None:
    source = (
        "import sys, beamkeeper.ledger\n"
        "assert not any(name.startswith('django') for name in sys.modules), 'django'\n"
        "beamkeeper.ledger.Ledger\n"
    )
    subprocess.run([sys.executable, "-c", source], env={"PYTHONPATH": str(SOURCES)}, check=True)


def test_a_web_application_may_bring_its_own_settings(tmp_path: Path) -> None:
    source = (
        "import django\n"
        "from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['django.contrib.contenttypes', "
        "'django.contrib.auth', 'beamkeeper.ledger'],"
        " DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}, USE_TZ=True)\n"
        "django.setup()\n"
        "from beamkeeper.ledger import Ledger\n"
        "import sys\n"
        "ledger = Ledger.open(sys.argv[1]); ledger.migrate(); print(ledger.nights())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, f"sqlite:///{tmp_path}/x.db"],
        env={"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("()\n", 0), done.stderr


def test_a_closed_ledger_file_is_one_file_that_sqlite_opens(ledger: Ledger, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
