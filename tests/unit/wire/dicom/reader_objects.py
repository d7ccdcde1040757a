"""DICOM objects written element by element, so that tests can write what no toolkit would."""

from __future__ import annotations

import struct
import zlib

from pydicom.datadict import dictionary_VR, tag_for_keyword

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
STORAGE = "1.2.840.10008.5.1.4.1.1."
PLAN, ION_PLAN, RECORD, BRACHY_RECORD = "481.5", "481.8", "481.4", "481.6"
STRUCTURE_SET, DOSE, CT, RT_IMAGE = "481.3", "481.2", "2", "481.1"
LONG = {"OB", "OW", "SQ", "UN", "UT", "OF", "OD", "UC", "UR"}
NUMBERS = {"US": "H", "SS": "h", "UL": "I", "FL": "f", "FD": "d"}


def element(keyword, value, syntax=EXPLICIT, *, undefined=False):
    """One element; a list of lists is a sequence, a tag number may stand for the keyword."""
    tag = keyword if isinstance(keyword, int) else tag_for_keyword(keyword)
    vr = "UN" if isinstance(keyword, int) else dictionary_VR(tag).split(" ")[0]
    order = ">" if syntax == BIG else "<"
    if vr == "SQ":
        body = b"".join(item(content, syntax, undefined=undefined) for content in value)
        if undefined:
            body += struct.pack(order + "HHI", 0xFFFE, 0xE0DD, 0)
    elif isinstance(value, bytes):
        body = value
    elif vr in NUMBERS:
        values = value if isinstance(value, list | tuple) else [value]
        body = struct.pack(f"{order}{len(values)}{NUMBERS[vr]}", *values)
    else:
        text = "\\".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        body = text.encode("ascii")
        body += (b"\0" if vr == "UI" else b" ") * (len(body) % 2)
    length = 0xFFFFFFFF if undefined and vr == "SQ" else len(body)
    return header(tag, vr, length, syntax) + body


def header(tag, vr, length, syntax=EXPLICIT):
    order = ">" if syntax == BIG else "<"
    if syntax == IMPLICIT:
        return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, length)
    start = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    return start + (struct.pack(order + "HI", 0, length) if vr in LONG else struct.pack(order + "H", length))


def item(content, syntax=EXPLICIT, *, undefined=False):
    order = ">" if syntax == BIG else "<"
    body = data_set(content, syntax, undefined=undefined)
    if undefined:
        end = struct.pack(order + "HHI", 0xFFFE, 0xE00D, 0)
        return struct.pack(order + "HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + body + end
    return struct.pack(order + "HHI", 0xFFFE, 0xE000, len(body)) + body


def data_set(content, syntax=EXPLICIT, *, undefined=False, group_lengths=False):
    def number(pair):
        return pair[0] if isinstance(pair[0], int) else tag_for_keyword(pair[0])

    written: dict[int, bytes] = {}
    for keyword, value in sorted(dict(content).items(), key=number):
        group = number((keyword,)) >> 16
        written[group] = written.get(group, b"") + element(keyword, value, syntax, undefined=undefined)
    if not group_lengths:
        return b"".join(written.values())
    order = ">" if syntax == BIG else "<"
    return b"".join(
        header(group << 16, "UL", 4, syntax) + struct.pack(order + "I", len(body)) + body
        for group, body in written.items()
    )


def part10(body, syntax=EXPLICIT, *, preamble=True):
    if syntax == DEFLATED:
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        body = packer.compress(body) + packer.flush()
    meta = element("MediaStorageSOPInstanceUID", "1.2.3.4") + element("TransferSyntaxUID", syntax)
    return (bytes(128) + b"DICM" if preamble else b"") + meta + body


def identity(kind=PLAN, modality="RTPLAN", **more: object):
    return {
        "SOPClassUID": STORAGE + kind,
        "SOPInstanceUID": "1.2.3.4",
        "StudyInstanceUID": "1.2.3.1",
        "SeriesInstanceUID": "1.2.3.2",
        "Modality": modality,
        "PatientID": "P1",
        "PatientName": "Doe^Jane",
        **more,
    }


def file_of(content, syntax=EXPLICIT, *, preamble=True, meta=True, **how: bool):
    written = EXPLICIT if syntax == DEFLATED else syntax
    body = data_set(content, written, **how)
    return part10(body, syntax, preamble=preamble) if meta else body


def plan(**more: object):
    """Two treatment beams and a setup beam; metersets stand in another order than the beams."""
    point = {"ControlPointIndex": "0", "CumulativeMetersetWeight": "0", "GantryAngle": "10"}
    first = {
        **point,
        "NominalBeamEnergy": "6",
        "IsocenterPosition": ["1.5", "-2", "3"],
        "BeamLimitingDeviceAngle": "5",
        "BeamLimitingDevicePositionSequence": [
            {"RTBeamLimitingDeviceType": "ASYMX", "LeafJawPositions": ["-50", "50"]},
            {"RTBeamLimitingDeviceType": "MLCX", "LeafJawPositions": ["-1", "-2", "1", "2"]},
        ],
    }
    last = {"ControlPointIndex": "1", "CumulativeMetersetWeight": "1"}
    beam = {
        "BeamName": "one",
        "RadiationType": "PHOTON",
        "TreatmentDeliveryType": "TREATMENT",
        "PrimaryDosimeterUnit": "MU",
        "TreatmentMachineName": "LINAC1",
        "ControlPointSequence": [first, last],
    }
    content = identity(
        RTPlanLabel="VMAT1",
        RTPlanDate="20260102",
        ApprovalStatus="APPROVED",
        ReviewDate="20260103",
        ReviewTime="101112",
        ReferencedStructureSetSequence=[
            {"ReferencedSOPClassUID": STORAGE + STRUCTURE_SET, "ReferencedSOPInstanceUID": "1.2.3.9"}
        ],
        FractionGroupSequence=[
            {
                "FractionGroupNumber": "1",
                "NumberOfFractionsPlanned": "25",
                "ReferencedBeamSequence": [
                    {"ReferencedBeamNumber": "2", "BeamMeterset": "222", "BeamDose": "1.2"},
                    {"ReferencedBeamNumber": "9"},
                    {"ReferencedBeamNumber": "1", "BeamMeterset": "111", "BeamDose": "0.8"},
                ],
            }
        ],
        BeamSequence=[
            {**beam, "BeamNumber": "9", "TreatmentDeliveryType": "SETUP"},
            {**beam, "BeamNumber": "1"},
            {**beam, "BeamNumber": "2"},
        ],
    )
    return content | more
