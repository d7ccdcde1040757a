"""Photographs that an OIS keeps in its own tables, read as files: a folder for each Patient ID.

They are asked for one patient at a time, after the list, and go the way of every document from there: within
bounds, sealed byte for byte, looked at by nobody but a process that may do nothing.
"""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, BinaryIO, Final

from beamkeeper.errors import ConfigError, SourceAnswerInvalid
from beamkeeper.protect.census.entities import ALIASES, Entity
from beamkeeper.wire.shared_files import FileFacts, FileRefused, Named
from beamkeeper.wire.sql import open_source, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beamkeeper.protect.census.mapping import OisMapping
    from beamkeeper.wire.shared_files import Segments
    from beamkeeper.wire.sql import OpenSource, Resolved, Row

PHOTOS_MAX: Final = 8
"""Of one patient; an OIS that has more of somebody is asked for none."""
PHOTO_BYTES_MAX: Final = 8 << 20
"""The shipped mappings have the database cut one byte behind this: so much is held, and no more."""
KIND_CHARACTERS_MAX: Final = 32


class OisPhotos:
    """Reads photographs from one OIS database as `SharedFiles`; `/Patient ID/photo …` are its files.

    Parameters
    ----------
    mapping
        Where this OIS keeps what is asked; its `[photo]` is asked here.
    url, secret, timeout_s, read_only
        As in `beamkeeper.wire.sql.open_source`.
    """

    def __init__(
        self, mapping: OisMapping, url: str, *, secret: str, timeout_s: float, read_only: bool
    ) -> None:
        self._mapping, self._url, self._secret = mapping, url, secret
        self._timeout_s, self._read_only = timeout_s, read_only
        self._database: OpenSource | None = None
        self._relation: Resolved | None = None
        self._aliases: tuple[str, ...] = ()
        self._last: tuple[str, dict[str, bytes]] = ("", {})

    def look(self, place: Segments) -> FileFacts | None:
        """Return size and digest of a photo; see `SharedFiles.look`."""
        data = self._photo(place)
        if data is None:
            return None
        return FileFacts(size_bytes=len(data), stamp=hashlib.sha256(data).hexdigest())

    def open(self, place: Segments) -> BinaryIO | None:
        """Return a reader of a photo; see `SharedFiles.open`."""
        data = self._photo(place)
        return None if data is None else io.BytesIO(data)

    def names(self, folder: Segments) -> Iterator[Named]:
        """Yield the photos of a Patient ID; nobody is named by the root, which only says that it answers."""
        if len(folder) == 1:
            yield from (Named(name=name, is_folder=False) for name in self._of(folder[0]))
        elif not folder:
            self._opened()

    def close(self) -> None:
        """Hang up."""
        self._last = ("", {})
        if self._database is not None:
            self._database.close()
            self._database = None

    def _photo(self, place: Segments) -> bytes | None:
        if len(place) != len(("patient", "photo")):
            return None
        return self._of(place[0]).get(place[1])

    def _of(self, patient_id: str) -> dict[str, bytes]:
        """Return the photos of a patient by name; those of the patient asked for last are remembered."""
        if not patient_id or self._last[0] != patient_id:
            self._last = (patient_id, _named(self._asked(patient_id)))
        return self._last[1]

    def _asked(self, patient_id: str) -> list[Row]:
        """Return the rows of a patient, none of anybody whose ID a database takes for the same."""
        database, relation = self._opened()
        try:
            rows = database.rows_among(
                relation, self._aliases, "patient_id", [patient_id], row_limit=PHOTOS_MAX
            )
            own = [row for row in rows if read_text(row["patient_id"]) == patient_id]
        except SourceAnswerInvalid as error:
            raise FileRefused(error.message, do_next=error.do_next) from error
        if len({row["patient_key"] for row in own}) > 1:
            raise FileRefused(
                "Two patients of the OIS have this Patient ID: whose photo it is, is not known."
            )
        return [row for row in own if row["picture"] is not None]

    def _opened(self) -> tuple[OpenSource, Resolved]:
        if self._database is None or self._relation is None:
            section = self._mapping.entities.get(Entity.PHOTO)
            if section is None:
                raise ConfigError(
                    "The mapping of this OIS has no [photo]: where photographs lie is not known.",
                    do_next="Say it in the mapping: docs/formats/ois-mapping.md.",
                )
            database = open_source(
                self._url, secret=self._secret, timeout_s=self._timeout_s, read_only=self._read_only
            )
            database.__enter__()
            self._database = database
            self._relation = database.resolve(section.relation)
            found = database.aliases(self._relation)
            self._aliases = tuple(alias for alias in ALIASES[Entity.PHOTO].all if alias in found)
        return self._database, self._relation


def _named(rows: Sequence[Row]) -> dict[str, bytes]:
    """Return photos by name, in an order that does not depend on how a database sorts its answer."""
    photos = sorted({(_kind(row), _bytes(row["picture"])) for row in rows})
    found: dict[str, bytes] = {}
    for kind, data in photos:
        plain = f"photo {kind}".strip()
        name = next(one for one in (plain, *(f"{plain} no {n}" for n in range(2, 99))) if one not in found)
        found[name] = data
    return found


def _kind(row: Row) -> str:
    letters = (
        letter for letter in read_text(row.get("kind")).casefold() if letter.isalnum() or letter == " "
    )
    return " ".join("".join(letters).split())[:KIND_CHARACTERS_MAX].strip()


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise FileRefused(
        "What the OIS has in place of a photo is no bytes.", do_next="Check [photo] of the mapping."
    )
