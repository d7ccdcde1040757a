"""Practising before it matters: a simulated department to play nights against.

`rehearse.sim` is the department, `rehearse.attack` a month of it with an attack in it; timed drills come to
live beside them. Nothing in here is ever used on a real night, except to try one.
"""

from __future__ import annotations

__all__: list[str] = []
