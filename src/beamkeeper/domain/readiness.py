"""Whether a copy is enough to treat from, and if not, what is missing by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The verdict on one plan.

    Attributes
    ----------
    blocking
        What is missing or wrong and keeps the plan from being treated from this copy, in words.
    remarks
        What a physicist should know but does not block.
    """

    plan_uid: str
    rt_plan_label: str
    blocking: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether nothing blocks."""
        return not self.blocking
