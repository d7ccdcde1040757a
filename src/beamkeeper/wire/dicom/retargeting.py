"""A copy of an RT Plan for another machine: the machine's name, what makes it a copy, and nothing else.

The copy is written by pydicom, which hands on what it was not asked about as it came, private elements
included; `foreign_differences` then reads both with our own reader and says where a stored value differs
that should not. Whether such a copy may be made at all is decided elsewhere.

References
----------
DICOM PS3.3 C.8.8.9 (RT General Plan), C.8.8.14 (RT Beams), C.8.8.16 (Approval), C.12.1 (SOP Common).
"""

from __future__ import annotations

import io
import re
import struct
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Final

from pydicom import dcmread
from pydicom.charset import convert_encodings
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RTPlanStorage,
    generate_uid,
)

from beamkeeper.errors import ConfigError, ObjectUnreadable, SourceAnswerInvalid
from beamkeeper.wire.dicom.elements import PrivateTag, flatten, open_object
from beamkeeper.wire.dicom.part10 import file_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

    from beamkeeper.wire.dicom.elements import Key

SHORT_CHARACTERS_MAX: Final = 16
"""Of a value of VR SH: RT Plan Label, Treatment Machine Name."""
_BEAMS, _MACHINE_NAME = 0x300A00B0, 0x300A00B2
_RELATED_PLANS = 0x300C0002
_REPLACED: Final = frozenset(
    {
        0x00080012,  # Instance Creation Date
        0x00080013,  # Instance Creation Time
        0x00080018,  # SOP Instance UID
        0x0020000E,  # Series Instance UID
        0x300A0002,  # RT Plan Label
        0x300E0002,  # Approval Status
        0x300E0004,  # Review Date
        0x300E0005,  # Review Time
        0x300E0008,  # Reviewer Name
        _RELATED_PLANS,
    }
)
_OF_THE_MACHINE: Final = (
    ("DeviceSerialNumber", "Device Serial Number"),
    ("InstitutionName", "Institution Name"),
    ("InstitutionAddress", "Institution Address"),
    ("InstitutionalDepartmentName", "Institutional Department Name"),
)
"""What a beam says of its machine beyond name and model (PS3.3 table C.8-50)."""


_NOT_READ: Final = (
    InvalidDicomError,
    BytesLengthException,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    OverflowError,
    NotImplementedError,
    RecursionError,
    struct.error,
)
"""What pydicom raises over bytes that are damaged, or values that break their VR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetargetedPlan:
    """The copy, and what was done.

    Attributes
    ----------
    beam_numbers
        Beams that named the machine before and now name the other, setup beams included.
    others
        Beams that name neither, as (number, name): left as they are.
    """

    data: bytes
    sop_instance_uid: str
    series_instance_uid: str
    beam_numbers: tuple[int, ...]
    others: tuple[tuple[int, str], ...]


def retargeted_plan(
    data: bytes, *, machine_before: str, machine: str, rt_plan_label: str, made_at: datetime
) -> RetargetedPlan:
    """Return an unapproved copy with UIDs of its own, its beams for `machine_before` now for `machine`.

    UIDs are new each time: a second copy is another object, and never takes the place of one that
    somebody approved meanwhile.

    Raises
    ------
    SourceAnswerInvalid
        No RT Plan, or one whose digital signature the copy would break.
    ObjectUnreadable
        pydicom cannot read it.
    ConfigError
        The name cannot be written in the plan's character set, or is too long.
    """
    with _pydicom():
        plan = _opened(data)
        for text in (machine, rt_plan_label):
            _verify_short(text, plan)
        return _copied(plan, machine_before, machine, rt_plan_label, made_at)


@contextmanager
def _pydicom() -> Iterator[None]:
    """Translate what pydicom raises; its warnings quote values, and every value is compared afterwards."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _NOT_READ as error:
        raise ObjectUnreadable(
            f"The plan is not written as pydicom can read it ({type(error).__name__}): no copy can be made.",
            do_next="Let the planning system make the copy.",
        ) from error


def _copied(
    plan: Dataset, machine_before: str, machine: str, rt_plan_label: str, made_at: datetime
) -> RetargetedPlan:
    original = (plan.SOPClassUID, plan.SOPInstanceUID)
    plan.SOPInstanceUID, plan.SeriesInstanceUID = generate_uid(prefix=None), generate_uid(prefix=None)
    offset = str(plan.get("TimezoneOffsetFromUTC") or "")
    shown = made_at.astimezone(_zone_of(offset, made_at))
    plan.InstanceCreationDate, plan.InstanceCreationTime = f"{shown:%Y%m%d}", f"{shown:%H%M%S}"
    plan.RTPlanLabel = rt_plan_label
    plan.ApprovalStatus = "UNAPPROVED"
    for keyword in ("ReviewDate", "ReviewTime", "ReviewerName"):
        if keyword in plan:
            del plan[keyword]
    plan.ReferencedRTPlanSequence = Items(
        [*plan.get("ReferencedRTPlanSequence", ()), _predecessor(*original)]
    )
    changed, others = [], []
    for beam in plan.get("BeamSequence", ()):
        named = str(beam.get("TreatmentMachineName") or "").strip()
        if named == machine_before:
            beam.TreatmentMachineName = machine
            changed.append(int(beam.BeamNumber))
        elif named != machine:
            others.append((int(beam.BeamNumber), named))
    return RetargetedPlan(
        data=_written(plan),
        sop_instance_uid=str(plan.SOPInstanceUID),
        series_instance_uid=str(plan.SeriesInstanceUID),
        beam_numbers=tuple(changed),
        others=tuple(others),
    )


def _opened(data: bytes) -> Dataset:
    plan = dcmread(io.BytesIO(data), force=True)
    if plan.get("SOPClassUID") != RTPlanStorage or not plan.get("SOPInstanceUID"):
        raise SourceAnswerInvalid(
            "The file is no RT Plan of external beams.", do_next="Only such a plan has a copy made."
        )
    if "DigitalSignaturesSequence" in plan:
        raise SourceAnswerInvalid(
            "The plan carries a digital signature, which no longer holds in a copy that differs.",
            do_next="Let the planning system make the copy.",
        )
    return plan


def _verify_short(text: str, plan: Dataset) -> None:
    if not text or len(text) > SHORT_CHARACTERS_MAX or "\\" in text or not text.isprintable():
        raise ConfigError(
            f"{text!r} is no name: 1 to {SHORT_CHARACTERS_MAX} printable characters, no backslash.",
            do_next="Give the machine the name its planning system knows, in the machine file.",
        )
    for encoding in convert_encodings(plan.get("SpecificCharacterSet") or "ISO_IR 6"):
        try:
            text.encode("ascii" if encoding == "iso8859" else encoding)
        except UnicodeEncodeError:
            continue
        return
    raise ConfigError(
        f"{text!r} cannot be written in the plan's character set.",
        do_next="Give the machine a name of letters that the plan can hold.",
    )


def _zone_of(offset: str, made_at: datetime) -> tzinfo | None:
    found = re.fullmatch(r"([+-])(\d\d)(\d\d)", offset.strip())
    if found is None:
        return made_at.tzinfo
    minutes = int(found[2]) * 60 + int(found[3])
    return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))


def _predecessor(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
    item.RTPlanRelationship = "PREDECESSOR"
    return item


def _written(plan: Dataset) -> bytes:
    """Return the file; a deflated one is written plain."""
    implicit, little = plan.original_encoding
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    header = file_header(
        sop_class_uid=str(plan.SOPClassUID),
        sop_instance_uid=str(plan.SOPInstanceUID),
        transfer_syntax_uid=syntax if little else ExplicitVRBigEndian,
    )
    plan.file_meta, plan.preamble = FileMetaDataset(), None
    body = io.BytesIO()
    plan.save_as(body, implicit_vr=bool(implicit), little_endian=bool(little))
    return header + body.getvalue()


# What else differs, and what still speaks of the machine before ---------------------------------------


def foreign_differences(original: bytes, copy: bytes) -> tuple[str, ...]:
    """Return where stored values of the two differ, bytes against bytes, beyond what a copy changes.

    References to other plans count: only an item behind those that are there is a copy's own.

    Raises
    ------
    ObjectUnreadable
        One of them is damaged.
    """
    before = {path: (vr, value) for path, vr, value in flatten(open_object(original).dataset)}
    after = {path: (vr, value) for path, vr, value in flatten(open_object(copy).dataset)}
    related = int(before.get((_RELATED_PLANS,), ("SQ", b"0"))[1])
    return tuple(
        words_of(path)
        for path in dict.fromkeys((*before, *after))
        if before.get(path) != after.get(path) and not _is_own(path, related)
    )


def _is_own(path: tuple[Key | int, ...], related: int) -> bool:
    """Return whether a copy may differ there; `related` plans the original names already."""
    if len(path) == 1:
        return path[0] in _REPLACED
    if path[0] == _RELATED_PLANS:
        return path[1] == related
    return len(path) == 3 and (path[0], path[2]) == (_BEAMS, _MACHINE_NAME)  # noqa: PLR2004 - beam, place, name


def words_of(path: tuple[Key | int, ...]) -> str:
    """Return a path of `flatten` in keywords: "BeamSequence[1]/DeviceSerialNumber", places from 1."""
    said = _keyword(path[0])
    for place, key in zip(path[1::2], path[2::2], strict=False):
        said += f"[{int(str(place)) + 1}]/{_keyword(key)}"
    return said


def _keyword(key: Key) -> str:
    if isinstance(key, PrivateTag):
        return f"private ({key.group:04X},{key.number & 0xFF:02X}) of {key.creator or 'nobody'}"
    tag = key & 0xFFFFFFFF
    return keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def said_of_machine(data: bytes, machine: str) -> tuple[str, ...]:
    """Return what a plan says of its machine that a copy hands on, in sentences: a person has to look.

    Raises
    ------
    ObjectUnreadable
        pydicom cannot read it, or it is damaged.
    """
    with _pydicom():
        return (*_of_beams(_opened(data)), *_named_in(data, machine))


def _of_beams(plan: Dataset) -> Iterator[str]:
    beams = plan.get("BeamSequence", ())
    for keyword, words in _OF_THE_MACHINE:
        values = dict.fromkeys(str(value) for beam in beams if (value := beam.get(keyword)))
        if values:
            yield f"{words} of the beams stays {', '.join(values)}: that is of the machine before."
    tables = [
        f"{table.get('ToleranceTableNumber')} {table.get('ToleranceTableLabel') or ''}".strip()
        for table in plan.get("ToleranceTableSequence", ())
    ]
    if tables:
        yield f"Tolerance tables go along as they are ({', '.join(tables)}): hold them against those there."
    units = dict.fromkeys(str(beam.get("PrimaryDosimeterUnit") or "not stated") for beam in beams)
    yield (
        f"Metersets go along as they are ({', '.join(units)}): the match has to cover the dose for a monitor "
        "unit."
    )


def _named_in(data: bytes, machine: str) -> Iterator[str]:
    """Say in which other elements the machine is named; a name of one character stands everywhere."""
    if len(machine) < 2:  # noqa: PLR2004 - see above
        return
    name = re.compile(rb"(?<![\w-])" + re.escape(machine.encode()) + rb"(?![\w-])")
    places = dict.fromkeys(
        "/".join(map(_keyword, path[::2]))
        for path, vr, value in flatten(open_object(data).dataset)
        if vr != "SQ" and path[-1] != _MACHINE_NAME and name.search(value)
    )
    for place in places:
        yield f"{place} names {machine} still: it goes along as it is."
