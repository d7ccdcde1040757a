"""The pages of an incident: what everybody looks at on the day, and where people sign.

Served by `beamkeeper incident room` from the incident's folder alone: no site file, no ledger, no directory,
no console accounts. Nothing is decided or kept here: every act is a function of `app/jobs`, the same as on
the command line, and what it did stands in the journal. Others may use `serving.serve`. Like the console it
needs no script; one page, the board, may have one of ours. Why so: `docs/decisions`, 0082-room.md and
0088-board.md.
"""
