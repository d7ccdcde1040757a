"""A small site whose OIS is a product's database, whose archive and share are the department's."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import time
from typing import TYPE_CHECKING

from archive_site import QUICK, site_before
from night_site import NIGHT_1, ZONE
from tests.listening import free_port

from beamkeeper.clock import MovableClock, local_instant
from beamkeeper.rehearse.sim import Department, OisKind
from beamkeeper.rehearse.sim.ois_facts import fractions_complete
from beamkeeper.rehearse.sim.state import from_json, patient_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from night_site import SmallSite

SETTINGS = {
    OisKind.ARIA: 'schema = ""\ntriage_column = "UserDefAttrib03"\nvendor_view = true\n',
    OisKind.MOSAIQ: 'treatment_rooms = ["LINAC*", "PROTON*"]\n',
}
SHARE = {
    OisKind.ARIA: "quarters_since = 2018-05-14\n",
    OisKind.MOSAIQ: 'look_at = ["document type 1"]\n',
}
_ARCHIVE = '[[sources]]\nkind = "dicom"'
_NO_DOSSIERS = "# dossiers = false"


@contextmanager
def before_a_product(root: Path, kind: OisKind, *, patients: int) -> Iterator[tuple[Department, SmallSite]]:
    """Give a department whose database is a product's, and a site with dossiers before it."""
    department = Department(
        root / "department",
        synthetic_patients=patients,
        clock=MovableClock(local_instant(NIGHT_1, time(2), ZONE)),
        real_cases=(),
        own_process=False,
        ois=kind,
    )
    with department:
        assert _NO_DOSSIERS in QUICK
        papers = "pictures = false\nlists = false"
        changed = {_ARCHIVE: _sections(department, kind) + _ARCHIVE, _NO_DOSSIERS: papers}
        yield department, site_before(department.archive, root / "site", port=free_port(), changed=changed)


def _sections(department: Department, kind: OisKind) -> str:
    """Return the sources and the share of the site file, as a department would write them."""
    share = f'[[documents]]\nname = "share"\nkind = "folder"\npath = "{department.documents_dir}"\n'
    ois = f'[[sources]]\nkind = "{kind.value}"\nname = "{kind.value}"\nurl = "{department.ois_url}"\n'
    return f'{share}{SHARE[kind]}\n{ois}timezone = "Europe/Brussels"\n{SETTINGS[kind]}\n'


def truth(root: Path) -> dict[str, dict[str, int]]:
    """Return the fractions truly complete, by Patient ID and plan, of everybody whose course is not over."""
    state = from_json((root / "department" / "state.json").read_text(encoding="utf-8"))
    found = {}
    for member in state.patients:
        patient = patient_of(state, member)
        found[patient.patient_id] = {
            patient.plan_uid(treatment): fractions_complete(member, treatment)
            for treatment in patient.treatments
        }
    return found
