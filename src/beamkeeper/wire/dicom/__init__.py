"""DICOM on the wire: objects asked for, pushed to us, and read.

`requester` asks other systems (C-ECHO, C-FIND, C-MOVE, C-GET); `receiver` runs the storage receiver, a
process of its own that keeps every object byte for byte in a spool; `spool` writes and reads that spool;
`known` tells which bytes the vault already has; `part10` makes the file header of a received object;
`elements`, `reader` and `identify` read objects. Import from those modules. This face imports nothing: the
receiver must start fast and stay small, and pydicom, pynetdicom and numpy would make it neither.
"""

__all__: list[str] = []
