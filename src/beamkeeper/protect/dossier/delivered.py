"""What was delivered in one fraction, in words: the same on the dossier and on the sheet of the hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.words import clock, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.position import FractionState
    from beamkeeper.domain.record import BeamDelivery, TreatmentRecord

UNIT_WORDS = {"MU": "MU", "MINUTE": "min"}


def state_words(fraction: FractionState) -> str:
    """Return "complete", "partial" or "nothing delivered"."""
    return "complete" if fraction.complete else "partial" if fraction.is_partial else "nothing delivered"


def deliveries_of(
    fraction: FractionState, records: Mapping[str, TreatmentRecord]
) -> Iterator[tuple[BeamDelivery, TreatmentRecord]]:
    """Yield each beam that was given in a fraction, with its record.

    Parameters
    ----------
    records
        By SOP Instance UID.
    """
    for uid in fraction.record_uids:
        if (record := records.get(uid)) is not None:
            for delivery in record.deliveries:
                if delivery.current_fraction_number in {None, fraction.fraction_number}:
                    yield delivery, record


def delivery_words(
    delivery: BeamDelivery, record: TreatmentRecord, zone: ZoneInfo
) -> tuple[str, str, str, str, str]:
    """Return beam, meterset, how it ended, machine and time of day of one delivery."""
    unit = UNIT_WORDS.get(delivery.primary_dosimeter_unit.value, "")
    number = "?" if delivery.referenced_beam_number is None else str(delivery.referenced_beam_number)
    given, wanted = _meterset(delivery.delivered_meterset), _meterset(delivery.specified_meterset)
    return (
        line(f"{number} {delivery.beam_name}", longest=60),
        f"{given} of {wanted} {unit}".strip(),
        delivery.termination_status.value,
        line(delivery.treatment_machine_name or record.treatment_machine_name, longest=40) or "–",
        clock(delivery.started_at or record.treated_at, zone),
    )


def _meterset(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"
