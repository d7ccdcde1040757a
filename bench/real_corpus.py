"""Patients of published sets, each several times over under identities of its own.

    python bench/real_corpus.py SETS OUT [--copies 8]

SETS is a folder of folders of DICOM files. Each copy of a patient gets another Patient ID and other UIDs, the
same ones wherever a file refers to another; pixels and everything clinical stay as published.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID_dictionary

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

DEFAULT_COPIES: Final = 8


def write_copies(sets: Path, out: Path, copies: int) -> int:
    """Write every patient of the sets so many times; return how many patients these are."""
    patients: set[str] = set()
    for number, path in enumerate(sorted(path for path in sets.rglob("*") if path.is_file())):
        try:
            dataset = dcmread(path)
        except InvalidDicomError:
            continue  # a licence, a word of thanks
        if "SOPInstanceUID" not in dataset:
            continue  # nobody could keep it
        published = str(dataset.get("PatientID", ""))
        for copy in range(copies):
            told = f"{path.relative_to(sets).parts[0]}|{published}|{copy}"
            patient_id = f"R{hashlib.sha256(told.encode()).hexdigest()[:12]}"
            patients.add(patient_id)
            dataset = dcmread(path)
            dataset.PatientID = patient_id
            _rename(dataset, told)
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            place = out / patient_id
            place.mkdir(parents=True, exist_ok=True)
            dataset.save_as(place / f"{dataset.get('Modality', 'OT')}-{number}.dcm")
    return len(patients)


def _rename(dataset: Dataset, told: str) -> None:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                _rename(item, told)
        elif element.VR == "UI" and element.value:
            several = element.VM > 1
            values = list(element.value) if several else [element.value]
            made = [one if str(one) in UID_dictionary else _other(str(one), told) for one in values]
            element.value = made if several else made[0]


def _other(uid: str, told: str) -> str:
    return f"2.25.{int(hashlib.sha256(f'{told}|{uid}'.encode()).hexdigest()[:31], 16)}"


def main() -> int:
    """Write copies and say how many patients there are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--copies", type=int, default=DEFAULT_COPIES)
    asked = parser.parse_args()
    sys.stdout.write(f"{write_copies(asked.sets, asked.out, asked.copies)} patients\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
