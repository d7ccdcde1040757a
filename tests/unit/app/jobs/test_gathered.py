"""What was collected is the same when the network is gone and the process is another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.jobs.gathered import Gathered, gathered
from beamkeeper.app.jobs.notes import read_note, write_note
from beamkeeper.errors import SourceUnavailable
from beamkeeper.protect.collect import Collection, Outcome
from beamkeeper.wire.dicom.peers import ExpectedObject
from beamkeeper.wire.dicom.spool import SpooledObject

if TYPE_CHECKING:
    from pathlib import Path


def expected(uid: str) -> ExpectedObject:
    return ExpectedObject(
        sop_instance_uid=uid, series_instance_uid="1.2", study_instance_uid="1.1", modality="RTPLAN"
    )


def spooled(uid: str, sha256: str) -> SpooledObject:
    return SpooledObject(
        sha256=sha256,
        size_bytes=7,
        sop_class_uid="1.9",
        sop_instance_uid=uid,
        transfer_syntax_uid="1.8",
        calling_ae_title="ARCHIVE",
        solicited=True,
        known=False,
        pack="a.pack",
        offset=12,
        received_at="2026-03-02T02:00:00+00:00",
    )


COLLECTION = Collection(
    expected={"1.3.1": expected("1.3.1"), "1.3.2": expected("1.3.2")},
    received={"1.3.1": (spooled("1.3.1", "aa"), spooled("1.3.1", "bb"))},
    outcomes={"1.3.1": Outcome.RECEIVED, "1.3.2": Outcome.REFUSED},
    problems=("The archive said no.",),
    unavailable_sources=("old",),
)


def test_a_collection_comes_back_from_its_note_as_it_was(tmp_path: Path) -> None:
    write_note(tmp_path / "note.json", gathered(COLLECTION, frozenset({"1.3.1"})))
    found = read_note(tmp_path / "note.json", Gathered)

    assert found is not None
    assert found.collection() == COLLECTION
    assert found.pushed == {"1.3.1"}
    assert not found.is_complete


def test_what_could_not_be_collected_is_no_empty_collection() -> None:
    with pytest.raises(SourceUnavailable, match="no answer"):
        Gathered(error="There was no answer.").collection()


def test_a_whole_collection_is_complete() -> None:
    whole = Collection(
        expected={"1.3.1": expected("1.3.1")},
        received={"1.3.1": (spooled("1.3.1", "aa"),)},
        outcomes={"1.3.1": Outcome.RECEIVED},
    )

    assert gathered(whole, frozenset()).is_complete
