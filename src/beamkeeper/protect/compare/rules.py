"""What a site may declare as never counting: elements that change with every export."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydicom.datadict import tag_for_keyword

from beamkeeper.errors import ConfigError
from beamkeeper.protect.compare.grades import is_protected

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_VOLATILE = frozenset(
    {
        "LengthToEnd",  # (0008,0001), retired: a length
        "SpecificCharacterSet",  # how text is written; the text itself is compared decoded
        "InstanceCreationDate",  # when this copy was written out, not when the content was made
        "InstanceCreationTime",
        "InstanceCreatorUID",
        "RetrieveAETitle",  # where an archive offers it
        "InstanceAvailability",
        "StorageMediaFileSetUID",
    }
)
"""Elements of the main level that say how or when a copy was written, and nothing about treatment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRules:
    """The site's rules of comparison.

    Elements named here never count, at the main level of an object only: nothing inside a beam, a
    contour or a record can be declared away, and neither can identity, dose, geometry or approval.
    There is no numeric tolerance: `1.50` and `1.5` are one number written twice, `1.50` and `1.51`
    are a change.

    Attributes
    ----------
    volatile
        Keywords ("InstanceCreationTime") or tags ("00080013") that count for no modality.
    volatile_by_modality
        The same for single modalities: {"CT": {"StationName"}}.
    """

    volatile: frozenset[str] = DEFAULT_VOLATILE
    volatile_by_modality: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for names in (self.volatile, *self.volatile_by_modality.values()):
            for name in names:
                _tag(name)

    def volatile_tags(self, modality: str) -> frozenset[int]:
        """Return the tags of the main level that do not count in an object of `modality`."""
        names = self.volatile | self.volatile_by_modality.get(modality, frozenset())
        return frozenset(_tag(name) for name in names)


def _tag(name: str) -> int:
    """Return the tag of a keyword or of eight hexadecimal digits.

    Raises
    ------
    ConfigError
        No such element, or one that must always count.
    """
    tag = tag_for_keyword(name)
    if tag is None:
        try:
            tag = int(name, 16) if len(name) == 8 else None  # noqa: PLR2004 - gggg and eeee
        except ValueError:
            tag = None
    if tag is None:
        raise ConfigError(
            f"There is no DICOM element called {name!r}.",
            do_next="Name volatile elements by keyword (InstanceCreationTime) or tag (00080013).",
        )
    if is_protected(tag):
        raise ConfigError(
            f"{name} decides identity, dose, geometry or approval: it cannot be declared volatile.",
            do_next="Remove it from the volatile elements of the site file.",
        )
    return tag
