"""What a desk takes in: the very bundle that its identifier stands for, and no other."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.jobs.receiving import receive
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import IntegrityError
from beamkeeper.respond.handover import BundleKind, Desk, Manifest, seal_bundle

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 3, 3, 12, tzinfo=UTC)


def sealed(root: Path, sender: Desk, to: Desk, patient_id: str) -> Path:
    """Seal a bundle without files; all of these have one identifier."""
    manifest = Manifest(
        bundle_id="0a1b2c3d4e5f6071",
        kind=BundleKind.HANDOVER,
        number=1,
        incident_id="2026-03-03-kqzt",
        sender=sender.card.name,
        recipient=to.card.name,
        made_at=AT,
        made_by="A",
        time_zone="Europe/Brussels",
        night=date(2026, 3, 2),
        trust="Confirmed by two.",
        pseudonym=patient_id,
        patient=Patient(patient_id=patient_id, name="A^B"),
        position=None,
    )
    seal_bundle(manifest, root, keys=sender.keys(), to=to.card, folder=root / sender.card.name)
    return root / sender.card.name


def test_another_bundle_under_a_known_identifier_is_refused_and_never_called_received(tmp_path: Path) -> None:
    desk = Desk.create(tmp_path / "desk", "AZ Noord")
    first, second = (Desk.create(tmp_path / name, name) for name in ("UZ Zuid", "AZ Oost"))
    for house in (first, second):
        desk.trust(house.card, house.card.number)
    whole = sealed(tmp_path / "carried", first, desk, "1")
    receive(desk, whole, by="C", now=AT)

    with pytest.raises(IntegrityError, match="Another bundle"):
        receive(desk, sealed(tmp_path / "carried", second, desk, "2"), by="C", now=AT)
    assert not receive(desk, whole, by="C", now=AT).is_new
