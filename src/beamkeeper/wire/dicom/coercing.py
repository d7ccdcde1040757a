"""A copy of an object under another hospital's patient number, with both identities kept.

UIDs stay, so that every reference still resolves: a hospital that takes an object in under its own number
does just this (DICOM calls it coercion). The copy is made in the bytes: the identifying elements change, two
sequences say what was there before and who changed it, and every other element is the same, byte for byte,
which is verified before the copy is handed out. The original is never altered.

References
----------
DICOM PS3.3 C.2.2 (Patient), C.12.1 (SOP Common), C.12.1.1.9 (Original Attributes); PS3.4 B.4.1.3 (coercion)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.clock import zone
from beamkeeper.domain.crosswalk import Stated
from beamkeeper.domain.identity import likeness
from beamkeeper.domain.objects import ReferenceRole
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import (
    ConfigError,
    IntegrityError,
    ObjectUnreadable,
    PatientMismatch,
    SourceAnswerInvalid,
)
from beamkeeper.wire.dicom.coercing_changes import (
    ID,
    ISSUER,
    LONG_STRING_MAX,
    OTHER_IDS,
    OURS,
    Changes,
    Difference,
    charsets_of,
    said,
)
from beamkeeper.wire.dicom.elements import REPEATED, open_object
from beamkeeper.wire.dicom.reader import read_object_and_patient, read_stated_patient
from beamkeeper.wire.dicom.reader_references import referenced_uids
from beamkeeper.wire.dicom.splicing import spliced, stored_bytes

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from typing_extensions import Buffer

    from beamkeeper.wire.dicom.elements import RawObject

_SOP_INSTANCE_UID = 0x00080018
_SIGNATURES = 0xFFFAFFFA
_ANY_ZONE: Final = zone("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coercion:
    """Whose objects become whose number, by whom, when.

    Attributes
    ----------
    home
        Whom every object has to name.
    partner
        The number given there and its issuer; a name and a birth date where the partner writes them
        another way, "" and None where the object's stay.
    source
        Where the former values come from (Source of Previous Values): the home site.
    system
        What changes them (Modifying System).
    at
        Aware.
    authority_uid
        OID of the partner's assigning authority, "" where it has none.
    """

    home: Patient
    partner: Patient
    source: str
    system: str
    at: datetime
    authority_uid: str = ""

    def __post_init__(self) -> None:
        """Refuse a partner's identity that no object can hold, or that is plainly somebody else's.

        Raises
        ------
        ConfigError, PatientMismatch
        """
        if self.at.tzinfo is None:
            raise ValueError("an instant without its zone")
        for text in (self.partner.patient_id, self.partner.issuer_of_patient_id):
            if len(text) > LONG_STRING_MAX or "\\" in text or not text.isprintable() or text != text.strip():
                raise ConfigError(
                    f"A patient number or its issuer is no DICOM value: at most {LONG_STRING_MAX} printable "
                    "characters, no backslash, no blank around it.",
                    do_next="Ask the partner which number it gave, and write it as it stands there.",
                )
        theirs = Patient(
            patient_id=self.home.patient_id, name=self.partner.name, birth_on=self.partner.birth_on
        )
        if likeness(theirs, self.home).is_other:
            raise PatientMismatch(
                "The partner's number belongs to somebody of another name and birth date.",
                do_next="Ask the partner for the number of this patient; nothing was written.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Coerced:
    """The copy, and everything in which it differs.

    Attributes
    ----------
    remarks
        What could not be done and stays as it was, in sentences.
    """

    data: bytes
    sop_instance_uid: str
    differences: tuple[Difference, ...]
    remarks: tuple[str, ...] = ()


def coerced(original: Buffer, coercion: Coercion) -> Coerced:
    """Return a copy of an object under the partner's number; the same bytes where it has that already.

    Raises
    ------
    PatientMismatch
        The object does not name the home patient: it is somebody else's, or the bundle is swapped.
    SourceAnswerInvalid
        It is signed, or names its patient twice.
    ObjectUnreadable
        It is damaged.
    ConfigError
        The number cannot be written in the object's character set.
    IntegrityError
        Read again, the copy is not what was meant; it is not handed out.
    """
    data = bytes(original)
    raw = open_object(data)
    _verify_may_change(raw)
    uid = raw.dataset.text(_SOP_INSTANCE_UID)
    _verify_is(read_stated_patient(data, zone=_ANY_ZONE), coercion.home, uid)
    made = Changes(raw, partner=coercion.partner, authority_uid=coercion.authority_uid)
    if not made.is_any:
        return Coerced(data=data, sop_instance_uid=uid, differences=(), remarks=tuple(made.remarks))
    made.keep_home(source=coercion.source, system=coercion.system, at=coercion.at)
    copy = spliced(raw, data, made.elements)
    _verify_as_meant(raw, copy, coercion.partner, uid)
    return Coerced(
        data=copy, sop_instance_uid=uid, differences=tuple(made.differences), remarks=tuple(made.remarks)
    )


def _verify_may_change(raw: RawObject) -> None:
    elements = raw.dataset.elements
    if not raw.dataset.text(_SOP_INSTANCE_UID):
        raise ObjectUnreadable("The file is no stored object: it has no SOP Instance UID.")
    if _SIGNATURES in elements:
        raise SourceAnswerInvalid(
            "The object carries a digital signature, which no longer holds in a copy that differs.",
            do_next="Let the partner's archive take it in under its own number.",
        )
    if any(tag >= REPEATED and tag % REPEATED in OURS for tag in elements):
        raise SourceAnswerInvalid(
            "The object names its patient twice: which of them is meant is not ours to choose.",
            do_next="Look at it with dcmdump, and ask its source for it again.",
        )


def _verify_is(stated: Patient | None, home: Patient, uid: str) -> None:
    if stated is None or stated.patient_id != home.patient_id or likeness(stated, home).is_other:
        raise PatientMismatch(
            "An object does not name the patient who is handed over.",
            do_next="It was not copied. Look whose it is before anything of this bundle is used.",
            sop_instance_uid=uid,
        )


def _verify_as_meant(raw: RawObject, copy: bytes, partner: Patient, uid: str) -> None:
    """Hold the copy against its original, element by element as they lie in the two files."""
    try:
        before, after = stored_bytes(raw), stored_bytes(open_object(copy))
        named = read_stated_patient(copy, zone=_ANY_ZONE)
    except ObjectUnreadable as error:
        raise _not_as_meant("cannot be read", uid) from error
    foreign = [tag for tag in before | after if before.get(tag) != after.get(tag) and not _is_ours(tag)]
    if foreign:
        raise _not_as_meant(f"differs in ({foreign[0] >> 16 & 0xFFFF:04X},{foreign[0] & 0xFFFF:04X})", uid)
    if named is None or (named.patient_id, named.issuer_of_patient_id) != (
        partner.patient_id,
        partner.issuer_of_patient_id,
    ):
        raise _not_as_meant("does not name the partner's number", uid)


def _is_ours(tag: int) -> bool:
    """Return whether a copy may differ there: in what identifies, and in the lengths of those groups."""
    return tag in OURS or tag in {other & 0xFFFF0000 for other in OURS}


def _not_as_meant(what: str, uid: str) -> IntegrityError:
    return IntegrityError(
        f"Read again, a copy under the partner's number {what}: it was thrown away.",
        do_next="Let the partner's archive take it in under its own number, and send us this sentence.",
        sop_instance_uid=uid,
    )


def read_stated(data: Buffer, *, zone: ZoneInfo) -> Stated:
    """Return under which numbers an object stands and which plans it is of, for `crosswalk.home_of`.

    Raises
    ------
    ObjectUnreadable
        The bytes are not a whole DICOM object.
    """
    raw = open_object(data)
    charsets = charsets_of(raw)
    others = (
        (said(item.value(ID), charsets), said(item.value(ISSUER), charsets))
        for item in raw.dataset.items(OTHER_IDS)
    )
    read, patient = read_object_and_patient(data, zone=zone)
    return Stated(
        patient=patient,
        other_ids=tuple(one for one in others if one[0]),
        plan_uids=referenced_uids(read.references, ReferenceRole.PLAN),
    )
