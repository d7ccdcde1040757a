"""Whom the receiver turned away is told in words, however its log ends."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.refused import TOLD_MAX, Refused, in_words, refused_callers

if TYPE_CHECKING:
    from pathlib import Path

LINE = {
    "action": "association_refused",
    "calling": "PACS",
    "called": "BEAMKEEPER",
    "peer": "192.0.2.7",
    "address_allowed": True,
}


def lines(*said: object) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in said)


def test_only_whole_lines_about_refused_callers_count_and_only_those_of_this_try(tmp_path: Path) -> None:
    log = tmp_path / "receiver.log"
    before = lines(LINE)
    cut = json.dumps(LINE).encode()[:-9]
    log.write_bytes(before + lines({"action": "listening"}, LINE, "no object", LINE | {"peer": 7}) + cut)

    assert refused_callers(log, after=len(before)) == Counter(
        {Refused("PACS", "BEAMKEEPER", "192.0.2.7", True): 1}
    )
    assert not refused_callers(tmp_path / "absent", after=0)


def test_each_reason_names_the_line_to_change() -> None:
    reasons = {
        Refused("PACS", "KEEPER", "192.0.2.7", True): "we are 'BEAMKEEPER'",
        Refused("PACS", "BEAMKEEPER", "192.0.2.7", False): "allowed_networks",
        Refused("PACS", "BEAMKEEPER", "192.0.2.7", True): "allowed_callers",
    }
    for refused, named in reasons.items():
        (said,) = in_words(Counter([refused]), own_ae_title="BEAMKEEPER")

        assert "'PACS' at 192.0.2.7, 1 time:" in said
        assert named in said


def test_many_callers_are_counted_after_the_first() -> None:
    callers = Counter(
        Refused(f"AE{number}", "BEAMKEEPER", "192.0.2.7", True) for number in range(TOLD_MAX + 3)
    )
    said = in_words(callers, own_ae_title="BEAMKEEPER")

    assert len(said) == TOLD_MAX + 1
    assert said[-1].startswith("3 more callers")
