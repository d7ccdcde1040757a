"""The places of a site that may hold a copy of a removed patient, each behind the port `PatientRemoval`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.destinations import connect
from beamkeeper.app.jobs.removal_copies import CopiesPlace
from beamkeeper.app.jobs.removal_hl7 import Hl7Place
from beamkeeper.app.jobs.removal_mirror import MirrorPlace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.protect.retain import PatientRemoval

KNOW_NAMES: Final = frozenset({"hl7", "dicom", "dicomweb"})
"""Kinds of place that know a patient by name: while one is waiting, we must not forget who it was."""


def place_names(site: Site) -> dict[str, str]:
    """Return every place of a site that may hold a copy, with its kind."""
    mirrors = {f"mirror {section.name}": "mirror" for section in site.mirrors}
    receivers = {f"hl7 {section.name}": "hl7" for section in site.removals}
    return mirrors | receivers | {f"copies {section.name}": section.kind for section in site.copies}


def places_of(runtime: Runtime) -> Iterator[PatientRemoval]:
    """Yield every place of the site; nothing is connected before it is asked."""
    for mirror in runtime.site.mirrors:
        yield MirrorPlace(runtime, mirror, partial(connect, mirror, runtime.site))
    for removal in runtime.site.removals:
        yield Hl7Place(runtime.site, removal)
    for copies in runtime.site.copies:
        yield CopiesPlace(runtime, copies)
