"""A night that is tried again must not forget what its earlier try found.

What the earlier try sealed is "kept before" for the next one, so the changes it told would look like no
change at all: the report of a date shows everything found on that date.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.domain.change import Grade

if TYPE_CHECKING:
    from collections.abc import Collection

    from beamkeeper.domain.night import NightReport, PatientNight


def find_earlier(report: NightReport | None, pseudonym: str) -> PatientNight | None:
    """Return what the earlier try of this date stored of a patient; None when it stored nothing."""
    if report is None:
        return None
    return next((night for night in report.patients if night.pseudonym == pseudonym and night.stored), None)


def with_earlier_changes(
    night: PatientNight, earlier: PatientNight | None, seen_uids: Collection[str]
) -> PatientNight:
    """Return `night` with every change that the earlier try of the same date found, each once.

    Parameters
    ----------
    earlier
        From `find_earlier`.
    seen_uids
        SOP Instance UIDs the sources hold now: what was missing and came back is not told as missing.
    """
    if earlier is None:
        return night
    told = {item.sop_instance_uid for item in night.comparisons}
    carried = [
        item
        for item in earlier.comparisons
        if item.sop_instance_uid not in told
        and not (item.grade is Grade.MISSING and item.sop_instance_uid in seen_uids)
    ]
    seen_again = sum(item.sop_instance_uid in seen_uids for item in carried)
    return replace(
        night,
        comparisons=(*carried, *night.comparisons),
        identical_count=max(0, night.identical_count - seen_again),
        parcel=night.parcel or earlier.parcel,
        parcel_bytes=night.parcel_bytes or earlier.parcel_bytes,
    )
