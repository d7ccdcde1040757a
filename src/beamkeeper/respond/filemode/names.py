"""What a folder on the machine's share is called: two patient identifiers and the fraction.

The one place in this house where a name says who a patient is: File Mode shows the operator a folder, and a
plan's label cannot be changed. Decision record 0084.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import PatientMismatch

if TYPE_CHECKING:
    from beamkeeper.domain.patient import Patient

ID_CHARACTERS_MAX: Final = 64
_PLAIN: Final = re.compile(r"[A-Za-z0-9.-]")


def folder_name(patient: Patient, fraction_number: int, *, is_continuation: bool) -> str:
    """Return the folder's name: Patient ID, birth date (else family name), fraction.

    What a file system or a shell could take amiss stands as "=" and its code, so that two Patient IDs never
    make one name.

    Raises
    ------
    PatientMismatch
        There is no second identifier, or the Patient ID is longer than DICOM allows.
    """
    if len(patient.patient_id) > ID_CHARACTERS_MAX:
        raise PatientMismatch(
            f"The Patient ID has {len(patient.patient_id)} characters, DICOM allows {ID_CHARACTERS_MAX}.",
            do_next="Treat from paper, and find out who this is.",
        )
    second = f"born-{patient.birth_on}" if patient.birth_on else _family(patient.name)
    if not second:
        raise PatientMismatch(
            "Neither birth date nor name of this patient is known: there is no second identifier.",
            do_next="Two have to stand on the folder. Treat from paper, with two people who know who it is.",
        )
    which = f"finish-fraction-{fraction_number}" if is_continuation else f"fraction-{fraction_number}"
    return f"{_encoded(patient.patient_id)}_{second}_{which}"


def _encoded(text: str) -> str:
    return "".join(
        sign if _PLAIN.fullmatch(sign) and not (place == 0 and sign == ".") else f"={ord(sign):02X}"
        for place, sign in enumerate(text)
    )


def _family(name: str) -> str:
    """Return the family name in plain letters; "" without any."""
    family = name.partition("=")[0].partition("^")[0]
    plain = unicodedata.normalize("NFKD", family).encode("ascii", "ignore").decode()
    letters = re.sub(r"[^A-Za-z]+", "-", plain).strip("-").upper()
    return f"name-{letters[:32]}" if letters else ""
