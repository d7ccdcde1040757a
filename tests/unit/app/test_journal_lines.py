"""A line of an incident's journal that lacks its words: named, and everything else goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.room_house.incident import LATER, make_incident
from tests.room_house.incident import patient as invented

from beamkeeper.app.jobs.closing import still_open
from beamkeeper.app.jobs.file_mode_activation import activations
from beamkeeper.app.jobs.handover_desk import desk_at
from beamkeeper.app.jobs.handover_sessions import asked_of
from beamkeeper.app.jobs.incident_acts import due_clocks
from beamkeeper.app.jobs.incident_key import KEY, kept_key, said_of_key
from beamkeeper.app.jobs.incident_people import members
from beamkeeper.app.jobs.paper import all_entries
from beamkeeper.app.jobs.placing_folder import standing as placements
from beamkeeper.app.jobs.placing_gaps import signed_gaps
from beamkeeper.app.jobs.placing_since import away, given_since
from beamkeeper.app.jobs.plans_that_hold import with_plans_that_hold
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.app.jobs.taking_back import handed_over
from beamkeeper.app.jobs.triage import order_of
from beamkeeper.domain.audit import AuditEvent
from beamkeeper.errors import BeamkeeperError, IntegrityError
from beamkeeper.respond.handover import Session
from beamkeeper.respond.handover.appointments import Asked, Said, kept_asked
from beamkeeper.respond.incident import Deed, standing
from beamkeeper.respond.incident.lines import NEEDED, OF_A_PATIENT, WHERE_SAID, not_understood
from beamkeeper.respond.incident.pages import said_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.incident import Inventory

WORDS: dict[str, Any] = {
    "about": "level",
    "value": "1",
    "weekdays": [0, 1],
    "holidays": ["2026-03-02"],
    "service": [],
    "said": "why",
    "to": "AZ Noord",
    "bundle": "b1",
    "number": 1,
    "sha256": "0" * 64,
    "sha256_of_manifest": "0" * 64,
    "sha256_of": {"a": "0" * 64},
    "draft": 1,
    "version": 1,
    "patients": ["x"],
    "machine": "TB1",
    "given": 1,
    "from": "2026-03-04",
    "first_on": "2026-03-04",
    "plans": ["1.2"],
    "plan": "1.2",
    "doubts": {"k": "text"},
    "old": "1.1",
    "new": "1.2",
    "after": 1,
    "goes_on": True,
    "line": 1,
    "plan_uid": "1.1",
    "fraction": 1,
    "given_at": "2026-03-03T10:00:00+01:00",
    "beams": [[1, 100.0]],
    "continuation": False,
    "entry": 1,
    "share": "/mnt/tb1",
    "elsewhere": "AZ Noord",
    "appointments": [
        ["S12", "a1", "BK1", "1", 25, "1.2", "P", 4, "2026-03-04", "TB1", "2026-03-04T09:00:00+00:00", False]
    ],
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda more: st.lists(more, max_size=3) | st.dictionaries(st.text(max_size=5), more, max_size=3),
    max_leaves=4,
)


@dataclass
class Kept:
    """One incident, whose journal is set back before each forged line."""

    folder: IncidentFolder
    inventory: Inventory
    journal: bytes

    @property
    def names(self) -> list[str]:
        return [one.pseudonym for one in self.inventory.persons]

    def forge(self, deed: Deed, details: dict[str, Any], patient: str | None, outcome: str = "ok") -> None:
        self.folder.journal.path.write_bytes(self.journal)
        self.add(deed, details, patient, outcome)

    def add(self, deed: Deed, details: dict[str, Any], patient: str | None, outcome: str = "ok") -> None:
        self.folder.journal.append(
            AuditEvent(
                action=deed,
                actor="M",
                outcome=outcome,
                at=LATER,
                patient_pseudonym=patient,
                details=details,
            )
        )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    people = (invented(1), invented(2))
    folder = make_incident(tmp_path_factory.mktemp("forged") / "incident", people, people=False)
    folder.keep(KEY, b"{}")
    return Kept(folder, folder.inventory(), folder.journal.path.read_bytes())


def readers(kept: Kept, rows: tuple[AuditRow, ...]) -> Iterator[Any]:
    """Everything that reads the journal: each is a call of its own."""
    folder, inventory = kept.folder, kept.inventory
    zone = inventory.head.zone
    for name in kept.names:
        yield lambda name=name: patient_now(folder, inventory, name, LATER)
    yield lambda: order_of(folder, with_plans_that_hold(inventory, rows), LATER)
    yield lambda: given_since(folder, rows, kept.names, now=LATER)
    yield lambda: handed_over(folder, LATER)
    yield lambda: asked_of(rows, kept.names[0], "AZ Noord")
    yield lambda: (standing(rows), placements(rows), activations(rows), all_entries(folder))
    yield lambda: (away(rows, machines={}, places={}), signed_gaps(folder, rows, zone))
    yield lambda: (members(folder, rows), due_clocks(folder.incident(), rows, LATER))
    yield lambda: (said_of_key(folder, rows), kept_key(folder))
    yield lambda: (still_open(folder), [said_in(row) for row in rows], desk_at(folder))


def go_on(kept: Kept) -> tuple[AuditRow, ...]:
    rows = kept.folder.journal.rows()
    for read in readers(kept, rows):
        try:
            read()
        except BeamkeeperError as error:
            assert error.message  # noqa: PT017 - said in a sentence, which is what is asked
    return rows


@given(data=st.data(), deed=st.sampled_from(list(Deed)))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_line_ends_anything_in_a_mistake_of_ours(kept: Kept, data: st.DataObject, deed: Deed) -> None:
    keys = {*NEEDED.get(deed, {}), *WHERE_SAID.get(deed, {}), "about", "said"}
    details = {key: WORDS[key] for key in sorted(keys)}
    for key in data.draw(st.sets(st.sampled_from(sorted(details)), max_size=2)):
        if data.draw(st.booleans()):
            del details[key]
        else:
            details[key] = data.draw(ANYTHING)
    patient = data.draw(st.sampled_from([*kept.names, "nobody", None]))
    kept.forge(deed, details, patient, data.draw(st.sampled_from(["ok", "failed"])))

    go_on(kept)


@pytest.mark.parametrize("deed", sorted(NEEDED))
def test_a_line_without_what_it_must_say_is_named_and_counts_for_nothing(kept: Kept, deed: Deed) -> None:
    first = next(iter(NEEDED[deed]))
    details = {key: WORDS[key] for key in NEEDED[deed] if key != first} | {"said": "why"}
    kept.forge(deed, details, kept.names[0])
    rows = go_on(kept)

    (said,) = not_understood(rows)
    assert said.startswith(f"Line {rows[-1].sequence} of the journal ({deed})")
    assert repr(first) in said
    assert said in patient_now(kept.folder, kept.inventory, kept.names[0], LATER).person.doubts
    assert said not in patient_now(kept.folder, kept.inventory, kept.names[1], LATER).person.doubts
    assert said in [one.text for one in still_open(kept.folder)]


@pytest.mark.parametrize(
    "appointments",
    [{"a": 1}, "text", ["x"], [["x"]], [[1] * 12], [[*WORDS["appointments"][0][:8], "soon", "", "", 1]]],
)
def test_appointments_that_nobody_wrote_so_are_named_and_asked_of_nobody(
    kept: Kept, appointments: object
) -> None:
    said = {"about": "b" * 16, "to": "AZ Noord", "appointments": appointments}
    kept.forge(Deed.PACKED, said, kept.names[0])
    rows = go_on(kept)

    assert "'appointments'" in not_understood(rows)[0]
    assert asked_of(kept.folder.journal.rows(), kept.names[0], "AZ Noord") == ()


def test_appointments_as_a_sender_keeps_them_are_understood(kept: Kept) -> None:
    session = Session(
        plan_uid="1.2", rt_plan_label="", fraction_number=3, day=LATER.date(), machine="", starts_at=LATER
    )
    asked = Asked(said=Said.MADE, appointment_id="a", control_id="BK", patient_id="", session=session)
    kept.forge(Deed.PACKED, WORDS | {"appointments": kept_asked([asked])}, kept.names[0])

    assert not_understood(go_on(kept)) == ()
    assert asked_of(kept.folder.journal.rows(), kept.names[0], WORDS["to"]) == (asked,)


@pytest.mark.parametrize("deed", sorted(OF_A_PATIENT))
def test_a_line_of_a_patient_that_names_none_is_named(kept: Kept, deed: Deed) -> None:
    kept.forge(deed, {key: WORDS[key] for key in NEEDED[deed]}, None)

    assert "of which patient" in not_understood(go_on(kept))[0]


@pytest.mark.parametrize("deed", sorted(OF_A_PATIENT))
def test_a_line_of_somebody_who_is_not_in_the_inventory_stops_nobody(kept: Kept, deed: Deed) -> None:
    kept.forge(deed, {key: WORDS[key] for key in NEEDED[deed]}, "nobody")

    go_on(kept)
    patient_now(kept.folder, kept.inventory, kept.names[0], LATER)


def test_a_line_about_a_line_that_is_nothing_of_the_kind_is_named(kept: Kept) -> None:
    kept.forge(Deed.STRUCK, {"entry": 1}, kept.names[0])

    assert "line 1, of which it speaks" in not_understood(go_on(kept))[0]


def test_a_file_mode_line_of_a_file_that_is_not_there_stops_its_patient_alone(kept: Kept) -> None:
    mine, other = kept.names
    said = {"about": "d1", "sha256_of": {"filemode/d1/drop.json": "0" * 64}, "said": "x"}
    kept.forge(Deed.RELEASED, said, mine)
    kept.add(Deed.COLLECTED, said, mine)
    rows = go_on(kept)

    assert patient_now(kept.folder, kept.inventory, other, LATER).person.pseudonym == other
    with pytest.raises(IntegrityError, match=r"Drop d1 cannot be read.*drop\.json") as refused:
        patient_now(kept.folder, kept.inventory, mine, LATER)
    assert "physicist" in refused.value.do_next
    assert [(one.pseudonym, "Drop d1" in one.text) for one in still_open(kept.folder)] == [(mine, True)]
    since = given_since(kept.folder, rows, kept.names, now=LATER)
    assert (since.fractions, [*since.damaged]) == ({}, [mine])
    assert "Drop d1 cannot be read" in since.damaged[mine]


def test_a_name_that_no_file_can_have_is_an_error_with_a_sentence(kept: Kept) -> None:
    name = "filemode/d\0/drop.json"
    kept.forge(Deed.RELEASED, {"about": "d\0", "sha256_of": {name: "0" * 64}}, kept.names[0])

    with pytest.raises(IntegrityError, match="is not what was written"):
        patient_now(kept.folder, kept.inventory, kept.names[0], LATER)
