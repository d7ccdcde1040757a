"""A patient's time is over: gone everywhere, proved, with a receipt; or held, with the reason said."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite, at
from retention_site import (
    LATER,
    ledger_of,
    put,
    release,
    run_retention,
    vault_of,
    vote,
    who_left,
)

from beamkeeper.app.checkup_retention import check_retention
from beamkeeper.app.jobs.hourly import run_hour
from beamkeeper.app.jobs.rebuilding import rebuild_ledger
from beamkeeper.app.jobs.reporting import last_report
from beamkeeper.app.jobs.retain_duty import RetainDuty
from beamkeeper.app.jobs.retention_facts import fractions_left, look
from beamkeeper.app.jobs.retention_words import retention_remarks, speak
from beamkeeper.app.jobs.runtime import open_runtime
from beamkeeper.errors import ConfigError, StorageFull, VoteRefused
from beamkeeper.protect.retain import EVERYBODY, WordKind
from beamkeeper.vault import LocalStore

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path


FAR = """
[[mirrors]]
name = "far"
kind = "sftp"
host = "127.0.0.1"
port = {port}
user = "us"
password = "env:HOME"
host_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZ0Hc0RuHSaLfrZ0BvHB5Bl0oXZ0EgC2Hv7fYc5XlCq"]
"""


def verdict_of(site: SmallSite, pseudonym: str, day: date = LATER) -> tuple[str, str]:
    found = look(open_runtime(site.site, at(day, 12))).plan
    return next((str(v.kind), v.reason) for v in found.verdicts if v.pseudonym == pseudonym)


def who_still_names(root: Path, text: str) -> list[str]:
    """Return the files in which a text stands, deleted rows of databases included."""
    return [
        str(p.relative_to(root))
        for p in sorted(root.rglob("*"))
        if p.is_file() and text.encode() in p.read_bytes()
    ]


def test_whose_time_is_over_and_has_fractions_left_is_held_until_two_release(over) -> None:
    site, gone = over
    kind, reason = verdict_of(site, gone.pseudonym)

    assert kind == "hold"
    assert "2 more must release" in reason
    release(site, gone.pseudonym, "an")
    assert "1 more must release" in verdict_of(site, gone.pseudonym)[1]
    release(site, gone.pseudonym, "an", "bo")
    assert verdict_of(site, gone.pseudonym)[0] == "remove"


def test_a_removed_patient_is_gone_from_vault_mirror_and_this_computer_and_the_receipt_says_so(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    outcome = run_retention(site)

    assert outcome.removed == (gone.pseudonym,)
    assert [row.pseudonym for row in outcome.finished] == [gone.pseudonym]
    assert outcome.waiting == ()
    assert gone.pseudonym not in vault_of(site).pseudonyms()
    assert not list((site.vault_dir / "targets").glob(f"{gone.pseudonym}*"))
    assert not list((site.root / "usb" / "targets").glob(f"{gone.pseudonym}/*"))
    assert gone.patient.birth_on is not None  # the name is another patient's, too
    assert who_still_names(site.root / "site", gone.patient.birth_on.isoformat()) == []
    assert who_still_names(site.root / "site", gone.patient.patient_id) == []
    (receipt,) = (site.root / "site" / "data" / "receipts").iterdir()
    told = json.loads(receipt.read_bytes())
    assert told["pseudonym"] == gone.pseudonym
    assert [(place["place"], place["state"]) for place in told["places"]] == [("mirror usb", "gone")]
    assert told["vault"]["parcels"] >= 1
    (line,) = [row for row in ledger_of(site).audit.rows() if row.action == "removal done"]
    assert line.details["receipt_sha256"] == hashlib.sha256(receipt.read_bytes()).hexdigest()


def test_a_completion_that_a_source_tells_shortens_the_time_once_no_fraction_is_left(
    kept_site: SmallSite,
) -> None:
    day = NIGHT_1.replace(day=20)
    text = kept_site.site_file.read_text(encoding="utf-8")
    shorter = text.replace("[vault]", "[vault]\nafter_completion_days = 5", 1)
    kept_site.site_file.write_text(shorter, encoding="utf-8")
    ledger = ledger_of(kept_site)
    row = ledger.patients()[0]
    ledger.upsert_patient(row.pseudonym, row.patient, seen_on=NIGHT_1, finished=True)
    position = ledger.newest_position(row.pseudonym)
    assert position is not None

    assert fractions_left(position)
    assert verdict_of(kept_site, row.pseudonym, day)[0] == "keep"
    whole = tuple(replace(plan, fractions_complete=plan.fractions_planned or 0) for plan in position.plans)
    ledger.record_position(NIGHT_1, row.pseudonym, replace(position, plans=whole))
    assert verdict_of(kept_site, row.pseudonym, day) == (
        "remove",
        f"complete since {NIGHT_1}, kept 5 days",
    )


def test_a_list_less_than_half_as_long_as_an_earlier_one_keeps_everybody(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    ledger_of(site).finish_night(
        NIGHT_1, finished_at=at(NIGHT_1, 3).now(), outcome="complete", summary={"patients": 30}
    )

    assert frozen(site) == ["Tonight's list has 3 patients, an earlier one had 30."]


def test_who_stays_is_whole_and_the_next_night_is_quiet(over, tmp_path: Path) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    run_retention(site)
    after = LATER.replace(day=LATER.day + 1)
    report = site.night(after)

    assert report.outcome.value == "complete"
    assert gone.pseudonym not in {patient.pseudonym for patient in report.patients}
    assert report.eyes_count == 0
    site.verify_holds_the_source(tmp_path / "out", after)


def frozen(site: SmallSite, hour: int = 12) -> list[str]:
    """Run retention; return what kept everybody, after nobody was removed."""
    before = vault_of(site).pseudonyms()
    outcome = run_retention(site, hour=hour)

    assert outcome.removed == ()
    assert vault_of(site).pseudonyms() == before
    return [freeze.reason for freeze in outcome.retention.plan.freezes]


def test_a_dispute_keeps_everybody_until_it_is_settled(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    vote(site, "cy", "dispute", minute=5)

    assert any("disputed by cy" in reason for reason in frozen(site))
    vote(site, "cy", minute=6)
    vote(site, "an", minute=7)
    assert run_retention(site).removed == (gone.pseudonym,)


def test_a_night_that_is_not_confirmed_or_overdue_keeps_everybody(tmp_path: Path, over_root: Path) -> None:
    site = SmallSite.copied(over_root, tmp_path / "over")
    gone = who_left(site)
    release(site, gone.pseudonym, "an", "bo")
    next(iter(sorted(site.source.rglob("RTSTRUCT-1.dcm")))).unlink()
    next_day = LATER.replace(day=LATER.day + 1)
    site.night(next_day)

    early = run_retention(site, next_day, hour=8)
    late = run_retention(site, next_day, hour=12)
    assert "unverified" in early.retention.plan.freezes[0].reason
    assert "overdue" in late.retention.plan.freezes[0].reason
    assert early.removed == late.removed == ()
    assert gone.pseudonym in vault_of(site, next_day).pseudonyms()


def test_before_the_night_has_ended_nobody_goes(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    outcome = run_retention(site, LATER.replace(day=LATER.day + 1), hour=1)

    assert outcome.removed == ()
    assert any("has not ended" in freeze.reason for freeze in outcome.retention.plan.freezes)


def test_somebody_holds_everybody_and_two_release(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    say(site, WordKind.HOLD, EVERYBODY, "head", hour=10)

    assert frozen(site) == [f"Everybody is held by head since {LATER}."]
    say(site, WordKind.RELEASE, EVERYBODY, "an", hour=11)
    assert frozen(site) != []
    say(site, WordKind.RELEASE, EVERYBODY, "bo", hour=11)
    assert run_retention(site).removed == (gone.pseudonym,)


def test_who_may_not_vote_may_hold_and_not_release(over) -> None:
    site, gone = over
    with pytest.raises(VoteRefused, match="may not release"):
        say(site, WordKind.RELEASE, gone.pseudonym, "head")
    with pytest.raises(ConfigError, match="needs a reason"):
        say(site, WordKind.HOLD, gone.pseudonym, "head", reason=" ")
    say(site, WordKind.HOLD, gone.pseudonym, "head")
    assert "held by head" in verdict_of(site, gone.pseudonym)[1]


def say(
    site: SmallSite, kind: WordKind, pseudonym: str, person: str, *, hour: int = 10, reason: str = "a doubt"
) -> None:
    now = at(LATER, hour).now()
    ledger = ledger_of(site)
    speak(site.site, ledger, kind=kind, pseudonym=pseudonym, person=person, reason=reason, now=now)


def test_a_dead_mirror_keeps_the_removal_waiting_until_it_is_back(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    away = (site.root / "usb").rename(site.root / "away")
    outcome = run_retention(site)

    assert outcome.removed == (gone.pseudonym,)
    assert outcome.finished == ()
    (row,) = outcome.waiting
    assert row.patient is None  # no place that is waited for knows names: this one is forgotten
    (place,) = ledger_of(site).removals.places(row.removal_id)
    assert (place.state, place.tries) == ("waiting", 1)
    assert "not proved gone from mirror usb" in " ".join(retention_remarks(ledger_of(site)))
    assert who_still_names(away, gone.pseudonym) != []

    away.rename(site.root / "usb")
    again = run_retention(site, hour=14)
    assert [row.pseudonym for row in again.finished] == [gone.pseudonym]
    assert again.waiting == ()
    assert [
        path for path in (site.root / "usb" / "targets").rglob("*.age") if gone.pseudonym in str(path)
    ] == []


def test_a_mirror_that_gives_no_answer_is_waited_for_once_and_not_again_for_each_patient(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    with socket.create_server(("127.0.0.1", 0)) as far:
        put(site, FAR.format(port=far.getsockname()[1]))
        callers: list[object] = []
        threading.Thread(target=hang_up, args=(far, callers), daemon=True).start()
        outcome = run_retention(site)
        far.shutdown(socket.SHUT_RDWR)

    (row,) = outcome.waiting
    states = {place.place: place.state for place in ledger_of(site).removals.places(row.removal_id)}
    assert states == {"mirror far": "waiting", "mirror usb": "gone"}
    assert len(callers) == 1


def hang_up(server: socket.socket, callers: list[object]) -> None:
    """Answer every caller by hanging up."""
    with contextlib.suppress(OSError):
        while True:
            connection, address = server.accept()
            callers.append(address)
            connection.close()


def test_a_patient_who_comes_back_is_kept_anew_and_whole(over, small_objects: Path, tmp_path: Path) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    run_retention(site)
    shutil.copytree(small_objects / "p3", site.source / "p3")
    after = LATER.replace(day=LATER.day + 1)
    report = site.night(after)

    assert report.outcome.value == "complete"
    assert gone.pseudonym in vault_of(site, after).pseudonyms()
    site.verify_holds_the_source(tmp_path / "out", after)
    assert run_retention(site, after).removed == ()


def test_each_step_stands_in_the_audit_log_without_names(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    run_retention(site)
    ledger = ledger_of(site)
    said = [row.action for row in ledger.audit.rows() if row.patient_pseudonym == gone.pseudonym]

    assert said[-5:] == [
        "removal decided",
        "removed from the vault",
        "copies removed",
        "copy elsewhere",
        "removal done",
    ]
    assert ledger.audit.verify_chain().is_whole
    assert gone.patient.patient_id not in "".join(ledger.audit.lines())


def test_a_mirror_that_left_the_site_file_is_named_in_the_receipt_and_not_waited_for(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    (site.root / "usb").rename(site.root / "away")
    run_retention(site)
    text = site.site_file.read_text("utf-8")
    before, _, rest = text.partition("[[mirrors]]")
    site.site_file.write_text(before + "[[sources]]" + rest.partition("[[sources]]")[2], "utf-8")
    outcome = run_retention(site, hour=15)

    (row,) = outcome.finished
    assert [(place["state"], place["place"]) for place in row.receipt["places"]] == [("off", "mirror usb")]


def test_a_ledger_made_anew_asks_every_place_again(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    away = (site.root / "usb").rename(site.root / "away")
    run_retention(site)
    for path in (site.root / "site" / "data").glob("ledger.db*"):
        path.unlink()
    rebuild_ledger(site.site, at(LATER, 13))
    away.rename(site.root / "usb")

    assert gone.pseudonym not in {row.pseudonym for row in ledger_of(site).patients()}
    outcome = run_retention(site, hour=14)
    assert [row.pseudonym for row in outcome.finished] == [gone.pseudonym]
    assert not list((site.root / "usb" / "targets").glob(f"{gone.pseudonym}/*"))


def test_whom_a_fresh_ledger_does_not_know_is_held(over) -> None:
    site, gone = over
    for path in (site.root / "site" / "data").glob("ledger.db*"):
        path.unlink()

    kind, reason = verdict_of(site, gone.pseudonym, LATER.replace(month=LATER.month + 2))
    assert kind == "hold"
    assert "vault rebuild" in reason


def test_the_duty_works_once_a_day_after_the_deadline_and_hourly_while_something_waits(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    duty = RetainDuty(site.site, ledger_of(site))
    (site.root / "usb").rename(site.root / "away")

    assert duty.wait_s(at(LATER, 9)) == 3600
    assert duty.wait_s(at(LATER, 10)) == 0
    assert "not proved gone from mirror usb" in duty.work(at(LATER, 10))
    assert duty.wait_s(at(LATER, 10)) == 3600
    assert duty.wait_s(at(LATER, 11)) == 0
    (site.root / "away").rename(site.root / "usb")
    assert duty.work(at(LATER, 11)) == "0 removed, 1 gone everywhere"
    assert duty.wait_s(at(LATER, 12)) == 22 * 3600


def test_what_waits_is_asked_again_each_hour_of_the_night_too_and_nobody_is_judged_then(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    duty = RetainDuty(site.site, ledger_of(site))
    (site.root / "usb").rename(site.root / "away")
    duty.work(at(LATER, 23))
    judged = ledger_of(site).removals.last_run()
    assert judged is not None
    early = LATER.replace(day=LATER.day + 1)

    assert duty.wait_s(at(early, 0)) == 0
    assert duty.work(at(early, 0)).startswith("0 gone everywhere; 1 removed patient is not proved gone")
    assert duty.wait_s(at(early, 0)) == 3600
    (site.root / "away").rename(site.root / "usb")
    assert duty.work(at(early, 1)) == "1 gone everywhere"
    assert duty.wait_s(at(early, 1)) == 9 * 3600
    now = ledger_of(site).removals.last_run()
    assert now is not None
    assert {**now.found, "waiting": 1} == judged.found
    assert now.run_on == judged.run_on


class _BrokenOffError(Exception):
    pass


def broken_off_at(site: SmallSite, step: str) -> None:
    def on_step(name: str) -> None:
        if name == step:
            raise _BrokenOffError

    with pytest.raises(_BrokenOffError):
        run_retention(site, on_step=on_step)


def test_a_look_of_the_hour_goes_on_with_a_removal_that_died(over) -> None:
    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    broken_off_at(site, "removed")
    assert gone.pseudonym in {row.pseudonym for row in ledger_of(site).patients()}
    run_hour(site.site, at(LATER, 13))

    assert gone.pseudonym not in {row.pseudonym for row in ledger_of(site).patients()}
    (row,) = ledger_of(site).removals.all(pseudonym=gone.pseudonym)
    assert row.state == "going"


def test_a_vault_that_lets_no_file_go_stops_no_night_and_is_told(
    over, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_store: LocalStore, _name: str) -> None:
        raise StorageFull("The vault directory cannot be written.")

    site, gone = over
    release(site, gone.pseudonym, "an", "bo")
    early = LATER.replace(day=LATER.day + 1)
    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "delete", refuse)
        with pytest.raises(StorageFull):
            run_retention(site)
        assert (
            "not proved gone from the vault: the removal was broken off"
            in check_retention(site.site, at(LATER, 13)).text
        )
        report = site.night(early)

    assert report.outcome.value == "complete"
    assert any("not proved gone from the vault" in remark for remark in report.remarks)
    assert gone.pseudonym not in {row.pseudonym for row in ledger_of(site).patients()}
    run_retention(site, early)
    (row,) = ledger_of(site).removals.all(pseudonym=gone.pseudonym)
    assert row.state == "gone"
    site.verify_holds_the_source(tmp_path / "out", early)


def test_an_earlier_report_says_only_numbers_of_who_was_removed_and_all_of_who_stays(over) -> None:
    site, gone = over
    before = last_report(site.site, NIGHT_1)
    release(site, gone.pseudonym, "an", "bo")
    run_retention(site)
    after = last_report(site.site, NIGHT_1)

    assert before is not None
    assert after is not None
    assert "Removed by rule since this night: 1 patient." in after.remarks[-1]
    kept = {patient.pseudonym: patient for patient in after.patients}
    assert kept[gone.pseudonym].patient_name == ""
    assert kept[gone.pseudonym].expected_count > 0
    assert [p for p in after.patients if p.patient_id] == [
        p for p in before.patients if p.pseudonym != gone.pseudonym
    ]
    assert after.finished_at == before.finished_at
