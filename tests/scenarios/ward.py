"""A ward: three patients in an archive and an OIS, a network, two mirrors, a partner's store, a watcher.

Everything a site can be asked to do is switched on: nights, hours, votes by three ways, alerts by three
channels, sealed mirrors, plain copies. What patients, people and misfortune do are actions.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from archive_site import site_of
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from moved_clock import Played
from night_site import IMAGES_A_PATIENT
from reachable import everybody
from source_changes import with_a_leaf_moved, with_structures_renamed
from tests.listening import free_port
from tests.mail_peers.hook_server import gateway
from town import MIRRORS, watch_file

from beamkeeper.clock import MovableClock, local_date, local_instant, zone
from beamkeeper.protect.retain import WordKind
from beamkeeper.rehearse.sim.ois import mapping_text, write_database
from beamkeeper.rehearse.sim.ois_content import ois_rows
from beamkeeper.rehearse.sim.orthanc import OrthancArchive
from beamkeeper.rehearse.sim.patients import cast_member, planning_objects, session_objects, sessions_before
from beamkeeper.rehearse.sim.records import Session
from beamkeeper.rehearse.sim.seeded import Seed
from beamkeeper.rehearse.sim.state import DepartmentState, PatientState, patient_of
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from reachable import Everybody

    from beamkeeper.rehearse.sim.treatments import SimPatient

PHOTONS, ELECTRONS, OTHER_ELECTRONS = 2, 3, 11
"""Who is treated: tangents with a leaf bank, 8 fractions to go; electrons, 3 to go; electrons again."""
HOUR = """
[hour]
every_minutes = 60
from = "09:00"
until = "17:00"
"""
PARTNER = """
[[copies]]
name = "partner"
kind = "dicom"
ae_title = "PARTNER"
host = "127.0.0.1"
port = {port}
"""
WORDS = {"photons": PHOTONS, "electrons": ELECTRONS, "the other electrons": OTHER_ELECTRONS}


class Ward:
    """The world around a site: patients, archive, OIS, network, partner.

    Attributes
    ----------
    root
        Everything lies there; mirrors are `near` and `far`.
    """

    def __init__(self, root: Path, around: Everybody, first: date, zone_name: str) -> None:
        self.root, self._around, self._zone = root, around, zone(zone_name)
        for name in ("near", "far", "net", "votes"):
            (root / name).mkdir(parents=True)
        self.archive = OrthancArchive(root / "archive")
        self.partner = OrthancArchive(root / "partner", ae_title="PARTNER")
        self._objects: dict[str, bytes] = {}
        self._unsent: list[str] = []
        self._is_connected = False
        self.state = DepartmentState(seed=1, first_day=first, last_day=first - timedelta(days=1))
        for index in WORDS.values():
            patient = cast_member(Seed(1), index, first)
            member = PatientState(index=index, sessions=tuple(sessions_before(patient, first)))
            self.state = replace(self.state, patients=(*self.state.patients, member))
            self._put(patient, member)
        self.ois_mapping_path.write_text(mapping_text().replace("Europe/Brussels", zone_name), "utf-8")
        self._write_ois()
        self._connect("near")
        self._connect("far")
        self._connect("ois.sqlite")
        self.signing_keys = {login: Ed25519PrivateKey.generate() for login in ("an", "bo")}

    # What `site_of` asks of a department -----------------------------------------------------------

    archive_ae = "ORTHANC"
    host = "127.0.0.1"

    @property
    def port(self) -> int:
        return self.archive.port

    @property
    def ois_url(self) -> str:
        return f"sqlite:///{self.root.resolve() / 'net' / 'ois.sqlite'}"

    @property
    def ois_mapping_path(self) -> Path:
        return self.root / "ois_mapping.toml"

    def add_destination(self, ae_title: str, host: str, port: int) -> None:
        self.archive.add_destination(ae_title, host, port)

    def settings(self) -> str:
        """Return all that the site file of this ward says more than others."""
        text = self._around.settings.replace("[quorum]", '[quorum]\nballot_folder = "../votes"', 1)
        for login, key in self.signing_keys.items():
            public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
            text = text.replace(f'login = "{login}"\n', f'login = "{login}"\nsigning_key = "{public}"\n', 1)
        return text + HOUR + MIRRORS + PARTNER.format(port=self.partner.port)

    # What happens ----------------------------------------------------------------------------------

    def actions(self, played: Played) -> Mapping[str, Callable[[], object]]:
        """Return everything that can stand behind a star, but for votes."""
        made: dict[str, Callable[[], object]] = {
            "somebody moves a leaf": lambda: self._change(PHOTONS, "RTPLAN", with_a_leaf_moved),
            "somebody renames the structures": lambda: self._change(
                PHOTONS, "RTSTRUCT", with_structures_renamed
            ),
            "the near mirror dies": (self.root / "net" / "near").unlink,
            "the near mirror is back": lambda: self._connect("near"),
            "the network goes": self._disconnect,
            "the network is back": self._reconnect,
            "electrons is complete": lambda: self._complete(ELECTRONS, self._today(played)),
            "the other electrons leaves": lambda: self._leave(OTHER_ELECTRONS),
        }
        for words, index in WORDS.items():
            made[f"{words} is treated"] = lambda index=index: self._treat(index, self._today(played))
            made[f"the partner removes {words}"] = lambda index=index: self._removed_there(index)
        for login in ("an", "bo"):
            made[f"{login} releases the other electrons"] = lambda login=login: played.retain(
                login, WordKind.RELEASE, self._pseudonym(played, OTHER_ELECTRONS)
            )
        return made

    def patient_id(self, index: int) -> str:
        return cast_member(Seed(1), index, self.state.first_day).patient_id

    def _today(self, played: Played) -> date:
        return local_date(played.clock.now(), self._zone)

    def _pseudonym(self, played: Played, index: int) -> str:
        return {row.patient.patient_id: row.pseudonym for row in played.ledger.patients()}[
            self.patient_id(index)
        ]

    def _put(self, patient: SimPatient, member: PatientState) -> None:
        images = 0
        for _, data in planning_objects(patient, self._zone):
            images += identify(data).modality == "CT"
            if identify(data).modality != "CT" or images <= IMAGES_A_PATIENT:
                self._make(data)
        for session in member.sessions:
            for _, data in session_objects(patient, session, self._zone):
                self._make(data)

    def _make(self, data: bytes) -> None:
        """Let a machine make or change an object; the archive gets it when it can be reached."""
        uid = identify(data).sop_instance_uid
        self._objects[uid] = data
        self._unsent.append(uid)
        if self._is_connected:
            self._send()

    def _send(self) -> None:
        while self._unsent:
            self.archive.store(self._objects[self._unsent.pop()])

    def _treat(self, index: int, on: date) -> None:
        member = self.state.member(index)
        number = max(session.fraction_number for session in member.sessions) + 1
        session = Session(treatment_key="plan", version=1, fraction_number=number, on=on)
        member = replace(member, sessions=(*member.sessions, session))
        self.state = self.state.with_member(member)
        for _, data in session_objects(patient_of(self.state, member), session, self._zone):
            self._make(data)
        self._write_ois()

    def _complete(self, index: int, on: date) -> None:
        self.state = self.state.with_member(replace(self.state.member(index), finished_on=on))
        self._write_ois()

    def _leave(self, index: int) -> None:
        staying = tuple(member for member in self.state.patients if member.index != index)
        self.state = replace(self.state, patients=staying)
        for uid in self.archive.uids_of(self.patient_id(index)):
            self.archive.remove(uid)
        self._write_ois()

    def _change(self, index: int, modality: str, change: Callable[[bytes], bytes]) -> None:
        described = ((identify(data), data) for data in self._objects.values())
        patient_id = self.patient_id(index)
        self._make(
            next(
                change(data)
                for ref, data in described
                if (ref.modality, ref.patient_id) == (modality, patient_id)
            )
        )

    def _removed_there(self, index: int) -> None:
        for uid in self.partner.uids_of(self.patient_id(index)):
            self.partner.remove(uid)

    # The network -----------------------------------------------------------------------------------

    def _write_ois(self) -> None:
        rows, _ = ois_rows(self.state, (), self._zone)
        del rows.rows["Appointment"]  # the list goes by treatments: nobody books in this ward
        write_database(self.root / "ois.sqlite", rows)

    def _connect(self, name: str) -> None:
        (self.root / "net" / name).symlink_to(Path("..") / name)

    def start(self) -> None:
        """Start archive and partner, and let all that was made meanwhile reach the archive."""
        self.archive.start()
        self.partner.start()
        self._is_connected = True
        self._send()

    def stop(self) -> None:
        """Stop archive and partner."""
        self._is_connected = False
        self.archive.stop()
        self.partner.stop()

    def _disconnect(self) -> None:
        self._around.stop()
        self.stop()
        for link in (self.root / "net").iterdir():
            link.unlink()

    def _reconnect(self) -> None:
        self._around.start()
        self.start()
        for name in ("near", "far", "ois.sqlite"):
            self._connect(name)


@contextmanager
def played_ward(program: str, root: Path, first: date, zone_name: str) -> Iterator[tuple[Ward, Played]]:
    """Open a ward in the first hour of a day, a watcher elsewhere, and everybody who can be called."""
    root.mkdir(exist_ok=True)
    with everybody(program, root) as around, gateway() as elsewhere, ExitStack() as open_ones:
        ward = Ward(root, around, first, zone_name)
        open_ones.callback(ward.stop)
        ward.start()
        changed = {
            'time_zone = "Europe/Brussels"': f'time_zone = "{zone_name}"',
            "# after_completion_days = 14 ": "after_completion_days = 10 ",
        }
        site = site_of(root, ward, port=free_port(), changed=changed, on=first)
        with site.site_file.open("a", encoding="utf-8") as file:
            file.write(ward.settings())
        keys = {
            login: key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
            for login, key in ward.signing_keys.items()
        }
        clock = MovableClock(local_instant(first, time(1), zone(zone_name)))
        played = Played(site, clock, around, signing_keys=keys)
        played.watched_from(watch_file(site, root, elsewhere.port))
        yield ward, played
