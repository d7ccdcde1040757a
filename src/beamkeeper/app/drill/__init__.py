"""Drills: a simulated department is attacked, and what is left has to tell the truth about everybody.

`attack` plays one; `bench/attack.py` and the long tests play twenty. Everything lies in one folder and on
loopback, and nothing of a real site is touched.
"""

from beamkeeper.app.drill.attacked import Attacked, attack

__all__ = ["Attacked", "attack"]
