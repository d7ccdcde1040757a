"""What is true about a treatment: patients, plans, beams, fractions, positions, changes.

Frozen values and pure rules; no I/O, nothing but the standard library and numpy. Every number
carries its unit in its name, every angle is IEC 61217, every instant is aware UTC.

Types: `patient`, `plan`, `record`, `volume`, `objects`, `clinical`, `census`, `change`, `position`,
`night`. Rules: `identity` (is this one person; `names` compares spellings,
`namesakes` finds who of a list is alike, by `spellings`), `counting` (where the course
stands), `chain` (what a plan stands on), `readiness` (may it be treated from this copy). `placing`,
`meterset`, `beam_sums`, `given_dose`, `crosscheck` and `findings` are the parts of counting and of no use
alone. `codec` writes and reads all of it as JSON; `toml_text` reads what people wrote; `words` says values
to people.
"""
