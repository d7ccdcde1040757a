"""The spool: where received objects rest, byte for byte, until they are sealed.

One writer (one association, one folder, one C-GET) owns one *pack* and one *journal*:

* `NAME.pack`: whole Part-10 files one after the other, nothing between them.
* `NAME.journal`: text; each line is the CRC-32 of what follows (8 hexadecimal digits), a blank, a JSON
  object. The first line names the format (`beamkeeper-spool`, version 1), each other line one object that
  is wholly in the pack.

The order of writing makes it crash-safe: pack bytes, fdatasync, journal lines, fdatasync. A line that can
be read means that its bytes are on disk. A torn line, and everything behind it, was never promised to
anybody and is ignored; so are bytes of a pack that no line names. Neither is ever overwritten: a new writer
takes new file names.

Names carry a time and a number, never anything received. Journals hold UIDs and the sender's AE title,
because the collector joins them with its list of expected objects; no patient identifier. They stay on the
collector's own protected disk and never go to a mirror. Files are 0600, the folder 0700.
"""

from beamkeeper.wire.dicom.spool_journal import ObjectIdentity, SpooledObject
from beamkeeper.wire.dicom.spool_pack import IncomingObject
from beamkeeper.wire.dicom.spool_reader import SpoolReader
from beamkeeper.wire.dicom.spool_writer import GROUP_COMMIT_BYTES, SpoolWriter

__all__ = [
    "GROUP_COMMIT_BYTES",
    "IncomingObject",
    "ObjectIdentity",
    "SpoolReader",
    "SpoolWriter",
    "SpooledObject",
]
