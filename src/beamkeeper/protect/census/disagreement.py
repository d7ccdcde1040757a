"""What sources say differently about one person, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.names import same_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beamkeeper.domain.patient import Patient
    from beamkeeper.protect.census.people import Saying


def differences(said: Sequence[Saying]) -> list[str]:
    """Return what the sayings do not agree on, naming who said what: "ois: sex F, pacs: M".

    A source that does not know a fact disagrees with nobody.
    """
    found = (
        _difference("name", said, lambda patient: patient.name, same_name),
        _difference("birth date", said, _birth_date),
        _difference("sex", said, lambda patient: patient.sex),
    )
    return [text for text in found if text]


def _birth_date(patient: Patient) -> str:
    return patient.birth_on.isoformat() if patient.birth_on else ""


def _difference(
    what: str,
    said: Sequence[Saying],
    value_of: Callable[[Patient], str],
    same: Callable[[str, str], bool] = str.__eq__,
) -> str:
    known = ((saying.source, value_of(saying.entry.patient)) for saying in said)
    values = list(dict.fromkeys((source, value) for source, value in known if value))
    if all(same(one, other) for _, one in values for _, other in values):
        return ""
    (first_source, first), *rest = values
    return ", ".join([f"{first_source}: {what} {first}", *(f"{source}: {value}" for source, value in rest)])
