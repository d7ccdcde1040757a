"""Who is at another house, by the journal alone: on which machine, from when, begun or not."""

from __future__ import annotations

from datetime import UTC, date, datetime

from beamkeeper.app.jobs.placing_since import Away, away
from beamkeeper.domain.audit import AuditRow
from beamkeeper.respond.incident import Deed

DAY = date(2026, 11, 24)
MACHINES = {"m1": "AZ Noord", "n1": "AZ Zuid"}


def row(deed: Deed, *, to: str = "AZ Noord", person: str = "p", **more: object) -> AuditRow:
    return AuditRow(
        sequence=1,
        at=datetime(2026, 11, 22, tzinfo=UTC),
        actor="A",
        action=deed,
        outcome="ok",
        patient_pseudonym=person,
        details={"about": "b1", "to": to, "bundle": "r1", "number": 1, **more},
        previous="",
        sha256="",
    )


def found(*rows: AuditRow) -> Away | None:
    return away(rows, machines=MACHINES, places={"p": ("n1", DAY)}).get("p")


def test_the_machine_that_was_agreed_with_the_bundle_counts() -> None:
    sent = row(Deed.PACKED, machine="m1", first_on=str(DAY))

    assert found(sent) == Away(house="AZ Noord", machine="m1", first_on=DAY)
    assert found(sent, row(Deed.RETURNED)) == Away(
        house="AZ Noord", machine="m1", first_on=DAY, has_begun=True
    )


def test_else_the_place_that_was_computed_where_it_is_of_that_house() -> None:
    assert found(row(Deed.PACKED, to="az zuid")) == Away(house="az zuid", machine="n1", first_on=DAY)


def test_a_house_that_no_machine_is_known_of_is_not_guessed() -> None:
    assert found(row(Deed.PACKED)) == Away(house="AZ Noord")
    assert found(row(Deed.PACKED, machine="their TB1")) == Away(house="AZ Noord")


def test_after_the_last_return_nobody_is_away() -> None:
    assert found(row(Deed.PACKED, machine="m1"), row(Deed.RETURNED, is_last=True)) is None
