#!/usr/bin/env python3
"""Compare in words beside a walk over every pydicom value: changed plan, structure set, record.

    python bench/compare.py CORPUS [--runs 5] [--objects 3] [--json FILE]

CORPUS holds DICOM files below one folder (bench/corpus.py makes one). Of each kind the largest objects
are taken, one deep value is altered (an angle, a contour point, a meterset), and both ways must find it.
The two ways take turns on the same pair; the result is the ratio of times within a turn, as a median.
Three forms are measured: as altered (defined lengths), with every sequence of undefined length, and in
another transfer syntax, where no bytes can be equal and every element must be looked at.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom import Dataset, dcmread
from pydicom.uid import ImplicitVRLittleEndian

from beamkeeper.domain.change import Grade
from beamkeeper.protect.compare import CompareRules, compare_objects

if TYPE_CHECKING:
    from collections.abc import Callable

GOALS = {"VMAT plan": 10.0, "structure set": 20.0, "record": 8.0}
SOP_CLASSES = {
    "VMAT plan": "1.2.840.10008.5.1.4.1.1.481.5",
    "structure set": "1.2.840.10008.5.1.4.1.1.481.3",
    "record": "1.2.840.10008.5.1.4.1.1.481.4",
}
RULES = CompareRules()


def alter(dataset: Dataset, kind: str) -> None:
    """Change one value, deep inside."""
    if kind == "VMAT plan":
        points = dataset.BeamSequence[-1].ControlPointSequence
        points[len(points) // 2].GantryAngle = "17.5"
    elif kind == "structure set":
        contours = dataset.ROIContourSequence[-1].ContourSequence
        contours[len(contours) // 2].ContourData[4] = "1.25"
    else:
        points = dataset.TreatmentSessionBeamSequence[-1].ControlPointDeliverySequence
        points[len(points) // 2].DeliveredMeterset = "99"


def written(dataset: Dataset) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def in_undefined_lengths(data: bytes) -> bytes:
    dataset = dcmread(io.BytesIO(data))

    def loosen(level: Dataset) -> None:
        for element in level:
            if element.VR == "SQ":
                element.is_undefined_length = True
                for item in element.value:
                    item.is_undefined_length_sequence_item = True
                    loosen(item)

    loosen(dataset)
    return written(dataset)


def in_implicit_vr(data: bytes) -> bytes:
    dataset = dcmread(io.BytesIO(data))
    for _ in dataset.iterall():  # decoded first: pydicom cannot write raw elements in another syntax
        pass
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    out = io.BytesIO()
    dataset.save_as(out, implicit_vr=True, little_endian=True)
    return out.getvalue()


def walk(old: bytes, new: bytes) -> int:
    """Read both, convert and compare every value, the usual way; return how many differ."""
    return _walk(dcmread(io.BytesIO(old)), dcmread(io.BytesIO(new)))


def _walk(one: Dataset, other: Dataset) -> int:
    found = 0
    for tag in one.keys() | other.keys():
        if tag not in one or tag not in other:
            found += 1
            continue
        left, right = one[tag], other[tag]
        if left.VR == "SQ":
            found += abs(len(left.value) - len(right.value))
            found += sum(_walk(*pair) for pair in zip(left.value, right.value, strict=False))
        elif left.value != right.value:
            found += 1
    return found


def in_words(old: bytes, new: bytes) -> int:
    found = compare_objects(old, new, rules=RULES)
    assert found.grade is Grade.CLINICAL, found
    return len(found.changes)


@dataclass
class Row:
    kind: str
    form: str
    size_bytes: int
    walk_ms: float
    ours_ms: float
    ratio: float

    @property
    def goal_met(self) -> bool:
        return self.ratio >= GOALS[self.kind]


def timed(work: Callable[[bytes, bytes], int], old: bytes, new: bytes) -> float:
    started = time.perf_counter()
    assert work(old, new) == 1
    return time.perf_counter() - started


def measured(kind: str, form: str, pairs: list[tuple[bytes, bytes]], runs: int) -> Row:
    """Let both ways take turns on every pair."""
    theirs, ours = [], []
    for old, new in pairs * runs:
        theirs.append(timed(walk, old, new))
        ours.append(timed(in_words, old, new))
    ratios = [slow / fast for slow, fast in zip(theirs, ours, strict=True)]
    return Row(
        kind=kind,
        form=form,
        size_bytes=len(pairs[0][0]),
        walk_ms=statistics.median(theirs) * 1e3,
        ours_ms=statistics.median(ours) * 1e3,
        ratio=statistics.median(ratios),
    )


def largest(corpus: Path, sop_class_uid: str, count: int) -> list[bytes]:
    found: list[tuple[int, Path]] = []
    for path in corpus.rglob("*"):
        if path.is_file() and path.suffix != ".txt":
            header = dcmread(path, force=True, specific_tags=["SOPClassUID"])
            if header.get("SOPClassUID") == sop_class_uid:
                found.append((path.stat().st_size, path))
    return [path.read_bytes() for _, path in sorted(found, reverse=True)[:count]]


def pairs_of(kind: str, originals: list[bytes]) -> list[tuple[bytes, bytes]]:
    pairs = []
    for data in originals:
        dataset = dcmread(io.BytesIO(data))
        alter(dataset, kind)
        pairs.append((data, written(dataset)))
    return pairs


FORMS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "defined lengths": (lambda data: data, lambda data: data),
    "undefined lengths": (in_undefined_lengths, in_undefined_lengths),
    "other transfer syntax": (lambda data: data, in_implicit_vr),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--objects", type=int, default=3)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    print(f"{'what':<16}{'form':<24}{'kB':>7}{'walk ms':>11}{'ours ms':>10}{'ratio':>9}  goal")
    for kind, sop_class_uid in SOP_CLASSES.items():
        originals = largest(chosen.corpus, sop_class_uid, chosen.objects)
        if not originals:
            sys.exit(f"{chosen.corpus} holds no {kind}")
        pairs = pairs_of(kind, originals)
        for form, (for_old, for_new) in FORMS.items():
            row = measured(kind, form, [(for_old(old), for_new(new)) for old, new in pairs], chosen.runs)
            rows.append(row)
            verdict = "met" if row.goal_met else "MISSED"
            times = f"{row.walk_ms:>11.1f}{row.ours_ms:>10.2f}{row.ratio:>8.0f}x"
            size_kb = row.size_bytes / 1e3
            print(f"{kind:<16}{form:<24}{size_kb:>7.0f}{times}  {verdict} ({GOALS[kind]:.0f}x)", flush=True)
    if chosen.json:
        told = [asdict(row) | {"goal_met": row.goal_met} for row in rows]
        chosen.json.write_text(json.dumps(told, indent=2))
    return 0 if all(row.goal_met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
