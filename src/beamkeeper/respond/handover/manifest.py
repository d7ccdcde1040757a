"""What is in a bundle, of whom, for whom: the first file inside, believed about all others."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from beamkeeper.clock import zone
from beamkeeper.domain.codec import NotThisShapeError, from_json, to_json
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.position import CoursePosition
from beamkeeper.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST: Final = "manifest.json"
FORMAT: Final = "beamkeeper-manifest"
VERSION: Final = 1
MANIFEST_BYTES_MAX: Final = 32 << 20
FILES_MAX: Final = 50_000
"""One patient: planning images, a few doses, years of setup images."""
SESSIONS_MAX: Final = 500
PLANS_MAX: Final = 100
NUMBER_MAX: Final = 1_000_000
WORD_CHARACTERS_MAX: Final = 256
"""Of what tells patients, bundles and plans apart: it stands in journals, messages and names of files."""
TEXT_CHARACTERS_MAX: Final = 20_000
"""Of anything that people wrote."""


class BundleKind(StrEnum):
    """Which way it goes."""

    HANDOVER = "handover"
    """To whoever treats on."""
    RETURN = "return"
    """Back home, with what was given."""


class Role(StrEnum):
    """What a file in a bundle is for."""

    DICOM = "dicom"
    DOSSIER = "dossier"
    LETTER = "letter"
    DOCUMENT = "document"
    MESSAGE = "message"
    """HL7 v2, as it may be sent to the partner's OIS once its own number of the patient stands in it."""
    REPORT = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One file of a bundle.

    Attributes
    ----------
    name
        Where it lies inside; says nothing of the patient.
    sop_instance_uid, title
        Of DICOM objects; of documents. Else "".
    """

    name: str
    role: Role
    size_bytes: int
    sha256: str
    sop_instance_uid: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One fraction that is still to be given, with the day it is meant for.

    Attributes
    ----------
    starts_at
        None where only the day is agreed.
    is_rest
        The fraction was begun: what is left of it.
    """

    plan_uid: str
    rt_plan_label: str
    fraction_number: int
    day: date
    machine: str = ""
    starts_at: datetime | None = None
    is_rest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTold:
    """What the letter says of one plan that is to be treated on.

    Attributes
    ----------
    given, next_said
        In words: "12 of 25 given", "Next: fraction 13".
    before
        What has to be settled before the first beam; () when nothing is known to be.
    """

    plan_uid: str
    rt_plan_label: str
    given: str
    next_said: str
    dose: str = ""
    intent: str = ""
    machine: str = ""
    needs: str = ""
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a return bundle says besides.

    Attributes
    ----------
    answers
        The bundle that was received.
    their_ids
        Patient IDs under which the patient was treated there, besides ours.
    same_plans
        (plan as treated there, plan as it was sent, why): where it was treated by a copy of the plan.
    said
        What people report, in words.
    is_last
        Whether the patient is not treated there any more.
    """

    answers: str
    their_ids: tuple[str, ...] = ()
    same_plans: tuple[tuple[str, str, str], ...] = ()
    said: str = ""
    is_last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything a receiver must know before a file is used.

    Attributes
    ----------
    number
        Counts the bundles of one patient to one receiver, from 1: an older one never replaces a newer one.
    sender, recipient
        Names of the two houses.
    night, trust
        Of which night the copies are, and who confirmed it or why nobody did.
    pseudonym
        The sender's keyed name of the patient: return bundles carry it back.
    cancelled
        Appointments of earlier bundles that no longer stand.
    moved
        Where appointments of earlier bundles stood that are at another time or machine in this one.
    before
        What has to be asked before anything is treated, in sentences.
    consent, law
        Who agreed and how, and on what ground the data are passed on.
    left_out
        Objects of the patient that were not sent, because no plan to be treated leads to them.
    """

    bundle_id: str
    kind: BundleKind
    number: int
    incident_id: str
    sender: str
    recipient: str
    made_at: datetime
    made_by: str
    time_zone: str
    night: date
    trust: str
    pseudonym: str
    patient: Patient
    position: CoursePosition | None
    plans: tuple[PlanTold, ...] = ()
    sessions: tuple[Session, ...] = ()
    cancelled: tuple[Session, ...] = ()
    moved: tuple[Session, ...] = ()
    accessories: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    consent: str = ""
    law: str = ""
    left_out: int = 0
    packed: tuple[Packed, ...] = ()
    reply: Reply | None = None

    def __post_init__(self) -> None:
        """Refuse a time zone that nobody here knows: every time of the bundle is said in it."""
        zone(self.time_zone)


def new_bundle_id() -> str:
    """Return an identifier that says nothing and that nobody guesses."""
    return secrets.token_hex(8)


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the manifest as the file in the bundle.

    Raises
    ------
    IntegrityError
        It says more than any patient has: no reader would take it.
    """
    _verify_bounds(manifest)
    document = {"format": FORMAT, "version": VERSION, "manifest": to_json(manifest)}
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


@lru_cache(maxsize=256)
def read_manifest(data: bytes) -> Manifest:
    """Return the manifest in a file; the same bytes are read once, since a desk asks for all it holds.

    Raises
    ------
    IntegrityError
        Not a manifest that this version reads.
    """
    try:
        document = json.loads(data)
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise NotThisShapeError("another format or version")
        if any(len(text) > TEXT_CHARACTERS_MAX for text in _texts(document)):
            raise NotThisShapeError("a text that nobody wrote")
        manifest = from_json(Manifest, document["manifest"])
    except (ValueError, KeyError, TypeError, RecursionError, ConfigError) as error:
        raise IntegrityError(
            "The manifest of this bundle cannot be read.",
            do_next="Both houses need the same version of Beamkeeper; then ask for the bundle again.",
        ) from error
    _verify_bounds(manifest)
    return manifest


def _texts(document: object) -> Iterator[str]:
    """Yield every text of a JSON document."""
    left = [document]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list):
            left += one


def _verify_bounds(manifest: Manifest) -> None:
    """Refuse what says more than any patient has.

    Raises
    ------
    IntegrityError
    """
    sessions = (*manifest.sessions, *manifest.cancelled, *manifest.moved)
    words = (
        manifest.incident_id,
        manifest.pseudonym,
        manifest.sender,
        manifest.recipient,
        manifest.patient.patient_id,
        manifest.patient.issuer_of_patient_id,
        *(word for one in sessions for word in (one.plan_uid, one.rt_plan_label, one.machine)),
        *(plan.plan_uid for plan in manifest.plans),
    )
    names = {item.name for item in manifest.packed}
    folders = {str(folder) for name in names for folder in PurePosixPath(name).parents}
    is_bounded = (
        len(manifest.packed) == len(names) <= FILES_MAX
        and not names & {MANIFEST, *folders}
        and all(item.size_bytes >= 0 for item in manifest.packed)
        and max(map(len, (manifest.sessions, manifest.cancelled, manifest.moved))) <= SESSIONS_MAX
        and len(manifest.plans) <= PLANS_MAX
        and 0 < manifest.number <= NUMBER_MAX
        and all(len(word) <= WORD_CHARACTERS_MAX for word in words)
    )
    if not is_bounded:
        raise IntegrityError(
            "The manifest of this bundle says more than any patient has.",
            do_next="Nothing of it was used. Call whoever made it: something is wrong there.",
        )
