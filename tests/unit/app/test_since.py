"""A patient who went to another house is not treated at home as if nothing were given there."""

from __future__ import annotations

from datetime import UTC, datetime

from beamkeeper.app.jobs.since import _away
from beamkeeper.domain.audit import AuditRow
from beamkeeper.respond.incident import Deed

PERSON = "0" * 64


def row(
    deed: Deed,
    bundle: str,
    person: str = PERSON,
    house: str = "Partner",
    *,
    last: bool = False,
    number: int = 1,
) -> AuditRow:
    came = {"bundle": f"r-{bundle}-{number}", "is_last": last, "number": number}
    back = came if deed is Deed.RETURNED else {}
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
    assert "after return bundle r-b1-1" in _away([out, row(Deed.RETURNED, "b1")], PERSON)[0].text
    both = [out, row(Deed.PACKED, "b2", house="Other"), back]
    assert ["Other" in one.text for one in _away(both, PERSON)] == [True]
    assert len(_away([out, back, row(Deed.PACKED, "b2")], PERSON)) == 1


def test_returns_may_come_in_any_order_and_an_old_one_says_nothing_of_now() -> None:
    out, last = row(Deed.PACKED, "b1"), row(Deed.RETURNED, "b1", last=True, number=2)
    assert _away([out, last, row(Deed.RETURNED, "b1", number=1)], PERSON) == ()
    assert len(_away([out, last, row(Deed.RETURNED, "b1", number=3)], PERSON)) == 1
    again = row(Deed.PACKED, "b2")
    assert len(_away([out, again, last], PERSON)) == 1
    assert _away([out, again, row(Deed.RETURNED, "b2", last=True), last], PERSON) == ()
