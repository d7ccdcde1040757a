"""What hurts patients without a record-and-verify system, done on purpose to the copy that is left.

Wrong list, wrong position, wrong patient, mis-tracked fractions: the copy is a real vault, opened with three
cards on a laptop that never saw it. On the way between two houses: `test_handover`.
"""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from tests.unit.rehearse.attack.known_facts import facts_in
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.declaring import inventory_of
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.lists import gather_elsewhere
from beamkeeper.app.jobs.sealing import FACTS_FORMAT, FACTS_NAME
from beamkeeper.app.opened import open_elsewhere, recovery_from_cards
from beamkeeper.clock import MovableClock, local_instant
from beamkeeper.domain.codec import to_json
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.position import ConflictKind
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.errors import IntegrityError
from beamkeeper.protect.lists import list_rows
from beamkeeper.rehearse.attack import moment_of, month_of, verdict
from beamkeeper.rehearse.sim.people import person as person_of
from beamkeeper.rehearse.sim.state import patient_of
from beamkeeper.vault import LocalStore, Member, PatientState, SiteKeys, Vault, pseudonym, split_words

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.jobs.looked import PatientFacts
    from beamkeeper.protect.lists import ListRow, Person
    from beamkeeper.rehearse.attack import Moment, Month
    from beamkeeper.respond.incident import Inventory

ZONE = ZoneInfo("Europe/Brussels")
FOREIGN, NEWER = "2.25.404", "2.25.505"
SEED = 3
"""An hour after a fraction that the copy has not."""
NAMESAKE, TWIN, PAIR, REPLANNED = (person_of(index).patient_id for index in (1, 4, 5, 9))
"""Three of one name, two of them born on one day; the third has another's record inside."""


@dataclass(frozen=True)
class Left:
    """What is left of a department: copies of its vault, and three cards.

    Attributes
    ----------
    old
        The copy of the night before, genuine and behind.
    """

    month: Month
    moment: Moment
    disk: Path
    old: Path
    cards: tuple[str, ...]

    def inventory(self, disk: Path | None = None) -> Inventory:
        clock = MovableClock(self.moment.attacked_at + timedelta(hours=1))
        opened = open_elsewhere(disk or self.disk, recovery_from_cards(self.cards), clock)
        found = gather_elsewhere(opened, zone=ZONE, now=clock.now())
        return inventory_of(found, self.moment.attacked_at)

    def declared(self, disk: Path, out: Path) -> tuple[int, dict[str, Any]]:
        """Type `declare` and the cards; return its exit status and what it printed."""
        worked = self.moment.attacked_at.astimezone(ZONE).isoformat(timespec="minutes")
        arguments = ["declare", "--vault", disk, "--words", "--zone", ZONE.key, "--worked-until", worked]
        done = CliRunner().invoke(
            app,
            [*map(str, arguments), "--out", str(out), "--json"],
            input="\n".join((*self.cards, "")),
            standalone_mode=False,
        )
        if done.exception is not None:
            raise done.exception
        return done.return_value or 0, json.loads(done.stdout[done.stdout.index("{") :])


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    root = tmp_path_factory.mktemp("left")
    month = month_of(SEED, patients=8, first_day=date(2025, 10, 6), zone=ZONE)
    moment = moment_of(month, SEED)
    keys, store = SiteKeys.create(root / "keys"), LocalStore(root / "disk", create=True)
    begun = moment.copy.night_at - timedelta(days=1)
    Vault.create(store, keys=keys, now=begun, trusted_dir=root / "seen", site_name="S")
    everybody = [tampered(one) for one in facts_in(month, moment.copy)]
    seal(root, keys, everybody, moment.copy.night - timedelta(days=1))
    shutil.copytree(root / "disk", root / "old")
    seal(root, keys, everybody, moment.copy.night)
    assert keys.recovery is not None
    cards = [" ".join(words) for words in split_words(keys.recovery.secret)]
    return Left(month, moment, root / "disk", root / "old", (cards[0], cards[2], cards[4]))


@pytest.fixture(autouse=True)
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop that never saw the vault."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def tampered(facts: PatientFacts) -> PatientFacts:
    """Three have one name; one has another's record inside; one has an older revision of the plan."""
    patient_id, objects = facts.entry.patient.patient_id, facts.objects
    if patient_id in {NAMESAKE, TWIN, PAIR}:
        born = date(1962, 3, 4) if patient_id == NAMESAKE else date(1950, 1, 2)
        patient = replace(facts.entry.patient, name="Namesake^Anna", birth_on=born)
        facts = replace(facts, entry=replace(facts.entry, patient=patient))
    if patient_id == PAIR:
        one = next(one for one in objects if isinstance(one.content, TreatmentRecord))
        foreign = replace(one.content, sop_instance_uid=FOREIGN, patient_id=TWIN)
        ref = replace(one.ref, sop_instance_uid=FOREIGN, patient_id=TWIN)
        return replace(facts, objects=(*objects, replace(one, ref=ref, content=foreign)))
    if patient_id == REPLANNED:
        one = next(one for one in objects if isinstance(one.content, Plan))
        newer = replace(
            one.content,
            sop_instance_uid=NEWER,
            rt_plan_label="NEWER",
            related_plan_uids=(("PREDECESSOR", one.content.sop_instance_uid),),
        )
        ref = replace(one.ref, sop_instance_uid=NEWER)
        return replace(facts, objects=(*objects, replace(one, ref=ref, content=newer)))
    return facts


def seal(root: Path, keys: SiteKeys, everybody: list[PatientFacts], night: date) -> None:
    now = local_instant(night, time(2), ZONE)
    vault = Vault.open(LocalStore(root / "disk"), trusted_dir=root / "seen", now=now)
    entries = []
    for facts in everybody:
        name = pseudonym(keys.pseudonym_key, "", facts.entry.patient.patient_id)
        data = json.dumps({**FACTS_FORMAT, "facts": to_json(replace(facts, pseudonym=name))}).encode()
        member = Member(name=FACTS_NAME, size_bytes=len(data), open=lambda data=data: io.BytesIO(data))
        state = PatientState(pseudonym=name, night=night, patient={})
        entries.append(vault.seal(pseudonym=name, night=night, members=[member], state=state))
    vault.publish(entries, night=night, now=now, expires_at=now + timedelta(hours=36), keys=keys)


def person(inventory: Inventory, patient_id: str) -> Person:
    return next(one for one in inventory.persons if one.entry.patient.patient_id == patient_id)


def rows(inventory: Inventory) -> dict[str, ListRow]:
    return {row.patient.patient_id: row for row in list_rows(inventory.persons, inventory.head)}


def test_a_copy_with_namesakes_and_a_foreign_record_still_tells_the_truth_about_everybody(left: Left) -> None:
    found = verdict(left.month, left.moment, left.inventory())

    assert found.wrong == ()
    assert any("asked" in one.said for one in found.patients)


def test_three_patients_of_one_name_are_three_and_each_row_warns_of_the_others(left: Left) -> None:
    found = rows(left.inventory())
    alike = (NAMESAKE, TWIN, PAIR)

    for name in alike:
        said = " ".join(found[name].warnings)
        assert "SAME NAME as" in said
        assert all(other in said for other in alike if other != name)


def test_a_record_of_another_patient_inside_is_not_counted_and_is_shown(left: Left) -> None:
    position = person(left.inventory(), PAIR).position
    assert position is not None

    assert FOREIGN in position.unassigned_record_uids
    assert any(one.kind is ConflictKind.PATIENT_DIFFERS for one in position.conflicts)


def test_a_fraction_an_hour_before_the_attack_is_possible_and_never_assumed(left: Left) -> None:
    inventory, cast = left.inventory(), left.month.end
    unseen = [
        visit
        for visit in left.month.visits
        if left.moment.copy.knows_until < visit.ended_at <= left.moment.attacked_at
    ]
    for visit in unseen:
        one = person(inventory, patient_of(cast, cast.member(visit.index)).patient_id)
        assert one.position is not None
        for at in one.position.plans:
            marked = any(item.kind is ConflictKind.POSSIBLY_DELIVERED for item in at.conflicts)
            assert marked is not at.is_finished
    assert unseen


def test_of_two_revisions_of_a_plan_the_older_one_is_not_ready_and_says_why(left: Left) -> None:
    older, newer = sorted(rows(left.inventory())[REPLANNED].plans, key=lambda line: line.label == "NEWER")

    assert "?" in older.next_fraction
    assert any("NEWER" in said for said in older.missing)
    assert newer.plan_uid == NEWER


def test_an_old_copy_is_refused_by_a_laptop_that_saw_a_newer_one(left: Left, tmp_path: Path) -> None:
    left.inventory()
    with pytest.raises(IntegrityError):
        left.declared(left.old, tmp_path / "incident")


def test_an_old_copy_on_a_strange_laptop_says_that_nobody_fed_it(left: Left) -> None:
    inventory = left.inventory(left.old)

    assert inventory.night == left.moment.copy.night - timedelta(days=1)
    assert any("Nobody fed the vault since" in one for one in inventory.warnings)


def test_a_disk_with_two_parcels_swapped_names_both_and_lists_everybody_else(
    left: Left, tmp_path: Path
) -> None:
    shutil.copytree(left.disk, tmp_path / "disk")
    parcels = (tmp_path / "disk" / "targets").rglob(f"*.{left.moment.copy.night}-1.tar.zst.age")
    one, other = sorted(parcels)[:2]
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    status, told = left.declared(tmp_path / "disk", tmp_path / "incident")
    whole = IncidentFolder.open(tmp_path / "incident").inventory()

    assert status == 20
    assert len(told["not_read"]) == 2
    assert len(whole.persons) == len(left.inventory().persons) - 2
