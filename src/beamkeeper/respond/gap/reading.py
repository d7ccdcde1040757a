"""What the files of this room have in common where they are read: short texts, and errors in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

if TYPE_CHECKING:
    from pydantic import ValidationError

Id = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9-]*$")]
OneLine = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\p{Cc}\p{Zl}\p{Zp}]+$")]
ALPHA_BETA_GY_MIN = 0.1
"""Below, nothing has been measured."""
DIVISOR_MIN = 0.001
"""Of what something is divided by: a smaller one is a slip of the pen, and its inverse no number."""
INTERVAL_H_MIN = 6
"""Between two fractions of one day: less is not offered."""
_SAID_MAX = 5
"""So many faults are named; a file full of them says the rest by number."""


def said(error: ValidationError) -> str:
    """Return what is wrong with a file in one line: where, and why; never what stood there."""
    problems = error.errors(include_url=False, include_input=False)
    parts = [
        f"{'.'.join(map(str, problem['loc'])) or 'the file'}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in problems[:_SAID_MAX]
    ]
    if len(problems) > _SAID_MAX:
        parts.append(f"and {len(problems) - _SAID_MAX} more")
    return "; ".join(parts) + "."
