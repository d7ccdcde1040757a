"""What is true about a treatment: patients, plans, beams, fractions, positions, changes.

Frozen values and pure rules; no I/O, nothing but the standard library and numpy. Every number
carries its unit in its name, every angle is IEC 61217, every instant is aware UTC.
"""
