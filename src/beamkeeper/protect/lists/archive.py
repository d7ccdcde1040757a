"""What makes a binder of PDF/A papers a PDF/A file itself (ISO 19005-2, level B).

Joined pages lose what stands beside them in their files: which colours are meant, and the promise. Both are
written again, the promise only where every part made it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pikepdf
from pikepdf import Name

if TYPE_CHECKING:
    from collections.abc import Iterable

PDF_VERSION: Final = "1.7"
_PROMISE: Final = b"<pdfaid:part>2</pdfaid:part>"
_METADATA: Final = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def is_archivable(part: pikepdf.Pdf) -> bool:
    """Whether a file says that it is PDF/A-2; its metadata have to stand in clear for that."""
    metadata = part.Root.get(Name.Metadata)
    return isinstance(metadata, pikepdf.Stream) and _PROMISE in metadata.read_raw_bytes()


def promise(made: pikepdf.Pdf, parts: Iterable[pikepdf.Pdf], *, title: str, author: str) -> None:
    """Write title and author and, where every part is PDF/A-2, its colours and the promise."""
    made.docinfo[Name.Title], made.docinfo[Name.Author] = title, author
    papers = list(parts)
    if not all(map(is_archivable, papers)) or Name.OutputIntents not in papers[0].Root:
        return
    intents = papers[0].make_indirect(papers[0].Root.OutputIntents)
    made.Root.OutputIntents = made.copy_foreign(intents)
    metadata = made.make_stream(_METADATA.format(title=title, author=author).encode())
    metadata[Name.Type], metadata[Name.Subtype] = Name.Metadata, Name.XML
    made.Root.Metadata = metadata
