"""Two houses with a desk each: one under attack with the copy of a night, one that treats on."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from night_site import NIGHT_1, WHO, ZONE, SmallSite
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.receiving import receive
from beamkeeper.clock import SystemClock
from beamkeeper.domain.codec import to_json
from beamkeeper.rehearse.sim.patients import session_objects
from beamkeeper.rehearse.sim.state import at_first, patient_of
from beamkeeper.respond.handover import Desk
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from beamkeeper.protect.lists import Person

PARTNER = "AZ Noord, radiothérapie"


def beamkeeper(*arguments: object) -> tuple[int, str]:
    """Type a command; return its exit status and what it printed."""
    done = CliRunner().invoke(app, list(map(str, arguments)), standalone_mode=False, env={"COLUMNS": "80"})
    if done.exception is not None:
        raise done.exception
    return done.return_value or 0, done.stdout


def told(*arguments: object) -> Any:
    """Type a command with --json; return what it printed."""
    return json.loads(beamkeeper(*arguments, "--json")[1])


@dataclass(frozen=True)
class Houses:
    """Both, after the cards were exchanged."""

    root: Path
    site: SmallSite

    @property
    def incident(self) -> Path:
        return self.root / "incident"

    @property
    def home(self) -> Path:
        return self.incident / "handover"

    @property
    def desk(self) -> Path:
        return self.root / "desk"

    @classmethod
    def met(cls, root: Path, site: SmallSite) -> Houses:
        """Declare, make both desks, and let each trust the other's card."""
        houses = cls(root, site)
        beamkeeper("declare", "--site", site.site_file, "--out", houses.incident, "--quick", "--by", "A")
        beamkeeper("desk", "init", "--desk", houses.home, "--name", "UZ Zuid")
        beamkeeper("desk", "init", "--desk", houses.desk, "--name", PARTNER)
        for mine, theirs in ((houses.home, houses.desk), (houses.desk, houses.home)):
            number = told("desk", "card", "--desk", theirs)["number"]
            beamkeeper("desk", "trust", theirs / "card.json", "--number", number, "--desk", mine)
        return houses

    def copied(self, root: Path) -> Houses:
        """Copy both houses to another place."""
        site = SmallSite.copied(self.site.root, root / "site")
        for folder in (self.incident, self.desk):
            shutil.copytree(folder, root / folder.name)
        return Houses(root, site)

    def persons(self) -> tuple[Person, ...]:
        """Everybody of the inventory, by Patient ID."""
        found = IncidentFolder.open(self.incident).inventory().persons
        return tuple(sorted(found, key=lambda one: one.entry.patient.patient_id))

    def make(self, person: Person, *more: object) -> Path:
        """Hand one patient over; return the bundle's folder."""
        made = told(
            "handover",
            "make",
            person.entry.patient.patient_id,
            "--to",
            PARTNER,
            "--incident",
            self.incident,
            "--site",
            self.site.site_file,
            *more,
        )
        assert not made["failed"], made
        return Path(made["made"][0]["folder"])

    def receive(self, bundle: Path) -> dict[str, Any]:
        """Take a bundle in at the partner, and do no more: the report has tests of its own."""
        found = receive(Desk.open(self.desk), bundle, by="C. Willems", now=SystemClock().now())
        shown = json.loads(json.dumps(to_json(found.manifest)))
        return {
            "manifest": shown,
            "is_new": found.is_new,
            "newer": found.newer,
            "strangers": list(found.strangers),
        }

    def records(self, person: Person, first: int, count: int) -> dict[str, bytes]:
        """Return the treatment records of some sessions of a patient, by SOP Instance UID."""
        state = at_first(1, max(WHO) + 1, NIGHT_1, NIGHT_1 - timedelta(days=1))
        for index in WHO:
            member = state.patients[index]
            patient = patient_of(state, member)
            if patient.patient_id == person.entry.patient.patient_id:
                found = [
                    (uid, data)
                    for session in member.sessions[first : first + count]
                    for uid, data in session_objects(patient, session, ZONE)
                ]
                return {uid: data for uid, data in found if identify(data).modality == "RTRECORD"}
        raise LookupError(person.entry.patient.patient_id)

    def treated(self, person: Person, first: int, count: int, folder: Path) -> Path:
        """Let the patient's simulated machine give some sessions; its records lie in the folder then."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(self.records(person, first, count).values()):
            (folder / f"record-{number}.dcm").write_bytes(data)
        return folder
