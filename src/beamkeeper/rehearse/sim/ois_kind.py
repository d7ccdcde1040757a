"""Which product the department's oncology information system is."""

from __future__ import annotations

from enum import StrEnum


class OisKind(StrEnum):
    """A small database of its own shape, or the tables of a product."""

    SMALL = "small"
    ARIA = "aria"
    MOSAIQ = "mosaiq"

    @property
    def patient_id_length_max(self) -> int:
        """How long a Patient ID it has room for: it gives them out, so no object bears a longer one."""
        return {OisKind.SMALL: 64, OisKind.ARIA: 25, OisKind.MOSAIQ: 40}[self]
