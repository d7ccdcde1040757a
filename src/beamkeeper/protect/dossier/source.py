"""What a dossier is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.namesakes import Namesake
    from beamkeeper.domain.plan import Plan
    from beamkeeper.domain.position import CoursePosition
    from beamkeeper.domain.readiness import Readiness
    from beamkeeper.domain.record import TreatmentRecord
    from beamkeeper.protect.dossier.picture import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the facts are from and who vouches for them.

    Attributes
    ----------
    night
        Which night; None for a folder of files.
    confirmed_by
        Who confirmed that night.
    trust
        The sentence about that; "" to have it made from `confirmed_by`.
    remark
        What else must be said of it ("not yet confirmed", "of the night before: the last was disputed").
    is_disputed
        Whether somebody who was asked to confirm that night said that it is wrong.
    """

    night: date | None = None
    confirmed_by: tuple[str, ...] = ()
    trust: str = ""
    remark: str = ""
    is_disputed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDocument:
    """A document that is kept with the patient.

    Attributes
    ----------
    state
        What became of its file on the share, in words; "" when nothing is known.
    """

    title: str
    media_type: str
    sha256: str
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierSource:
    """The facts of one patient.

    Attributes
    ----------
    position
        None when nothing could be counted.
    readiness
        Of each plan that was looked at.
    objects
        Everything that is kept of the patient, for the list of what there is.
    picture_notes
        What the pictures cannot show, in plain sentences.
    photo
        Of the patient; None where no source has one.
    problems
        What could not be read or had, in plain sentences.
    as_of
        Of what instant it speaks; aware.
    night_phone
        Of the department at night; "" where it is not known here.
    namesakes
        Whom else of the same list the patient may be taken for; None when nobody looked.
    """

    site_name: str
    zone: ZoneInfo
    entry: CensusEntry
    position: CoursePosition | None
    plans: tuple[Plan, ...]
    records: tuple[TreatmentRecord, ...]
    readiness: tuple[Readiness, ...]
    provenance: Provenance
    as_of: datetime
    objects: tuple[ClinicalObject, ...] = ()
    documents: tuple[KeptDocument, ...] = ()
    pictures: tuple[Picture, ...] = ()
    picture_notes: tuple[str, ...] = ()
    photo: Picture | None = None
    setup_photos: tuple[Picture, ...] = ()
    problems: tuple[str, ...] = ()
    night_phone: str = ""
    namesakes: tuple[Namesake, ...] | None = None
