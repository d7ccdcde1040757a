"""A placement of an invented department, as draft and solving leave it in the incident's folder."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tests.console_house.clock import FileClock
from tests.room_house.incident import DECLARED, LATER, NIGHT, make_incident, patient
from tests.room_house.server import Served, room_server

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.placing import Who, make_version
from beamkeeper.app.jobs.placing_folder import DRAFT, INSTANCE, PARTNERS, PlacementFolder
from beamkeeper.domain.patient import shown_name
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.placement import Instance
from beamkeeper.respond.placement.drafting import Draft, Drafted, LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from beamkeeper.app.jobs.incident_folder import IncidentFolder

PARTNERS_FILE: Final = """format = 1
attacked_domain = "own-ad"

[[site]]
id = "annex"
name = "Annex, emergency OIS"
own = true
failure_domain = "emergency"

[[site]]
id = "leuven"
name = "Partner hospital"
failure_domain = "partner-ad"

[[site]]
id = "same-ad"
failure_domain = "own-ad"
"""
MACHINES: Final = (
    ("annex-1", "annex", 4),
    ("leuven-1", "leuven", 6),
    ("leuven-2", "leuven", 6),
    ("near", "same-ad", 9),
)


def _machine(name: str, site: str, slots: int, begin: str) -> str:
    return (
        f'\n[[machine]]\nid = "{name}"\nname = "{name}"\nsite = "{site}"\n'
        f'profile = "Varian TrueBeam, Millennium 120"\nmodels = ["M"]\ncommissioned = ["VMAT"]\n'
        f"slots = {slots}\n" + (f"first_slot_at = {begin}\n" if begin else "")
    )


def make_placement(folder: IncidentFolder, begins: Mapping[str, str] | None = None) -> None:
    """Place everybody who is on treatment; the last of the list is left out.

    Parameters
    ----------
    begins
        When the first slot of a machine begins, by machine; of others nobody says it.
    """
    begins = begins or {}
    persons = folder.inventory().persons
    names = {one.pseudonym: shown_name(one.entry.patient.name) for one in persons}
    needs = [
        {
            "id": one.pseudonym,
            "priority": number,
            "category": 1 + number % 3,
            "fractions_left": 5 + number % 9,
            "days_to_spare": number % 4,
            "options": [
                {
                    "machine": name,
                    "class": "ABCD"[(number + place) % 4],
                    "travel_min": 20 * place,
                    "why": "as drafted",
                }
                for place, (name, _, _) in enumerate(MACHINES)
            ],
        }
        for number, one in enumerate(persons[:-1], start=1)
    ]
    instance = Instance.model_validate(
        {
            "format": 1,
            "first_on": NIGHT + timedelta(days=1),
            "days": 28,
            "attacked_domain": "own-ad",
            "lead_days": [0, 2, 3],
            "site": [
                {"id": "annex", "failure_domain": "emergency"},
                {"id": "leuven", "failure_domain": "partner-ad", "agreement_signed": True},
                {"id": "same-ad", "failure_domain": "own-ad"},
            ],
            "machine": [
                {"id": name, "site": site, "slots": slots}
                | ({"first_slot_at": begins[name]} if name in begins else {})
                for name, site, slots in MACHINES
            ],
            "patient": needs,
        }
    )
    gone = persons[-1].pseudonym
    draft = Draft(
        first_on=instance.first_on,
        made_at=DECLARED,
        patients=tuple(Drafted(id=one.id, name=names[one.id], fits=(), notes=()) for one in instance.patient),
        left_out=(LeftOut(id=gone, name=names[gone], reason="no plan is kept", would_help="a plan"),),
        notes=("same-ad stands in the attacked failure domain: never used.",),
    )
    placing = PlacementFolder(folder)
    number, place = placing.new("draft")
    text = (PARTNERS_FILE + "".join(_machine(*one, begins.get(one[0], "")) for one in MACHINES)).encode()
    folder.keep(f"{place}/{PARTNERS}", text)
    kept = {
        f"{place}/{PARTNERS}": text,
        f"{place}/{INSTANCE}": placing.keep_instance(f"{place}/{INSTANCE}", instance),
        f"{place}/{DRAFT}": folder.keep_value(f"{place}/{DRAFT}", draft),
    }
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in kept.items()}
    write(folder, Deed.DRAFTED, by="C", at=DECLARED, draft=number, sha256_of=digests)
    make_version(placing, who=Who(by="Co Dumont, coordinator", at=DECLARED + timedelta(hours=1)), seconds=2)


@contextmanager
def placed_room(root: Path, *, patients: int = 20) -> Iterator[Served]:
    """Serve the room of an incident in the sixth hour, in which everybody was placed."""
    folder = make_incident(root / "incident", tuple(patient(number) for number in range(patients)))
    make_placement(folder)
    clock = FileClock(root / "clock")
    clock.move_to(LATER)
    with room_server(folder, clock) as made:
        yield made
