"""Drills: a simulated department is attacked, and what is left has to tell the truth about everybody.

`attack` plays one, `treated_elsewhere` what follows until the records are back; `bench/attack.py` and the
long tests play twenty. Everything lies in one folder, each house in a network of its own where we may, and
nothing of a real site is touched. Commands are typed (`keyboard`), by a clock that is set.
"""

from beamkeeper.app.drill.attacked import Attacked, attack
from beamkeeper.app.drill.elsewhere import Ended, treated_elsewhere

__all__ = ["Attacked", "Ended", "attack", "treated_elsewhere"]
