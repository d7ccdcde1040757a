"""When the ledger's disk, file or database fails: a plain sentence, and nothing half done."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contract.ledger_contract import NIGHT, NOW, kept

from beamkeeper.errors import IntegrityError, LedgerUnavailable, StorageFull
from beamkeeper.ledger import Ledger

ROOT = Path(__file__).parents[2]

FILL_THE_DISK = """
import sys
from beamkeeper.errors import StorageFull
from beamkeeper.ledger import Ledger
from tests.contract.ledger_contract import NIGHT, NOW, kept
ledger = Ledger.open(sys.argv[1])
ledger.migrate()
ledger.begin_night(NIGHT, NOW)
ledger.audit.append("before", actor="x", outcome="done", at=NOW)
written = 0
try:
    while written < 1000:
        ledger.record_objects(f"p{written}", [kept(number) for number in range(200)])
        written += 1
except StorageFull as error:
    print(error.exit_status, error.message)
else:
    print("never full")
try:
    while True:
        ledger.audit.append("after", actor="x", outcome="done", at=NOW, details={"room": "a" * 4000})
except StorageFull:
    print("audit refused")
partial = len(ledger.current_objects(f"p{written}"))
whole = len(ledger.current_objects(f"p{written - 1}"))
print(partial, whole, ledger.night(NIGHT) is not None, ledger.audit.verify_chain().is_whole)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def ledger(url: str) -> Ledger:
    opened = Ledger.open(url)
    opened.migrate()
    opened.begin_night(NIGHT, NOW)
    return opened


def run(source: str, *arguments: str, wrapper: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*wrapper, sys.executable, "-c", source, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare to mount a small disk of its own")
def test_a_full_disk_is_said_and_what_was_kept_before_is_whole(tmp_path: Path) -> None:
    """A real file system of 2 MB, mounted where only the child process sees it."""
    mount = f'mount -t tmpfs -o size=2m tmpfs {tmp_path} || exit 77; exec "$@"'
    done = run(
        FILL_THE_DISK, f"sqlite:///{tmp_path}/ledger.db", wrapper=("unshare", "-rm", "sh", "-c", mount, "sh")
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this machine does not let a test mount a small disk")

    lines = done.stdout.splitlines()
    assert lines[0].startswith("24 The ledger cannot be written: its disk is full"), done.stderr
    assert lines[1:] == ["audit refused", "0 200 True True"]


def test_a_file_that_may_not_be_written_is_said(url: str, ledger: Ledger, tmp_path: Path) -> None:
    """Root may write anything, so a folder stands where the file was: that holds for root too."""
    (tmp_path / "ledger.db").rename(tmp_path / "moved.db")
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "ledger.db").mkdir()

    with pytest.raises(StorageFull, match="cannot be written"):
        Ledger.open(url)
    with pytest.raises(LedgerUnavailable, match="gave no answer"):
        ledger.night(NIGHT)


def test_a_database_held_by_somebody_else_is_waited_for_and_then_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("beamkeeper.ledger.database.TIMEOUT_S", 0.2)
    ledger = Ledger.open(f"sqlite:///{tmp_path}/held.db")
    ledger.migrate()
    with closing(sqlite3.connect(tmp_path / "held.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match="gave no answer"):
            ledger.begin_night(NIGHT, NOW)
        with pytest.raises(LedgerUnavailable):
            ledger.audit.append("x", actor="y", outcome="done", at=NOW)
        assert ledger.night(NIGHT) is None  # reading goes on while somebody writes
        other.execute("ROLLBACK")
    ledger.begin_night(NIGHT, NOW)

    assert ledger.night(NIGHT) is not None
    assert ledger.audit.head().sequence == 0


def test_a_damaged_file_is_named_as_damaged_with_the_way_out(
    url: str, ledger: Ledger, tmp_path: Path
) -> None:
    ledger.record_objects("ab", [kept(number) for number in range(500)])
    file = tmp_path / "ledger.db"
    content = bytearray(file.read_bytes())
    content[: len(content) // 2] = os.urandom(len(content) // 2)
    file.write_bytes(content)

    with pytest.raises(IntegrityError, match="damaged") as caught:
        ledger.nights()
    assert "vault rebuild" in caught.value.do_next


def test_tables_that_were_never_made_are_a_plain_sentence(url: str) -> None:
    with pytest.raises(LedgerUnavailable, match="tables are not those of this version"):
        Ledger.open(url).nights()


def test_a_process_killed_in_the_middle_of_writing_leaves_whole_batches(url: str, ledger: Ledger) -> None:
    source = (
        "import os, sys\n"
        "from beamkeeper.ledger import Ledger\n"
        "from tests.contract.ledger_contract import kept\n"
        "ledger = Ledger.open(sys.argv[1])\n"
        "def objects():\n"
        "    for number in range(100):\n"
        "        yield kept(number)\n"
        "ledger.record_objects('first', objects())\n"
        "from django.db import transaction\n"
        "from beamkeeper.ledger import patients\n"
        "with ledger.session(), transaction.atomic(using=ledger._database.alias):\n"
        "    patients.record_objects(ledger._database.alias, 'second', objects())\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = run(source, url)

    assert done.returncode == -9, done.stderr
    assert len(ledger.current_objects("first")) == 100
    assert ledger.current_objects("second") == ()


def test_a_clock_set_back_confuses_neither_nights_nor_the_audit_log(ledger: Ledger) -> None:
    ledger.audit.append("one", actor="x", outcome="done", at=NOW)
    ledger.audit.append("two", actor="x", outcome="done", at=NOW - timedelta(days=400))
    again = ledger.begin_night(NIGHT, NOW - timedelta(days=400))

    assert again.started_at == NOW
    assert [row.action for row in ledger.audit.rows()] == ["one", "two"]
    assert ledger.audit.verify_chain().is_whole


def test_an_audit_line_that_cannot_be_written_is_an_error_and_never_a_warning(
    ledger: Ledger, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as intruder:
        intruder.execute("DROP TABLE ledger_auditentry")
        intruder.commit()

    with pytest.raises(LedgerUnavailable, match="tables"):
        ledger.audit.append("purge", actor="x", outcome="started", at=NOW)
