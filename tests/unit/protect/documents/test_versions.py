"""Which versions of documents stay, and under which names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.protect.documents import Seen, documents_after, state_in_words
from beamkeeper.vault.state import THIS_PARCEL
from beamkeeper.vault.tarstream import is_member_name

NIGHT, NEXT = date(2026, 3, 2), date(2026, 3, 3)
A, B = "a" * 64, "b" * 64


def seen(sha256: str, *, title: str = "Setup", damaged: bool = False) -> Seen:
    kind = "application/octet-stream" if damaged else "text/plain"
    return Seen(
        document_id="ois/1", title=title, media_type=kind, sha256=sha256, size_bytes=9, is_damaged=damaged
    )


def kept(sha256: str):
    (item,) = documents_after((), [seen(sha256)], gone=(), night=NIGHT)
    return replace(item, parcel="p/2026-03-02-1.tar.zst.age")


def test_a_new_version_supersedes_the_one_before_and_both_stay() -> None:
    before, after = documents_after([kept(A)], [seen(B)], gone=(), night=NEXT)

    assert (before.sha256, before.superseded) == (A, True)
    assert (after.sha256, after.superseded, after.parcel) == (B, False, THIS_PARCEL)


def test_the_same_bytes_are_not_sealed_again() -> None:
    (after,) = documents_after([kept(A)], [seen(A)], gone=(), night=NEXT)

    assert after == replace(kept(A), last_seen_on=NEXT)


def test_what_is_gone_stays_marked_and_may_come_back() -> None:
    (gone,) = documents_after([kept(A)], [], gone=["ois/1"], night=NEXT)
    (back,) = documents_after([gone], [seen(A)], gone=(), night=NEXT)

    assert not gone.present
    assert back.present


def test_a_version_that_comes_back_is_current_again() -> None:
    both = documents_after([kept(A)], [seen(B)], gone=(), night=NEXT)
    flags = {item.sha256: item.superseded for item in documents_after(both, [seen(A)], gone=(), night=NEXT)}

    assert flags == {A: False, B: True}


def test_a_file_that_is_no_document_any_more_takes_no_good_versions_place() -> None:
    good, bad = documents_after([kept(A)], [seen(B, damaged=True)], gone=(), night=NEXT)
    again = documents_after([good, bad], [seen(B, damaged=True)], gone=(), night=NEXT)

    assert (good.superseded, bad.superseded) == (False, True)
    assert [item.superseded for item in again] == [False, True]


def test_what_became_of_a_document_is_said_of_the_copy_that_is_given_back() -> None:
    here = documents_after([kept(A)], [seen(A)], gone=(), night=NEXT)
    (gone,) = documents_after([kept(A)], [], gone=["ois/1"], night=NEXT)
    damaged = documents_after([kept(A)], [seen(B, damaged=True)], gone=(), night=NEXT)
    (good,) = [item for item in damaged if not item.superseded]

    assert state_in_words(here[0], here) == ""
    assert state_in_words(gone, [gone]) == "on the share no longer since 2026-03-02"
    assert state_in_words(good, damaged) == "damaged on the share since 2026-03-03; this is the last good one"


@given(st.text(max_size=200))
def test_any_title_gives_a_name_that_may_stand_in_a_parcel(title: str) -> None:
    (item,) = documents_after((), [seen(A, title=title)], gone=(), night=NIGHT)

    assert is_member_name(item.member)
    assert item.member.startswith("documents/")
