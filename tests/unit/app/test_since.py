"""A patient who went to another house is not treated at home as if nothing were given there."""

from __future__ import annotations

from datetime import UTC, datetime

from beamkeeper.app.jobs.since import _away
from beamkeeper.domain.audit import AuditRow
from beamkeeper.respond.incident import Deed

PERSON = "0" * 64


def row(
    deed: Deed, bundle: str, person: str = PERSON, house: str = "Partner", *, last: bool = False
) -> AuditRow:
    back = {"bundle": f"r-{bundle}", "is_last": last} if deed is Deed.RETURNED else {}
    return AuditRow(
        sequence=1,
        at=datetime(2026, 11, 22, tzinfo=UTC),
        actor="A",
        action=deed,
        outcome="ok",
        patient_pseudonym=person,
        details={"about": bundle, "to": house, **back},
        previous="",
        sha256="",
    )


def test_a_house_that_sent_nothing_back_leaves_the_count_in_doubt() -> None:
    assert "Handed over to Partner (bundle b1)" in _away([row(Deed.PACKED, "b1")], PERSON)[0].text
    assert _away([row(Deed.PACKED, "b1", "1" * 64)], PERSON) == ()


def test_only_a_last_return_ends_the_doubt_and_of_its_house_alone() -> None:
    out, back = row(Deed.PACKED, "b1"), row(Deed.RETURNED, "b1", last=True)
    assert _away([out, back], PERSON) == ()
    assert "after return bundle r-b1" in _away([out, row(Deed.RETURNED, "b1")], PERSON)[0].text
    both = [out, row(Deed.PACKED, "b2", house="Other"), back]
    assert ["Other" in one.text for one in _away(both, PERSON)] == [True]
    assert len(_away([out, back, row(Deed.PACKED, "b2")], PERSON)) == 1
