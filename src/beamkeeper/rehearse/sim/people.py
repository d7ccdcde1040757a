"""Invented people: nobody here exists, every telephone number is from ranges kept free for fiction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One invented patient as registration knows them.

    Attributes
    ----------
    name
        Patient's Name (0010,0010), with ideographic and phonetic groups where there are some.
    character_set
        Specific Character Set (0008,0005) values their objects are written in.
    relative
        (relation, name, telephone) of the person to call.
    """

    patient_id: str
    name: str
    character_set: tuple[str, ...]
    birth_on: date
    sex: str
    language: str
    phone_mobile: str
    relative: tuple[str, str, str]

    @property
    def family_name(self) -> str:
        """Family name in the alphabetic group."""
        return self.name.split("=")[0].split("^")[0]

    @property
    def given_name(self) -> str:
        """Given name in the alphabetic group."""
        parts = self.name.split("=")[0].split("^")
        return parts[1] if len(parts) > 1 else ""


LONG_PATIENT_ID = "ISSUED-BY-THE-REGIONAL-MASTER-PATIENT-INDEX-2.16.56.1-0000000042"
"""A Patient ID of 64 characters, the longest DICOM allows."""

_LATIN, _UNICODE, _GREEK = ("ISO_IR 100",), ("ISO_IR 192",), ("ISO_IR 126",)
_JAPANESE = ("", "ISO 2022 IR 87")

# Patient ID, name, character set, birth, sex, language, mobile, relative
_CAST: tuple[tuple[str, str, tuple[str, ...], date, str, str, str, tuple[str, str, str]], ...] = (
    (
        "00012345",
        "Dubois^Hélène",
        _LATIN,
        date(1951, 3, 14),
        "F",
        "fr",
        "+32 470 00 01 01",
        ("husband", "Luc Dubois", "+32 470 00 01 02"),
    ),
    (
        "BK-20417",
        "Müller^Jürgen^^Dr.",
        _UNICODE,
        date(1947, 11, 2),
        "M",
        "de",
        "+49 171 3920 011",
        ("wife", "Änne Müller", "+49 171 3920 012"),
    ),
    (
        "BK-20418",
        "Jansen^Maria",
        _LATIN,
        date(1962, 6, 30),
        "F",
        "nl",
        "+32 470 00 03 01",
        ("daughter", "Noor Claes", "+32 470 00 03 02"),
    ),
    (
        "BK-20944",
        "Jansen^Maria",
        _LATIN,
        date(1949, 1, 9),
        "F",
        "nl",
        "+32 470 00 04 01",
        ("son", "Piet Jansen", "+32 470 00 04 02"),
    ),
    (
        LONG_PATIENT_ID,
        "van den Brûlé^Ünal^Zoë",
        _UNICODE,
        date(1979, 8, 21),
        "F",
        "nl",
        "+31 6 0000 0501",
        ("partner", "Sander Prins", "+31 6 0000 0502"),
    ),
    (
        "BK-21003",
        "Papadopoulos^Eleni=Παπαδοπούλου^Ελένη",
        _UNICODE,
        date(1955, 12, 24),
        "F",
        "el",
        "+30 690 000 0601",
        ("brother", "Nikos Papadopoulos", "+30 690 000 0602"),
    ),
    (
        "BK-21077",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
        _JAPANESE,
        date(1944, 5, 5),
        "M",
        "ja",
        "+81 90 0000 0701",
        ("wife", "Yamada Hanako", "+81 90 0000 0702"),
    ),
    (
        "BK-21120",
        "D'Haese^Joël",
        _LATIN,
        date(1968, 2, 29),
        "M",
        "nl",
        "+32 470 00 08 01",
        ("sister", "Ann D'Haese", "+32 470 00 08 02"),
    ),
    (
        "BK-21188",
        "Ångström^Märta",
        _UNICODE,
        date(1971, 10, 10),
        "F",
        "sv",
        "+46 70 174 06 91",
        ("husband", "Olof Ångström", "+46 70 174 06 92"),
    ),
    (
        "BK-21190",
        "Νικολάου^Σπύρος",
        _GREEK,
        date(1958, 4, 23),
        "M",
        "el",
        "+30 690 000 1001",
        ("wife", "Maria Nikolaou", "+30 690 000 1002"),
    ),
)

_FAMILY = (
    "Peeters",
    "Lefèvre",
    "Schröder",
    "Núñez",
    "Kowalski",
    "Østergård",
    "Çelik",
    "Vermeulen",
    "Fournier",
)
_GIVEN = ("Anna", "Émile", "Björn", "Inés", "Zuzanna", "Søren", "Ayşe", "Ruben", "Chloé", "Tomás", "Greta")


def person(index: int, *, id_length_max: int = 64) -> Person:
    """Return the invented person number `index`, from 0; the first ten are hand-made, the rest are mixed.

    A Patient ID is no longer than its system has room for.
    """
    if index < len(_CAST):
        patient_id, name, character_set, birth_on, sex, language, phone, relative = _CAST[index]
        return Person(
            patient_id=patient_id[:id_length_max],
            name=name,
            character_set=character_set,
            birth_on=birth_on,
            sex=sex,
            language=language,
            phone_mobile=phone,
            relative=relative,
        )
    family, given = _FAMILY[index % len(_FAMILY)], _GIVEN[index % len(_GIVEN)]
    return Person(
        patient_id=f"BK-{30000 + index}",
        name=f"{family}^{given}",
        character_set=_UNICODE,
        birth_on=date(1940 + index % 45, 1 + index % 12, 1 + index % 28),
        sex="FM"[index % 2],
        language="nl",
        phone_mobile=f"+32 470 01 {index // 100 % 100:02d} {index % 100:02d}",
        relative=("partner", f"Alex {family}", f"+32 470 02 {index // 100 % 100:02d} {index % 100:02d}"),
    )
