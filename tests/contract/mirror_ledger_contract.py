"""What every database under the ledger must remember of destinations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from beamkeeper.ledger import CopyRow

if TYPE_CHECKING:
    from beamkeeper.ledger import Ledger

NOW = datetime(2026, 3, 2, 3, 4, 5, 678901, tzinfo=UTC)
COPY = CopyRow(name="targets/a/1", sha256="ab" * 32, size_bytes=1 << 40, stamp="17.3", proved_at=NOW)


class MirrorLedgerContract:
    """Tests the ledger's memory of destinations; a subclass gives the fixture `ledger`."""

    def test_a_destination_that_was_never_tried_is_unknown(self, ledger: Ledger) -> None:
        assert ledger.mirrors.find("usb") is None
        assert ledger.mirrors.proofs("usb") == ()

    def test_what_was_proved_is_remembered_and_the_newest_proof_counts(self, ledger: Ledger) -> None:
        ledger.mirrors.begin("usb", "place-1")
        ledger.mirrors.keep("usb", COPY)
        newer = CopyRow(
            name=COPY.name, sha256="cd" * 32, size_bytes=1, stamp="", proved_at=NOW + timedelta(days=1)
        )
        ledger.mirrors.keep("usb", newer)
        ledger.mirrors.keep("other", COPY)

        assert ledger.mirrors.proofs("usb") == (newer,)
        assert ledger.mirrors.find_proof("usb", COPY.name) == newer
        assert ledger.mirrors.find_proof("usb", "targets/a/2") is None
        assert ledger.mirrors.proofs("other") == (COPY,)

    def test_what_is_forgotten_is_gone_and_only_there(self, ledger: Ledger) -> None:
        ledger.mirrors.keep("usb", COPY)
        ledger.mirrors.keep("other", COPY)
        ledger.mirrors.forget("usb", COPY.name)

        assert ledger.mirrors.proofs("usb") == ()
        assert ledger.mirrors.proofs("other") == (COPY,)

    def test_proofs_of_another_place_do_not_count(self, ledger: Ledger) -> None:
        ledger.mirrors.begin("usb", "place-1")
        ledger.mirrors.keep("usb", COPY)
        again = ledger.mirrors.begin("usb", "place-1")
        assert ledger.mirrors.proofs("usb") == (COPY,)

        moved = ledger.mirrors.begin("usb", "place-2")

        assert again.place == "place-1"
        assert (moved.place, moved.state, moved.mirrored_at) == ("place-2", "", None)
        assert ledger.mirrors.proofs("usb") == ()

    def test_waiting_begins_with_the_first_failure_and_ends_with_success(self, ledger: Ledger) -> None:
        ledger.mirrors.begin("usb", "place-1")
        days = [NOW + timedelta(days=number) for number in range(4)]

        def end(day: int, state: str) -> None:
            ledger.mirrors.finish(
                "usb", at=days[day], state=state, is_mirrored=state == "mirrored", facts={"sent": day}
            )

        end(0, "mirrored")
        end(1, "unreachable")
        end(2, "behind")
        behind = ledger.mirrors.find("usb")
        end(3, "mirrored")
        after = ledger.mirrors.find("usb")

        assert behind is not None
        assert (behind.mirrored_at, behind.waiting_since, behind.tried_at) == (days[0], days[1], days[2])
        assert behind.facts == {"sent": 2}
        assert after is not None
        assert (after.mirrored_at, after.waiting_since, after.state) == (days[3], None, "mirrored")
