"""What every store of plain DICOM must do, whatever it speaks: see `protect.copies.PlainStore`.

A test module makes the fixture `store` (a store over an empty service) and imports these tests.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from outgoing_objects import outgoing_of
from query_archives import write_object

from beamkeeper.protect.compare import CompareRules, content_digest
from beamkeeper.wire.dicom.outgoing import StoreVerdict

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.protect.copies import PlainStore
    from beamkeeper.wire.dicom.outgoing import Outgoing

RULES = CompareRules()
STUDY, OTHER_STUDY = "1.2.1", "1.2.2"
CLASSES = {"CT": "2", "RTPLAN": "481.5"}
KINDS = frozenset((f"1.2.840.10008.5.1.4.1.1.{suffix}", "1.2.840.10008.1.2.1") for suffix in CLASSES.values())


@pytest.fixture
def objects(tmp_path: Path) -> list[Outgoing]:
    """Return three slices and a plan in one study, and a plan of another patient in another."""
    folder = tmp_path / "objects"
    folder.mkdir()
    for number in range(3):
        write_object(
            folder, patient_id="C1", study=STUDY, series="1.2.1.1", uid=f"1.2.1.1.{number}", kind="CT"
        )
    write_object(folder, patient_id="C1", study=STUDY, series="1.2.1.2", uid="1.2.1.2.1", kind="RTPLAN")
    write_object(folder, patient_id="C2", study=OTHER_STUDY, series="1.2.2.1", uid="1.2.2.1.1", kind="RTPLAN")
    found = [outgoing_of(path) for path in sorted(folder.glob("*.dcm"))]
    return [item for item in found if item is not None]


def back(store: PlainStore, items: list[Outgoing], folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    return {one.sop_instance_uid: one.path.read_bytes() for one in store.fetch(items, folder)}


def test_everything_that_was_stored_comes_back_with_every_value(store, objects, tmp_path):
    answers = dict((item.sop_instance_uid, answer) for item, answer in store.store(objects))  # noqa: C402
    found = back(store, objects, tmp_path / "back")

    assert {answer.verdict for answer in answers.values()} == {StoreVerdict.STORED}
    assert answers.keys() == found.keys() == {item.sop_instance_uid for item in objects}
    for item in objects:
        ours, theirs = item.path.read_bytes(), found[item.sop_instance_uid]
        assert content_digest(ours, RULES) == content_digest(theirs, RULES)


def test_what_is_not_there_does_not_come_back_and_is_no_error(store, objects, tmp_path):
    list(store.store(objects[:1]))

    assert back(store, objects, tmp_path / "back").keys() == {objects[0].sop_instance_uid}


def test_storing_twice_is_storing_once(store, objects, tmp_path):
    list(store.store(objects))
    again = [answer for _, answer in store.store(objects)]

    assert all(answer.is_taken or answer.verdict is StoreVerdict.HAS_ANOTHER for answer in again)
    assert len(back(store, objects, tmp_path / "back")) == len(objects)


def test_what_is_listed_is_what_is_there(store, objects):
    list(store.store(objects[:2]))
    owners = dict.fromkeys((item.sop_instance_uid for item in objects), "C1") | {"1.2.2.1.1": "C2"}

    assert store.listed(objects, owners) == {item.sop_instance_uid for item in objects[:2]}


def test_another_object_under_the_uid_is_given_back_as_it_is_there(store, objects, tmp_path):
    """The store may keep the old one or take the new one; what comes back says which."""
    list(store.store(objects[:1]))
    data = objects[0].path.read_bytes().replace(b"Doe^Jane", b"Roe^Jane")
    changed = tmp_path / "changed.dcm"
    changed.write_bytes(data)
    list(store.store([dataclasses.replace(objects[0], path=changed)]))
    found = back(store, objects[:1], tmp_path / "back")[objects[0].sop_instance_uid]
    digests = {content_digest(content, RULES) for content in (data, objects[0].path.read_bytes())}

    assert content_digest(found, RULES) in digests


def test_closing_twice_is_harmless_and_ends_nothing_for_good(store, objects):
    store.close()
    store.close()
